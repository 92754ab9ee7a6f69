use super::*;
use crate::channel::{Came, Sign, Signs};
use uuid::Uuid;

fn http(text: &str) -> Http {
    toml::from_str(text).unwrap_or_else(|e| panic!("{e}"))
}

fn secrets() -> Secrets {
    [("key", "hush"), ("login", "user:pass")]
        .map(|(name, secret)| (name.to_owned(), secret.to_owned()))
        .into()
}

fn written(text: &str, says: &str) -> Written {
    let secrets = secrets();
    http(text).request.write(&Fill {
        to: "+6281234567890",
        text: says,
        id: Uuid::nil(),
        secrets: &secrets,
    })
}

fn body(written: &Written) -> &str {
    std::str::from_utf8(written.body.as_deref().unwrap()).unwrap()
}

#[test]
fn a_form_is_written_with_its_authorization() {
    let written = written(
        r#"
        [request]
        url = "https://x.example/{secret:key}/send"
        form = { To = "{to}", Body = "{text}" }
        headers = { X-Id = "{id}" }
        authorization.basic = { user = "me", password = "{secret:key}" }
        "#,
        "a & b = é",
    );
    assert_eq!(
        (written.method, written.url.as_str()),
        ("POST", "https://x.example/hush/send")
    );
    assert_eq!(
        body(&written),
        "Body=a+%26+b+%3D+%C3%A9&To=%2B6281234567890"
    );
    let header = |name: &str| {
        written
            .headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    assert_eq!(header("authorization"), Some("Basic bWU6aHVzaA=="));
    assert_eq!(
        header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header("X-Id"), Some("00000000-0000-0000-0000-000000000000"));
}

#[test]
fn a_json_document_is_filled_and_its_body_signed() {
    let written = written(
        r#"
        [request]
        url = "https://x.example/send"
        json = { messages = [{ to = "{digits}", text = "{text}", flash = false, ttl = 60 }] }
        authorization.hmac = { header = "X-Signature", secret = "key", prefix = "sha256=" }
        "#,
        "say \"hi\"\n",
    );
    let expected =
        r#"{"messages":[{"flash":false,"text":"say \"hi\"\n","to":"6281234567890","ttl":60}]}"#;
    assert_eq!(body(&written), expected);
    let (_, signature) = written
        .headers
        .iter()
        .find(|(n, _)| n == "X-Signature")
        .unwrap();
    let again = Mac {
        header: String::new(),
        secret: String::new(),
        digest: Digest::Sha256,
        coding: Coding::Hex,
        prefix: "sha256=".into(),
        url_and_fields: None,
    };
    assert_eq!(signature, &again.of("hush", expected.as_bytes()));
    assert_eq!(signature.len(), "sha256=".len() + 64);
}

#[test]
fn a_request_without_a_body_has_it_all_in_its_address() {
    let written = written(
        r#"
        [request]
        method = "GET"
        url = "https://x.example/send?v=2"
        query = { to = "{digits}", text = "{text}", dcs = "{coding:0|8}" }
        authorization.bearer = "{secret:key}"
        "#,
        "a&b",
    );
    assert_eq!(
        written.url,
        "https://x.example/send?v=2&dcs=0&text=a%26b&to=6281234567890"
    );
    assert_eq!(written.body, None);
    assert!(
        written
            .headers
            .contains(&("authorization".into(), "Bearer hush".into()))
    );
}

#[test]
fn a_description_that_cannot_work_names_its_key() {
    for (text, told) in [
        (
            r#"request = { url = "https://x/", form = { t = "{text}" } }"#,
            "says nowhere",
        ),
        (
            r#"request = { url = "https://x/{to}", method = "GET", form = { t = "{text}" } }"#,
            "request.method",
        ),
        (
            r#"request = { url = "https://x/{to}", form = { t = "{text}" }, json = {} }"#,
            "`form` and `json`",
        ),
        (
            r#"request = { url = "https://x/{to}", json = { t = "{texts}", u = "{text}" } }"#,
            "settings.request.json",
        ),
        (
            "request = { url = \"https://x/{to}\", json = { u = \"{text}\" } }\nanswer.id = \"sid\"",
            "settings.answer.id",
        ),
        (
            "request = { url = \"https://x/{to}\", json = { u = \"{text}\" } }\ntimeout_s = 0",
            "settings.timeout_s",
        ),
        (
            "request = { url = \"https://x/{to}\", json = { u = \"{text}\" } }\n\
             webhook = { check.token = { secret = \"key\" } }",
            "webhook.check.token",
        ),
    ] {
        let faults = http(text).faults().join("; ");
        assert!(faults.contains(told), "{text}: {faults}");
    }
    let unknown = toml::from_str::<Http>(r#"request = { url = "{nobody}" }"#).unwrap_err();
    assert!(
        unknown.to_string().contains("{nobody} is none of"),
        "{unknown}"
    );
}

#[test]
fn the_names_of_all_secrets_are_known_before_the_first_text() {
    let text = r#"
        request.url = "https://x/{secret:a}/{to}"
        request.json = { t = "{text}", deep = [{ k = "{secret:b}" }] }
        request.authorization.basic = { user = "{secret:c}", password = "{secret:d}" }
        webhook.check.basic.secret = "e"
    "#;
    let mut names = http(text).secrets();
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

fn signs() -> Signs {
    toml::from_str("status = { \"http 200\" = \"sent\", \"105\" = \"refused\", TH = \"slow\" }")
        .unwrap()
}

#[test]
fn answers_in_lines_and_forms_are_read() {
    let text: Answer =
        toml::from_str("format = \"text\"\nstatus = \"ERR: \"\nid = \"ID: \"").unwrap();
    let read = |body: &str| text.read(&signs(), (200, None), body.as_bytes());
    let taken = read("OK\r\nID: abc123, parts 1\r\n");
    assert_eq!(
        (taken.means, taken.id.as_deref()),
        (Sign::Sent, Some("abc123"))
    );
    let refused = read("ERR: 105, INVALID DESTINATION ADDRESS");
    assert_eq!(
        (refused.means, refused.status.as_str()),
        (Sign::Refused, "105")
    );
    assert_eq!(refused.id, None);
    let form: Answer =
        toml::from_str("format = \"form\"\nstatus = \"code\"\nid = \"msgid\"").unwrap();
    let read = form.read(&signs(), (200, Some("7")), b"code=TH&msgid=1");
    assert_eq!(
        (read.means, read.pause.map(|p| p.as_secs())),
        (Sign::Slow, Some(7))
    );
}

#[test]
fn what_comes_from_something_in_between_is_no_answer_of_the_provider() {
    let json: Answer = toml::from_str("id = \"/id\"").unwrap();
    let read = |http, body: &str| json.read(&signs(), (http, None), body.as_bytes()).means;
    assert_eq!(read(200, "{\"id\": 7}"), Sign::Sent);
    assert_eq!(read(200, "<html>hotel</html>"), Sign::Unknown);
    assert_eq!(read(302, ""), Sign::Away);
    assert_eq!(read(503, "<html>busy</html>"), Sign::Later);
}

const HOOK: &str = r#"
    check.hmac = { header = "X-Sign", secret = "key" }
    without_plus = true
    [text]
    each = "/items"
    only = { "/type" = "sms" }
    from = "/from"
    text = ["/text", "/message"]
    id = "/id"
    at = "/at"
    part = { reference = "/ref", number = "/n", of = "/of" }
    [receipt]
    each = "/items"
    id = "/for"
    state = "/state"
"#;

fn came(hook: &Hook, body: &str) -> Result<Came, String> {
    hook.read_body(body.as_bytes())
}

#[test]
fn several_things_in_one_body_are_told_apart() {
    let hook: Hook = toml::from_str(HOOK).unwrap();
    let came = came(
        &hook,
        r#"{"items": [
            {"type": "sms", "from": 6281234567890, "text": "", "id": "1", "at": 1603059201},
            {"type": "sms", "from": "TELKOMSEL", "message": "promo", "ref": 65537, "n": 1, "of": "2"},
            {"type": "call", "from": "1", "text": "x"},
            {"for": "9", "state": "DELIVRD", "type": "sms", "from": "1", "text": "both"}
        ]}"#,
    )
    .unwrap();
    assert_eq!(
        (came.texts.len(), came.receipts.len(), came.others),
        (2, 1, 1)
    );
    assert_eq!(came.texts[0].from, "+6281234567890");
    assert_eq!(
        came.texts[0].text, "",
        "an empty text is one, and is answered"
    );
    assert_eq!(
        (came.texts[1].from.as_str(), came.texts[1].part),
        ("TELKOMSEL", Some((1, 1, 2)))
    );
    assert_eq!(came.receipts[0].state, "DELIVRD");
}

#[test]
fn what_is_not_described_is_refused_without_saying_what_it_holds() {
    let hook: Hook = toml::from_str(HOOK).unwrap();
    for body in [
        "",
        "hush {",
        "{}",
        "[]",
        "{\"items\": 7}",
        "{\"items\": [{\"hush\": 1}]}",
        "null",
    ] {
        let fault = came(&hook, body).unwrap_err();
        assert!(!fault.contains("hush"), "{fault}");
    }
    let deep = "[".repeat(100_000);
    assert!(came(&hook, &deep).is_err());
}

fn proves(check: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Proven {
    let check: Check = toml::from_str(check).unwrap();
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let asked = Asked {
        method: "POST",
        query,
        headers: &headers,
        body: body.as_bytes(),
    };
    check.proves(&asked, &secrets())
}

#[test]
fn a_token_a_password_or_a_signature_proves_the_provider() {
    let token = "[token]\nquery = \"t\"\nsecret = \"key\"";
    assert_eq!(proves(token, "a=1&t=hush", &[], ""), Proven::Yes);
    assert_eq!(proves(token, "t=hushh", &[], ""), Proven::Wrong);
    assert_eq!(proves(token, "t=", &[], ""), Proven::Wrong);
    assert_eq!(proves(token, "", &[("t", "hush")], ""), Proven::Missing);
    let header = "[token]\nheader = \"X-Token\"\nsecret = \"key\"";
    assert_eq!(proves(header, "", &[("x-token", "hush")], ""), Proven::Yes);
    let basic = "[basic]\nsecret = \"login\"";
    assert_eq!(
        proves(basic, "", &[("authorization", "Basic dXNlcjpwYXNz")], ""),
        Proven::Yes
    );
    assert_eq!(
        proves(
            basic,
            "",
            &[("authorization", "Basic dXNlcjpwYXNzMQ==")],
            ""
        ),
        Proven::Wrong
    );
    let hmac = "[hmac]\nheader = \"X-Sign\"\nsecret = \"key\"";
    // echo -n body | openssl dgst -sha256 -hmac hush
    let right = "d59d757b80fefc56c10d1d567a446d8aae0318b5366a6e205c41e66335e59c2d";
    assert_eq!(proves(hmac, "", &[("x-sign", right)], "body"), Proven::Yes);
    let loud = right.to_uppercase();
    assert_eq!(proves(hmac, "", &[("x-sign", &loud)], "body"), Proven::Yes);
    assert_eq!(
        proves(hmac, "", &[("x-sign", right)], "bodY"),
        Proven::Wrong
    );
    assert_eq!(proves(hmac, "", &[], "body"), Proven::Missing);
}

/// The address, fields, key and signature are those of Twilio's own validators' tests.
#[test]
fn an_address_with_its_sorted_fields_is_signed_as_twilio_does() {
    let check: Check = toml::from_str(
        "[hmac]\nheader = \"X-Twilio-Signature\"\nsecret = \"key\"\ndigest = \"sha1\"\n\
         coding = \"base64\"\nurl_and_fields = \"https://mycompany.com/myapp.php?foo=1&bar=2\"",
    )
    .unwrap();
    let body = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212\
                &Caller=%2B14158675309";
    let headers = [(
        "x-twilio-signature".to_owned(),
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=".to_owned(),
    )]
    .into();
    let asked = Asked {
        method: "POST",
        query: "",
        headers: &headers,
        body: body.as_bytes(),
    };
    let secrets = [("key".to_owned(), "12345".to_owned())].into();
    assert_eq!(check.proves(&asked, &secrets), Proven::Yes);
    let more = format!("{body}&Digits=5");
    let asked = Asked {
        body: more.as_bytes(),
        ..asked
    };
    assert_eq!(check.proves(&asked, &secrets), Proven::Wrong);
}

#[test]
fn secrets_are_compared_whole() {
    assert!(constant_eq(b"", b"") && constant_eq(b"ab", b"ab"));
    for (a, b) in [("ab", "a"), ("a", "ab"), ("ab", "ac"), ("", "a")] {
        assert!(!constant_eq(a.as_bytes(), b.as_bytes()));
    }
}
