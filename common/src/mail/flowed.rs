//! `format=flowed` (RFC 3676) undone without gluing two typed lines into one.

/// No line that a program broke softly is shorter than this with the next word added: RFC 3676
/// advises to break at 66 to 78 columns. A shorter line with a blank at its end was typed so, and
/// joining it would turn two commands into one.
const NARROWEST: usize = 60;

/// The text with its soft line breaks taken out. `delete_space` is the `DelSp=yes` parameter.
pub(crate) fn unwrap(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().map(Line::new).peekable();
    while let Some(line) = lines.next() {
        let mut joined = line.text.to_owned();
        let mut last = line;
        while let Some(next) = lines.next_if(|next| last.flows_into(next)) {
            if delete_space {
                joined.truncate(joined.len() - 1);
            }
            joined.push_str(next.text);
            last = next;
        }
        (0..last.depth).for_each(|_| out.push('>'));
        if last.depth > 0 {
            out.push(' ');
        }
        out.push_str(if is_signature(&joined) {
            &joined
        } else {
            joined.trim_end()
        });
        out.push('\n');
    }
    out
}

#[derive(Clone, Copy)]
struct Line<'a> {
    depth: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn new(line: &'a str) -> Self {
        let text = line.trim_start_matches('>');
        let depth = line.len() - text.len();
        // One blank was stuffed in front of what would look like a quote or a `From ` line.
        Self {
            depth,
            text: text.strip_prefix(' ').unwrap_or(text),
        }
    }

    fn flows_into(&self, next: &Line<'_>) -> bool {
        let first_word = next.text.split(' ').next().unwrap_or_default();
        self.text.ends_with(' ')
            && self.depth == next.depth
            && !is_signature(self.text)
            && !is_signature(next.text)
            && !next.text.is_empty()
            && self.text.chars().count() + first_word.chars().count() >= NARROWEST
    }
}

fn is_signature(line: &str) -> bool {
    line == "-- "
}

#[cfg(test)]
mod tests {
    use super::unwrap;

    #[test]
    fn soft_breaks_go_and_typed_lines_stay() {
        let long = "U MC,DM SP 4 72060202 this is a note that goes on and on until the ";
        for (text, delete_space, out) in [
            (format!("{long}\nend\n"), false, format!("{long}end\n")),
            (
                format!("{long}\nend\n"),
                true,
                format!("{}end\n", long.trim_end()),
            ),
            // Two typed commands, the first with a blank at its end.
            (
                "U MC SP 4 \nPK 12 SB\n".into(),
                false,
                "U MC SP 4\nPK 12 SB\n".into(),
            ),
            (
                format!("{long}\n\nend\n"),
                false,
                format!("{}\n\nend\n", long.trim_end()),
            ),
            (
                format!(">{long}\nend\n"),
                false,
                format!("> {}\nend\n", long.trim_end()),
            ),
            (
                format!("> {long}\n> end\n"),
                false,
                format!("> {long}end\n"),
            ),
            (
                format!("{long}\n-- \nme\n"),
                false,
                format!("{}\n-- \nme\n", long.trim_end()),
            ),
            (
                " >not a quote\n From x\n".into(),
                false,
                ">not a quote\nFrom x\n".into(),
            ),
        ] {
            assert_eq!(unwrap(&text, delete_space), out, "{text}");
        }
    }
}
