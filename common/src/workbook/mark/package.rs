//! The container of an xlsx: its parts, and how they name each other.

use super::xml::{self, Sort, plain};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

/// An opened container with what will be changed in it.
pub struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    texts: BTreeMap<String, String>,
    changed: BTreeMap<String, String>,
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
/// Where the content of every part is named.
const TYPES: &str = "[Content_Types].xml";

/// One line of a `.rels` part.
pub struct Relation {
    pub id: String,
    pub kind: String,
    /// The part's full name.
    pub part: String,
}

impl<'a> Package<'a> {
    /// Opens it and reads every part that is XML of ours to look at.
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
        let mut texts = BTreeMap::new();
        for at in 0..archive.len() {
            let mut part = archive.by_index(at).ok()?;
            let name = part.name().ok()?.into_owned();
            let wanted = [".xml", ".rels", ".vml"];
            if !wanted
                .iter()
                .any(|end| name.to_ascii_lowercase().ends_with(end))
            {
                continue;
            }
            let mut text = Vec::new();
            part.read_to_end(&mut text).ok()?;
            // A part in another charset is left alone; needing it ends the attempt.
            if let Ok(text) = String::from_utf8(text) {
                texts.insert(name, text);
            }
        }
        let changed = BTreeMap::new();
        Some(Self {
            archive,
            texts,
            changed,
        })
    }

    /// The text of a part as it is now.
    pub fn text(&self, part: &str) -> Option<&str> {
        let text = self.changed.get(part).or_else(|| self.texts.get(part))?;
        Some(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Changes or adds a part.
    pub fn set(&mut self, part: &str, text: String) {
        self.changed.insert(part.to_owned(), text);
    }

    /// A part name that is free: `xl/comments<n>.xml`.
    pub fn free(&self, start: &str, end: &str) -> String {
        let mut number = 1;
        loop {
            let name = format!("{start}{number}{end}");
            let known = self.archive.index_for_name(&name).is_some();
            if !known && !self.changed.contains_key(&name) {
                return name;
            }
            number += 1;
        }
    }

    /// The part that holds the workbook.
    pub fn workbook(&self) -> Option<String> {
        self.related("", "/officeDocument")
    }

    /// The part of a sheet.
    pub fn sheet(&self, workbook: &str, name: &str) -> Option<String> {
        let tags = xml::tags(self.text(workbook)?)?;
        let mut sheets = tags
            .iter()
            .filter(|t| t.name == "sheet" && t.sort != Sort::End);
        let sheet = sheets.find(|t| t.get("name").and_then(plain).as_deref() == Some(name))?;
        let id = sheet.get_local("id")?;
        let relations = self.relations(workbook)?;
        relations.into_iter().find(|r| r.id == id).map(|r| r.part)
    }

    /// The first part of this kind that a part names.
    pub fn related(&self, part: &str, kind: &str) -> Option<String> {
        let relations = self.relations(part)?;
        relations
            .into_iter()
            .find(|r| r.kind.ends_with(kind))
            .map(|r| r.part)
    }

    /// What a part names; none when it has no `.rels`.
    pub fn relations(&self, part: &str) -> Option<Vec<Relation>> {
        let Some(text) = self.text(&rels(part)) else {
            return Some(Vec::new());
        };
        let tags = xml::tags(text)?;
        let relation = |tag: &xml::Tag<'_>| {
            Some(Relation {
                id: plain(tag.get("Id")?)?,
                kind: tag.get("Type")?.to_owned(),
                part: resolved(part, &plain(tag.get("Target")?)?),
            })
        };
        let lines = tags
            .iter()
            .filter(|t| t.name == "Relationship" && t.sort != Sort::End);
        let inner = lines.filter(|t| t.get("TargetMode") != Some("External"));
        inner.map(relation).collect()
    }

    /// Lets a part name another; the id by which it does.
    pub fn relate(&mut self, part: &str, kind: &str, target: &str) -> Option<String> {
        let known = self.relations(part)?;
        let id = (1..)
            .map(|n| format!("rIdKentongan{n}"))
            .find(|id| known.iter().all(|r| r.id != *id))?;
        let rels = rels(part);
        let empty = || {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Relationships xmlns=\"{RELATIONS}\"></Relationships>"
            )
        };
        let text = self.text(&rels).map_or_else(empty, str::to_owned);
        let line = format!(
            "<Relationship Id=\"{id}\" Type=\"{kind}\" Target=\"/{target}\" xmlns=\"{RELATIONS}\"/>"
        );
        self.set(&rels, at_end(&text, "Relationships", &line)?);
        Some(id)
    }

    /// Says what a new part holds.
    pub fn declare(&mut self, part: &str, content: &str) -> Option<()> {
        let line = format!(
            "<Override PartName=\"/{part}\" ContentType=\"{content}\" xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
        );
        let text = at_end(self.text(TYPES)?, "Types", &line)?;
        self.set(TYPES, text);
        Some(())
    }

    /// The container with its changes; parts without one are copied as they lie there.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..self.archive.len() {
            let part = self.archive.by_index_raw(at).ok()?;
            let name = part.name().ok()?.into_owned();
            match self.changed.remove(&name) {
                None => out.raw_copy_file(part).ok()?,
                Some(text) => {
                    out.start_file(name, SimpleFileOptions::default()).ok()?;
                    out.write_all(text.as_bytes()).ok()?;
                }
            }
        }
        for (name, text) in self.changed {
            out.start_file(name, SimpleFileOptions::default()).ok()?;
            out.write_all(text.as_bytes()).ok()?;
        }
        out.finish().ok().map(Cursor::into_inner)
    }
}

/// The last thing inside the outermost element.
fn at_end(text: &str, root: &str, line: &str) -> Option<String> {
    let tags = xml::tags(text)?;
    let last = tags.last().filter(|t| t.name == root)?;
    let mut edits = xml::Edits::default();
    match last.sort {
        Sort::Empty => {
            let open = last.opened();
            let close = format!("</{}{root}>", last.prefix);
            edits.replace(last.span.clone(), format!("{open}{line}{close}"));
        }
        _ => edits.insert(last.span.start, line.to_owned()),
    }
    edits.apply(text)
}

/// Where the lines of a part lie: `xl/_rels/workbook.xml.rels`.
fn rels(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{name}.rels")
}

/// A target as a part's full name.
fn resolved(part: &str, target: &str) -> String {
    if let Some(whole) = target.strip_prefix('/') {
        return whole.to_owned();
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}
