use super::*;
use crate::messages::{self, Thread};
use jiff::Timestamp;
use mail_parser::{Message, MessageParser, MimeHeaders};
use proptest::prelude::*;
use serde_json::json;

const ID: Uuid = Uuid::from_u128(7);

fn signer() -> Signer {
    Signer::new(&[[7; 32]]).unwrap()
}

/// What a mail's token names, if it is ours.
fn trace(purpose: Purpose, text: &str) -> Option<Vec<u8>> {
    signer().find(
        purpose,
        text,
        Timestamp::from_second(1_800_000_000).unwrap(),
    )
}

fn composer() -> Composer {
    let sender = Sender {
        name: "Kentongan".into(),
        address: "lapor@kentongan.example".into(),
        domain: "kentongan.example".into(),
    };
    Composer::new(Mails::shipped().unwrap(), sender, signer()).unwrap()
}

fn answer() -> EmailOutput {
    let lines =
        json!({"lines": [{"typed": "U MC SP 4", "answer": "Terima kasih, <b>4</b> sapi – é."}]});
    EmailOutput {
        to: "siti@dinas.example".into(),
        template: "answer".into(),
        language: "id".into(),
        values: lines.as_object().cloned().unwrap(),
        purpose: messages::Purpose::Answer,
        thread: Some(Thread {
            message_id: Some("abc@phone.example".into()),
            references: vec!["first@phone.example".into()],
            subject: "Re: Laporan".into(),
        }),
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Replied,
    }
}

fn envelope(mail: &EmailOutput) -> Envelope {
    Envelope::first(ID, mail, "2026-11-20T09:30:00Z".parse().unwrap())
}

fn composed(mail: &EmailOutput, files: Vec<File>) -> Finished {
    composer().compose(&envelope(mail), mail, files).unwrap()
}

fn parsed(mail: &Finished) -> Message<'_> {
    MessageParser::default().parse(&mail.raw).unwrap()
}

fn header<'a>(message: &'a Message<'_>, name: &str) -> &'a str {
    message
        .header(name.to_owned())
        .and_then(|h| h.as_text())
        .unwrap_or_default()
}

/// Names of the top headers as they stand in the bytes.
fn names(mail: &Finished) -> Vec<String> {
    let text = String::from_utf8_lossy(&mail.raw);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let starts = head.split("\r\n").filter(|l| !l.starts_with([' ', '\t']));
    starts
        .map(|l| l.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

const NAMES: [&str; 13] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Kentongan-Mark",
    "MIME-Version",
    "Content-Type",
    "",
];

#[test]
fn an_answer_stands_in_its_thread() {
    let mail = composed(&answer(), Vec::new());
    let message = parsed(&mail);
    let from = message.from().and_then(|a| a.first()).unwrap();
    assert_eq!(from.name(), Some("Kentongan"));
    assert_eq!(from.address(), Some("lapor@kentongan.example"));
    assert_eq!(message.subject(), Some("Re: Laporan"));
    assert_eq!(message.in_reply_to().as_text(), Some("abc@phone.example"));
    let id = message.message_id().unwrap();
    assert_eq!(mail.message_id, id);
    assert!(id.starts_with(&format!("{}.", ID.simple())) && id.ends_with("@kentongan.example"));
    let references = message.references().as_text_list().unwrap();
    assert_eq!(references.len(), 3);
    assert_eq!(references[0], "first@phone.example");
    assert_eq!(references[2], "abc@phone.example");
    // SES puts its own Message-ID on our mail: the reference must stand in both places.
    for place in [id, &references[1]] {
        assert_eq!(
            trace(Purpose::Trace, place),
            Some(ID.as_bytes().to_vec()),
            "{place}"
        );
    }
    assert_eq!(message.date().unwrap().to_timestamp(), mail.at.as_second());
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str()),
        ("lapor@kentongan.example", "siti@dinas.example")
    );
}

#[test]
fn m1_m3_robots_are_told_and_our_mark_is_there() {
    let mail = composed(&answer(), Vec::new());
    let message = parsed(&mail);
    assert_eq!(header(&message, "Auto-Submitted"), "auto-replied");
    assert_eq!(header(&message, "X-Auto-Response-Suppress"), "All");
    let mark = header(&message, MARK);
    assert_eq!(trace(Purpose::Mark, mark), Some(ID.as_bytes().to_vec()));
    let alert = EmailOutput {
        origin: Origin::Generated,
        ..answer()
    };
    let alert = composed(&alert, Vec::new());
    assert_eq!(header(&parsed(&alert), "Auto-Submitted"), "auto-generated");
}

