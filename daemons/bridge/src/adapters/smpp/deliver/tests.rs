use super::super::settings::tests::settings;
use super::*;
use proptest::prelude::*;

/// A `deliver_sm`'s body.
fn body(
    (ton, from): (u8, &[u8]),
    (esm_class, data_coding): (u8, u8),
    text: &[u8],
    parameters: &[(u16, &[u8])],
) -> Vec<u8> {
    let mut body = vec![0, ton, 1];
    body.extend(from);
    body.extend([0, 0, 1]);
    body.extend(b"3949\0");
    body.extend([esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0]);
    body.push(u8::try_from(text.len()).unwrap());
    body.extend(text);
    for (tag, value) in parameters {
        body.extend(tag.to_be_bytes());
        body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(*value);
    }
    body
}

fn plain(text: &[u8], parameters: &[(u16, &[u8])]) -> Vec<u8> {
    body((1, b"6281234567890"), (0, 0), text, parameters)
}

fn now() -> Timestamp {
    "2026-11-21T04:08:00Z".parse().unwrap()
}

fn delivered(body: &[u8], more: &str) -> Delivered {
    read(body, &settings(more), now()).expect("it can be read")
}

fn arrived(body: &[u8]) -> Arrived {
    match delivered(body, "") {
        Delivered::Text(arrived) => arrived,
        other => panic!("{other:?}"),
    }
}

