//! Where the sender's own words end: before the quoted mail, the signature, the phone's footer.
//!
//! Nothing is cut off here. The whole text is kept; only commands are looked for in the own words
//! alone, since a quoted command is not given a second time (M27).

use std::ops::Range;

/// The bytes of `text` that the sender wrote for this mail. A quotation on top (an answer below
/// what it answers) is stepped over if own words follow it.
pub(crate) fn own_words(text: &str) -> Range<usize> {
    let lines = lines(text);
    let top = after_armour(&lines).unwrap_or_else(|| after_leading_quote(&lines));
    let end = lines[top..]
        .iter()
        .enumerate()
        .find(|(i, _)| ends_here(&lines[top..], *i))
        .map_or(text.len(), |(i, _)| lines[top + i].0);
    let start = lines.get(top).map_or(text.len(), |l| l.0);
    start.min(end)..end
}

type Line<'a> = (usize, &'a str);

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let from = at;
            at += line.len();
            (from, line.trim_end_matches(['\n', '\r']))
        })
        .collect()
}

/// The first line after a quotation that begins the text, if own words come after it; else 0.
fn after_leading_quote(lines: &[Line<'_>]) -> usize {
    let first = lines
        .iter()
        .position(|l| !l.1.trim().is_empty())
        .unwrap_or(0);
    let quoted = first + attribution(lines, first);
    let length = lines[quoted.min(lines.len())..]
        .iter()
        .take_while(|l| is_quoted(l.1) || l.1.trim().is_empty())
        .count();
    let has_quote = lines[quoted..quoted + length]
        .iter()
        .any(|l| is_quoted(l.1));
    let after = quoted + length;
    if has_quote && after < lines.len() && !ends_here(lines, after) {
        after
    } else {
        0
    }
}

/// The first line of a text that PGP signed without MIME (RFC 4880, 7): below the armour's header
/// and the blank line that ends it.
fn after_armour(lines: &[Line<'_>]) -> Option<usize> {
    let first = lines.iter().position(|l| !l.1.trim().is_empty())?;
    if lines[first].1.trim() != "-----BEGIN PGP SIGNED MESSAGE-----" {
        return None;
    }
    let blank = lines[first..].iter().position(|l| l.1.trim().is_empty())?;
    Some(first + blank + 1)
}

fn ends_here(lines: &[Line<'_>], at: usize) -> bool {
    let line = lines[at].1;
    is_quoted(line)
        || is_signature(line)
        || is_footer(line)
        || is_divider(line)
        || line.starts_with("-----BEGIN PGP SIGNATURE")
        || attribution(lines, at) > 0
        || is_header_block(lines, at)
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// RFC 3676, 4.3: two dashes and a blank; the blank is often lost on the way.
fn is_signature(line: &str) -> bool {
    line == "-- " || line == "--"
}

/// What phones and apps write below a mail.
fn is_footer(line: &str) -> bool {
    const FOOTERS: [&str; 13] = [
        "sent from my ",
        "sent from mail for ",
        "sent from yahoo",
        "sent from outlook",
        "sent via ",
        "sent with ",
        "get outlook for ",
        "dikirim dari ",
        "dikirim melalui ",
        "terkirim dari ",
        "dapatkan outlook untuk ",
        "enviado desde ",
        "kirim dari ",
    ];
    let line = line.trim().to_lowercase();
    line.len() < 80 && FOOTERS.iter().any(|f| line.starts_with(f))
}

/// `-----Original Message-----` and its kin.
fn is_divider(line: &str) -> bool {
    const WORDS: [&str; 14] = [
        "original message",
        "original appointment",
        "forwarded message",
        "forwarded by",
        "pesan asli",
        "pesan terusan",
        "pesan diteruskan",
        "pesan yang diteruskan",
        "email asli",
        "reply message",
        "balas pesan",
        "begin forwarded message",
        "mulai pesan diteruskan",
        "mulai pesan yang diteruskan",
    ];
    let bare = line
        .trim()
        .trim_matches(['-', '_', '=', '*', '>', ' ', ':'])
        .to_lowercase();
    let marked = line.trim_start().starts_with(['-', '_', '=', '*']) || line.trim().ends_with(':');
    marked && WORDS.iter().any(|w| bare.starts_with(w)) && bare.len() < 60
}

/// How many lines `On ... wrote:` takes at this place: programs break it into up to three. 0: none.
fn attribution(lines: &[Line<'_>], at: usize) -> usize {
    const STARTS: [&str; 8] = [
        "on ", "pada ", "le ", "am ", "el ", "op ", "tanggal ", "di ",
    ];
    const ENDS: [&str; 9] = [
        "wrote:",
        "menulis:",
        "writes:",
        "said:",
        "berkata:",
        "tulis:",
        "schrieb:",
        "menulis :",
        "wrote :",
    ];
    let Some((_, first)) = lines.get(at) else {
        return 0;
    };
    let first = first.trim().to_lowercase();
    let starts = STARTS.iter().any(|s| first.starts_with(s)) || first.contains('@');
    if !starts || first.len() > 300 {
        return 0;
    }
    (1..=3)
        .take_while(|n| {
            lines
                .get(at + n - 1)
                .is_some_and(|l| !l.1.trim().is_empty())
        })
        .find(|n| {
            let last = lines[at + n - 1].1.trim().to_lowercase();
            ENDS.iter().any(|e| last.ends_with(e))
        })
        .unwrap_or(0)
}

/// The block of `From: / Sent: / To: / Subject:` that Outlook puts above what it quotes.
fn is_header_block(lines: &[Line<'_>], at: usize) -> bool {
    const FROM: [&str; 4] = ["from", "dari", "de", "von"];
    const OTHER: [&str; 13] = [
        "sent", "date", "to", "cc", "subject", "dikirim", "terkirim", "tanggal", "kepada", "ke",
        "untuk", "subjek", "perihal",
    ];
    let name = |line: &str| {
        let line = line.trim().trim_start_matches('*').to_lowercase();
        line.split_once(':')
            .map(|(name, _)| name.trim_end_matches('*').trim().to_owned())
    };
    if !name(lines[at].1).is_some_and(|n| FROM.contains(&n.as_str())) {
        return false;
    }
    let next = lines[at + 1..]
        .iter()
        .filter(|l| !l.1.trim().is_empty())
        .take(4);
    next.filter(|l| name(l.1).is_some_and(|n| OTHER.contains(&n.as_str())))
        .count()
        >= 2
}

#[cfg(test)]
mod tests {
    use super::own_words;

    #[test]
    fn own_words_end_where_others_begin() {
        for (text, own) in [
            ("U MC SP 4\n", "U MC SP 4\n"),
            ("", ""),
            ("U MC SP 4\n\n> PK 12 SB\n", "U MC SP 4\n\n"),
            (
                "PK 1 SB\nOn Mon, 5 Aug 2019 at 07:12, A <a@b.id> wrote:\n> x\n",
                "PK 1 SB\n",
            ),
            (
                "PK 1 SB\nPada tanggal Sen, 5 Agu 2019 07.12,\nA <a@b.id> menulis:\n> x\n",
                "PK 1 SB\n",
            ),
            (
                "PK 1 SB\n-----Original Message-----\nFrom: x\n",
                "PK 1 SB\n",
            ),
            ("PK 1 SB\n-----Pesan Asli-----\nDari: x\n", "PK 1 SB\n"),
            (
                "PK 1 SB\n---------- Forwarded message ---------\nx\n",
                "PK 1 SB\n",
            ),
            ("PK 1 SB\n-- \nBudi\n", "PK 1 SB\n"),
            ("PK 1 SB\n--\nBudi\n", "PK 1 SB\n"),
            ("PK 1 SB\nSent from my iPhone\n", "PK 1 SB\n"),
            ("PK 1 SB\nDikirim dari Yahoo Mail di Android\n", "PK 1 SB\n"),
            (
                "PK 1 SB\n\nFrom: A\nSent: x\nTo: y\nSubject: z\n\nU MC SP 4",
                "PK 1 SB\n\n",
            ),
            (
                "PK 1 SB\n\nDari: A\nTerkirim: x\nKepada: y\n\nU MC SP 4",
                "PK 1 SB\n\n",
            ),
            // The answer stands below what it answers.
            (
                "On Monday A <a@b.id> wrote:\n> Which case?\n\nPK 1 SB\n",
                "PK 1 SB\n",
            ),
            ("> Which case?\nPK 1 SB\n> and?\n", "PK 1 SB\n"),
            // Nothing but a quotation: no own words.
            ("> U MC SP 4\n", ""),
            ("On Monday A <a@b.id> wrote:\n> U MC SP 4\n", ""),
            // Words that only look like the start of something.
            (
                "Pada hari ini sapi mati\nU MC SP 4\n",
                "Pada hari ini sapi mati\nU MC SP 4\n",
            ),
            ("Dari: kandang\nU MC SP 4\n", "Dari: kandang\nU MC SP 4\n"),
        ] {
            assert_eq!(&text[own_words(text)], own, "{text:?}");
        }
    }
}
