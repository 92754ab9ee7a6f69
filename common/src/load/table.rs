//! A CSV file as people send it: read whole, checked for form, with the line of each row.
//!
//! Commas and semicolons are both delimiters (Indonesian spreadsheets write semicolons), a byte
//! order mark is skipped, gzip is unpacked, header words may stand in any order and letter case.

use super::fault::{LoadFault, Problem, hint};
use csv::{ByteRecord, ReaderBuilder};
use std::io::Read;

/// Ten times the largest file that is shipped; a bomb of zeros stops here.
const MOST_BYTES: u64 = 64 << 20;

/// The columns that a kind of file has.
pub(super) struct Columns {
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// One row with its cells trimmed; empty rows are left out.
#[derive(Debug)]
pub(super) struct Row {
    pub line: u64,
    cells: Vec<(&'static str, String)>,
}

impl Row {
    /// The cell of a column; empty when the file has no such column.
    pub fn get(&self, column: &str) -> &str {
        self.given(column).unwrap_or_default()
    }

    /// The cell of a column that the file has, empty or not.
    pub fn given(&self, column: &str) -> Option<&str> {
        let mut cells = self.cells.iter();
        cells.find(|c| c.0 == column).map(|c| c.1.as_str())
    }

    /// A fault in a cell of this row.
    pub fn fault(&self, column: &str, problem: Problem) -> LoadFault {
        LoadFault::new(self.line, column, self.get(column), problem)
    }

    /// The cell, or a fault when it is empty.
    pub fn need(&self, column: &str, faults: &mut Vec<LoadFault>) -> String {
        if self.get(column).is_empty() {
            faults.push(self.fault(column, Problem::Missing));
        }
        self.get(column).to_owned()
    }

    /// The cell must be what `fits` says; where it is not, the fault names what was wanted.
    pub fn fit(
        &self,
        column: &str,
        wanted: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Option<LoadFault> {
        let value = self.get(column).to_owned();
        let problem = Problem::Unfit {
            value,
            wanted,
            hint: String::new(),
        };
        (!fits(self.get(column))).then(|| self.fault(column, problem))
    }
}

/// Reads everything. Rows whose form is broken are left out of the rows and in the faults, so that
/// the rest can still be checked; only when the header is broken are there no rows at all.
pub(super) fn read(source: impl Read, columns: &Columns) -> (Vec<Row>, Vec<LoadFault>) {
    let mut faults = Vec::new();
    let bytes = match bytes(source) {
        Ok(bytes) => bytes,
        Err(problem) => return (Vec::new(), vec![LoadFault::new(1, "file", "", problem)]),
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&bytes))
        .from_reader(bytes.as_slice());
    let mut header: Option<Vec<Option<&'static str>>> = None;
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    let mut lines = Lines {
        bytes: &bytes,
        passed: 0,
        line: 1,
    };
    // A slice cannot fail to be read, and the reader is flexible, so this ends with the bytes.
    while matches!(reader.read_byte_record(&mut record), Ok(true)) {
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        match &header {
            None => header = Some(head(line, &record, columns, &mut faults)),
            Some(header) => rows.extend(row(line, &record, header, &mut faults)),
        }
    }
    if header.is_none() {
        let known = names(columns).collect::<Vec<_>>().join(", ");
        faults.push(LoadFault::new(1, "file", "", Problem::Empty(known)));
    }
    let broken =
        header.is_none_or(|h| h.iter().any(Option::is_none) || missing(&h, columns).count() > 0);
    (if broken { Vec::new() } else { rows }, faults)
}

/// All columns, the required ones first.
fn names(columns: &Columns) -> impl Iterator<Item = &'static str> {
    columns.required.iter().chain(columns.optional).copied()
}

/// The whole source, unpacked and without a byte order mark.
pub(super) fn bytes(mut source: impl Read) -> Result<Vec<u8>, Problem> {
    let mut start = [0; 2];
    let read = fill(&mut source, &mut start)?;
    let whole = (&start[..read]).chain(source);
    let mut bytes = Vec::new();
    let unreadable = |e: std::io::Error| Problem::Unreadable(e.to_string());
    if start == [0x1f, 0x8b] {
        let mut plain = flate2::read::GzDecoder::new(whole).take(MOST_BYTES + 1);
        plain.read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        whole
            .take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Problem::TooLarge(MOST_BYTES >> 20));
    }
    match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'P', b'K', 3, 4, ..] => Err(Problem::NotCsv),
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(rest.to_vec()),
        _ => Ok(bytes),
    }
}

