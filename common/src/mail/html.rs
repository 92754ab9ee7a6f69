//! A mail that is HTML only, as text.

use html2text::config;
use mail_parser::decoders::html::html_to_text;

/// Wide enough that no command and no table row is broken: breaking is for screens.
const WIDTH: usize = 500;
/// Tags open at once. Real mails (tables in tables in tables) stay below 100; the tree of a
/// deeper one takes time that grows with the square of its depth.
const DEEPEST: usize = 200;
/// Bytes of HTML that are laid out; what is longer loses its tables, not its words.
const LONGEST: usize = 500_000;

/// The text of an HTML body, its tables kept as rows with `|` between the cells.
pub(crate) fn to_text(html: &str) -> String {
    if html.len() > LONGEST || depth(html) > DEEPEST {
        return html_to_text(html);
    }
    let layout = config::plain_no_decorate()
        .no_table_borders()
        .allow_width_overflow();
    match layout.string_from_read(html.as_bytes(), WIDTH) {
        Ok(text) => text
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n"),
        Err(_) => html_to_text(html),
    }
}

/// The most tags that are open at one place, elements that never close not counted.
fn depth(html: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        if tag.starts_with('/') {
            now = now.saturating_sub(1);
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_void(tag) {
            now += 1;
            most = most.max(now);
        }
    }
    most
}

fn is_void(tag: &str) -> bool {
    let name = tag
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    // Paragraphs, rows and items are often left open and then closed by the next one.
    const VOID: [&str; 18] = [
        "br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source",
        "embed", "p", "li", "tr", "td", "th", "option",
    ];
    VOID.iter().any(|v| name.eq_ignore_ascii_case(v))
}
