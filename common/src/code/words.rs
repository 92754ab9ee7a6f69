//! A text cut into words, as tolerantly as a cheap telephone needs it.
//!
//! Any blank separates (also the no-break ones and line ends); commas join what they separate,
//! with or without blanks around them; brackets and quotes at the edge of a word, and stray
//! punctuation at the end of the message, are not part of it; full-width letters and digits count
//! as the plain ones. Letter case is kept beside a copy in capitals.

/// Longest text that is read, in bytes; an SMS of 255 parts has 39,015 characters, but no message
/// of the manuals comes near a tenth of this.
pub const MAX_TEXT: usize = 4_096;

/// Most words that are read after the start code.
pub const MAX_WORDS: usize = 512;

/// A place in the text, in bytes of the tidied text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

/// One word of the message: one item, or several that commas join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    first: usize,
    count: usize,
}

/// A message in words.
#[derive(Debug, Default)]
pub(crate) struct Words {
    text: String,
    upper: String,
    code: Option<Span>,
    items: Vec<Span>,
    words: Vec<Word>,
    /// The text was longer than [`MAX_TEXT`] or had more than [`MAX_WORDS`] words; the rest was
    /// not looked at.
    pub too_long: bool,
}

impl Words {
    /// Cuts a text. Never fails, linear in the text.
    pub(crate) fn of(text: &str) -> Self {
        let (text, too_long) = tidy(text);
        let upper = text.to_ascii_uppercase();
        let mut words = Self {
            text,
            upper,
            too_long,
            ..Self::default()
        };
        let end = words.end();
        let rest = words.take_code(end);
        words.cut(rest, end);
        words
    }