/// Id, state, reason.
fn heard(body: &[u8], more: &str) -> (String, String, Option<String>) {
    match delivered(body, more) {
        Delivered::Receipt(r) => {
            assert_eq!(r.at, now());
            (r.provider_id, r.state, r.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_with_its_sender() {
    let text = arrived(&plain(b"U MC SP 4", &[]));
    assert_eq!(
        (text.from.as_str(), text.text.as_str()),
        ("+6281234567890", "U MC SP 4")
    );
    assert_eq!((text.id, text.part, text.sent_at), (None, None, now()));
    for (ton, from, want) in [
        (0, &b"081234567890"[..], "081234567890"),
        (1, b"+6281234567890", "+6281234567890"),
        (5, b"Telkomsel", "Telkomsel"),
        (1, b"Telkomsel", "Telkomsel"),
        (5, b"Bank \xc3\x84", "Bank Ä"),
        (5, b"Bank \xe9", "Bank \u{fffd}"),
        (1, b"", ""),
        // Longer than the standard allows.
        (1, b"628123456789012345678901", "+628123456789012345678901"),
    ] {
        assert_eq!(arrived(&body((ton, from), (0, 0), b"x", &[])).from, want);
    }
}

#[test]
fn a_long_text_in_the_payload_and_the_networks_id() {
    let long = "a".repeat(300);
    let text = arrived(&plain(
        b"",
        &[(0x0424, long.as_bytes()), (0x001e, b"mo-7\0")],
    ));
    assert_eq!((text.text, text.id.as_deref()), (long, Some("mo-7")));
}

#[test]
fn parts_by_header_and_by_parameters() {
    let part = |reference, number, of| Part::new(reference, number, of);
    let by_header =
        |esm_class, data: &[u8]| arrived(&body((1, b"62811"), (esm_class, 0), data, &[]));
    let text = by_header(0x40, &[5, 0, 3, 9, 2, 1, b'a']);
    assert_eq!((text.part, text.text.as_str()), (part(9, 1, 2), "a"));
    // With a reply path.
    let text = by_header(0xc0, &[6, 8, 4, 1, 9, 2, 2, b'a']);
    assert_eq!((text.part, text.text.as_str()), (part(0x109, 2, 2), "a"));
    // Nobody said that there is a header.
    assert_eq!(by_header(0, &[5, 0x1b, 0x65]).text, "é€");
    let sar = |reference, number| {
        let sar = [(0x020c, reference), (0x020e, &[2][..]), (0x020f, number)];
        arrived(&plain(b"a", &sar)).part
    };
    assert_eq!(sar(&[1, 2], &[2]), part(0x102, 2, 2));
    assert_eq!(sar(&[2], &[1]), part(2, 1, 2));
    assert_eq!(sar(&[1, 2], &[3]), None);
    assert_eq!(sar(&[], &[1]), None);
    // The payload may begin with a header, too.
    let payload: (u16, &[u8]) = (0x0424, &[5, 0, 3, 9, 2, 1, b'a']);
    let text = arrived(&body((1, b"62811"), (0x40, 0), b"", &[payload]));
    assert_eq!((text.part, text.text.as_str()), (part(9, 1, 2), "a"));
}

#[test]
fn receipts_in_their_dialects() {
    let by_text = b"id:A1 sub:001 dlvrd:001 stat:UNDELIV err:034 text:x";
    let receipt = |parameters: &[(u16, &[u8])], more| {
        heard(&body((1, b"62811"), (4, 0), by_text, parameters), more)
    };
    let told = |id: &str, state: &str, reason: Option<&str>| {
        (id.to_owned(), state.to_owned(), reason.map(str::to_owned))
    };
    assert_eq!(receipt(&[], ""), told("A1", "UNDELIV", Some("error 034")));
    // Parameters count more than texts; with and without the closing zero.
    for id in [&b"B2\0"[..], b"B2"] {
        let both: [(u16, &[u8]); 3] = [(0x001e, id), (0x0427, &[5]), (0x0423, &[3, 1, 2])];
        assert_eq!(
            receipt(&both, ""),
            told("B2", "UNDELIVERABLE", Some("error 3/258"))
        );
    }
    assert_eq!(
        receipt(&[], "receipt_ids = \"hex\""),
        told("161", "UNDELIV", Some("error 034"))
    );
    // The class says nothing, the parameters do.
    let unsaid = plain(b"", &[(0x001e, b"C3\0"), (0x0427, &[2])]);
    assert_eq!(heard(&unsaid, ""), told("C3", "DELIVERED", None));
    let on_its_way = body((1, b"62811"), (0x20, 0), b"id:D4 stat:ENROUTE err:000", &[]);
    assert_eq!(heard(&on_its_way, ""), told("D4", "ENROUTE", None));
    // UCS-2, as some write even this.
    let wide: Vec<u8> = "id:E5 stat:DELIVRD"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let wide = body((1, b"62811"), (4, 8), &wide, &[]);
    assert_eq!(heard(&wide, ""), told("E5", "DELIVRD", None));
    let vague = body((1, b"62811"), (4, 0), b"stat:DELIVRD", &[]);
    assert_eq!(delivered(&vague, ""), Delivered::Vague);
}

#[test]
fn a_text_that_looks_like_a_receipt_is_a_text() {
    assert_eq!(
        arrived(&plain(b"id:1 stat:DELIVRD", &[])).text,
        "id:1 stat:DELIVRD"
    );
}

#[test]
fn what_breaks_off_is_not_read_and_what_follows_is_left_out() {
    let whole = plain(b"abc", &[]);
    for end in 0..whole.len() {
        assert_eq!(read(&whole[..end], &settings(""), now()), None, "{end}");
    }
    let mut more = whole;
    more.extend([0x04, 0x24, 0xff, 0xff, 1]);
    assert_eq!(arrived(&more).text, "abc");
}

proptest! {
    #[test]
    fn anything_can_be_read(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&octets, &settings(""), now());
    }

    #[test]
    fn any_text_can_be_read(
        class in any::<(u8, u8)>(),
        text in proptest::collection::vec(any::<u8>(), 0..255),
        value in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let parameters = [0x001e, 0x020c, 0x020e, 0x020f, 0x0423, 0x0427].map(|t| (t, &value[..]));
        for many in 0..parameters.len() {
            let body = body((1, b"62811"), class, &text, &parameters[..many]);
            prop_assert!(read(&body, &settings(""), now()).is_some());
        }
    }
}
