//! Comments on cells: the part that holds the words, and the old drawing without which no program
//! shows them. Comments that we made at an earlier return go, everybody else's stay.

use super::package::Package;
use super::xml::{self, Edits, Sort, escaped, plain};
use crate::workbook::book::cell_name;
use std::collections::BTreeMap;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const COMMENTS: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml";
const DRAWING: &str = "application/vnd.openxmlformats-officedocument.vmlDrawing";

/// What may follow `legacyDrawing` in a sheet (ECMA-376, 18.3.1.99).
const BEHIND: [&str; 7] = [
    "legacyDrawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
];

type Cells = BTreeMap<(u32, u16), String>;

/// Puts a comment on each cell, in the author's name.
pub fn put(package: &mut Package<'_>, sheet: &str, author: &str, cells: &Cells) -> Option<()> {
    let part = match package.related(sheet, "/comments") {
        Some(part) => part,
        None => {
            let part = package.free("xl/comments", ".xml");
            let empty = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
                 <comments xmlns=\"{MAIN}\"><authors></authors><commentList></commentList></comments>"
            );
            package.set(&part, empty);
            package.declare(&part, COMMENTS)?;
            package.relate(sheet, &format!("{OFFICE}/comments"), &part)?;
            part
        }
    };
    let said = words(package.text(&part)?, author, cells)?;
    package.set(&part, said.text);
    let drawing = drawing(package, sheet)?;
    let shapes = shapes(package.text(&drawing)?, &said.gone, &said.new)?;
    package.set(&drawing, shapes);
    Some(())
}

/// The changed part, the cells whose comments went and those that have a new one.
struct Said {
    text: String,
    gone: Vec<String>,
    new: Vec<(u32, u16)>,
}

/// A comment that stands there.
struct Comment {
    cell: String,
    ours: bool,
    span: std::ops::Range<usize>,
    /// Where its words end.
    end: Option<usize>,
}

fn words(text: &str, author: &str, cells: &Cells) -> Option<Said> {
    let tags = xml::tags(text)?;
    let names = authors(text, &tags);
    let ours = names.iter().position(|name| name == author);
    let number = ours.unwrap_or(names.len());
    let mut edits = Edits::default();
    if ours.is_none() {
        let list = tags.iter().find(|t| t.name == "authors")?;
        let line = format!("<{0}author>{1}</{0}author>", list.prefix, escaped(author));
        let end = tags
            .iter()
            .find(|t| t.name == "authors" && t.sort != Sort::Start)?;
        fill(&mut edits, end, "authors", line);
    }
    let there = there(&tags, &number.to_string());
    let mut gone = Vec::new();
    for comment in there.iter().filter(|c| c.ours) {
        edits.replace(comment.span.clone(), String::new());
        gone.push(comment.cell.clone());
    }
    let sign = format!("\n{}: ", escaped(author));
    for comment in there.iter().filter(|c| !c.ours) {
        // What we added to somebody's own note goes too.
        if let Some(added) = added_to(text, comment, &sign) {
            edits.replace(added, String::new());
        }
    }
    let end = tags
        .iter()
        .find(|t| t.name == "commentList" && t.sort != Sort::Start)?;
    let p = end.prefix;
    let mut new = Vec::new();
    let mut added = String::new();
    for ((row, column), words) in cells {
        let (cell, words) = (cell_name(*row, *column), escaped(words));
        let run = |words: &str| format!("<{p}r><{p}t xml:space=\"preserve\">{words}</{p}t></{p}r>");
        match there.iter().find(|c| !c.ours && c.cell == cell) {
            Some(foreign) => edits.insert(foreign.end?, run(&format!("{sign}{words}"))),
            None => {
                let words = run(&words);
                added.push_str(&format!(
                    "<{p}comment ref=\"{cell}\" authorId=\"{number}\"><{p}text>{words}</{p}text></{p}comment>"
                ));
                new.push((*row, *column));
            }
        }
    }
    fill(&mut edits, end, "commentList", added);
    let text = edits.apply(text)?;
    Some(Said { text, gone, new })
}

/// Where words of ours stand in somebody else's comment.
fn added_to(text: &str, comment: &Comment, sign: &str) -> Option<std::ops::Range<usize>> {
    let whole = &text[comment.span.clone()];
    let start = whole.find(sign)?;
    // Up to the end of the run that holds them.
    let length = whole[start..].find('<')?;
    let start = comment.span.start + start;
    Some(start..start + length)
}

/// Puts text before an end tag, or into an empty element.
fn fill(edits: &mut Edits, tag: &xml::Tag<'_>, name: &str, text: String) {
    match tag.sort {
        Sort::Empty => {
            let whole = format!("{}{text}</{}{name}>", tag.opened(), tag.prefix);
            edits.replace(tag.span.clone(), whole);
        }
        _ => edits.insert(tag.span.start, text),
    }
}

