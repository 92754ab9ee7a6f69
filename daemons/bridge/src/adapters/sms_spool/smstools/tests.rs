use super::*;
use common::channel::Piece;
use proptest::prelude::*;
use uuid::Uuid;

/// As the documentation of SMS Server Tools shows one, with headers of version 3.1.
const RECEIVED: &str = "From: 6281234567890
From_TOA: 91 international, ISDN/telephone
From_SMSC: 62811000000
Sent: 26-11-21 11:10:05
Received: 26-11-21 11:10:09
Subject: GSM1
Modem: GSM1
Report: no
Alphabet: ISO
Length: 9
UDH: no

U MC SP 4";

const REPORT: &str = "From: 6281234567890
From_SMSC: 62811000000
Sent: 26-11-21 11:10:05
Received: 26-11-21 11:10:09
Subject: GSM1
Alphabet: ISO
UDH: false

SMS STATUS REPORT
Message_id: 117
Discharge_timestamp: 26-11-21 11:10:07
Status: 0,Ok,short message received by the SME
";

fn text(file: &[u8]) -> Incoming {
    match incoming(file, false) {
        Found::Text(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

fn file(alphabet: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("From: 6281234567890\nAlphabet: {alphabet}\n{more}\n");
    [head.as_bytes(), body].concat()
}

fn sent(to: &str, text: &str, (number, of): (u8, u8), split: Split) -> String {
    let piece = Piece {
        text: text.into(),
        number,
        of,
    };
    let id = Uuid::from_u128(0x1f);
    let out = Outgoing {
        id,
        to,
        piece: &piece,
    };
    let number = to.trim_start_matches('+');
    let (name, body) = outgoing(&out, number, ("the-id", true, split));
    assert_eq!(name, "kentongan.the-id");
    String::from_utf8_lossy(&body).into_owned()
}

#[test]
fn a_received_file_is_a_text() {
    let got = text(RECEIVED.as_bytes());
    assert_eq!(
        (got.from.as_str(), got.text.as_str()),
        ("+6281234567890", "U MC SP 4")
    );
    assert_eq!(got.stamp.as_deref(), Some("26-11-21 11:10:05"));
    assert_eq!(got.sent, Some("2026-11-21T11:10:05".parse().unwrap()));
    assert_eq!(got.part, None);
    let windows = RECEIVED.replace('\n', "\r\n");
    assert_eq!(text(windows.as_bytes()), got);
}

#[test]
fn every_alphabet_of_the_documentation_is_read() {
    let ucs2 = to_ucs2("Sapi 😀 sakit");
    for (alphabet, body, want) in [
        ("ISO", b"caf\xe9 \xa4".as_slice(), "café €"),
        ("Latin", b"caf\xe9", "café"),
        ("ISO8859-15", b"caf\xe9", "café"),
        ("UTF-8", "café".as_bytes(), "café"),
        ("GSM", b"\x00\x1b\x65", "@€"),
        ("UCS2", &ucs2, "Sapi 😀 sakit"),
        ("UCS-2", &ucs2, "Sapi 😀 sakit"),
        ("Chinese", &ucs2, "Sapi 😀 sakit"),
        ("unknown", b"caf\xe9", "café"),
    ] {
        assert_eq!(text(&file(alphabet, "", body)).text, want, "{alphabet}");
    }
    let lines = file("ISO", "", b"U MC\n\nSP: 4\n");
    assert_eq!(text(&lines).text, "U MC\n\nSP: 4\n");
}

#[test]
fn the_place_among_parts_is_in_the_header() {
    let part = |hex: &str| text(&file("ISO", &format!("UDH-DATA: {hex}\n"), b"a")).part;
    let eight = Part::new(0x4d, 2, 3);
    assert_eq!(part("05 00 03 4D 03 02"), eight);
    assert_eq!(part("06 08 04 01 4D 03 02"), Part::new(0x14d, 2, 3));
    // Behind the ports of an application.
    assert_eq!(part("0B 05 04 0B 84 23 F0 00 03 4D 03 02"), eight);
    for odd in [
        "",
        "05",
        "05 00 03 4D 03",
        "05 00 03 4D 03 04",
        "zz",
        "02 70 00",
    ] {
        assert_eq!(part(odd), None, "{odd}");
    }
}

#[test]
fn numbers_are_international_when_the_daemon_says_so_or_nothing() {
    let from = |number: &str, more: &str| {
        let file = format!("From: {number}\n{more}\nU");
        text(file.as_bytes()).from
    };
    assert_eq!(from("6281234567890", ""), "+6281234567890");
    assert_eq!(from("081234567890", ""), "081234567890");
    assert_eq!(
        from("6281234567890", "From_TOA: 81 unknown\n"),
        "6281234567890"
    );
    assert_eq!(from("3636", ""), "3636");
    assert_eq!(
        from("TELKOMSEL", "From_TOA: D0 alphanumeric\n"),
        "TELKOMSEL"
    );
}

#[test]
fn a_receipt_is_known_by_its_body() {
    let Found::Report(report) = incoming(REPORT.as_bytes(), true) else {
        panic!();
    };
    assert_eq!(
        incoming(REPORT.as_bytes(), false),
        Found::Report(report.clone())
    );
    assert_eq!(
        (report.message_id.as_str(), report.state.as_str()),
        ("117", "COMPLETED")
    );
    assert_eq!(report.from, "+6281234567890");
    assert_eq!(report.reason, "Ok,short message received by the SME");
    assert_eq!(report.at, Some("2026-11-21T11:10:07".parse().unwrap()));
    for (code, want) in [("1", "COMPLETED"), ("48", "TRYING"), ("70", "UNDELIVERED")] {
        let file = REPORT.replace("Status: 0", &format!("Status: {code}"));
        let Found::Report(report) = incoming(file.as_bytes(), true) else {
            panic!();
        };
        assert_eq!(report.state, want);
    }
}

#[test]
fn rubbish_is_known_as_such() {
    for (file, reports) in [
        ("", false),
        ("\n\n", false),
        ("no head at all", false),
        ("Sent: 26-11-21 11:10:05\n\nU", false),
        ("From: \n\nU", false),
        ("Error: Cannot decode PDU\nFrom: 62812\n\nPDU", false),
        ("From: 6281234567890\nAlphabet: binary\n\n\x01\x02", false),
        (RECEIVED, true),
    ] {
        let found = incoming(file.as_bytes(), reports);
        assert!(matches!(found, Found::Rubbish(_)), "{file:?}: {found:?}");
    }
    // Half a receipt is what a person wrote.
    let half = "From: 6281234567890\n\nSMS STATUS REPORT\nStatus: 0,Ok";
    assert_eq!(
        text(half.as_bytes()).text,
        "SMS STATUS REPORT\nStatus: 0,Ok"
    );
}

#[test]
fn files_go_out_as_the_documentation_wants_them() {
    let short = sent("+6281234567890", "Terima kasih.", (1, 1), Split::Joined);
    let want = "To: 6281234567890\nAlphabet: ISO\nReport: yes\nAutosplit: 3\n\nTerima kasih.";
    assert_eq!(short, want);
    let part = sent("+6281234567890", "Terima", (2, 3), Split::Joined);
    assert!(
        part.contains("\nAutosplit: 0\nUDH-DATA: 05 00 03 1F 03 02\n\nTerima"),
        "{part}"
    );
    let whole = sent("+6281234567890", "Terima", (1, 1), Split::Whole);
    assert!(!whole.contains("UDH-DATA"), "{whole}");
    let numbered = sent("+6281234567890", "2/3 b", (2, 3), Split::Numbered);
    assert!(!numbered.contains("UDH-DATA"), "{numbered}");
    assert!(sent("3636", "a", (1, 1), Split::Joined).starts_with("To: s3636\n"));
    let accents = sent("+6281234567890", "café", (1, 1), Split::Joined);
    assert!(accents.contains("Alphabet: UTF-8\n"));
    let emoji = sent("+6281234567890", "a😀", (1, 1), Split::Joined);
    assert!(emoji.contains("Alphabet: UCS2\n") && emoji.contains("\0a"));
}

#[test]
fn locks_and_the_daemons_own_files_are_no_messages() {
    for name in [".x", "LOCKED1", "GSM1.AbCdEf.LOCK", "GSM1-concatenated"] {
        assert!(is_foreign(name), "{name}");
    }
    assert!(!is_foreign("GSM1.AbCdEf"));
}

proptest! {
    #[test]
    fn nothing_panics(file in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = incoming(&file, false);
        let _ = part(&file);
    }

    #[test]
    fn what_we_write_we_read(text in "[ -~]{1,100}|\\PC{1,50}") {
        let file = sent("+6281234567890", &text, (1, 1), Split::Joined).into_bytes();
        // Through a String only what is no UCS2 comes unharmed.
        if sms::is_gsm7(&text) {
            let parsed = Parsed::of(&file).unwrap();
            prop_assert_eq!(parsed.get("To"), Some("6281234567890"));
            prop_assert_eq!(parsed.text().unwrap(), text);
        }
    }
}