/// Counts lines as an editor does. The CSV reader's own count stops before the line feed of the line above and
/// before empty lines.
struct Lines<'a> {
    bytes: &'a [u8],
    passed: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first byte of a record that begins at or after `byte`. Call it in rising order.
    fn at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(&now) = self.bytes.get(self.passed) {
            let ends = matches!(now, b'\n' | b'\r');
            if self.passed >= byte && !ends {
                break;
            }
            let half = now == b'\r' && self.bytes.get(self.passed + 1) == Some(&b'\n');
            self.line += u64::from(ends && !half);
            self.passed += 1;
        }
        self.line
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Problem> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Problem::Unreadable(e.to_string())),
        }
    }
    Ok(filled)
}

fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes
        .split(|&b| b == b'\n')
        .find(|l| !l.trim_ascii().is_empty())
        .unwrap_or_default();
    let count = |c: u8| first.iter().filter(|&&b| b == c).count();
    if count(b';') > count(b',') {
        b';'
    } else {
        b','
    }
}

/// What stands in each place of the first line; `None` for a word that is no column.
fn head(
    line: u64,
    record: &ByteRecord,
    columns: &Columns,
    faults: &mut Vec<LoadFault>,
) -> Vec<Option<&'static str>> {
    let mut header: Vec<Option<&'static str>> = Vec::new();
    for cell in record {
        let word = String::from_utf8_lossy(cell).trim().to_lowercase();
        let column = names(columns).find(|c| *c == word);
        if column.is_none() {
            let known = names(columns).collect::<Vec<_>>().join(", ");
            let hint = hint(&word, names(columns));
            let problem = Problem::UnknownColumn {
                name: word.clone(),
                hint,
                known,
            };
            faults.push(LoadFault::new(line, "header", &word, problem));
        } else if header.contains(&column) {
            faults.push(LoadFault::new(line, &word, &word, Problem::ColumnTwice));
        }
        header.push(column);
    }
    let missing = missing(&header, columns);
    faults.extend(missing.map(|c| LoadFault::new(line, c, "", Problem::ColumnMissing)));
    header
}

fn missing(
    header: &[Option<&'static str>],
    columns: &Columns,
) -> impl Iterator<Item = &'static str> {
    columns
        .required
        .iter()
        .copied()
        .filter(|c| !header.contains(&Some(c)))
}

