//! The looks of cells: a style like the one that a cell has, with the colour of a bad cell; and
//! the way back from it.

use super::COLOUR;
use super::xml::{self, Edits, Sort, Tag};
use std::collections::BTreeMap;
use std::ops::Range;

/// The styles of a workbook and those that were added.
pub struct Look {
    text: String,
    /// Source of each `xf` of `cellXfs`, and the number of its fill.
    formats: Vec<(String, usize)>,
    /// Numbers of the fills in the colour of bad cells.
    ours: Vec<usize>,
    fills: Section,
    cells: Section,
    added: Vec<String>,
    known: BTreeMap<(usize, bool), usize>,
}

/// One of the lists of the part: its start tag, where its end tag stands, how many it holds.
struct Section {
    start: Range<usize>,
    end: usize,
    prefix: String,
    count: usize,
}

impl Look {
    /// Reads the styles; `None` when they have no list of fills or of formats.
    pub fn read(text: &str) -> Option<Self> {
        let tags = xml::tags(text)?;
        let (fills, inner) = section(&tags, "fills")?;
        let ours = fills_of_ours(text, inner);
        let (cells, inner) = section(&tags, "cellXfs")?;
        let formats = formats(text, inner);
        Some(Self {
            text: text.to_owned(),
            formats,
            ours,
            fills,
            cells,
            added: Vec::new(),
            known: BTreeMap::new(),
        })
    }

    /// Whether a style has the colour of bad cells.
    pub fn is_ours(&self, style: usize) -> bool {
        self.formats
            .get(style)
            .is_some_and(|f| self.ours.contains(&f.1))
    }

    /// A style like this one, with or without the colour.
    pub fn like(&mut self, style: usize, bad: bool) -> Option<usize> {
        if self.is_ours(style) == bad {
            return Some(style);
        }
        if let Some(known) = self.known.get(&(style, bad)) {
            return Some(*known);
        }
        // A style that is not there is the first one to every program.
        let (source, _) = self.formats.get(style).or_else(|| self.formats.first())?;
        let fill = match bad {
            true => self.fill().to_string(),
            false => "0".into(),
        };
        let end = source.find('>')? + 1;
        let tag = xml::with(
            &xml::with(&source[..end], "fillId", &fill),
            "applyFill",
            "1",
        );
        let new = format!("{tag}{}", &source[end..]);
        let number = self.cells.count + self.added.len();
        self.added.push(new);
        self.known.insert((style, bad), number);
        Some(number)
    }

    /// Our fill: the one that is there, else the one that is added at the end.
    fn fill(&self) -> usize {
        self.ours.first().copied().unwrap_or(self.fills.count)
    }

    /// The part with what was added.
    pub fn finish(self) -> Option<String> {
        let mut edits = Edits::default();
        if self.ours.is_empty() {
            let p = &self.fills.prefix;
            let fill = format!(
                "<{p}fill><{p}patternFill patternType=\"solid\"><{p}fgColor rgb=\"{COLOUR}\"/>\
                 <{p}bgColor indexed=\"64\"/></{p}patternFill></{p}fill>"
            );
            grow(&mut edits, &self.text, &self.fills, &[fill]);
        }
        grow(&mut edits, &self.text, &self.cells, &self.added);
        edits.apply(&self.text)
    }
}

fn grow(edits: &mut Edits, text: &str, section: &Section, added: &[String]) {
    let count = (section.count + added.len()).to_string();
    let start = &text[section.start.clone()];
    edits.replace(section.start.clone(), xml::with(start, "count", &count));
    edits.insert(section.end, added.concat());
}

/// A list and the tags of its direct children, each from its start to its end.
fn section(tags: &[Tag<'_>], name: &str) -> Option<(Section, Vec<Range<usize>>)> {
    let begin = tags
        .iter()
        .position(|t| t.name == name && t.sort == Sort::Start)?;
    let depth = tags[begin].depth;
    let inner = tags[begin + 1..].iter().position(|t| t.depth == depth)? + begin + 1;
    let mut children = Vec::new();
    let mut start = None;
    for tag in tags[begin + 1..inner]
        .iter()
        .filter(|t| t.depth == depth + 1)
    {
        match tag.sort {
            Sort::Empty => children.push(tag.span.clone()),
            Sort::Start => start = Some(tag.span.start),
            Sort::End => children.push(start.take()?..tag.span.end),
        }
    }
    let section = Section {
        start: tags[begin].span.clone(),
        end: tags[inner].span.start,
        prefix: tags[begin].prefix.to_owned(),
        count: children.len(),
    };
    Some((section, children))
}

fn fills_of_ours(text: &str, fills: Vec<Range<usize>>) -> Vec<usize> {
    let ours = |(n, span): (usize, Range<usize>)| text[span].contains(COLOUR).then_some(n);
    fills.into_iter().enumerate().filter_map(ours).collect()
}

fn formats(text: &str, spans: Vec<Range<usize>>) -> Vec<(String, usize)> {
    let format = |span: Range<usize>| {
        let source = text[span].to_owned();
        let fill = xml::tags(&source)
            .and_then(|tags| tags.first()?.get("fillId")?.parse().ok())
            .unwrap_or(0);
        (source, fill)
    };
    spans.into_iter().map(format).collect()
}
