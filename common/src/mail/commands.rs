//! Which lines of a mail are commands.
//!
//! The rule is in `docs/decisions/commands-in-mail.md`. In short: the subject, unless it only
//! repeats what is answered; then the first lines of the sender's own words, up to a blank line or
//! the first line that is no command. Anything looser would run a signature: `H. Abdul` begins
//! with a code that deletes.

use super::Letter;

/// Where a command stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// In the subject.
    Subject,
    /// In the body.
    Body,
}

/// One command as it was typed, white space in runs made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The words, ready for the code engine.
    pub text: String,
    /// Where it stood.
    pub source: Source,
}

/// What a mail asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// The commands in their order, at most as many as were asked for.
    pub lines: Vec<Line>,
    /// The first words that would have had to be a command and are not, shortened, to be shown in
    /// the answer; empty if nothing was left over.
    pub not_understood: String,
    /// Lines further down in the sender's own words that begin as a command does and are not run,
    /// because a blank line or one that is no command stands before them. The sender may have meant
    /// them, so the answer has to say it.
    pub passed_over: usize,
    /// There were more commands than the most that is run.
    pub more: bool,
}

/// Finds the commands. `is_code` says whether a word (as typed) is a start code; `?` always is.
/// Lines that only greet are stepped over. A line that says again what the subject said is run
/// once.
pub fn commands(letter: &Letter, is_code: &dyn Fn(&str) -> bool, most: usize) -> Commands {
    let mut found = Commands::default();
    let begins = |line: &str| begins_with_code(line, is_code);
    let subject = subject(letter).filter(|line| begins(line));
    found.lines.extend(subject.map(|text| Line {
        text,
        source: Source::Subject,
    }));
    let body: Vec<&str> = after_greeting(letter.own_words(), &begins).collect();
    if found.lines.is_empty() {
        found.not_understood = body
            .first()
            .filter(|l| !begins(l))
            .map(|l| short(l))
            .unwrap_or_default();
    }
    let run = body.iter().take_while(|line| begins(line)).count();
    found.passed_over = body[run..].iter().filter(|line| begins(line)).count();
    for line in &body[..run] {
        let text = one_line(line);
        let again = found.lines.first().is_some_and(|first| {
            first.source == Source::Subject && first.text.eq_ignore_ascii_case(&text)
        });
        if !again {
            found.lines.push(Line {
                text,
                source: Source::Body,
            });
        }
    }
    found.more = found.lines.len() > most;
    found.lines.truncate(most);
    found
}

/// Whether the first word is a code or begins with `?`.
fn begins_with_code(line: &str, is_code: &dyn Fn(&str) -> bool) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let word = word.trim_start_matches(is_invisible);
    word.starts_with('?') || !word.is_empty() && is_code(word)
}

/// The subject as a command line. One that carries the mark of an answer in a thread is what we
/// or somebody else wrote before, and was run then.
fn subject(letter: &Letter) -> Option<String> {
    let whole = one_line(&letter.heading.subject);
    let bare = without_marks(&whole);
    let repeated = bare.len() < whole.len() && letter.heading.is_in_thread();
    (!repeated && !bare.is_empty()).then(|| bare.to_owned())
}

/// A subject without `Re:`, `Fwd:`, `Bls:` and their kin, however many there are.
pub fn without_marks(subject: &str) -> &str {
    const MARKS: [&str; 14] = [
        "re", "fw", "fwd", "bls", "balas", "balasan", "trs", "terusan", "teruskan", "aw", "sv",
        "wg", "antw", "rv",
    ];
    let mut rest = subject.trim();
    while let Some((mark, after)) = rest.split_once(':') {
        // `Re[2]:` and `Re (2):` count the answers.
        let word = mark
            .split(['[', '(', '^'])
            .next()
            .unwrap_or_default()
            .trim();
        if mark.len() > 12 || !MARKS.iter().any(|m| word.eq_ignore_ascii_case(m)) {
            break;
        }
        rest = after.trim();
    }
    rest
}

/// The lines from the first that is neither blank nor a greeting.
fn after_greeting<'a>(
    text: &'a str,
    begins: &dyn Fn(&str) -> bool,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let mut greetings = 0;
    let mut at = 0;
    let lines: Vec<&str> = text.lines().map(str::trim).take(LOOKED_AT).collect();
    for line in &lines {
        let greets = greetings < MOST_GREETINGS && !begins(line) && is_greeting(line);
        if !line.is_empty() && !greets {
            break;
        }
        greetings += usize::from(greets);
        at += 1;
    }
    lines.into_iter().skip(at)
}

