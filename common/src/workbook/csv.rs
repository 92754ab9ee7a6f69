//! Text with delimiters, as the spreadsheet programs of the world write it: which charset and
//! which delimiter is found out.

use super::book::{Line, Value};
use super::container::{COLUMNS, ROWS, Refusal};
use super::read::Emit;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Reads it into one sheet; each record is a row.
pub(super) fn read(bytes: &[u8], emit: &mut Emit<'_>) -> Result<(), Refusal> {
    let text = decoded(bytes);
    let (text, told) = hint(&text);
    let delimiter = told.unwrap_or_else(|| delimiter(text));
    emit.line(Line::Sheet("CSV".into(), false))?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    for (row, record) in (0_u32..).zip(reader.records()) {
        // A slice of valid UTF-8 cannot fail to be read, and the reader is flexible.
        let record = record.map_err(|_| Refusal::Damaged)?;
        for (column, cell) in (0_u32..).zip(&record) {
            let text = cell.trim();
            if text.is_empty() {
                continue;
            }
            if row >= ROWS {
                return Err(Refusal::TooManyRows);
            }
            if column >= COLUMNS {
                return Err(Refusal::TooManyColumns);
            }
            emit.cell(row, column, Value::Text(text.to_owned()))?;
        }
    }
    Ok(())
}

/// By a byte order mark, else UTF-8 if it is valid, else what Excel writes in this country.
fn decoded(bytes: &[u8]) -> String {
    let (encoding, skip) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, 0),
        None => (WINDOWS_1252, 0),
    };
    let (text, _) = encoding.decode_without_bom_handling(&bytes[skip..]);
    text.replace('\0', "")
}

/// `sep=;` on the first line, which Excel writes and hides.
fn hint(text: &str) -> (&str, Option<u8>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim().strip_prefix("sep=").map(str::as_bytes) {
        Some([delimiter]) => (rest, Some(*delimiter)),
        _ => (text, None),
    }
}

/// The likeliest one: that which stands most often outside quotes in the first line with text.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|l| !l.trim().is_empty());
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in first.unwrap_or_default().bytes() {
        quoted ^= byte == b'"';
        let found = counts.iter_mut().find(|c| c.0 == byte && !quoted);
        if let Some((_, count)) = found {
            *count += 1;
        }
    }
    // Of equals the first, and a comma when there is none.
    counts
        .iter()
        .rev()
        .max_by_key(|c| c.1)
        .map_or(b',', |c| c.0)
}

#[cfg(test)]
mod tests {
    use crate::workbook::{Format, Value, testing::book};

    fn cells(bytes: &[u8]) -> Vec<(u32, u16, String)> {
        let book = book(bytes).expect("it can be read");
        assert_eq!(book.format, Format::Csv);
        let cells = book.sheets[0].cells.iter();
        cells.map(|((r, c), v)| (*r, *c, v.shown())).collect()
    }

    #[test]
    fn delimiter_and_charset_are_found_out() {
        let want = vec![
            (0, 0, "nama".to_owned()),
            (0, 1, "desa".to_owned()),
            (1, 0, "Andr\u{e9}; Budi".to_owned()),
            (1, 1, "007".to_owned()),
        ];
        let utf16: Vec<u8> = "\u{feff}nama\tdesa\r\nAndr\u{e9}; Budi\t007\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [
            &b"nama;desa\r\n\"Andr\xe9; Budi\";007\r\n"[..],
            "\u{feff}nama,desa\n\"Andr\u{e9}; Budi\",007\n".as_bytes(),
            "sep=|\nnama|desa\nAndr\u{e9}; Budi|007".as_bytes(),
            &utf16,
        ] {
            assert_eq!(cells(bytes), want);
        }
    }

    #[test]
    fn a_csv_keeps_to_the_limits_of_a_workbook() {
        let wide = ",".repeat(250) + "x";
        assert_eq!(book(wide.as_bytes()).unwrap_err().key(), "too_many_columns");
        let long = "a,b\n".repeat(50_001);
        assert_eq!(book(long.as_bytes()).unwrap_err().key(), "too_many_rows");
        let fat = format!("a,{}", "x".repeat(5_000));
        assert_eq!(book(fat.as_bytes()).unwrap_err().key(), "cell_too_long");
        let empty = book(b"a,b\n,\n").unwrap();
        assert_eq!(empty.sheets[0].cells[&(0, 0)], Value::Text("a".into()));
    }
}
