//! The notation of the field manuals, read and printed.
//!
//! `[x]` must be given, `{x}` may be left out, `[x,x...]` is a comma list, `([x] [y] {z}...)` is a
//! group that may be repeated. The words inside are names of fields; what people see in their
//! place are the fields' labels.

use std::fmt;

/// A format line as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The start code in capitals.
    pub code: String,
    /// What follows it, in order.
    pub parts: Vec<Part>,
}

/// One part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A single field.
    Slot(Slot),
    /// Fields that may come again and again, together.
    Group(Vec<Slot>),
}

/// One field of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Name of the field: `[a-z][a-z0-9_]*`.
    pub field: String,
    /// `[x]` rather than `{x}`.
    pub mandatory: bool,
    /// `[x,x...]`: several values in one word, separated by commas.
    pub list: bool,
}

/// What is wrong with a format line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct FormatFault {
    /// Counted in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Format {
    /// Reads a format line such as `U [sign,sign...] ([species] [number]...) {place}`.
    pub fn parse(line: &str) -> Result<Self, FormatFault> {
        let mut cursor = Cursor { line, at: 0 };
        cursor.blanks();
        let code = cursor.code()?;
        let mut parts = Vec::new();
        while let Some(next) = cursor.next_part()? {
            parts.push(next);
        }
        let format = Self { code, parts };
        format.check(line)?;
        Ok(format)
    }

    /// All slots in order, those of the group among them.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().flat_map(|part| match part {
            Part::Slot(slot) => std::slice::from_ref(slot),
            Part::Group(slots) => slots.as_slice(),
        })
    }

    /// Whether the start code alone is a whole message.
    pub fn all_optional(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Slot(slot) if !slot.mandatory))
    }

    /// The line with each field's name replaced by its label; fields without one are left out.
    /// `print(|name| Some(name))` gives back a line that parses to the same format.
    pub fn print<'a>(&'a self, label: impl Fn(&'a str) -> Option<&'a str>) -> String {
        let mut words = vec![self.code.clone()];
        for part in &self.parts {
            match part {
                Part::Slot(slot) => words.extend(slot.print(&label)),
                Part::Group(slots) => {
                    let inner: Vec<_> = slots.iter().filter_map(|s| s.print(&label)).collect();
                    if !inner.is_empty() {
                        words.push(format!("({}...)", inner.join(" ")));
                    }
                }
            }
        }
        words.join(" ")
    }

    /// One group at most, no field twice, and a group with a field that must be given: without
    /// one nobody could say where its next turn begins.
    fn check(&self, line: &str) -> Result<(), FormatFault> {
        let fault = |what: String| FormatFault {
            column: line.chars().count(),
            what,
        };
        let groups = self
            .parts
            .iter()
            .filter(|p| matches!(p, Part::Group(_)))
            .count();
        if groups > 1 {
            return Err(fault("a format may have one group (...) only".into()));
        }
        for part in &self.parts {
            if let Part::Group(slots) = part
                && !slots.iter().any(|s| s.mandatory)
            {
                return Err(fault(
                    "a group needs at least one mandatory field [x]".into(),
                ));
            }
        }
        let mut names: Vec<&str> = self.slots().map(|s| s.field.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(fault(format!("the field {:?} stands twice", pair[0]))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(Some))
    }
}

impl Slot {
    fn print<'a>(&'a self, label: &impl Fn(&'a str) -> Option<&'a str>) -> Option<String> {
        let name = label(&self.field)?;
        let inner = if self.list {
            format!("{name},{name}...")
        } else {
            name.to_owned()
        };
        Some(if self.mandatory {
            format!("[{inner}]")
        } else {
            format!("{{{inner}}}")
        })
    }
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn fault<T>(&self, what: impl Into<String>) -> Result<T, FormatFault> {
        let column = self.line[..self.at].chars().count() + 1;
        Err(FormatFault {
            column,
            what: what.into(),
        })
    }