    /// The start code in capitals; `None` when the text holds no letter or digit.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.map(|s| &self.upper[s.start..s.end])
    }

    /// Nothing but blanks and strays, as opposed to a question mark or other sign.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What was typed after the start code is only a question mark: `U ?`.
    pub(crate) fn only_asks(&self) -> bool {
        self.words.is_empty() && self.text.contains('?')
    }

    /// What was typed after the start code, as it was typed.
    pub(crate) fn rest(&self) -> &str {
        self.code.map_or("", |code| &self.text[code.end..])
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The items of a word in capitals.
    pub(crate) fn items(&self, word: usize) -> impl Iterator<Item = &str> {
        self.spans(word).iter().map(|s| &self.upper[s.start..s.end])
    }

    pub(crate) fn spans(&self, word: usize) -> &[Span] {
        let word = self.words[word];
        &self.items[word.first..word.first + word.count]
    }

    /// A whole word in capitals, commas inside included.
    pub(crate) fn upper(&self, word: usize) -> &str {
        let span = self.whole(word, word);
        &self.upper[span.start..span.end]
    }

    /// From one word to another.
    pub(crate) fn whole(&self, from: usize, to: usize) -> Span {
        let (first, last) = (self.spans(from), self.spans(to));
        Span {
            start: first[0].start,
            end: last[last.len() - 1].end,
        }
    }

    /// The same up to the signs that end a sentence, which belong to free text at the end of a message.
    pub(crate) fn to_the_end(&self, span: Span) -> Span {
        let rest = &self.text[span.end..];
        let signs = rest.trim_end();
        let sentence = signs.chars().all(|c| matches!(c, ' ' | '.' | '!' | '?'));
        let signs = if sentence { signs.len() } else { 0 };
        Span {
            end: span.end + signs,
            ..span
        }
    }

    /// What was typed there, letter case kept.
    pub(crate) fn typed(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    /// The same in capitals.
    pub(crate) fn typed_upper(&self, span: Span) -> &str {
        &self.upper[span.start..span.end]
    }

    /// Where the message ends when stray punctuation at its end is left out.
    fn end(&self) -> usize {
        let stray = |c: char| c == ' ' || matches!(c, '.' | ',' | ';' | ':' | '!' | '?');
        self.text.trim_end_matches(|c| stray(c) || is_edge(c)).len()
    }

    /// Finds the start code: the first run of letters and digits. Returns where the rest begins.
    fn take_code(&mut self, end: usize) -> usize {
        let text = &self.text[..end];
        let Some(start) = text.find(char::is_alphanumeric) else {
            return end;
        };
        let length = text[start..]
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(end - start);
        self.code = Some(Span {
            start,
            end: start + length,
        });
        let rest = &text[start + length..];
        let skipped = rest.trim_start_matches([' ', '.', ',', ':', ';', '-']);
        end - skipped.len()
    }

    fn cut(&mut self, from: usize, end: usize) {
        let mut joined = false;
        let mut at = from;
        while at < end {
            let piece = &self.text[at..end];
            let length = piece.find([' ', ',']).unwrap_or(piece.len());
            if length > 0 {
                self.push(at, at + length, joined);
                joined = false;
            }
            at += length;
            if self.text[at..end].starts_with(',') {
                joined = true;
            }
            at += 1;
            if self.words.len() >= MAX_WORDS {
                self.too_long = true;
                return;
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, joined: bool) {
        let piece = &self.text[start..end];
        let inner = piece.trim_start_matches(is_edge);
        let start = end - inner.len();
        let end = start + inner.trim_end_matches(is_edge).len();
        if start == end {
            return;
        }
        match self.words.last_mut() {
            Some(last) if joined => last.count += 1,
            _ => self.words.push(Word {
                first: self.items.len(),
                count: 1,
            }),
        }
        self.items.push(Span { start, end });
    }
}

/// Brackets and quotes: people type the notation of the manual, or copy `[2352]` from a reply.
fn is_edge(c: char) -> bool {
    matches!(
        c,
        '[' | ']' | '{' | '}' | '(' | ')' | '<' | '>' | '"' | '\'' | '`' | '#'
    )
}

/// Plain blanks, plain letters, bounded length.
fn tidy(text: &str) -> (String, bool) {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (text, too_long) = (&text[..end], text.trim_end().len() > end);
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return (text.to_owned(), too_long);
    }
    (text.chars().filter_map(plain).collect(), too_long)
}

fn plain(c: char) -> Option<char> {
    Some(match c {
        // Zero-width characters, soft hyphen, byte order mark, direction marks: nothing to see.
        '\u{00ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'
        | '\u{feff}' => {
            return None;
        }
        c if c.is_whitespace() || c.is_control() => ' ',
        // Full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        '\u{3001}' | '\u{060c}' => ',',
        '\u{3002}' => '.',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{00ab}' | '\u{00bb}' => '"',
        '\u{2010}'..='\u{2015}' => '-',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> (Option<String>, Vec<String>) {
        let words = Words::of(text);
        let all = (0..words.len())
            .map(|w| words.items(w).collect::<Vec<_>>().join(","))
            .collect();
        (words.code().map(str::to_owned), all)
    }

    #[test]
    fn blanks_commas_case_and_strays_do_not_matter() {
        let want = (
            Some("U".to_owned()),
            vec!["MC,DM".into(), "SP".into(), "4".into()],
        );
        for text in [
            "U MC,DM SP 4",
            "u mc,dm sp 4",
            "  u\tmc , dm\n\nsp   4 ",
            "U mc, dm sp 4.",
            "U mc ,dm sp 4 . ",
            "U: mc,,dm sp 4!!",
            "u\u{a0}mc,dm\u{2003}sp\u{a0}4",
            "\u{feff}Ｕ ｍｃ，ｄｍ ｓｐ ４",
            "U [mc,dm] (sp 4)",
            "\u{201c}U mc,dm sp 4\u{201d}",
            "u mc,dm sp 4\0",
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }

    #[test]
    fn the_start_code_is_the_first_run_of_letters_and_digits() {
        for (text, code) in [
            ("", None),
            ("  ", None),
            ("?", None),
            ("...", None),
            ("PNEG", Some("PNEG")),
            ("d959595", Some("D959595")),
            ("?U", Some("U")),
            ("héllo", Some("HéLLO")),
        ] {
            assert_eq!(Words::of(text).code(), code, "{text:?}");
        }
        assert!(Words::of("U ?").only_asks());
        assert!(Words::of("u?").only_asks());
        assert!(!Words::of("u").only_asks());
        assert!(Words::of(" \n").is_blank() && !Words::of("?").is_blank());
    }

    #[test]
    fn long_texts_are_cut_and_said_to_be() {
        assert!(!Words::of(&"a ".repeat(500)).too_long);
        assert!(Words::of(&"a ".repeat(MAX_WORDS + 2)).too_long);
        assert!(Words::of(&"é".repeat(MAX_TEXT)).too_long);
        assert!(!Words::of(&format!("PNEG{}", " ".repeat(MAX_TEXT))).too_long);
    }

    proptest! {
        #[test]
        fn random_texts_never_panic(text in "\\PC{0,200}|[ -~]{0,200}|(?s).{0,200}") {
            let words = Words::of(&text);
            for word in 0..words.len() {
                prop_assert!(words.items(word).all(|item| !item.is_empty()));
                prop_assert!(!words.upper(word).is_empty());
            }
        }
    }
}
