//! Files of other programs, and rows that are right and wrong in every way.

use super::form::{Form, NoForm};
use super::grid::{Fault, grid};
use super::rows::messages;
use super::testing::{book, zipped};
use super::{Format, Refusal, Sheet, Value, kind};
use crate::code::lexicon::sample;
use crate::code::{Codes, Reader, shipped};
use crate::language::Language;

const XLSX: &[u8] = include_bytes!("../../testdata/workbooks/u.xlsx");
const XLS: &[u8] = include_bytes!("../../testdata/workbooks/u.xls");
const ODS: &[u8] = include_bytes!("../../testdata/workbooks/u.ods");

#[test]
fn m30_the_same_rows_are_read_from_every_format() {
    for (bytes, format) in [(XLSX, Format::Xlsx), (XLS, Format::Xls), (ODS, Format::Ods)] {
        let book = book(bytes).unwrap();
        assert_eq!(book.format, format);
        let names: Vec<&str> = book.sheets.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["Laporan", "Catatan"]);
        let shown = |row, column| book.sheets[0].cells.get(&(row, column)).map(Value::shown);
        assert_eq!(shown(0, 2).as_deref(), Some("jumlah hewan"));
        assert_eq!(shown(1, 2).as_deref(), Some("4"), "{format:?}");
        assert_eq!(shown(1, 3).as_deref(), Some("72060202"));
        assert_eq!(shown(2, 3), None);
        let day = &book.sheets[1].cells[&(0, 0)];
        assert_eq!(*day, Value::Date(2026, 11, 20), "{format:?}");
    }
}

