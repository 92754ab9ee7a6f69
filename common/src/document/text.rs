//! Text in lines: wrapped to a width, measured before it is placed.

use super::font::printable;
use super::page::{Mark, Page, Role, Run, Style};

/// From one line to the next, in sizes of the largest letters of the text.
const LEADING: f32 = 1.26;
/// From the top of a line to what its letters stand on.
const RISE: f32 = 1.0;

/// Lines of text that know their height.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lines {
    lines: Vec<Vec<Run>>,
    leading: f32,
    rise: f32,
    width: f32,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

impl Lines {
    /// Wraps pieces of text, each in its style, to a width. A word that is wider than that is
    /// broken where it must be.
    pub(crate) fn wrap(pieces: &[(Style, &str)], width: f32) -> Self {
        let size = pieces.iter().map(|(s, _)| s.size).fold(0.0, f32::max);
        let mut wrapping = Wrapping {
            width,
            x: 0.0,
            lines: vec![Vec::new()],
        };
        for (style, text) in pieces {
            for word in printable(text).split(' ').filter(|w| !w.is_empty()) {
                wrapping.word(*style, word);
            }
        }
        let (leading, rise) = (size * LEADING, size * RISE);
        Self {
            lines: wrapping.lines,
            leading,
            rise,
            width,
        }
    }

    pub(crate) fn height(&self) -> f32 {
        self.lines.len() as f32 * self.leading
    }

    /// Puts the lines on a page with their upper left corner here.
    pub(crate) fn put(&self, page: &mut Page, (x, y): (f32, f32), role: Role, align: Align) {
        let mut runs = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let end = line.last().map_or(0.0, |r| r.x + r.style.width(&r.text));
            let left = match align {
                Align::Left => 0.0,
                Align::Centre => (self.width - end) / 2.0,
                Align::Right => self.width - end,
            };
            let y = y + self.rise + at as f32 * self.leading;
            runs.extend(line.iter().map(|run| Run {
                x: x + left + run.x,
                y,
                ..run.clone()
            }));
        }
        if !runs.is_empty() {
            page.marks.push(Mark::Text { role, runs });
        }
    }
}

struct Wrapping {
    width: f32,
    x: f32,
    lines: Vec<Vec<Run>>,
}

impl Wrapping {
    fn word(&mut self, style: Style, word: &str) {
        let wide = style.width(word);
        let blank = if self.x > 0.0 { style.width(" ") } else { 0.0 };
        if self.x + blank + wide <= self.width {
            self.put(style, word, blank);
        } else if wide <= self.width {
            self.next_line();
            self.put(style, word, 0.0);
        } else {
            self.broken(style, word, blank);
        }
    }

    /// As many letters as there is room for, then the rest on the next line.
    fn broken(&mut self, style: Style, word: &str, blank: f32) {
        let (mut begin, mut room) = (0, self.width - self.x - blank);
        let mut blank = blank;
        for (at, c) in word.char_indices() {
            let wide = style.face.letter(c).advance * style.size;
            if wide > room {
                if at > begin {
                    self.put(style, &word[begin..at], blank);
                }
                self.next_line();
                (begin, room, blank) = (at, self.width, 0.0);
            }
            room -= wide;
        }
        self.put(style, &word[begin..], blank);
    }

    fn next_line(&mut self) {
        self.x = 0.0;
        // Lines without anything would be gaps.
        if self.lines.last().is_some_and(|l| !l.is_empty()) {
            self.lines.push(Vec::new());
        }
    }

    /// Behind what stands on the line, in the same run where the style is the same.
    fn put(&mut self, style: Style, word: &str, blank: f32) {
        let Some(line) = self.lines.last_mut() else {
            return;
        };
        match line.last_mut() {
            Some(run) if run.style == style => {
                if blank > 0.0 {
                    run.text.push(' ');
                }
                run.text.push_str(word);
            }
            _ => line.push(Run {
                x: self.x + blank,
                y: 0.0,
                style,
                text: word.to_owned(),
            }),
        }
        self.x += blank + style.width(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Style = Style::regular(10.0);

    fn lines(pieces: &[(Style, &str)], width: f32) -> Vec<String> {
        let text = |line: &Vec<Run>| {
            let runs: Vec<&str> = line.iter().map(|r| r.text.as_str()).collect();
            runs.join("|")
        };
        Lines::wrap(pieces, width).lines.iter().map(text).collect()
    }

    #[test]
    fn words_go_to_the_next_line_and_long_ones_are_broken() {
        let four = PLAIN.width("aaaa aaaa");
        assert_eq!(
            lines(&[(PLAIN, "aaaa aaaa aaaa")], four),
            ["aaaa aaaa", "aaaa"]
        );
        let bold = Style::bold(10.0);
        assert_eq!(
            lines(&[(bold, "U"), (PLAIN, " tanda ")], 200.0),
            ["U|tanda"]
        );
        let pieces = lines(&[(PLAIN, "a bbbbbbbbbbbb")], PLAIN.width("bbbbb"));
        assert_eq!(pieces.concat().replace(' ', ""), "abbbbbbbbbbbb");
        assert!(pieces.len() >= 3, "{pieces:?}");
    }

    #[test]
    fn text_stands_in_the_middle_or_at_the_right() {
        for (align, left) in [
            (Align::Left, 0.0),
            (Align::Centre, 0.5),
            (Align::Right, 1.0),
        ] {
            let mut page = Page::new((100.0, 100.0));
            Lines::wrap(&[(PLAIN, "ab")], 90.0).put(&mut page, (5.0, 0.0), Role::Paragraph, align);
            let run = page.runs().next().unwrap();
            let want = 5.0 + left * (90.0 - PLAIN.width("ab"));
            assert!((run.x - want).abs() < 0.01, "{align:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_sticks_out(text in "[a-zA-Z ]{0,80}", width in 20_f32..200.0) {
            let wrapped = Lines::wrap(&[(PLAIN, &text)], width);
            let runs = wrapped.lines.iter().flatten();
            for run in runs.clone() {
                prop_assert!(run.x + PLAIN.width(&run.text) <= width + 0.01);
            }
            let all: String = runs.map(|r| r.text.as_str()).collect();
            prop_assert_eq!(all.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
