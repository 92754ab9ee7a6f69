use super::*;
use crate::workbook::Value;
use crate::workbook::testing::book;
use rust_xlsxwriter::{Color, Format, Note, Workbook};
use std::io::{Cursor, Read};

fn made(note: bool) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Data & hasil").unwrap();
    let bold = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0xCCFFCC));
    sheet
        .write_string_with_format(0, 0, "kasus", &bold)
        .unwrap();
    sheet
        .write_string_with_format(0, 1, "hasil", &bold)
        .unwrap();
    sheet.write_number(2, 0, 12.0).unwrap();
    sheet.write_string(2, 3, "POS").unwrap();
    if note {
        let note = Note::new("jangan diubah").set_author("Budi");
        sheet.insert_note(2, 3, &note).unwrap();
    }
    book.add_worksheet()
        .set_name("Lain")
        .unwrap()
        .write_string(0, 0, "x")
        .unwrap();
    book.save_to_buffer().unwrap()
}

fn marks(cells: &[(u32, u16)]) -> Marks {
    let text = |(row, column): &(u32, u16)| (*row, *column, format!("salah <{row}>"));
    Marks {
        sheet: "Data & hasil".into(),
        author: "Kentongan".into(),
        cells: cells.iter().map(text).collect(),
    }
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    let found = zip
        .by_name(name)
        .map(|mut part| part.read_to_string(&mut text));
    found.unwrap_or_else(|_| panic!("{name} is there")).unwrap();
    text
}

/// Cells of the first sheet whose style has our colour.
fn coloured(bytes: &[u8]) -> Vec<String> {
    let look = styles::Look::read(&part(bytes, "xl/styles.xml")).unwrap();
    let sheet = part(bytes, "xl/worksheets/sheet1.xml");
    let tags = xml::tags(&sheet).unwrap();
    let cells = tags
        .iter()
        .filter(|t| t.name == "c" && t.sort != xml::Sort::End);
    let ours = cells.filter(|t| look.is_ours(t.get("s").map_or(0, |s| s.parse().unwrap())));
    ours.map(|t| t.get("r").unwrap().to_owned()).collect()
}

/// Cells of the first sheet with a comment, with its author and words, in order.
fn commented(bytes: &[u8]) -> Vec<String> {
    let text = part(bytes, "xl/comments1.xml");
    let mut cells: Vec<String> = text
        .split("<comment ref=\"")
        .skip(1)
        .map(|c| c.split('"').next().unwrap().to_owned())
        .collect();
    cells.sort();
    cells
}

#[test]
fn bad_cells_are_coloured_and_commented_and_all_else_is_as_it_was() {
    let before = made(false);
    // There, a row without the cell, between cells, a row that is not there, before all.
    let bad = [(0, 1), (0, 7), (1, 2), (2, 1), (2, 3), (9, 0)];
    let after = marked(&before, &marks(&bad)).expect("it can be marked");
    let names = ["B1", "H1", "C2", "B3", "D3", "A10"];
    assert_eq!(coloured(&after), names);
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(commented(&after), sorted);
    assert_eq!(book(&after).unwrap().sheets, book(&before).unwrap().sheets);
    assert!(part(&after, "xl/comments1.xml").contains("salah &lt;2&gt;"));
    let drawing = part(&after, "xl/drawings/vmlDrawing1.vml");
    assert_eq!(drawing.matches("<v:shape ").count(), bad.len());
    for same in [
        "xl/worksheets/sheet2.xml",
        "xl/workbook.xml",
        "xl/sharedStrings.xml",
    ] {
        assert_eq!(part(&after, same), part(&before, same), "{same}");
    }
    // The header keeps its bold letters under the colour.
    let styles = part(&after, "xl/styles.xml");
    assert!(styles.contains("applyFill=\"1\"") && styles.contains(COLOUR));
}

#[test]
fn a_second_return_forgets_the_first_and_keeps_the_sender_s_own_notes() {
    let before = made(true);
    let first = marked(&before, &marks(&[(2, 0), (2, 3), (5, 5)])).unwrap();
    assert_eq!(commented(&first), ["A3", "D3", "F6"]);
    let words = part(&first, "xl/comments1.xml");
    assert!(words.contains("jangan diubah") && words.contains("salah &lt;2&gt;"));
    let second = marked(&first, &marks(&[(2, 1)])).unwrap();
    assert_eq!(coloured(&second), ["B3"]);
    assert_eq!(commented(&second), ["B3", "D3"]);
    let words = part(&second, "xl/comments1.xml");
    assert!(words.contains("jangan diubah"));
    assert_eq!(words.matches("salah").count(), 1);
    let drawing = part(&second, "xl/drawings/vmlDrawing1.vml");
    assert_eq!(drawing.matches("<v:shape ").count(), 2);
    assert_eq!(
        book(&second).unwrap().sheets[0].cells[&(2, 3)],
        Value::Text("POS".into())
    );
}

#[test]
fn what_cannot_be_changed_safely_is_left_alone() {
    let marks = marks(&[(0, 0)]);
    assert!(marked(b"no workbook", &marks).is_none());
    let other = Marks {
        sheet: "Hilang".into(),
        ..marks.clone()
    };
    assert!(marked(&made(false), &other).is_none());
    let odd = crate::workbook::testing::zipped(&[("xl/workbook.xml", b"<a>")]);
    assert!(marked(&odd, &marks).is_none());
}
