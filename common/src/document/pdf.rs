//! Marks become PDF. The only file that knows the library; no date and no random id goes in, so that
//! the same document is the same bytes.

use super::page::{Area, Mark, Page, Role, Run, Sheets};
use crate::Failure;
use krilla::color::luma;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, ContentTag, SpanTag, Tag, TagGroup, TagTree};
use krilla::text::{GlyphId, KrillaGlyph};
use std::num::NonZeroU16;

/// What stands as author and maker in a document's properties.
const MAKER: &str = "Kentongan";

/// The document as PDF, tagged for programs that read it aloud.
pub(super) fn write(sheets: &Sheets) -> crate::Result<Vec<u8>> {
    let mut document = krilla::Document::new();
    let mut tree = TagTree::new().with_lang(Some(sheets.language.to_owned()));
    for page in &sheets.pages {
        let settings = PageSettings::from_wh(page.width, page.height);
        let settings = settings.ok_or_else(|| failure(&"a page without size"))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        draw(&mut surface, page, &mut tree);
        surface.finish();
        sheet.finish();
    }
    document.set_tag_tree(tree);
    let about = Metadata::new()
        .title(sheets.title.clone())
        .language(sheets.language.to_owned())
        .authors(vec![MAKER.to_owned()])
        .creator(MAKER.to_owned());
    document.set_metadata(about);
    document.finish().map_err(|e| failure(&e))
}

/// A fault of ours: nothing that somebody wrote makes a document impossible.
fn failure(what: &dyn std::fmt::Debug) -> Failure {
    Failure::quarantine(format!("the document could not be written: {what:?}"))
}

fn draw(surface: &mut Surface<'_>, page: &Page, tree: &mut TagTree) {
    for mark in &page.marks {
        match mark {
            Mark::Text { role, runs } => text(surface, *role, runs, tree),
            Mark::Squares { squares, says } => {
                let told = SpanTag::empty().with_alt_text(Some(says));
                let id = surface.start_tagged(ContentTag::Span(told));
                filled(surface, squares, 0);
                surface.end_tagged();
                tree.push(TagGroup::with_children(Tag::P, vec![id.into()]));
            }
            other => {
                surface.start_tagged(ContentTag::Artifact(aside()));
                ornament(surface, other);
                surface.end_tagged();
            }
        }
    }
}

fn aside() -> krilla::tagging::Artifact {
    krilla::tagging::Artifact::with_kind(ArtifactType::Other)
}

fn text(surface: &mut Surface<'_>, role: Role, runs: &[Run], tree: &mut TagTree) {
    let tag = match role {
        Role::Aside => ContentTag::Artifact(aside()),
        _ => ContentTag::Other,
    };
    let id = surface.start_tagged(tag);
    for run in runs {
        letters(surface, run);
    }
    surface.end_tagged();
    let children = vec![id.into()];
    match role {
        Role::Aside => {}
        Role::Paragraph => tree.push(TagGroup::with_children(Tag::P, children)),
        Role::Heading(level) => {
            let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
            tree.push(TagGroup::with_children(Tag::Hn(level, None), children));
        }
    }
}

fn letters(surface: &mut Surface<'_>, run: &Run) {
    let glyph = |(at, c): (usize, char)| {
        let letter = run.style.face.letter(c);
        KrillaGlyph {
            glyph_id: GlyphId::new(letter.glyph),
            text_range: at..at + c.len_utf8(),
            x_advance: letter.advance,
            x_offset: 0.0,
            y_offset: 0.0,
            y_advance: 0.0,
            location: None,
        }
    };
    let glyphs: Vec<KrillaGlyph> = run.text.char_indices().map(glyph).collect();
    surface.set_fill(Some(fill(run.style.shade)));
    surface.set_stroke(None);
    let (at, font) = (Point::from_xy(run.x, run.y), run.style.face.embedded());
    surface.draw_glyphs(at, &glyphs, font, &run.text, run.style.size, false);
}

fn ornament(surface: &mut Surface<'_>, mark: &Mark) {
    match mark {
        Mark::Line {
            from,
            to,
            width,
            dashed,
        } => {
            let mut path = PathBuilder::new();
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
            stroked(surface, path.finish(), *width, *dashed);
        }
        Mark::Frame { area, width } => stroked(surface, outline(&[*area]), *width, false),
        Mark::Filled { area, shade } => filled(surface, &[*area], *shade),
        Mark::Text { .. } | Mark::Squares { .. } => {}
    }
}

fn stroked(surface: &mut Surface<'_>, path: Option<Path>, width: f32, dashed: bool) {
    let dash = dashed.then(|| StrokeDash {
        array: vec![2.0, 2.0],
        offset: 0.0,
    });
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke {
        paint: luma::Color::new(0).into(),
        width,
        dash,
        ..Stroke::default()
    }));
    if let Some(path) = path {
        surface.draw_path(&path);
    }
}

fn filled(surface: &mut Surface<'_>, areas: &[Area], shade: u8) {
    surface.set_stroke(None);
    surface.set_fill(Some(fill(shade)));
    if let Some(path) = outline(areas) {
        surface.draw_path(&path);
    }
}

fn outline(areas: &[Area]) -> Option<Path> {
    let mut path = PathBuilder::new();
    let rect = |a: &Area| Rect::from_xywh(a.x, a.y, a.width, a.height);
    areas
        .iter()
        .filter_map(rect)
        .for_each(|r| path.push_rect(r));
    path.finish()
}

fn fill(shade: u8) -> Fill {
    Fill {
        paint: luma::Color::new(shade).into(),
        opacity: NormalizedF32::ONE,
        ..Fill::default()
    }
}
