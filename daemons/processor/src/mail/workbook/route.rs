//! Which attachments are workbooks, and which kind a mail asks for.

use common::mail::{File, FileKind, Heading, Letter, commands};
use common::messages::EmailInput;
use common::workbook::kind::{self, Kind};

/// A kind with the code that was named, if one was.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub kind: &'static Kind,
    pub code: Option<String>,
}

/// The attachments that may be workbooks.
pub fn workbooks(letter: &Letter) -> Vec<&File> {
    letter.files.iter().filter(|f| is_workbook(f)).collect()
}

fn is_workbook(file: &File) -> bool {
    let name = file.name.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let csv = ends(&[".csv", ".tsv"]) || file.declared == "text/csv";
    match file.kind {
        FileKind::Xlsx | FileKind::Ods => true,
        // Word has the same old container.
        FileKind::OldOffice => !ends(&[".doc", ".ppt", ".dot", ".pps", ".msg"]),
        FileKind::Text => csv,
        // What calls itself a workbook and is none is told so.
        FileKind::Html | FileKind::Zip | FileKind::Other | FileKind::Empty => {
            csv || ends(&[".xlsx", ".xls", ".ods", ".xlsm", ".xlsb"])
        }
        _ => false,
    }
}

/// An attachment that somebody may have meant for one.
pub fn others(letter: &Letter) -> bool {
    let other = |f: &File| matches!(f.kind, FileKind::Docx | FileKind::Pdf | FileKind::Zip);
    letter.files.iter().any(other)
}

/// The kind that the mail names: in the address that it was sent to, else in its subject, which
/// may say `template` before it. Of several copies of one mail only the first is looked at, so the
/// addresses of ours (in this domain) that stand above it count as well.
pub fn wanted(msg: &EmailInput, heading: &Heading, domain: &str) -> Option<Wanted> {
    let written = heading.to.iter().chain(&heading.cc).map(|m| &m.address);
    let ours = written.filter(|a| {
        let at = a.rsplit_once('@');
        at.is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
    });
    let mut words = msg
        .recipients
        .iter()
        .chain(ours)
        .filter_map(|a| a.split('@').next());
    let by_address = words.find_map(kind::meant);
    let subject = commands::without_marks(&heading.subject);
    let mut words = subject.split_whitespace().peekable();
    let asks = |w: &&str| TEMPLATE.iter().any(|t| t.eq_ignore_ascii_case(w));
    words.next_if(asks);
    let by_subject = || {
        let (kind, code) = kind::meant(words.next()?)?;
        let next = || words.next().map(str::to_uppercase);
        let any = kind.store == kind::Store::AnyCode;
        Some((kind, code.or_else(|| any.then(next).flatten())))
    };
    let found = by_address.or_else(by_subject);
    found.map(|(kind, code)| Wanted { kind, code })
}

/// Whether the subject asks for a template.
pub fn asks_for_template(subject: &str) -> bool {
    let subject = commands::without_marks(subject);
    let first = subject.split_whitespace().next().unwrap_or_default();
    TEMPLATE.iter().any(|t| t.eq_ignore_ascii_case(first))
}

/// What people say for a template in either language.
const TEMPLATE: [&str; 3] = ["template", "templat", "templet"];

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn mail(to: &str) -> EmailInput {
        EmailInput {
            blob: String::new(),
            recipients: vec![to.into()],
            sender: None,
            received_at: Timestamp::UNIX_EPOCH,
            verdicts: None,
            client_ip: None,
            client_name: None,
            confirmed: None,
        }
    }

    #[test]
    fn the_address_or_the_subject_names_the_kind() {
        for (to, subject, want) in [
            ("lab@x.id", "Hasil minggu ini", Some(("lab", None))),
            ("data-u@x.id", "", Some(("rows", Some("U")))),
            ("lapor@x.id", "data u", Some(("rows", Some("U")))),
            ("lapor@x.id", "Re: DATA", Some(("rows", None))),
            ("lapor@x.id", "Template lab", Some(("lab", None))),
            (
                "lapor@x.id",
                "templat data pneg",
                Some(("rows", Some("PNEG"))),
            ),
            ("lapor@x.id", "Laporan lab", None),
            ("lapor@x.id", "", None),
        ] {
            let heading = Heading {
                subject: subject.into(),
                ..Heading::default()
            };
            let found = wanted(&mail(to), &heading, "x.id");
            let found = found
                .as_ref()
                .map(|w| (w.kind.kind.as_str(), w.code.as_deref()));
            assert_eq!(found, want, "{to} {subject:?}");
        }
    }

    #[test]
    fn a_copy_to_another_address_of_ours_names_the_kind_too() {
        for (to, want) in [("lab@x.id", Some("lab")), ("lab@elsewhere.id", None)] {
            let read = common::mail::read(
                format!("From: a@b.id\r\nTo: {to}\r\n\r\nHalo\r\n").as_bytes(),
                &common::mail::Limits::default(),
            );
            let heading = read.expect("a mail").heading;
            let found = wanted(&mail("lapor@x.id"), &heading, "x.id");
            assert_eq!(found.map(|w| w.kind.kind.as_str()), want);
        }
    }
}
