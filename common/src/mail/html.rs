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

/// The text of an HTML body, one line for each row of a table.
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

/// The most tags that are open at one place, elements that never close not counted. A closing tag
/// counts only if it closes what was opened last: `<b></q>` leaves `b` open.
fn depth(html: &str) -> usize {
    let (mut open, mut most) = (Vec::new(), 0);
    for tag in html.split('<').skip(1) {
        let name = name(tag.strip_prefix('/').unwrap_or(tag));
        if tag.starts_with('/') {
            if open
                .last()
                .is_some_and(|last: &&str| last.eq_ignore_ascii_case(name))
            {
                open.pop();
            }
        } else if !name.is_empty() && !is_void(name) {
            open.push(name);
            most = most.max(open.len());
        }
    }
    most
}

fn name(tag: &str) -> &str {
    let end = tag
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(tag.len());
    if tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
        &tag[..end]
    } else {
        ""
    }
}

fn is_void(name: &str) -> bool {
    // Paragraphs, rows and items are often left open and then closed by the next one.
    const VOID: [&str; 18] = [
        "br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source",
        "embed", "p", "li", "tr", "td", "th", "option",
    ];
    VOID.iter().any(|v| name.eq_ignore_ascii_case(v))
}

#[cfg(test)]
mod tests {
    use super::{depth, to_text};

    #[test]
    fn words_and_rows_stay() {
        for (html, text) in [
            ("<p>U MC SP 4</p>", "U MC SP 4"),
            (
                "U&nbsp;MC &lt;b&gt; d&eacute;sa<br>PK 12 SB",
                "U\u{a0}MC <b> désa\nPK 12 SB",
            ),
            ("<style>x</style><script>H</script><div>PK</div>", "PK"),
            (
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
                "a b\nc d",
            ),
            (
                "<div>PK 1 SB</div><blockquote>U MC SP 4</blockquote>",
                "PK 1 SB\n> U MC SP 4",
            ),
        ] {
            let seen = to_text(html);
            let lines = seen.lines().filter(|l| !l.trim().is_empty());
            assert_eq!(lines.collect::<Vec<_>>().join("\n"), text, "{html}");
        }
        // Too deep to be laid out: the words stay.
        assert!(to_text(&format!("{}PK", "<div>".repeat(500))).contains("PK"));
    }

    #[test]
    fn depth_is_what_stays_open() {
        for (html, deep) in [
            ("<p>a<p>b<br><li>", 0),
            ("<div><b>x</b></div><div></div>", 2),
            ("<b></q><b></q><b>", 3),
            ("< a <3 <!-- <!DOCTYPE html>", 0),
        ] {
            assert_eq!(depth(html), deep, "{html}");
        }
    }
}