fn authors(text: &str, tags: &[xml::Tag<'_>]) -> Vec<String> {
    let author = |pair: &[xml::Tag<'_>]| match pair {
        [tag, _] if tag.name == "author" && tag.sort == Sort::Empty => Some(String::new()),
        [tag, end] if tag.name == "author" && tag.sort == Sort::Start => {
            plain(&text[tag.span.end..end.span.start])
        }
        _ => None,
    };
    tags.windows(2).filter_map(author).collect()
}

fn there(tags: &[xml::Tag<'_>], ours: &str) -> Vec<Comment> {
    let mut found: Vec<Comment> = Vec::new();
    for tag in tags {
        match (tag.name, tag.sort) {
            ("comment", Sort::Start) => found.push(Comment {
                cell: tag.get("ref").unwrap_or_default().replace('$', ""),
                ours: tag.get("authorId") == Some(ours),
                span: tag.span.clone(),
                end: None,
            }),
            ("comment", Sort::End) => {
                if let Some(last) = found.last_mut() {
                    last.span.end = tag.span.end;
                }
            }
            ("text", Sort::End) => {
                if let Some(last) = found.last_mut() {
                    last.end = Some(tag.span.start);
                }
            }
            _ => {}
        }
    }
    found
}

/// The drawing that shows a sheet's comments, made when there is none.
fn drawing(package: &mut Package<'_>, sheet: &str) -> Option<String> {
    let text = package.text(sheet)?.to_owned();
    let tags = xml::tags(&text)?;
    if let Some(tag) = tags.iter().find(|t| t.name == "legacyDrawing") {
        let id = tag.get_local("id")?;
        let relations = package.relations(sheet)?;
        return relations.into_iter().find(|r| r.id == id).map(|r| r.part);
    }
    let part = package.free("xl/drawings/vmlDrawing", ".vml");
    let empty = "<xml xmlns:v=\"urn:schemas-microsoft-com:vml\" \
                 xmlns:o=\"urn:schemas-microsoft-com:office:office\" \
                 xmlns:x=\"urn:schemas-microsoft-com:office:excel\"></xml>";
    package.set(&part, empty.into());
    package.declare(&part, DRAWING)?;
    let id = package.relate(sheet, &format!("{OFFICE}/vmlDrawing"), &part)?;
    let root = tags.last().filter(|t| t.sort == Sort::End)?;
    let behind = |t: &&xml::Tag<'_>| t.depth == 1 && BEHIND.contains(&t.name);
    let before = tags.iter().find(behind).unwrap_or(root);
    let line = format!(
        "<{}legacyDrawing xmlns:r=\"{OFFICE}\" r:id=\"{id}\"/>",
        root.prefix
    );
    let mut edits = Edits::default();
    edits.insert(before.span.start, line);
    package.set(sheet, edits.apply(&text)?);
    Some(part)
}

/// The drawing without the shapes of comments that went and with those of the new ones. Not read
/// as XML: programs write such drawings with HTML in them.
fn shapes(text: &str, gone: &[String], new: &[(u32, u16)]) -> Option<String> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<v:shape ") {
        let end = rest[start..].find("</v:shape>")? + start + "</v:shape>".len();
        let shape = &rest[start..end];
        kept.push_str(&rest[..start]);
        if !cell_of(shape).is_some_and(|cell| gone.contains(&cell)) {
            kept.push_str(shape);
        }
        rest = &rest[end..];
    }
    let end = rest.rfind("</xml>")?;
    kept.push_str(&rest[..end]);
    if !new.is_empty() && !text.contains("_x0000_t202\"") {
        kept.push_str(
            "<v:shapetype id=\"_x0000_t202\" coordsize=\"21600,21600\" o:spt=\"202\" \
             path=\"m,l,21600r21600,l21600,xe\"><v:stroke joinstyle=\"miter\"/>\
             <v:path gradientshapeok=\"t\" o:connecttype=\"rect\"/></v:shapetype>",
        );
    }
    // Numbers of shapes must differ from those that are there.
    let first = (90_000..)
        .step_by(10_000)
        .find(|n| !text.contains(&format!("_x0000_s{n}")))?;
    for (n, (row, column)) in new.iter().enumerate() {
        kept.push_str(&shape(first + n, *row, *column));
    }
    kept.push_str(&rest[end..]);
    Some(kept)
}

fn shape(number: usize, row: u32, column: u16) -> String {
    let (left, right) = (column + 1, column + 4);
    let (top, bottom) = (row.saturating_sub(1), row + 5);
    format!(
        "<v:shape id=\"_x0000_s{number}\" type=\"#_x0000_t202\" \
         style=\"position:absolute;visibility:hidden\" fillcolor=\"#ffffe1\" o:insetmode=\"auto\">\
         <v:fill color2=\"#ffffe1\"/><v:textbox style=\"mso-direction-alt:auto\"/>\
         <x:ClientData ObjectType=\"Note\"><x:MoveWithCells/><x:SizeWithCells/>\
         <x:Anchor>{left}, 15, {top}, 10, {right}, 15, {bottom}, 4</x:Anchor>\
         <x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column>\
         </x:ClientData></v:shape>"
    )
}

fn cell_of(shape: &str) -> Option<String> {
    let number = |name: &str| {
        let (_, rest) = shape.split_once(&format!("<x:{name}>"))?;
        rest.split('<').next()?.trim().parse::<u32>().ok()
    };
    let column = u16::try_from(number("Column")?).ok()?;
    Some(cell_name(number("Row")?, column))
}
