//! Proof from the `Authentication-Results` that our own mail server wrote (RFC 8601).

use super::super::{Field, Heading};
use super::{How, Proof, Why, align, author};

/// Proof by the findings of the mail servers named in `trusted` (their authserv-ids), or `None`
/// when there are none: then [`super::by_dns`] has to find out.
///
/// Which fields count: those that our side added, told by their place. From the top down, fields
/// of the delivery (`Return-Path`, `Delivered-To`, filters' notes, ...) and `Received` fields
/// written by a trusted host are stepped over; the first field that a sender may have written ends
/// the search. What a sender puts further down never counts. A sender could still imitate the
/// place directly below our `Received`, so all findings that count must agree, and the mail
/// server must take out results under its own name from what comes in, as RFC 8601, 5 demands and
/// OpenDKIM, OpenDMARC and rspamd do. See `docs/decisions/proof-of-sender.md`.
pub fn by_results(heading: &Heading, trusted: &[String]) -> Option<Proof> {
    let fields = ours(heading, trusted);
    if fields.is_empty() {
        return None;
    }
    let author = match author(heading) {
        Ok(author) => author,
        Err(why) => return Some(Proof::Unproven(why)),
    };
    let found: Vec<Finding> = fields.iter().flat_map(|text| findings(text)).collect();
    Some(match verdict(&found, &author.domain) {
        Ok(how) => Proof::proven(&author, how),
        Err(None) => Proof::Later,
        Err(Some(why)) => Proof::Unproven(why),
    })
}

/// One `method=result` with its properties.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    method: String,
    result: String,
    /// `header.d`, `smtp.mailfrom`, ... with their values in lower case.
    properties: Vec<(String, String)>,
}

/// DMARC decides if it was looked at; else a signature or a sender of the author's domain.
/// `Err(None)`: a temporary fault.
fn verdict(found: &[Finding], author: &str) -> Result<How, Option<Why>> {
    let dmarc: Vec<&Finding> = found.iter().filter(|f| f.method == "dmarc").collect();
    let mut results = dmarc.iter().map(|f| f.result.as_str());
    if let Some(first) = results.next() {
        if results.any(|other| other != first) {
            return Err(Some(Why::Contradiction));
        }
        let names_author = |f: &&Finding| f.property("header.from").is_none_or(|d| d == author);
        match first {
            "pass" if dmarc.iter().all(names_author) => return Ok(How::Dmarc),
            "pass" => return Err(Some(Why::Contradiction)),
            "temperror" => return Err(None),
            "none" => {}
            _ => return Err(Some(Why::DmarcFailed)),
        }
    }
    if found
        .iter()
        .any(|f| f.method == "dkim" && f.passes() && f.signs(author))
    {
        return Ok(How::Dkim);
    }
    if found
        .iter()
        .any(|f| f.method == "spf" && f.passes() && f.sends_from(author))
    {
        return Ok(How::Spf);
    }
    let temporary = |f: &Finding| f.result == "temperror" && f.method != "iprev";
    Err((!found.iter().any(temporary)).then_some(Why::NothingAligned))
}

impl Finding {
    fn passes(&self) -> bool {
        self.result == "pass"
    }

    fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    fn signs(&self, author: &str) -> bool {
        let domain = self
            .property("header.d")
            .or_else(|| self.property("header.i"));
        domain.is_some_and(|d| align::is_aligned(after_at(d), author))
    }

    fn sends_from(&self, author: &str) -> bool {
        let sender = self
            .property("smtp.mailfrom")
            .or_else(|| self.property("smtp.mail"));
        sender.is_some_and(|s| align::is_aligned(after_at(s), author))
    }
}

fn after_at(address: &str) -> &str {
    address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain)
}

/// Fields that mail servers and filters put on top on the way in; a sender may write them too,
/// which is why they only let the search go on.
const PASSED_OVER: [&str; 14] = [
    "return-path",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "delivery-date",
    "received-spf",
    "dkim-filter",
    "dmarc-filter",
    "x-virus-scanned",
    "x-virus-status",
    "x-greylist",
    "x-spamd-bar",
    "x-envelope-from",
    "x-rspamd-queue-id",
];

/// The results that our side wrote, without their authserv-id, the topmost first.
fn ours(heading: &Heading, trusted: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for field in heading.fields.iter() {
        match field.name.as_str() {
            "authentication-results" => found.extend(trusted_text(field, trusted)),
            "received" if is_received_by(field, trusted) => {}
            name if PASSED_OVER.contains(&name) || name.starts_with("x-spam") => {}
            _ => break,
        }
    }
    found
}

fn trusted_text(field: &Field, trusted: &[String]) -> Option<String> {
    let text = without_comments(&field.text());
    let (server, rest) = text.split_once(';')?;
    // A version may follow the name.
    let server = server.split_whitespace().next()?.trim_matches('"');
    is_trusted(server, trusted).then(|| rest.to_owned())
}

fn is_received_by(field: &Field, trusted: &[String]) -> bool {
    let text = without_comments(&field.text());
    let mut words = text
        .split_whitespace()
        .skip_while(|w| !w.eq_ignore_ascii_case("by"));
    words
        .nth(1)
        .is_some_and(|host| is_trusted(host.trim_end_matches(';'), trusted))
}

fn is_trusted(name: &str, trusted: &[String]) -> bool {
    trusted.iter().any(|t| t.eq_ignore_ascii_case(name))
}