#[test]
fn text_and_html_say_the_same_and_nothing_is_markup() {
    let mail = composed(&answer(), Vec::new());
    let message = parsed(&mail);
    let text = message.body_text(0).unwrap();
    assert!(
        text.starts_with("> U MC SP 4\r\nTerima kasih, <b>4</b> sapi – é.\r\n\r\n--\r\n"),
        "{text:?}"
    );
    let html = message.body_html(0).unwrap();
    assert!(
        html.contains(
            "<p><b>U MC SP 4</b><br>\r\nTerima kasih, &lt;b&gt;4&lt;/b&gt; sapi – é.</p>"
        ),
        "{html}"
    );
    assert!(mail.raw.is_ascii());
    let longest = mail.raw.split(|b| *b == b'\n').map(<[u8]>::len).max();
    assert!(longest <= Some(998), "{longest:?}");
}

#[test]
fn q30_the_same_envelope_gives_the_same_bytes() {
    let file = || File {
        name: "a.csv".into(),
        media_type: "text/csv".into(),
        bytes: b"1;2".to_vec(),
    };
    let first = composed(&answer(), vec![file()]);
    assert_eq!(first.raw, composed(&answer(), vec![file()]).raw);
}

#[test]
fn m26_a_token_comes_back_by_body_and_references() {
    let values = json!({"received": "kini", "count": 1, "lapses": "nanti"});
    let mail = EmailOutput {
        template: "confirm".into(),
        values: values.as_object().cloned().unwrap(),
        thread: None,
        reply_token: Some("tok.en".into()),
        origin: Origin::Generated,
        ..answer()
    };
    let mail = composed(&mail, Vec::new());
    let message = parsed(&mail);
    assert!(message.body_text(0).unwrap().contains("[tok.en]"));
    let ids = message.references().as_text_list().unwrap();
    assert!(
        ids.iter().any(|id| id == "tok.en@kentongan.example"),
        "{ids:?}"
    );
}

#[test]
fn attachments_keep_name_type_and_bytes() {
    let csv = File {
        name: "laporan kasus – Mei.csv".into(),
        media_type: "text/csv".into(),
        bytes: "é;1\n".into(),
    };
    let odd = File {
        name: "../x\r\nBcc: a@b.c".into(),
        media_type: "no type".into(),
        bytes: vec![0, 255, 10],
    };
    let mail = composed(&answer(), vec![csv.clone(), odd.clone()]);
    let message = parsed(&mail);
    let found: Vec<_> = message.attachments().collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].attachment_name(), Some(csv.name.as_str()));
    assert_eq!(found[0].content_type().unwrap().subtype(), Some("csv"));
    assert_eq!(found[0].contents(), csv.bytes);
    assert_eq!(found[1].attachment_name(), Some("_x Bcc_ a@b.c"));
    assert_eq!(
        found[1].content_type().unwrap().subtype(),
        Some("octet-stream")
    );
    assert_eq!(found[1].contents(), odd.bytes);
}

#[test]
fn what_cannot_be_written_is_refused_with_its_reason() {
    let refused = |change: fn(&mut EmailOutput)| {
        let mut mail = answer();
        change(&mut mail);
        composer()
            .compose(&envelope(&mail), &mail, Vec::new())
            .unwrap_err()
    };
    let address = refused(|m| m.to = "a@b.example\r\nBcc: x@y.example".into());
    assert!(
        matches!(address, ComposeError::Address(BadAddress::At)),
        "{address:?}"
    );
    let name = refused(|m| m.template = "nosuch".into());
    assert_eq!(name.to_string(), "mail `nosuch`: there is no such mail");
    let value = refused(|m| m.values.clear());
    assert_eq!(value.to_string(), "mail `answer`: value `lines` is missing");
}

#[test]
fn a_sender_of_ours_that_cannot_be_used_stops_the_start() {
    let sender = Sender {
        name: String::new(),
        address: "Kentongan <x@y.example>".into(),
        domain: "y.example".into(),
    };
    assert!(Composer::new(Mails::shipped().unwrap(), sender, signer()).is_err());
}

proptest! {
    /// Whatever somebody wrote, the headers are ours and each stands once.
    #[test]
    fn nobody_writes_our_headers(
        subject in any::<String>(), id in any::<String>(), typed in any::<String>(),
        name in any::<String>(), media_type in any::<String>(), line in "[a-z]{0,3}[\r\n]{1,2}[A-Z][a-z]{2}: x@[a-z]{3}",
    ) {
        let mut mail = answer();
        mail.values = json!({"lines": [{"typed": typed, "answer": line}]}).as_object().cloned().unwrap();
        mail.thread = Some(Thread {
            message_id: Some(format!("a@b{line}")),
            references: vec![id, line.clone()],
            subject: format!("{subject}{line}"),
        });
        let file = File { name: format!("{name}{line}"), media_type, bytes: line.into() };
        let mail = composed(&mail, vec![file]);
        let names = names(&mail);
        for name in &names {
            prop_assert!(NAMES.contains(&name.as_str()), "{name:?}");
        }
        let mut once = names.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), names.len());
        prop_assert_eq!(parsed(&mail).attachments().count(), 1);
    }
}
