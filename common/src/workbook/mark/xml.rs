//! Changing XML without touching what need not change: elements with the places where they stand
//! in the text, and edits at such places.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::ops::Range;

/// A start tag, an empty element or an end tag, with its place.
pub struct Tag<'a> {
    /// Its name without a prefix.
    pub name: &'a str,
    /// The prefix with its colon, or nothing.
    pub prefix: &'a str,
    /// Where it stands.
    pub span: Range<usize>,
    /// What it is.
    pub sort: Sort,
    /// How many elements are open around it.
    pub depth: usize,
    source: &'a str,
}

/// The sorts of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Start,
    Empty,
    End,
}

/// All tags of a text in order; `None` when it is no sound XML.
pub fn tags(text: &str) -> Option<Vec<Tag<'_>>> {
    let mut reader = Reader::from_str(text);
    let mut tags = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        let span = at..end;
        at = end;
        let sort = match event {
            Event::Start(_) => Sort::Start,
            Event::Empty(_) => Sort::Empty,
            Event::End(_) => Sort::End,
            Event::Eof => return (depth == 0).then_some(tags),
            _ => continue,
        };
        depth -= usize::from(sort == Sort::End);
        let source = text.get(span.clone())?;
        let (prefix, name) = named(source);
        tags.push(Tag {
            name,
            prefix,
            span,
            sort,
            depth,
            source,
        });
        depth += usize::from(sort == Sort::Start);
    }
}

fn named(source: &str) -> (&str, &str) {
    let name = source.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>'));
    let name = &name[..end.unwrap_or(name.len())];
    match name.find(':') {
        Some(colon) => name.split_at(colon + 1),
        None => ("", name),
    }
}

impl<'a> Tag<'a> {
    /// The raw value of an attribute, by its whole name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        Some(&self.source[value_of(self.source, name)?])
    }

    /// The value of an attribute whatever its prefix is, as `r:id`.
    pub fn get_local(&self, name: &str) -> Option<&'a str> {
        let named = format!(":{name}");
        let at = self.source.find(&format!("{named}="))?;
        let start = self.source[..at].rfind(char::is_whitespace)? + 1;
        self.get(&self.source[start..at + named.len()])
    }

    /// The tag with this attribute.
    pub fn with(&self, name: &str, value: &str) -> String {
        with(self.source, name, value)
    }

    /// Opens it for children, where it is an empty element; else as it is.
    pub fn opened(&self) -> String {
        match self.source.strip_suffix("/>") {
            Some(head) if self.sort == Sort::Empty => format!("{}>", head.trim_end()),
            _ => self.source.to_owned(),
        }
    }
}

/// A start tag with this attribute in it.
pub fn with(source: &str, name: &str, value: &str) -> String {
    if let Some(span) = value_of(source, name) {
        return format!("{}{value}{}", &source[..span.start], &source[span.end..]);
    }
    let end = source.trim_end_matches(['>', '/']).len();
    let head = source[..end].trim_end();
    format!("{head} {name}=\"{value}\"{}", &source[end..])
}

/// Where an attribute's value stands in a start tag.
fn value_of(source: &str, name: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = source[from..].find(name) {
        let start = from + found;
        let after = source[start + name.len()..].trim_start();
        let before = source[..start].chars().next_back();
        if before.is_some_and(char::is_whitespace) && after.starts_with('=') {
            let value = after[1..].trim_start();
            let quote = value.chars().next().filter(|q| matches!(q, '"' | '\''))?;
            let begin = source.len() - value.len() + 1;
            let length = source[begin..].find(quote)?;
            return Some(begin..begin + length);
        }
        from = start + name.len();
    }
    None
}

/// Changes of a text, made at the end all at once.
#[derive(Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts this in the place of that.
    pub fn replace(&mut self, span: Range<usize>, text: String) {
        self.0.push((span, text));
    }

    /// Puts this before that place; what was put there before stays in front of it.
    pub fn insert(&mut self, at: usize, text: String) {
        self.0.push((at..at, text));
    }

    /// The changed text.
    pub fn apply(mut self, text: &str) -> Option<String> {
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let mut changed = String::with_capacity(text.len() + 4096);
        let mut at = 0;
        for (span, new) in self.0 {
            changed.push_str(text.get(at..span.start)?);
            changed.push_str(&new);
            at = span.end;
        }
        changed.push_str(text.get(at..)?);
        Some(changed)
    }
}

/// Text as XML content and as an attribute's value; what XML cannot hold is left out.
pub fn escaped(text: &str) -> String {
    let fits = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let plain: String = text.chars().filter(fits).collect();
    quick_xml::escape::escape(plain.as_str()).into_owned()
}

/// The text that an attribute's raw value stands for.
pub fn plain(raw: &str) -> Option<String> {
    quick_xml::escape::unescape(raw)
        .ok()
        .map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_their_whole_name() {
        let tag = "<x:c r='B2' ss=\"1\" s = \"7\"/>";
        let found = tags(tag).unwrap();
        assert_eq!((found[0].prefix, found[0].name), ("x:", "c"));
        assert_eq!(
            (found[0].get("s"), found[0].get("r")),
            (Some("7"), Some("B2"))
        );
        assert_eq!(found[0].get("t"), None);
        assert_eq!(found[0].with("s", "9"), "<x:c r='B2' ss=\"1\" s = \"9\"/>");
        assert_eq!(with("<c/>", "s", "9"), "<c s=\"9\"/>");
        assert_eq!(with("<c r=\"A/\" >", "s", "9"), "<c r=\"A/\" s=\"9\">");
    }

    #[test]
    fn broken_xml_is_no_xml() {
        assert!(tags("<a><b></a>").is_none());
        assert!(tags("<a>").is_none());
    }
}