fn findings(text: &str) -> Vec<Finding> {
    text.split(';').filter_map(finding).collect()
}

/// `dkim=pass reason="..." header.d=a.example header.s=x`; `none` alone is no finding.
fn finding(text: &str) -> Option<Finding> {
    let text = text
        .replace(" =", "=")
        .replace("= ", "=")
        .to_ascii_lowercase();
    let mut words = text.split_whitespace().filter_map(|w| w.split_once('='));
    let (method, result) = words.next()?;
    let method = method.split('/').next().unwrap_or_default();
    let unquoted = |value: &str| value.trim_matches('"').to_owned();
    Some(Finding {
        method: method.to_owned(),
        result: unquoted(result),
        properties: words
            .map(|(name, value)| (name.to_owned(), unquoted(value)))
            .collect(),
    })
}

/// Comments may stand anywhere and hold anything, even `dmarc=pass` (RFC 5322, 3.2.2).
fn without_comments(text: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    for c in text.chars() {
        let was_escaped = escaped;
        escaped = c == '\\' && !was_escaped;
        match c {
            '"' if depth == 0 && !was_escaped => quoted = !quoted,
            '(' if !quoted && !was_escaped => depth += 1,
            ')' if !quoted && !was_escaped && depth > 0 => {
                depth -= 1;
                out.push(' ');
                continue;
            }
            // A quoted reason may hold `;` and `=` too.
            ';' | '=' if quoted => continue,
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read};
    use super::*;

    fn prove(header: &str) -> Option<Proof> {
        let raw = format!("{header}\r\n\r\nU MC SP 4\r\n");
        let heading = read(raw.as_bytes(), &Limits::default())
            .expect("readable")
            .heading;
        by_results(&heading, &["mx.kita.example".to_owned()])
    }

    fn proven(how: How) -> Option<Proof> {
        Some(Proof::Proven {
            address: "budi@dinas.example".to_owned(),
            how,
        })
    }

    /// A header with these results on top, directly above the sender's own fields.
    fn with(results: &str) -> String {
        format!(
            "Return-Path: <b@dinas.example>\r\nReceived: from out.dinas.example (x [192.0.2.1])\r\n\
             \tby mx.kita.example (Postfix) with ESMTPS id 1; Mon, 5 Aug 2019 00:00:00 +0000\r\n\
             Authentication-Results: mx.kita.example; {results}\r\n\
             Received: by out.dinas.example; Mon, 5 Aug 2019 00:00:00 +0000\r\n\
             From: Budi <budi@dinas.example>"
        )
    }

    #[test]
    fn results_of_our_server_prove() {
        let no = |why| Some(Proof::Unproven(why));
        for (results, proof) in [
            (
                "dmarc=pass (p=reject dis=none) header.from=dinas.example",
                proven(How::Dmarc),
            ),
            (
                "dkim=pass header.d=x.example;\r\n\tdmarc=fail header.from=dinas.example",
                no(Why::DmarcFailed),
            ),
            (
                "dmarc=none; dkim=pass (2048-bit key) header.d=dinas.example",
                proven(How::Dkim),
            ),
            (
                "dkim = pass header.i = @mail.dinas.example",
                proven(How::Dkim),
            ),
            ("dkim=pass header.d=evil.example", no(Why::NothingAligned)),
            ("spf=pass smtp.mailfrom=b@dinas.example", proven(How::Spf)),
            (
                "spf=softfail smtp.mailfrom=b@dinas.example",
                no(Why::NothingAligned),
            ),
            (
                "dmarc=temperror header.from=dinas.example",
                Some(Proof::Later),
            ),
            ("dkim=temperror header.d=dinas.example", Some(Proof::Later)),
            ("none", no(Why::NothingAligned)),
            (
                "dmarc=pass header.from=evil.example",
                no(Why::Contradiction),
            ),
            (
                "dkim=fail (dmarc=pass) reason=\"x; dmarc=pass\"",
                no(Why::NothingAligned),
            ),
            (
                "x=y (a (b) dmarc=pass; dmarc=pass) ; spf=fail",
                no(Why::NothingAligned),
            ),
        ] {
            assert_eq!(prove(&with(results)), proof, "{results}");
        }
    }

    /// M25: what a sender writes is no proof.
    #[test]
    fn forged_results_do_not_count() {
        let forged = "Authentication-Results: mx.kita.example; dmarc=pass";
        let ours = with("dmarc=fail header.from=dinas.example");
        // Below the sender's own fields.
        assert_eq!(
            prove(&format!("From: budi@dinas.example\r\n{forged}")),
            None
        );
        assert_eq!(
            prove(&format!(
                "Received: by x.example; now\r\n{forged}\r\nFrom: b@d.example"
            )),
            None
        );
        // Directly below ours, which says something else.
        let below = ours.replace("Received: by out", &format!("{forged}\r\nReceived: by out"));
        assert_eq!(prove(&below), Some(Proof::Unproven(Why::Contradiction)));
        // Under the name of another server, or with the name in a comment.
        for name in [
            "mx.evil.example",
            "mx.evil.example (mx.kita.example)",
            "(mx.kita.example;) x",
        ] {
            let other = with("x=y").replace(
                "Authentication-Results: mx.kita.example",
                &format!("Authentication-Results: {name}"),
            );
            assert_eq!(prove(&other), None, "{name}");
        }
        assert_eq!(prove("From: budi@dinas.example"), None);
    }
}
