//! Header values out of what others wrote: one line each, bounded, and never a header of its own.

use crate::messages::Thread;

/// Longest subject in characters: what a phone shows in its list, and three encoded lines.
const SUBJECT_CHARS: usize = 150;

/// References kept of the thread that is answered. Mail programs do the same: the first names the
/// thread, the last ones name the place in it.
const REFERENCES: usize = 12;

/// Longest Message-ID taken over: RFC 5322, section 2.1.1 allows 998 characters in a line.
const MESSAGE_ID_CHARS: usize = 250;

/// Longest file name in characters; file systems stop at 255 bytes.
const FILE_NAME_CHARS: usize = 100;

/// What mail programs put in front of the subject of an answer, here and elsewhere.
const ANSWER_WORDS: &[&str] = &["re", "aw", "bls", "balas", "sv", "tr"];

/// The subject: that of the mail that is answered with one `Re:`, else what the template says.
pub fn subject(thread: Option<&Thread>, own: &str) -> String {
    let theirs = thread.map(|t| clean(&t.subject)).unwrap_or_default();
    let theirs = without_answer_words(&theirs);
    let whole = if theirs.is_empty() {
        clean(own)
    } else {
        format!("Re: {theirs}")
    };
    cut(&whole, SUBJECT_CHARS)
}

/// One line of visible text: control characters, line ends and direction overrides are spaces.
pub fn clean(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if is_hidden(c) { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Message-ID of the mail that is answered, when it is one.
pub fn in_reply_to(thread: Option<&Thread>) -> Option<String> {
    message_id(thread?.message_id.as_deref()?)
}

/// The thread's references, ours, and last the mail that is answered, so that programs which look
/// at the last one hang the answer under it.
pub fn references(thread: Option<&Thread>, ours: impl Iterator<Item = String>) -> Vec<String> {
    let parent = in_reply_to(thread);
    let mut ids: Vec<String> = thread
        .into_iter()
        .flat_map(|t| &t.references)
        .filter_map(|id| message_id(id))
        .filter(|id| Some(id) != parent.as_ref())
        .collect();
    if ids.len() > REFERENCES {
        let last = ids.split_off(ids.len() - (REFERENCES - 1));
        ids.truncate(1);
        ids.extend(last);
    }
    ids.extend(ours);
    ids.extend(parent);
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}

/// A file name that is one: no path, no line end, not too long; never empty.
pub fn file_name(name: &str) -> String {
    let name = clean(name).replace(['/', '\\', ':', '"'], "_");
    let name = name.trim_start_matches('.');
    if name.is_empty() {
        return "file".into();
    }
    match name.rsplit_once('.') {
        // The ending opens the right program: the middle is what can be spared.
        Some((stem, ending)) if ending.len() <= 10 => {
            let stem: String = stem.chars().take(FILE_NAME_CHARS).collect();
            format!("{stem}.{ending}")
        }
        _ => name.chars().take(FILE_NAME_CHARS).collect(),
    }
}

/// A media type that is one, else bytes.
pub fn media_type(text: &str) -> String {
    let is_token = |part: &str| {
        !part.is_empty()
            && part.len() <= 100
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match text.split_once('/') {
        Some((kind, rest)) if is_token(kind) && is_token(rest) && kind != "multipart" => {
            text.to_ascii_lowercase()
        }
        _ => "application/octet-stream".into(),
    }
}

/// A foreign Message-ID that can stand in a header of ours.
fn message_id(id: &str) -> Option<String> {
    let id = id.trim().trim_matches(['<', '>']);
    let fits = (3..=MESSAGE_ID_CHARS).contains(&id.len())
        && id.contains('@')
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    fits.then(|| id.to_owned())
}

fn without_answer_words(subject: &str) -> &str {
    let mut rest = subject;
    while let Some((word, tail)) = rest.split_once(':') {
        // `Re[2]:` is a way of counting answers.
        let word = word.trim().split('[').next().unwrap_or_default();
        if !ANSWER_WORDS.iter().any(|w| w.eq_ignore_ascii_case(word)) {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Control characters, and those that change the direction of what follows (a file `gpj.exe` can
/// be made to look like `exe.jpg`).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(subject: &str, id: Option<&str>, references: &[&str]) -> Thread {
        Thread {
            message_id: id.map(Into::into),
            references: references.iter().map(|r| (*r).into()).collect(),
            subject: subject.into(),
        }
    }

    #[test]
    fn a_subject_has_one_re() {
        for (theirs, ours) in [
            ("Laporan", "Re: Laporan"),
            ("Re: Laporan", "Re: Laporan"),
            ("RE: Bls: re:  Laporan", "Re: Laporan"),
            ("Re[2]: Laporan", "Re: Laporan"),
            ("Laporan: sapi", "Re: Laporan: sapi"),
            ("", "Own"),
            ("Re:", "Own"),
            ("a\r\nBcc: b@example.org", "Re: a Bcc: b@example.org"),
            ("\u{202e}txt", "Re: txt"),
        ] {
            assert_eq!(subject(Some(&thread(theirs, None, &[])), "Own"), ours);
        }
        assert_eq!(subject(None, "Own"), "Own");
    }

    #[test]
    fn a_long_subject_is_cut_between_letters() {
        let cut = subject(Some(&thread(&"é".repeat(400), None, &[])), "");
        assert_eq!(cut.chars().count(), SUBJECT_CHARS);
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn references_are_bounded_and_end_with_what_is_answered() {
        let many: Vec<String> = (0..40).map(|n| format!("{n}@a.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let of = thread("", Some("<39@a.example>"), &many);
        let ids = references(Some(&of), ["token@us.example".to_owned()].into_iter());
        assert_eq!(ids.len(), REFERENCES + 2);
        assert_eq!(ids.first().map(String::as_str), Some("0@a.example"));
        let end: Vec<&str> = ids.iter().rev().take(3).map(String::as_str).collect();
        assert_eq!(end, ["39@a.example", "token@us.example", "38@a.example"]);
    }

    #[test]
    fn a_foreign_id_is_no_way_in() {
        let evil = "x@y\r\nBcc: z@example.org";
        let of = thread(
            "",
            Some(evil),
            &[evil, "no-at", "a b@c", "", "ok@c.example"],
        );
        assert_eq!(in_reply_to(Some(&of)), None);
        assert_eq!(references(Some(&of), std::iter::empty()), ["ok@c.example"]);
    }

    #[test]
    fn file_names_are_names() {
        for (name, ours) in [
            ("laporan.xlsx", "laporan.xlsx"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\r\nb.csv", "a b.csv"),
            ("", "file"),
            ("laporan kasus – Mei.csv", "laporan kasus – Mei.csv"),
        ] {
            assert_eq!(file_name(name), ours);
        }
        let long = file_name(&format!("{}.xlsx", "x".repeat(300)));
        assert_eq!(long, format!("{}.xlsx", "x".repeat(FILE_NAME_CHARS)));
    }

    #[test]
    fn media_types_are_types() {
        for (text, ours) in [
            ("text/CSV", "text/csv"),
            ("application/vnd.ms-excel", "application/vnd.ms-excel"),
            ("text/csv\r\nX: y", "application/octet-stream"),
            ("multipart/mixed", "application/octet-stream"),
            ("csv", "application/octet-stream"),
        ] {
            assert_eq!(media_type(text), ours);
        }
    }
}