    fn while_in(&mut self, allowed: impl Fn(char) -> bool) -> &'a str {
        let word = self
            .rest()
            .split(|c| !allowed(c))
            .next()
            .unwrap_or_default();
        self.at += word.len();
        word
    }

    fn code(&mut self) -> Result<String, FormatFault> {
        let code = self.while_in(|c| c.is_ascii_uppercase());
        let ends = self.rest().is_empty() || self.rest().starts_with(' ');
        if code.is_empty() || !ends {
            return self.fault("a format begins with its start code in capital letters A-Z");
        }
        Ok(code.to_owned())
    }

    fn next_part(&mut self) -> Result<Option<Part>, FormatFault> {
        self.blanks();
        if self.rest().is_empty() {
            return Ok(None);
        }
        if self.eat("(") {
            return self.group().map(Part::Group).map(Some);
        }
        self.slot().map(Part::Slot).map(Some)
    }

    fn group(&mut self) -> Result<Vec<Slot>, FormatFault> {
        let mut slots = Vec::new();
        loop {
            self.blanks();
            if self.eat("...") {
                self.blanks();
                if !self.eat(")") {
                    return self.fault("a group ends with '...)'");
                }
                return Ok(slots);
            }
            if self.rest().is_empty() || self.rest().starts_with(')') {
                return self.fault("a group ends with '...)'");
            }
            slots.push(self.slot()?);
        }
    }

    fn slot(&mut self) -> Result<Slot, FormatFault> {
        let (mandatory, close) = match self.rest().chars().next() {
            Some('[') => (true, "]"),
            Some('{') => (false, "}"),
            _ => return self.fault("here [field], {field} or (group...) is expected"),
        };
        self.at += 1;
        let field = self.name()?;
        let list = self.list(&field)?;
        if !self.eat(close) {
            return self.fault(format!("{close:?} is missing after {field:?}"));
        }
        Ok(Slot {
            field,
            mandatory,
            list,
        })
    }

    fn name(&mut self) -> Result<String, FormatFault> {
        let starts = self.rest().starts_with(|c: char| c.is_ascii_lowercase());
        if !starts {
            return self.fault("a field's name is in small letters a-z, digits and _");
        }
        let name = self.while_in(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        Ok(name.to_owned())
    }

    fn list(&mut self, field: &str) -> Result<bool, FormatFault> {
        if !self.eat(",") {
            return Ok(false);
        }
        let again = self.name()?;
        if again != field || !self.eat("...") {
            return self.fault(format!("a comma list is written {field},{field}..."));
        }
        Ok(true)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_notation_of_the_manuals_is_read() {
        let format =
            Format::parse("LAB [case] ([type] [form] {section} [number]...) [lab,lab...]").unwrap();
        assert_eq!(format.code, "LAB");
        assert_eq!(format.parts.len(), 3);
        let Part::Group(group) = &format.parts[1] else {
            panic!("no group")
        };
        assert_eq!(group.len(), 4);
        assert!(!group[2].mandatory && group[3].mandatory);
        assert!(format.slots().last().unwrap().list);
        assert!(Format::parse("PNEG").unwrap().all_optional());
        assert!(!format.all_optional());
    }

    #[test]
    fn a_format_is_printed_as_the_original_printed_it() {
        let format =
            Format::parse("U [sign,sign...] [species] [number] {place} {ddx,ddx...}").unwrap();
        let label = |name| {
            Some(match name {
                "number" => "number of animals",
                "place" => "location",
                "ddx" => "differential diagnosis",
                other => other,
            })
        };
        assert_eq!(
            format.print(label),
            "U [sign,sign...] [species] [number of animals] {location} \
             {differential diagnosis,differential diagnosis...}"
        );
        assert_eq!(
            format.print(|n| (n != "ddx").then_some(n)),
            "U [sign,sign...] [species] [number] {place}"
        );
    }

    #[test]
    fn faults_name_the_column_and_the_remedy() {
        for (line, column, what) in [
            ("", 1, "start code"),
            ("u [x]", 1, "capital"),
            ("U2 [x]", 2, "capital"),
            ("U x", 3, "expected"),
            ("U [Sign]", 4, "small letters"),
            ("U [sign}", 8, "missing"),
            ("U [sign,tanda...]", 14, "sign,sign..."),
            ("U ([a] [b])", 11, "'...)'"),
            ("U ([a]", 7, "'...)'"),
            ("U [a] [a]", 9, "twice"),
            ("U ({a}...)", 10, "mandatory"),
            ("U ([a]...) ([b]...)", 19, "one group"),
        ] {
            let fault = Format::parse(line).unwrap_err();
            assert_eq!(fault.column, column, "{line}: {fault}");
            assert!(fault.what.contains(what), "{line}: {fault}");
        }
    }

    pub(crate) fn any_format() -> impl Strategy<Value = Format> {
        let slot = (any::<bool>(), any::<bool>());
        let slots = proptest::collection::vec(slot, 0..6);
        (
            slots,
            proptest::collection::vec((any::<bool>(), any::<bool>()), 0..4),
        )
            .prop_map(|(slots, group)| {
                let name = |prefix: &str, i: usize| format!("{prefix}_{i}");
                let make = |prefix: &str, (i, (mandatory, list)): (usize, (bool, bool))| Slot {
                    field: name(prefix, i),
                    mandatory,
                    list,
                };
                let mut parts: Vec<Part> = slots
                    .into_iter()
                    .enumerate()
                    .map(|s| Part::Slot(make("s", s)))
                    .collect();
                let mut group: Vec<Slot> = group
                    .into_iter()
                    .enumerate()
                    .map(|s| make("g", s))
                    .collect();
                if let Some(first) = group.first_mut() {
                    first.mandatory = true;
                    parts.insert(parts.len() / 2, Part::Group(group));
                }
                Format {
                    code: "XY".into(),
                    parts,
                }
            })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_is_the_identity(format in any_format()) {
            prop_assert_eq!(Format::parse(&format.to_string()), Ok(format));
        }

        #[test]
        fn random_lines_never_panic(line in "\\PC{0,60}|[A-Z]{0,3}[\\[\\]{}(). a-z,]{0,40}") {
            let _ = Format::parse(&line);
        }
    }
}
