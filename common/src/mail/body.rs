//! Which parts are the text of a mail, and what that text is.

use super::limits::Limits;
use super::part::Part;
use super::read::Note;
use super::{charset, files, flowed, html};

pub(crate) struct Text {
    pub text: String,
    pub notes: Vec<Note>,
}

/// The text of the mail itself, and the parts that are left as files.
///
/// Plain text is preferred; all plain parts that are shown inline are the text, in their order
/// (some programs cut a text around a picture). HTML counts only when the plain text is blank.
/// Text of attached mails is never the mail's own text (M18).
pub(crate) fn choose<'a, 'p>(all: &'p [Part<'a>], limits: &Limits) -> (Text, Vec<&'p Part<'a>>) {
    let mut notes = Vec::new();
    let plain = join(all, "text/plain", limits, &mut notes);
    let text = match plain.trim().is_empty() {
        false => plain,
        true => from_html(all, limits, &mut notes),
    };
    (
        Text { text, notes },
        all.iter().filter(|p| is_file(p)).collect(),
    )
}

fn from_html(all: &[Part<'_>], limits: &Limits, notes: &mut Vec<Note>) -> String {
    let found = join(all, "text/html", limits, notes);
    if found.trim().is_empty() {
        return String::new();
    }
    notes.push(Note::MadeFromHtml);
    charset::without_nul(&html::to_text(&found)).into_owned()
}

fn join(all: &[Part<'_>], kind: &str, limits: &Limits, notes: &mut Vec<Note>) -> String {
    let mut text = String::new();
    for part in all.iter().filter(|p| is_text(p) && p.kind == kind) {
        // The limit is looked at before decoding: what is cut away costs nothing.
        if text.len() > limits.text_bytes {
            notes.push(Note::TextCut);
            break;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&decoded(part, notes));
    }
    text
}

fn decoded(part: &Part<'_>, notes: &mut Vec<Note>) -> String {
    let label = files::parameter(part, "charset");
    let found = charset::decode(&part.content(), label.as_deref());
    if found.guessed {
        notes.push(Note::CharsetGuessed(found.used));
    }
    if found.repaired {
        notes.push(Note::TextRepaired);
    }
    let text = found.text.replace("\r\n", "\n").replace('\r', "\n");
    let is = |name: &str, value: &str| {
        files::parameter(part, name).is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    if part.kind == "text/plain" && is("format", "flowed") {
        return flowed::unwrap(&text, is("delsp", "yes"));
    }
    text
}

/// A part of the mail itself that a reader sees as its text.
fn is_text(part: &Part<'_>) -> bool {
    let kind = part.kind == "text/plain" || part.kind == "text/html";
    kind && part.letter == 0 && !files::is_attached(part) && !files::is_named(part)
}

fn is_file(part: &Part<'_>) -> bool {
    let shown = part.kind == "text/plain" || part.kind == "text/html";
    let unnamed_text = shown && !files::is_attached(part) && !files::is_named(part);
    !unnamed_text && !part.kind.starts_with("message/rfc822")
}
