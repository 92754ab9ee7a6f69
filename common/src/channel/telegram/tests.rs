use super::*;

fn signs() -> Signs {
    toml::from_str("status = { \"403\" = \"refused\", \"400 Bad Request: odd\" = \"later\", \"400\" = \"refused\" }")
        .unwrap()
}

#[test]
fn only_what_a_person_writes_to_the_bot_alone_is_a_text() {
    let message = |chat: Value, from: Value, text: Value| {
        let message = json!({ "message_id": 5, "date": 1_441_645_532, "chat": chat, "from": from, "text": text });
        update(&json!({ "update_id": 1, "message": message }))
            .unwrap()
            .came
    };
    let (private, person) = (
        json!({ "id": 7, "type": "private" }),
        json!({ "id": 7, "is_bot": false }),
    );
    let came = message(private.clone(), person.clone(), "/start".into());
    assert_eq!(came.texts[0].text, "/start");
    for came in [
        message(
            json!({ "id": -7, "type": "group" }),
            person.clone(),
            "U".into(),
        ),
        message(
            private.clone(),
            json!({ "id": 7, "is_bot": true }),
            "U".into(),
        ),
        message(private, person.clone(), Value::Null),
        message(Value::Null, person, "U".into()),
    ] {
        assert_eq!((came.texts.len(), came.others), (0, 1));
    }
    let edited = update(&json!({ "update_id": 9, "edited_message": {} })).unwrap();
    assert_eq!((edited.id, edited.came.others), (9, 1));
}

#[test]
fn rubbish_is_an_error_and_no_panic() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"message\": 1}",
        "{\"ok\":true,\"result\":[1]}",
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    assert!(updates(b"{\"ok\":true,\"result\":{}}").is_err());
    assert!(updates(b"{\"ok\":true,\"result\":[]}").unwrap().is_empty());
}

#[test]
fn the_whole_words_count_before_their_number() {
    let said = |http, body: &str| answer(&signs(), http, body.as_bytes());
    let odd = said(
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: odd"}"#,
    );
    assert_eq!(odd.means, Sign::Later);
    let other = said(
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
    );
    assert_eq!(other.means, Sign::Refused);
    assert_eq!(other.status, "400 Bad Request: chat not found");
    let taken = said(200, r#"{"ok":true}"#);
    assert_eq!(taken.means, Sign::Unknown, "without a message nobody knows");
    let slow = said(
        429,
        r#"{"ok":false,"error_code":429,"parameters":{"retry_after":3}}"#,
    );
    assert_eq!(
        (slow.means, slow.pause),
        (Sign::Slow, Some(Duration::from_secs(3)))
    );
}