/// Lines that are looked at; nobody sends more commands in one mail.
const LOOKED_AT: usize = 2_000;
/// `Yth. Bapak Admin` and `Selamat pagi`: more is a letter, not a greeting.
const MOST_GREETINGS: usize = 2;

/// A short line that begins as letters begin here.
fn is_greeting(line: &str) -> bool {
    const WORDS: [&str; 24] = [
        "assalamualaikum",
        "assalamu'alaikum",
        "assalamu alaikum",
        "ass wr wb",
        "selamat pagi",
        "selamat siang",
        "selamat sore",
        "selamat malam",
        "salam",
        "yth",
        "kepada",
        "halo",
        "hallo",
        "hai",
        "pagi",
        "siang",
        "sore",
        "malam",
        "dear",
        "hello",
        "hi",
        "good morning",
        "good afternoon",
        "dengan hormat",
    ];
    let line = line.to_lowercase();
    let begins = |word: &&str| {
        line.strip_prefix(*word)
            .is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric()))
    };
    line.chars().count() <= 60 && WORDS.iter().any(begins)
}

/// Words with one blank between them. Marks without a width, which phones and web mail put at the
/// beginning of lines, are no part of a word.
fn one_line(line: &str) -> String {
    let visible: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
    )
}

fn short(line: &str) -> String {
    one_line(line).chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    fn found(body: &str) -> Vec<String> {
        let raw = format!("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n{body}");
        let letter = read(raw.as_bytes(), &Limits::default()).expect("readable");
        let is_code = |word: &str| ["U", "PK", "H", "HALO"].contains(&word.to_uppercase().as_str());
        commands(&letter, &is_code, 20)
            .lines
            .into_iter()
            .map(|l| l.text)
            .collect()
    }

    #[test]
    fn only_the_first_lines_count() {
        for (body, lines) in [
            ("U MC SP 4", vec!["U MC SP 4"]),
            ("\n\n  u\tmc   sp 4 \n", vec!["u mc sp 4"]),
            ("U MC\u{a0}SP 4", vec!["U MC SP 4"]),
            (
                "\u{feff}U MC SP 4\n\u{200b}PK 1 SB",
                vec!["U MC SP 4", "PK 1 SB"],
            ),
            ("U", vec!["U"]),
            ("?", vec!["?"]),
            ("?U", vec!["?U"]),
            ("U MC SP 4\n\nPK 1 SB", vec!["U MC SP 4"]),
            ("Selamat pagi,\nU MC SP 4", vec!["U MC SP 4"]),
            // A greeting that is a code is a code.
            ("halo\nU MC SP 4", vec!["halo", "U MC SP 4"]),
            // Three greetings are a letter.
            ("Yth.\nSalam\nPagi\nU MC SP 4", vec![]),
            ("Salamander mati\nU MC SP 4", vec![]),
            ("H. Abdul\nU MC SP 4", vec![]),
            ("sapi saya sakit\nU MC SP 4", vec![]),
        ] {
            assert_eq!(found(body), lines, "{body}");
        }
    }

    #[test]
    fn what_looks_like_a_command_and_is_not_run_is_counted() {
        for (body, passed_over) in [
            ("U MC SP 4\nPK 1 SB", 0),
            ("U MC SP 4\n\nPK 1 SB\nmohon petugas\nU MC SP 5", 2),
            ("U MC SP 4\nTerima kasih,\nBudi", 0),
            ("U MC SP 4\n-- \nPK 1 SB", 0),
            ("sapi saya sakit\nU MC SP 4", 1),
        ] {
            let raw = format!("From: a@b.example\n\n{body}");
            let letter = read(raw.as_bytes(), &Limits::default()).expect("readable");
            let is_code = |word: &str| ["U", "PK"].contains(&word);
            assert_eq!(
                commands(&letter, &is_code, 20).passed_over,
                passed_over,
                "{body}"
            );
        }
    }

    #[test]
    fn marks_of_answers_are_taken_off() {
        for (subject, bare) in [
            ("Re: U MC", "U MC"),
            ("RE: Bls: Fwd: U MC", "U MC"),
            ("Re[2]: U MC", "U MC"),
            ("Balas : U MC", "U MC"),
            ("U MC", "U MC"),
            ("Remark: U MC", "Remark: U MC"),
            ("R: 12", "R: 12"),
            ("Re:", ""),
        ] {
            assert_eq!(without_marks(subject), bare, "{subject}");
        }
    }
}
