use super::*;

fn ours() -> Whatsapp {
    toml::from_str(
        "endpoint = \"https://x\"\nphone_number_id = \"1\"\ntoken = \"t\"\napp_secret = \"a\"\n\
         verify_token = \"v\"\n[template]\nname = \"n\"\nlanguage = \"id\"\nmost = 20",
    )
    .unwrap()
}

#[test]
fn rubbish_is_an_error_and_odd_parts_are_passed_over() {
    for body in ["", "{", "null", "[]", "{}", "{\"entry\": 1}"] {
        assert!(ours().read(body.as_bytes()).is_err(), "{body}");
    }
    let odd = json!({ "entry": [1, { "changes": [2, { "value": {
        "metadata": { "phone_number_id": "1" },
        "messages": [3, { "type": "text", "from": "62", "id": "w" }],
        "statuses": [4, { "id": "w" }],
    } }] }] });
    let came = ours().read(odd.to_string().as_bytes()).unwrap();
    assert_eq!(
        (came.texts.len(), came.receipts.len(), came.others),
        (0, 0, 5)
    );
}

#[test]
fn a_template_holds_one_line_that_fits() {
    let message = ours()
        .template
        .unwrap()
        .message("+6281234567890", "satu\n\n  dua\ttiga empat lima");
    assert_eq!(message["to"], "6281234567890");
    let said = &message["template"]["components"][0]["parameters"][0]["text"];
    assert_eq!(said, "satu dua tiga...");
    let settings = Whatsapp {
        template: Some(Template {
            most: 0,
            ..ours().template.unwrap()
        }),
        endpoint: "https://x/".into(),
        timeout_s: 0,
        ..ours()
    };
    assert_eq!(settings.faults().len(), 3);
}

#[test]
fn the_window_closes_after_a_day() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let ago = |hours: i64| is_open(Some(now - jiff::SignedDuration::from_hours(hours)), now);
    assert!(ago(0) && ago(23) && ago(-1));
    assert!(!ago(24) && !ago(48) && !is_open(None, now));
}

#[test]
fn an_answer_without_an_id_is_none() {
    let signs = Signs::default();
    let read = |http, body: &str| answer(&signs, (http, None), body.as_bytes()).means;
    assert_eq!(
        read(200, "{\"messages\":[{\"id\":\"wamid.1\"}]}"),
        Sign::Sent
    );
    assert_eq!(read(200, "{}"), Sign::Unknown);
    assert_eq!(
        read(500, "{\"messages\":[{\"id\":\"wamid.1\"}]}"),
        Sign::Unknown
    );
}