/// An xlsx with this sheet and these shared strings.
fn xlsx(sheet: &str, strings: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let rels = "http://schemas.openxmlformats.org/package/2006/relationships";
    let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{sheet}</sheetData></worksheet>");
    let strings = format!("<sst xmlns=\"{main}\">{strings}</sst>");
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let lines = format!(
        "<Relationships xmlns=\"{rels}\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let root = format!(
        "<Relationships xmlns=\"{rels}\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    zipped(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", lines.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

#[test]
fn m20_what_unfolds_or_spreads_too_far_is_refused_by_name() {
    let cell = |name: &str| format!("<row><c r=\"{name}\"><v>1</v></c></row>");
    let text = |length| {
        format!(
            "<row><c t=\"inlineStr\"><is><t>{}</t></is></c></row>",
            "x".repeat(length)
        )
    };
    let huge = "x".repeat(65 << 20);
    let none = "<c/>".repeat(17 << 20);
    let strings = "<si/>".repeat(14 << 20);
    for (sheet, strings, want) in [
        (cell("A1") + &cell("XFD1048576"), "", Refusal::TooManyRows),
        (cell("XFD1"), "", Refusal::TooManyColumns),
        (text(5000), "", Refusal::CellTooLong),
        (huge, "", Refusal::PartTooLarge),
        (none, "", Refusal::PartTooLarge),
        (cell("A1"), strings.as_str(), Refusal::PartTooLarge),
        ("<row><c>".into(), "", Refusal::Damaged),
    ] {
        let bytes = xlsx(&sheet, strings);
        assert!(bytes.len() < 400_000, "a small file: {}", bytes.len());
        assert_eq!(book(&bytes), Err(want));
    }
    let good = book(&xlsx(&(cell("A1") + &cell("GR50000")), "")).unwrap();
    assert_eq!(good.sheets[0].cells.len(), 2);
}

#[test]
fn what_is_no_workbook_is_told_apart() {
    assert_eq!(book(b"<html><table>"), Err(Refusal::NotAWorkbook));
    assert_eq!(book(&zipped(&[("a", b"b")])), Err(Refusal::NotAWorkbook));
    assert_eq!(
        book(&vec![b'x'; super::container::CONTAINER + 1]),
        Err(Refusal::FileTooLarge)
    );
    let mut sealed = XLS[..512].to_vec();
    sealed.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(book(&sealed), Err(Refusal::Protected));
    assert!(book(&XLS[..2048]).is_err());
    assert!(book(&XLSX[..2048]).is_err());
}

fn sheet(rows: &[&[&str]]) -> Sheet {
    let mut sheet = Sheet {
        name: "Data".into(),
        ..Sheet::default()
    };
    for (row, cells) in (0_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(*cells) {
            if !text.is_empty() {
                sheet
                    .cells
                    .insert((row, column), Value::Text((*text).into()));
            }
        }
    }
    sheet
}

/// The texts of the messages and the cells at fault with the first words of what is said.
fn read(code: &str, rows: &[&[&str]]) -> (Vec<String>, Vec<(String, String)>) {
    let files = shipped::files();
    let codes = Codes::load(&files.codes, &files.texts, sample::lexicon()).unwrap();
    let reader = Reader {
        language: Language::En,
        kind: "VET",
        may: &|_| true,
    };
    let form = Form::new(kind::named("rows").unwrap(), Some(code), &codes, &reader)
        .ok()
        .unwrap();
    let sheet = sheet(rows);
    let grid = grid(&form, &sheet, Language::En).expect("headings");
    let (found, wrong) = messages(&form, &grid, &reader);
    let mut faults: Vec<Fault> = grid.faults.clone();
    faults.extend(wrong);
    let mut texts = Vec::new();
    for message in found {
        match message.understood(&form, &codes, &reader) {
            Ok(_) => texts.push(message.text),
            Err(fault) => faults.push(fault),
        }
    }
    faults.sort_by_key(|f| (f.row, f.column));
    (
        texts,
        faults.into_iter().map(|f| (f.cell(), f.text)).collect(),
    )
}

#[test]
fn rows_become_what_somebody_would_have_typed() {
    let (texts, faults) = read(
        "U",
        &[
            &["Laporan bulan ini"],
            &[
                "Sign *",
                "species",
                "number of animals",
                "Lokasi",
                "diagnosis banding",
            ],
            &["# mencret", "sapi", "4"],
            &["mencret; demam", "SP (cattle)", "4", "72060202", "COC"],
            &["MC", "goat", "1", "", ""],
            // Goes on with the message above.
            &["", "chicken", "20"],
            &[],
            &["kembung", "SP", "2", "72.06.02.02"],
        ],
    );
    assert_eq!(faults, []);
    assert_eq!(
        texts,
        [
            "U MC,DM SP 4 72060202 COC",
            "U MC KB 1 AY 20",
            "U KBG SP 2 72.06.02.02"
        ]
    );
}

#[test]
fn all_faults_of_all_rows_are_told_in_one_pass_at_their_cells() {
    let (texts, faults) = read(
        "U",
        &[
            &["sign", "species", "number of animals", "speces", "location"],
            &["MC", "SPI", "many", "", "72060202"],
            &["", "SP", "0", "", "72060202"],
            &["MC", "SP", "3"],
            &["MC", "SP", "3"],
        ],
    );
    assert_eq!(texts, ["U MC SP 3"]);
    let want = [
        ("D1", "There is no column \"speces\". Did you mean species?"),
        (
            "B2",
            "\"SPI\" is not a value for: species. Did you mean SP (cattle)?",
        ),
        ("C2", "\"many\" is not a value for: number of animals."),
        ("A3", "This cell must be filled in: sign."),
        (
            "C3",
            "0 is not possible for number of animals: it must be 1 to 1000000.",
        ),
        ("A5", "This row says the same as row 4."),
    ];
    assert_eq!(faults.len(), want.len(), "{faults:?}");
    for ((cell, text), (at, said)) in faults.iter().zip(want) {
        assert!(cell == at && text.starts_with(said), "{cell}: {text}");
    }
}

#[test]
fn headings_that_are_missing_or_stand_twice_are_told() {
    let (_, faults) = read("U", &[&["sign", "sign", "species"], &["MC", "", "SP"]]);
    let cells: Vec<&str> = faults.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(cells, ["B1", "D1"]);
}

/// What a spreadsheet does to values is undone.
#[test]
fn typed_cells_read_as_their_words() {
    let files = shipped::files();
    let codes = Codes::load(&files.codes, &files.texts, sample::lexicon()).unwrap();
    let reader = Reader {
        language: Language::Id,
        kind: "LBA",
        may: &|_| true,
    };
    let form = Form::new(kind::named("lab").unwrap(), None, &codes, &reader)
        .ok()
        .unwrap();
    let column = |name: &str| form.columns.iter().find(|c| c.name == name).unwrap();
    let word = |name, value: Value| super::cell::word(column(name), &value, Language::Id);
    assert_eq!(word("case", Value::Number(12.0)).unwrap(), "12");
    assert_eq!(
        word("date", Value::Date(2026, 11, 20)).unwrap(),
        "20/11/2026"
    );
    assert_eq!(
        word("date", Value::Text("2026-11-20".into())).unwrap(),
        "20/11/2026"
    );
    assert_eq!(
        word("result", Value::Text("positif".into())).unwrap(),
        "POS"
    );
    assert!(
        word("date", Value::Number(46000.0))
            .unwrap_err()
            .contains("hh/bb/tttt")
    );
    assert!(word("date", Value::Text("31/02/2026".into())).is_err());
    assert!(word("case", Value::Number(1.5)).is_err());
    assert!(
        word("case", Value::Error("#DIV/0!".into()))
            .unwrap_err()
            .contains("Rumus")
    );
    let people = Form::new(kind::named("people").unwrap(), None, &codes, &reader)
        .ok()
        .unwrap();
    let phone = people.columns.iter().find(|c| c.name == "phone").unwrap();
    let word = |value| super::cell::word(phone, &value, Language::Id);
    assert_eq!(
        word(Value::Number(81_234_567_890.0)).unwrap(),
        "081234567890"
    );
    assert_eq!(
        word(Value::Text("'0812-3456 7890".into())).unwrap(),
        "0812-34567890"
    );
    assert!(
        word(Value::Text("8,12E+10".into()))
            .unwrap_err()
            .contains("dibulatkan")
    );
}

/// A cell that a spreadsheet holds as a number has lost a zero in front, or digits at its end.
#[test]
fn ids_that_a_spreadsheet_changed_are_put_right_or_told() {
    let files = shipped::files();
    let codes = Codes::load(&files.codes, &files.texts, sample::lexicon()).unwrap();
    let reader = Reader {
        language: Language::Id,
        kind: "PMD",
        may: &|_| true,
    };
    let word = |code, name: &str, number| {
        let rows = kind::named("rows").unwrap();
        let form = Form::new(rows, Some(code), &codes, &reader).ok().unwrap();
        let column = form.columns.iter().find(|c| c.name == name).unwrap();
        super::cell::word(column, &Value::Number(number), Language::Id)
    };
    // Typed as 7204012345678901: what the file holds is somebody else's identity card.
    for (code, name) in [
        ("DP", "identification"),
        ("SK", "owner_id"),
        ("DH", "owner"),
    ] {
        let said = word(code, name, 7_204_012_345_678_900.0);
        assert!(said.unwrap_err().contains("dibulatkan"), "{code}");
    }
    let typed = |number| word("DP", "identification", number).unwrap();
    assert_eq!(typed(81_234_567_890.0), "081234567890");
    assert_eq!(typed(850_101.0), "850101", "a date of birth");
    assert_eq!(
        typed(850_112_345_678.0),
        "850112345678",
        "a driving licence"
    );
}

/// Elsewhere mobile numbers begin otherwise; where nothing tells them apart, no zero is put in front.
#[test]
fn a_number_gets_its_zero_back_as_it_is_written_in_the_country() {
    let files = shipped::files();
    let reader = Reader {
        language: Language::Id,
        kind: "PMD",
        may: &|_| true,
    };
    let typed = |mobile: &str, number| {
        let timor = crate::phone::Numbering {
            country: "670".into(),
            mobile: mobile.into(),
        };
        let codes = Codes::load_for(&timor, &files.codes, &files.texts, sample::lexicon()).unwrap();
        let rows = kind::named("rows").unwrap();
        let owners = Form::new(rows, Some("DP"), &codes, &reader).ok().unwrap();
        let people = Form::new(kind::named("people").unwrap(), None, &codes, &reader);
        let people = people.ok().unwrap();
        [(&owners, "identification"), (&people, "phone")].map(|(form, name)| {
            let column = form.columns.iter().find(|c| c.name == name).unwrap();
            super::cell::word(column, &Value::Number(number), Language::Id).ok()
        })
    };
    let some = |digits: &str| Some(digits.to_owned());
    assert_eq!(
        typed("7", 77_123_456.0),
        [some("077123456"), some("077123456")]
    );
    assert_eq!(typed("7", 81_234_567.0), [some("81234567"), None]);
    assert_eq!(typed("", 77_123_456.0), [some("77123456"), None]);
}

/// The answer to a workbook is one mail: nobody would ever see a PIN that a row brought.
#[test]
fn what_is_answered_with_a_pin_is_no_row() {
    let files = shipped::files();
    let codes = Codes::load(&files.codes, &files.texts, sample::lexicon()).unwrap();
    let reader = Reader {
        language: Language::En,
        kind: "KKB",
        may: &|_| true,
    };
    let rows = kind::named("rows").unwrap();
    for code in ["D", "N", "PIN", "KDP", "H", "OK"] {
        let form = Form::new(rows, Some(code), &codes, &reader);
        assert_eq!(form.map(drop), Err(NoForm::NoCode(code.into())));
    }
    let owner: &[&str] = &["Siti Aminah", "72060202", ""];
    let good: &[&str] = &["Siti Aminah", "72060202", "3201011234567890"];
    let head: &[&str] = &["name", "location code", "identification"];
    let (texts, faults) = read("DP", &[head, owner, good]);
    assert_eq!(texts, ["DP Siti Aminah 72060202 3201011234567890"]);
    assert_eq!(faults[0].0, "C2", "{faults:?}");
}

/// Most likely copied by mistake; whoever means two such reports writes them in different words.
#[test]
fn of_two_rows_that_say_the_same_the_second_is_told_with_the_first() {
    let rows: &[&[&str]] = &[
        &["sign", "species", "number of animals", "location"],
        &["MC", "SP", "4", "72060202"],
        &["DM", "SP", "4", "72060202"],
        &["mc", " sp", "4", "72060202"],
        &["MC", "SP", "4", "72060202"],
    ];
    let (texts, faults) = read("U", rows);
    assert_eq!(texts.len(), 2, "{texts:?}");
    let told = "This row says the same as row 2. Delete one of them.";
    let (cells, words): (Vec<&str>, Vec<&str>) =
        faults.iter().map(|(c, w)| (c.as_str(), w.as_str())).unzip();
    assert_eq!(cells, ["A4", "A5"], "{faults:?}");
    assert!(words.iter().all(|w| told.starts_with(w)), "{words:?}");
}
