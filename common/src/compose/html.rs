//! The HTML alternative, made from the text: nothing is written twice, so both say the same, and
//! nothing in it was ever markup.

/// A plain page with the paragraphs and lines of a text.
pub fn page(language: &str, text: &str) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\r\n<html lang=\"{}\">\r\n<head><meta charset=\"utf-8\"></head>\r\n<body>\r\n",
        escaped(language)
    );
    for paragraph in text.trim().split("\n\n").filter(|p| !p.trim().is_empty()) {
        let lines: Vec<String> = paragraph.trim_matches('\n').lines().map(line).collect();
        page.push_str("<p>");
        page.push_str(&lines.join("<br>\r\n"));
        page.push_str("</p>\r\n");
    }
    page.push_str("</body>\r\n</html>\r\n");
    page
}

/// One line: what was typed (`> U MC`) stands out, and a leading space stays one.
fn line(text: &str) -> String {
    if let Some(typed) = text.strip_prefix("> ") {
        return format!("<b>{}</b>", escaped(typed));
    }
    let indent = text.len() - text.trim_start_matches(' ').len();
    format!("{}{}", "&nbsp;".repeat(indent), escaped(&text[indent..]))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lines_and_typed_words() {
        let page = page("id", "> U MC\nTerima kasih.\n\n\n  - sapi\n");
        assert!(page.contains("<html lang=\"id\">"));
        assert!(page.contains("<p><b>U MC</b><br>\r\nTerima kasih.</p>"));
        assert!(page.contains("<p>&nbsp;&nbsp;- sapi</p>"));
    }

    #[test]
    fn nothing_that_was_written_is_markup() {
        let page = page("en", "<script>alert('x')</script> & \"quoted\"");
        assert!(!page.contains("<script>"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;"));
    }
}
