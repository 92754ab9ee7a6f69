//! A text in pieces that a network carries.

use crate::code::sms::{self, Alphabet};
use serde::Deserialize;

/// `[length]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// What becomes of a text that is longer than one message.
    pub split: Split,
    /// Characters of one message; for `joined` the SMS standard says it.
    #[serde(default)]
    pub most: usize,
    /// Most pieces of a text; what is longer is cut and ends with dots.
    pub pieces: usize,
}

/// How a long text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// As SMS that the receiver's phone puts together (3GPP TS 23.040, 9.2.3.24.1).
    Joined,
    /// As messages of their own, each beginning with its number: `2/3 `.
    Numbered,
    /// As it is: whoever carries it splits it. The pieces are those that it will cost as SMS.
    Whole,
}

/// What is handed over at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it says.
    pub text: String,
    /// From 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
    /// What the whole text needs as SMS: a phone joins pieces of one alphabet only.
    pub alphabet: Alphabet,
}

impl Piece {
    /// A piece of a text that has the same alphabet.
    pub fn new(text: &str, number: u8, of: u8) -> Self {
        Self {
            text: text.to_owned(),
            number,
            of,
            alphabet: sms::size(text).alphabet,
        }
    }
}

impl Length {
    /// The pieces of a text, in order; never none. What does not fit is cut at a word.
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        let most = self.pieces.clamp(1, usize::from(u8::MAX));
        let texts = match self.split {
            Split::Joined => sms::pieces(&sms::cut_to_parts(text, most)),
            Split::Whole => vec![sms::cut_to_parts(text, most)],
            Split::Numbered => numbered(text, self.most.max(SHORTEST), most),
        };
        let of = u8::try_from(texts.len()).unwrap_or(u8::MAX);
        let alphabet = sms::size(text).alphabet;
        let piece = |(text, number)| Piece {
            text,
            number,
            of,
            alphabet,
        };
        texts.into_iter().zip(1..=of).map(piece).collect()
    }
}

/// A message that holds less than this holds no words.
const SHORTEST: usize = 20;

/// `1/3 the first`, each at most so many characters.
fn numbered(text: &str, room: usize, most: usize) -> Vec<String> {
    if text.chars().count() <= room {
        return vec![text.to_owned()];
    }
    // `255/255 ` is the longest number.
    let room = room - 8;
    let mut rest = text.trim_end();
    let mut pieces = Vec::new();
    while !rest.is_empty() && pieces.len() < most {
        if pieces.len() + 1 == most {
            pieces.push(sms::cut(rest, room));
            break;
        }
        let (head, tail) = at_a_word(rest, room);
        pieces.push(head.to_owned());
        rest = tail;
    }
    let of = pieces.len();
    let number = |(n, text): (usize, &String)| format!("{}/{of} {text}", n + 1);
    pieces.iter().enumerate().map(number).collect()
}

/// What fits into so many characters, up to a blank where there is one, and the rest.
fn at_a_word(text: &str, room: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(room) else {
        return (text, "");
    };
    let word = match text[end..].starts_with(char::is_whitespace) {
        true => end,
        false => text[..end].rfind(char::is_whitespace).unwrap_or(end),
    };
    let cut = if word == 0 { end } else { word };
    (&text[..cut], text[cut..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn length(split: Split, most: usize, pieces: usize) -> Length {
        Length {
            split,
            most,
            pieces,
        }
    }

    #[test]
    fn short_texts_are_one_piece_however_they_travel() {
        for split in [Split::Joined, Split::Numbered, Split::Whole] {
            let pieces = length(split, 100, 3).pieces("Terima kasih.");
            assert_eq!(pieces.len(), 1);
            assert_eq!(
                (pieces[0].text.as_str(), pieces[0].of),
                ("Terima kasih.", 1)
            );
            assert_eq!(length(split, 100, 3).pieces("").len(), 1);
        }
    }

    #[test]
    fn long_texts_are_numbered_at_words() {
        let pieces = length(Split::Numbered, 20, 9).pieces("satu dua tiga empat lima");
        let texts: Vec<&str> = pieces.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(texts, ["1/3 satu dua", "2/3 tiga empat", "3/3 lima"]);
        let pieces = length(Split::Numbered, 20, 2).pieces("satu dua tiga empat lima");
        assert_eq!(pieces[1].text, "2/2 tiga...");
    }

    proptest! {
        #[test]
        fn joined_pieces_fit_and_say_everything(text in "[a-z \\[\\]é]{0,600}|[a-zć😀 ]{0,300}") {
            let pieces = length(Split::Joined, 0, 200).pieces(&text);
            let said: String = pieces.iter().map(|p| p.text.as_str()).collect();
            prop_assert_eq!(&said, &text);
            prop_assert_eq!(pieces.len(), sms::size(&text).parts.max(1));
            prop_assert!(pieces.iter().all(|p| sms::size(&p.text).parts <= 1));
        }

        #[test]
        fn numbered_pieces_fit(text in "\\PC{0,500}", most in 20usize..90) {
            let pieces = length(Split::Numbered, most, 30).pieces(&text);
            prop_assert!(pieces.iter().all(|p| p.text.chars().count() <= most));
            prop_assert!(!pieces.is_empty());
        }
    }
}
