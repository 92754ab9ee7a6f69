//! The two faces that travel inside the program, and how wide their letters are.
//!
//! Letters stand side by side as they come: no ligatures, no kerning, no right-to-left. Names of
//! people and places in this country need no more, and the same text always has the same width.

use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use std::sync::LazyLock;

/// A face of the one family that documents are set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// For reading.
    Regular,
    /// For what must be found: codes, numbers, headings.
    Bold,
}

/// A letter as it is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letter {
    /// Number of the glyph in its font.
    pub glyph: u32,
    /// Its width in units of the letters' size.
    pub advance: f32,
}

struct Loaded {
    metrics: GlyphMetrics<'static>,
    font: FontRef<'static>,
    embedded: Font,
}

static REGULAR: LazyLock<Loaded> =
    LazyLock::new(|| load(include_bytes!("../../documents/fonts/NotoSans-Regular.ttf")));
static BOLD: LazyLock<Loaded> =
    LazyLock::new(|| load(include_bytes!("../../documents/fonts/NotoSans-Bold.ttf")));

fn load(bytes: &'static [u8]) -> Loaded {
    // Part of the program: a test reads both.
    let font = FontRef::new(bytes).expect("a font that ships with the program");
    // As above.
    let embedded = Font::new(bytes.into(), 0).expect("a font that ships with the program");
    let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
    Loaded {
        metrics,
        font,
        embedded,
    }
}

impl Face {
    fn loaded(self) -> &'static Loaded {
        match self {
            Self::Regular => &REGULAR,
            Self::Bold => &BOLD,
        }
    }

    /// What the PDF library wants.
    pub(super) fn embedded(self) -> Font {
        self.loaded().embedded.clone()
    }

    /// Whether the face can print a character.
    #[cfg(test)]
    pub fn has(self, c: char) -> bool {
        self.loaded().font.charmap().map(c).is_some()
    }

    /// How a character is set; what the face does not have is set as `?`.
    pub(super) fn letter(self, c: char) -> Letter {
        let font = self.loaded();
        let map = font.font.charmap();
        let glyph = map.map(c).or_else(|| map.map('?'));
        let glyph = glyph.unwrap_or(GlyphId::NOTDEF);
        Letter {
            glyph: glyph.to_u32(),
            advance: font.metrics.advance_width(glyph).unwrap_or_default(),
        }
    }

    /// Width of a text in points.
    pub fn width(self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.letter(c).advance).sum::<f32>() * size
    }
}

/// Text as it may be printed: control characters and those that turn the direction of what follows
/// are taken out, since what people typed stands here; any blank is a space.
pub fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let blank = |c: char| if c.is_whitespace() { ' ' } else { c };
    let kept = text.chars().filter(|c| !turns(*c)).map(blank);
    kept.filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_what_people_write_here() {
        for face in [Face::Regular, Face::Bold] {
            for c in ' '..='~' {
                assert!(face.has(c), "{c:?}");
                assert!(face.letter(c).advance > 0.1, "{c:?}");
            }
            assert!("éÉñçüöäàèšžÅØ°–—…".chars().all(|c| face.has(c)));
        }
        assert!(Face::Bold.width("SKKH", 10.0) > Face::Regular.width("SKKH", 10.0));
    }

    #[test]
    fn digits_stand_below_each_other() {
        let widths = ('0'..='9').map(|c| Face::Regular.letter(c).advance);
        let first = Face::Regular.letter('0').advance;
        assert!(widths.into_iter().all(|w| w == first));
    }

    #[test]
    fn what_cannot_be_printed_is_a_question_mark_and_nothing_turns_the_line() {
        assert_eq!(Face::Regular.letter('\u{1f404}'), Face::Regular.letter('?'));
        assert_eq!(printable("a\u{202e}b\tc\u{0}d\n"), "ab cd ");
    }
}
