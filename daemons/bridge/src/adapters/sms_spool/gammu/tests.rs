use super::*;
use common::channel::Piece;
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

const NAME: &str = "IN20261121_041005_00_+6281234567890_00.txt";

fn unicode(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    [0xfe, 0xff].into_iter().chain(units).collect()
}

fn text_of(files: &[(&str, Vec<u8>)]) -> Incoming {
    let files: Vec<_> = files
        .iter()
        .map(|(n, body)| (name(n).unwrap(), body.clone()))
        .collect();
    match incoming(&files) {
        Found::Text(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

fn sections(text: &str, (number, of): (u8, u8), reports: bool) -> Vec<BTreeMap<String, String>> {
    let piece = Piece {
        text: text.into(),
        number,
        of,
    };
    let out = Outgoing {
        id: Uuid::from_u128(0x1f),
        to: "+6281234567890",
        piece: &piece,
    };
    let (name, body) = outgoing(&out, "6281234567890", ("the-id", reports));
    assert!(name.starts_with("OUTC2"), "{name}");
    assert!(
        name.ends_with("_00_+6281234567890_the-id.smsbackup"),
        "{name}"
    );
    let body = String::from_utf8(body).unwrap();
    let own = |(k, v): (&str, &str)| (k.to_owned(), v.to_owned());
    let read = detail::read(&body).unwrap().into_iter();
    read.map(|s| s.into_iter().map(own).collect()).collect()
}

#[test]
fn names_tell_time_sender_and_part() {
    let got = name(NAME).unwrap();
    assert_eq!((got.from, got.sequence), ("+6281234567890", 0));
    assert_eq!(
        (got.stamp, got.text),
        ("20261121_041005", &NAME[..NAME.len() - 7])
    );
    let odd = name("IN20261121_041005_12_MY_SHOP_03.txt").unwrap();
    assert_eq!((odd.from, odd.sequence), ("MY_SHOP", 3));
    for file in [
        "IN20261121_041005_00_+62812.txt",
        "IN_041005_00_+62812_00.txt",
        "OUT20261121_041005_00_+62812_00.txt",
        "IN20261121_041005_00_+62812_x.txt",
        "IN",
        "notes",
        "INé20261121_041005_00_é_00",
    ] {
        assert_eq!(name(file), None, "{file}");
    }
}

#[test]
fn a_text_in_each_format_is_read() {
    let got = text_of(&[(NAME, unicode("U MC SP 4"))]);
    assert_eq!(
        (got.from.as_str(), got.text.as_str()),
        ("+6281234567890", "U MC SP 4")
    );
    assert_eq!(got.stamp.as_deref(), Some("20261121_041005"));
    assert_eq!(got.sent, Some("2026-11-21T04:10:05".parse().unwrap()));
    assert_eq!(text_of(&[(NAME, b"U MC SP 4".to_vec())]).text, "U MC SP 4");
    assert_eq!(text_of(&[(NAME, unicode("عربى😀\0\0"))]).text, "عربى😀");
    assert_eq!(text_of(&[(NAME, Vec::new())]).text, "");
}

#[test]
fn parts_are_files_of_one_name() {
    let second = NAME.replace("_00.txt", "_01.txt");
    let files = [(NAME, unicode("U MC ")), (second.as_str(), unicode("SP 4"))];
    assert_eq!(text_of(&files).text, "U MC SP 4");
}

#[test]
fn the_backup_format_holds_all_parts_and_receipts_are_passed_over() {
    let part = |n: u8, text: &str| {
        let hex: String = text.encode_utf16().map(|u| format!("{u:04X}")).collect();
        format!(
            "[SMSBackup{:03}]\n# {text}\nPDU = Deliver\nNumber = \"+6281234567890\"\n\
             UDH = 0500034D02{n:02X}\nText00 = {hex}\nCoding = Unicode_No_Compression\n\n",
            n - 1
        )
    };
    let head = "; This file format was designed for Gammu and is compatible with Gammu+\n\n";
    // The second came first.
    let file = format!("{head}{}{}", part(2, "SP 4"), part(1, "U MC "));
    let got = text_of(&[(NAME, file.clone().into_bytes())]);
    assert_eq!(
        (got.from.as_str(), got.text.as_str()),
        ("+6281234567890", "U MC SP 4")
    );
    let receipt = file.replace("PDU = Deliver", "PDU = Status_Report");
    let found = incoming(&[(name(NAME).unwrap(), receipt.into_bytes())]);
    assert!(matches!(found, Found::Nothing(_)), "{found:?}");
    let binary = file.replace("Unicode_No_Compression", "8bit");
    let found = incoming(&[(name(NAME).unwrap(), binary.into_bytes())]);
    assert!(matches!(found, Found::Rubbish(_)), "{found:?}");
}

#[test]
fn what_cannot_be_read_is_rubbish() {
    let bin = name("IN20261121_041005_00_+6281234567890_00.bin").unwrap();
    let nobody = name("IN20261121_041005_00__00.txt").unwrap();
    for file in [(bin, b"\x01".to_vec()), (nobody, unicode("promo"))] {
        assert!(matches!(incoming(&[file]), Found::Rubbish(_)));
    }
}

#[test]
fn files_go_out_in_the_alphabet_that_they_need() {
    let short = &sections("Terima [kasih].", (1, 1), false)[0];
    assert_eq!(short["Coding"], "Default_No_Compression");
    assert_eq!(
        (short["Length"].as_str(), short["PDU"].as_str()),
        ("15", "Submit")
    );
    assert_eq!(short["Number"], "\"+6281234567890\"");
    assert!(!short.contains_key("UDH"));
    let emoji = &sections("a😀", (1, 1), true)[0];
    assert_eq!(emoji["Coding"], "Unicode_No_Compression");
    assert_eq!(
        (emoji["Text00"].as_str(), emoji["Length"].as_str()),
        ("0061D83DDE00", "3")
    );
    assert_eq!(emoji["PDU"], "Status_Report");
}

#[test]
fn parts_are_joined_by_a_header_whoever_split_them() {
    let piece = &sections("Terima", (2, 3), false)[0];
    assert_eq!(piece["UDH"], "0500031F0302");
    let whole = sections(&"a".repeat(300), (1, 1), false);
    let headers: Vec<&str> = whole.iter().map(|s| s["UDH"].as_str()).collect();
    assert_eq!(headers, ["0500031F0201", "0500031F0202"]);
    let lines = whole[0].keys().filter(|key| key.starts_with("Text"));
    assert_eq!(lines.count(), 4);
}

proptest! {
    #[test]
    fn what_we_write_we_read(text in "\\PC{1,400}") {
        let out = sections(&text, (1, 1), false);
        let body: String = out.iter().enumerate().map(|(n, section)| {
            let lines = section.iter().map(|(k, v)| format!("{k} = {v}\n"));
            format!("[SMSBackup{n:03}]\n{}", lines.collect::<String>())
        }).collect();
        prop_assert_eq!(text_of(&[(NAME, body.into_bytes())]).text, text);
    }

    #[test]
    fn nothing_panics(file in "IN[0-9_+A-Za-z.]{0,40}|\\PC{0,40}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(name) = name(&file) {
            let _ = incoming(&[(name, body)]);
        }
    }
}
