//! The field card: A4 across, two panels of A5 side by side, folded in the middle.

use super::Holder;
use super::words::Words;
use crate::code::{Spec, spec::Chapter};
use crate::document::page::{A4, Area, MM, Page, Role, Sheets, Style};
use crate::document::text::{Align, Lines};

/// A panel: half of an A4 sheet that lies across.
const PANEL: (f32, f32) = (A4.1 / 2.0, A4.0);
const SIDE: f32 = 10.0 * MM;
const TOP: f32 = 9.0 * MM;
const BOTTOM: f32 = A4.0 - 12.0 * MM;
const WIDTH: f32 = PANEL.0 - 2.0 * SIDE;

const CODE: Style = Style::bold(10.0);
const NAME: Style = Style::bold(8.5);
/// No letter that is to be read is smaller than 8 points.
const FORMAT: Style = Style::regular(8.5);
const EXAMPLE: Style = Style::faint(8.0);

/// How much is said about each code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Name, help, format, example.
    Full,
    /// Without the help.
    Plain,
    /// The example beside the name.
    Tight,
}

/// What stays together on one panel.
struct Block {
    parts: Vec<Part>,
    height: f32,
}

enum Part {
    Text(Lines, Role, f32),
    /// White letters on black.
    Band(Lines),
    /// Words with a line behind them to write on.
    Blank(Lines, f32),
}

impl Block {
    fn new() -> Self {
        Self {
            parts: Vec::new(),
            height: 0.0,
        }
    }

    /// Adds a text with some white above it.
    fn text(&mut self, pieces: &[(Style, &str)], role: Role, above: f32) {
        let lines = Lines::wrap(pieces, WIDTH);
        self.height += above + lines.height();
        self.parts.push(Part::Text(lines, role, above));
    }

    fn band(&mut self, text: &str) {
        let lines = Lines::wrap(&[(Style::bold(9.0).white(), text)], WIDTH - 8.0);
        self.height += lines.height() + 10.0;
        self.parts.push(Part::Band(lines));
    }

    fn blank(&mut self, text: &str) {
        let style = Style::regular(9.0);
        let lines = Lines::wrap(&[(style, text)], WIDTH);
        self.height += lines.height() + 6.0;
        let width = style.width(text);
        self.parts.push(Part::Blank(lines, width));
    }

    fn put(&self, page: &mut Page, mut y: f32) {
        for part in &self.parts {
            match part {
                Part::Text(lines, role, above) => {
                    lines.put(page, (SIDE, y + above), *role, Align::Left);
                    y += above + lines.height();
                }
                Part::Band(lines) => {
                    let area = Area {
                        x: SIDE,
                        y: y + 6.0,
                        width: WIDTH,
                        height: lines.height() + 2.0,
                    };
                    page.fill(area, 40);
                    let at = (SIDE + 4.0, y + 6.5);
                    lines.put(page, at, Role::Heading(2), Align::Left);
                    y += lines.height() + 10.0;
                }
                Part::Blank(lines, width) => {
                    lines.put(page, (SIDE, y + 6.0), Role::Paragraph, Align::Left);
                    y += lines.height() + 6.0;
                    page.dashes((SIDE + width + 4.0, y - 1.0), (SIDE + WIDTH, y - 1.0));
                }
            }
        }
    }
}

/// Sides of paper that so many panels take: one that is folded inwards, or whole sheets.
fn sides(panels: usize) -> usize {
    if panels <= 2 {
        1
    } else {
        panels.div_ceil(4) * 2
    }
}

/// The card's sheets. As much is said about each code as one folded sheet has room for, or as many
/// sheets as the codes need anyhow.
pub(super) fn sheets(holder: &Holder<'_>) -> Sheets {
    let words = Words::shipped();
    let made = |detail| panels(&blocks(holder, words, detail));
    let least = made(Detail::Tight);
    let room = sides(least.len()).max(2);
    let more = [Detail::Full, Detail::Plain].into_iter().map(made);
    let mut more = more.into_iter();
    let more = more.find(|panels| sides(panels.len()) <= room);
    let mut panels = more.unwrap_or(least);
    let name = name(holder);
    number(&mut panels, &name, words.card.fold.get(holder.language));
    Sheets {
        title: format!("{} - {name}", words.card.title.get(holder.language)),
        language: holder.language.tag(),
        pages: folded(panels),
    }
}

/// What people of this type are called.
fn name(holder: &Holder<'_>) -> String {
    let types = holder.codes.lexicon().list("user_type");
    let entry = types.and_then(|types| types.find(holder.kind));
    let name = entry.map(|e| e.name.get(holder.language).to_owned());
    name.unwrap_or_else(|| holder.kind.to_owned())
}

fn blocks(holder: &Holder<'_>, words: &Words, detail: Detail) -> Vec<Block> {
    let mut all = vec![head(holder, words)];
    for (chapter, specs) in holder.chapters() {
        for (at, spec) in specs.into_iter().enumerate() {
            let mut block = Block::new();
            if at == 0 {
                let chapter: Option<Chapter> = chapter;
                block.band(words.chapter(chapter).get(holder.language));
            }
            code(&mut block, holder, words, (spec, detail));
            all.push(block);
        }
    }
    all
}

