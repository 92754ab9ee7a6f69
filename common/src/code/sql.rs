//! Named parameters of a query file: `:place` becomes `$1`.
//!
//! People who write queries think in names; PostgreSQL in numbers. Casts (`::text`), strings,
//! quoted names and comments are left as they are.

use std::fmt::Write as _;

/// A statement with numbered parameters and what each number means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The statement with `$1`, `$2`, ...
    pub text: String,
    /// The name behind each number, in order.
    pub params: Vec<String>,
}

/// Numbers the named parameters of a statement. The same name is the same number wherever it
/// stands. Fails with every name that is not allowed, each with its line.
pub fn numbered(source: &str, allowed: &[&str]) -> Result<Sql, Vec<(usize, String)>> {
    let mut sql = Sql {
        text: String::with_capacity(source.len()),
        params: Vec::new(),
    };
    let mut unknown = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let name = name_at(source, at);
        let length = match name {
            Some(name) => name.len() + 1,
            None => skipped(rest).max(rest.chars().next().map_or(1, char::len_utf8)),
        };
        match name {
            Some(name) if allowed.contains(&name) => sql.param(name),
            Some(name) => unknown.push((source[..at].matches('\n').count() + 1, name.to_owned())),
            None => sql.text.push_str(&rest[..length]),
        }
        at += length;
    }
    if unknown.is_empty() {
        Ok(sql)
    } else {
        Err(unknown)
    }
}

impl Sql {
    fn param(&mut self, name: &str) {
        let known = self.params.iter().position(|p| p == name);
        let at = known.unwrap_or_else(|| {
            self.params.push(name.to_owned());
            self.params.len() - 1
        });
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}", at + 1);
    }
}

/// The name of a parameter that begins here: a single colon and a small letter.
fn name_at(source: &str, at: usize) -> Option<&str> {
    let rest = source[at..].strip_prefix(':')?;
    let word = rest
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next()?;
    let alone = !source[..at].ends_with(':');
    (alone && word.starts_with(|c: char| c.is_ascii_lowercase())).then_some(word)
}

/// Length of the string, quoted name, comment, cast or word that begins here; 0 for all else.
fn skipped(rest: &str) -> usize {
    let upto = |from: usize, end: &str| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |i| from + i + end.len())
    };
    match rest.as_bytes() {
        [b'\'', ..] => upto(1, "'"),
        [b'"', ..] => upto(1, "\""),
        [b'e' | b'E', b'\'', ..] => escaped(rest),
        [b'-', b'-', ..] => upto(2, "\n"),
        [b'/', b'*', ..] => comment(rest),
        [b':', b':', ..] => 2,
        [b'$', ..] => dollar(rest),
        [first, ..] if first.is_ascii_alphanumeric() || *first == b'_' => rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len()),
        _ => 0,
    }
}

/// `E'...'`, in which a backslash hides the next character.
fn escaped(rest: &str) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices().skip(2) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `/* ... */`, which nests in PostgreSQL.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        (at, depth) = (at + step, depth + change);
        if depth == 0 {
            break;
        }
    }
    at
}

/// `$tag$ ... $tag$`; a lone dollar is one character.
fn dollar(rest: &str) -> usize {
    let Some(end) = rest[1..].find('$').map(|i| i + 2) else {
        return 1;
    };
    let tag = &rest[..end];
    let word = tag[1..end - 1]
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !word || tag[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    rest[end..].find(tag).map_or(rest.len(), |i| end + i + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_numbers_and_all_else_stays() {
        for (source, text, params) in [
            ("SELECT :place", "SELECT $1", &["place"][..]),
            ("SELECT :a, :b, :a", "SELECT $1, $2, $1", &["a", "b"]),
            ("SELECT :a::text", "SELECT $1::text", &["a"]),
            (
                "SELECT x::date, ':a', 'it''s :a'",
                "SELECT x::date, ':a', 'it''s :a'",
                &[],
            ),
            (r"SELECT E'\':a' || :b", r"SELECT E'\':a' || $1", &["b"]),
            (r#"SELECT "q:a" -- :a"#, r#"SELECT "q:a" -- :a"#, &[]),
            ("-- :a\nSELECT :b", "-- :a\nSELECT $1", &["b"]),
            ("/* :a /* :b */ :a */ :b", "/* :a /* :b */ :a */ $1", &["b"]),
            (
                "SELECT $$ :a $$, $x$ :a $$ $x$, :b",
                "SELECT $$ :a $$, $x$ :a $$ $x$, $1",
                &["b"],
            ),
            ("SELECT a[1:2], é, :a", "SELECT a[1:2], é, $1", &["a"]),
            ("SELECT 'open", "SELECT 'open", &[]),
        ] {
            let want = Sql {
                text: text.into(),
                params: params.iter().map(|p| (*p).into()).collect(),
            };
            assert_eq!(numbered(source, &["a", "b", "place"]), Ok(want), "{source}");
        }
    }

    #[test]
    fn every_unknown_name_is_told_with_its_line() {
        let unknown = numbered("SELECT :plase,\n:case\n, :a", &["a"]).unwrap_err();
        assert_eq!(unknown, [(1, "plase".to_owned()), (2, "case".to_owned())]);
    }

    proptest! {
        #[test]
        fn random_statements_never_panic(source in "\\PC{0,60}|[a-z:'\"$/*\\\\E -]{0,60}") {
            let _ = numbered(&source, &["a"]);
        }

        #[test]
        fn without_a_colon_nothing_changes(source in "[^:]{0,60}") {
            prop_assert_eq!(numbered(&source, &["a"]).unwrap().text, source);
        }
    }
}