fn row(
    line: u64,
    record: &ByteRecord,
    header: &[Option<&'static str>],
    faults: &mut Vec<LoadFault>,
) -> Option<Row> {
    if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
        return None;
    }
    let before = faults.len();
    let (found, expected) = (record.len(), header.len());
    let mut cells = Vec::with_capacity(expected);
    for (cell, column) in record.iter().zip(header) {
        let name = column.unwrap_or("row");
        let text = String::from_utf8_lossy(cell);
        let text = text.trim();
        let problem = match cell {
            _ if std::str::from_utf8(cell).is_err() => Some(Problem::NotUtf8),
            _ if cell.contains(&0) => Some(Problem::Nul),
            _ if text.contains(['\n', '\r']) => Some(Problem::LineBreak),
            _ => None,
        };
        faults.extend(problem.map(|p| LoadFault::new(line, name, text, p)));
        cells.push((name, text.to_owned()));
    }
    // Spreadsheets add empty cells at the end of a row; that is no fault.
    let spare = record.iter().skip(expected).all(<[u8]>::is_empty);
    if faults.len() == before && (found < expected || !spare) {
        faults.push(LoadFault::new(
            line,
            "row",
            "",
            Problem::Cells { found, expected },
        ));
    }
    (faults.len() == before).then_some(Row { line, cells })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        required: &["code", "name"],
        optional: &["note"],
    };

    fn texts(source: &[u8]) -> (Vec<String>, Vec<String>) {
        let (rows, faults) = read(source, &COLUMNS);
        let row = |r: &Row| {
            format!(
                "{}:{}/{}/{}",
                r.line,
                r.get("code"),
                r.get("name"),
                r.get("note")
            )
        };
        (
            rows.iter().map(row).collect(),
            faults.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let gz = {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut out, b"code,name\nA,b\n").unwrap();
            out.finish().unwrap()
        };
        for (source, rows) in [
            (&b"code,name\nA,b\n"[..], vec!["2:A/b/"]),
            (b"code;name\r\nA; b,c \r\n", vec!["2:A/b,c/"]),
            (b"\xef\xbb\xbfName , CODE\nb,A", vec!["2:A/b/"]),
            (
                b"code,name,note\nA,b,\"x \"\"y\"\"\"\n,,\nB,c,\n",
                vec!["2:A/b/x \"y\"", "4:B/c/"],
            ),
            (b"code,name\nA,b,,,\n", vec!["2:A/b/"]),
            (b"code,name\n\n\nA,b\n", vec!["4:A/b/"]),
            (&gz, vec!["2:A/b/"]),
        ] {
            let (found, faults) = texts(source);
            assert_eq!(
                faults,
                Vec::<String>::new(),
                "{}",
                String::from_utf8_lossy(source)
            );
            assert_eq!(found, rows, "{}", String::from_utf8_lossy(source));
        }
    }

    #[test]
    fn every_fault_names_line_and_remedy() {
        for (source, faults) in [
            (
                &b""[..],
                vec![
                    "line 1, file: the file is empty; its first line must name the columns: code, name, note",
                ],
            ),
            (
                b"\xff\xfec\0o\0",
                vec!["line 1, file: the file is UTF-16 or a workbook; save it as \"CSV UTF-8\""],
            ),
            (
                b"PK\x03\x04abc",
                vec!["line 1, file: the file is UTF-16 or a workbook; save it as \"CSV UTF-8\""],
            ),
            (
                b"code,nmae\nA,b\n",
                vec![
                    "line 1, header: unknown column \"nmae\" (did you mean \"name\"?); the columns are code, name, note",
                    "line 1, name: this column is missing; add it to the first line, even if some of its cells are empty",
                ],
            ),
            (
                b"code,name,code\n",
                vec!["line 1, code: this column stands there twice; remove one of them"],
            ),
            (
                b"code,name\nA\nB,c,d\nC,\xe9\nD,e\0\n",
                vec![
                    "line 2, row: 1 cells where the header has 2; quote a cell that holds the delimiter",
                    "line 3, row: 3 cells where the header has 2; quote a cell that holds the delimiter",
                    "line 4, name: bytes that are not UTF-8; save the file as \"CSV UTF-8\"",
                    "line 5, name: a NUL character; remove it, or save the file again as \"CSV UTF-8\"",
                ],
            ),
            (
                b"code,name\nA,\"b\nB,c\n",
                vec![
                    "line 2, name: a line break inside a cell; a quotation mark is probably not closed on this line",
                ],
            ),
        ] {
            assert_eq!(
                texts(source).1,
                faults,
                "{}",
                String::from_utf8_lossy(source)
            );
        }
    }

    #[test]
    fn a_torn_archive_and_a_bomb_are_faults() {
        let (_, faults) = read(&b"\x1f\x8b\x08\0torn"[..], &COLUMNS);
        assert!(
            matches!(faults[0].problem, Problem::Unreadable(_)),
            "{faults:?}"
        );
        let (_, faults) = read(std::io::repeat(b'x'), &COLUMNS);
        assert_eq!(faults[0].problem, Problem::TooLarge(64));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            read(bytes.as_slice(), &COLUMNS);
            let mut headed = b"code,name\n".to_vec();
            headed.extend(bytes);
            read(headed.as_slice(), &COLUMNS);
        }
    }
}