fn head(holder: &Holder<'_>, words: &Words) -> Block {
    let language = holder.language;
    let mut block = Block::new();
    let title = words.card.title.get(language);
    let pieces = [
        (Style::bold(16.0), "Kentongan"),
        (Style::regular(12.0), title),
    ];
    block.text(&pieces, Role::Heading(1), 0.0);
    block.text(&[(Style::bold(12.0), &name(holder))], Role::Paragraph, 0.0);
    block.blank(words.card.number.get(language));
    block.blank(words.card.contact.get(language));
    block.band(words.card.hints.get(language));
    for hint in &words.hints {
        if hint
            .needs
            .as_deref()
            .is_none_or(|needs| applies(holder, needs))
        {
            let text = hint.text.get(language);
            block.text(&[(FORMAT, text)], Role::Paragraph, 1.5);
        }
    }
    block
}

/// Whether the holder may send a code, or a code with a field of a type (`type:date`).
fn applies(holder: &Holder<'_>, needs: &str) -> bool {
    let fits = |spec: &Spec| match needs.strip_prefix("type:") {
        Some(kind) => spec.fields.iter().any(|f| f.type_name == kind),
        None => spec.code == needs,
    };
    let mut mine = holder.codes.specs();
    mine.any(|s| holder.roles.may(holder.kind, &s.permission) && fits(s))
}

fn code(block: &mut Block, holder: &Holder<'_>, words: &Words, (spec, detail): (&Spec, Detail)) {
    let language = holder.language;
    let format = holder.with(|reader| spec.format_line(reader));
    let example = holder.example(spec);
    let example = example.map(|text| format!("{} {text}", words.card.example.get(language)));
    // A code that takes nothing is its own format and example.
    let example = example
        .filter(|_| !spec.fields.is_empty())
        .unwrap_or_default();
    let mut first = vec![(CODE, spec.code.as_str()), (NAME, spec.name.get(language))];
    if detail == Detail::Tight {
        first.push((EXAMPLE, &example));
    }
    block.text(&first, Role::Heading(3), 4.0);
    if detail == Detail::Full {
        block.text(&[(FORMAT, spec.help.get(language))], Role::Paragraph, 0.0);
    }
    if !spec.fields.is_empty() {
        block.text(&[(FORMAT, &format)], Role::Paragraph, 0.0);
    }
    if detail != Detail::Tight && !example.is_empty() {
        block.text(&[(EXAMPLE, &example)], Role::Paragraph, 0.0);
    }
}

fn panels(blocks: &[Block]) -> Vec<Page> {
    let mut panels = vec![Page::new(PANEL)];
    let mut y = TOP;
    for block in blocks {
        if y + block.height > BOTTOM && y > TOP {
            panels.push(Page::new(PANEL));
            y = TOP;
        }
        if let Some(panel) = panels.last_mut() {
            block.put(panel, y);
        }
        y += block.height;
    }
    panels
}

/// Name and number at the foot of each panel; how to print it on the first.
fn number(panels: &mut [Page], name: &str, fold: &str) {
    let of = panels.len();
    for (at, panel) in panels.iter_mut().enumerate() {
        let text = format!("{name}  {}/{of}", at + 1);
        let lines = Lines::wrap(&[(EXAMPLE, &text)], WIDTH);
        let y = PANEL.1 - 11.0 * MM;
        lines.put(panel, (SIDE, y), Role::Aside, Align::Right);
        if at == 0 && of > 2 {
            let lines = Lines::wrap(&[(Style::faint(7.0), fold)], WIDTH);
            let y = PANEL.1 - 7.5 * MM;
            lines.put(panel, (SIDE, y), Role::Aside, Align::Left);
        }
    }
}

/// Two panels on each side of a sheet. One or two panels lie side by side as they are read; more are
/// put so that they are in order when the sheets are printed on both sides, laid into each other
/// and folded: the last beside the first, the second beside the last but one, and so on.
fn folded(panels: Vec<Page>) -> Vec<Page> {
    let count = panels.len();
    let of = 2 * sides(count);
    let mut panels: Vec<Option<Page>> = panels.into_iter().map(Some).collect();
    panels.resize(of, None);
    let side = |at: usize| match (count <= 2, at % 2) {
        (true, _) => (0, 1),
        (false, 0) => (of - at - 1, at),
        (false, _) => (at, of - at - 1),
    };
    let across = (A4.1, A4.0);
    let pages = (0..of / 2).map(|at| {
        let mut page = Page::new(across);
        let (left, right) = side(at);
        for (at, x) in [(left, 0.0), (right, PANEL.0)] {
            if let Some(panel) = panels[at].take() {
                page.take(panel, x);
            }
        }
        for y in [(0.0, 5.0 * MM), (A4.0 - 5.0 * MM, A4.0)] {
            page.dashes((PANEL.0, y.0), (PANEL.0, y.1));
        }
        page
    });
    pages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_in_order_when_the_sheets_are_folded() {
        let order = |count: usize| -> Vec<Vec<String>> {
            let panel = |at: usize| {
                let mut page = Page::new(PANEL);
                let lines = Lines::wrap(&[(NAME, &at.to_string())], WIDTH);
                lines.put(&mut page, (SIDE, 50.0), Role::Paragraph, Align::Left);
                page
            };
            let pages = folded((1..=count).map(panel).collect());
            let left_to_right = |page: &Page| {
                let mut runs: Vec<_> = page.runs().map(|r| (r.x as i64, r.text.clone())).collect();
                runs.sort();
                runs.into_iter().map(|(_, text)| text).collect()
            };
            pages.iter().map(left_to_right).collect()
        };
        assert_eq!(order(2), [["1", "2"]]);
        assert_eq!(order(4), [["4", "1"], ["2", "3"]]);
        assert_eq!(order(3), [vec!["1"], vec!["2", "3"]]);
        assert_eq!(order(8), [["8", "1"], ["2", "7"], ["6", "3"], ["4", "5"]]);
    }
}
