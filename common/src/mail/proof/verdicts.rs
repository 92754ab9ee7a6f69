//! Proof from what SES found out.

use super::super::notice::{Verdict, Verdicts};
use super::super::{Fields, Heading};
use super::{How, Proof, Why, align, author};

/// What makes a mail one that is stored, counted and never answered (M24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Harm {
    /// SES found a virus.
    Virus,
    /// SES took it for spam.
    Spam,
}

/// Whether SES warns of a mail. Only a plain `FAIL` counts: `GRAY` is a doubt, and a doubt must
/// not swallow a report of a sick herd.
pub fn harm(verdicts: &Verdicts) -> Option<Harm> {
    match (verdicts.virus, verdicts.spam) {
        (Verdict::Fail, _) => Some(Harm::Virus),
        (_, Verdict::Fail) => Some(Harm::Spam),
        _ => None,
    }
}

/// Proof by the verdicts of a SES receipt.
///
/// 1. DMARC `PASS`: proven. DMARC `FAIL`: not proven, whatever else passed.
/// 2. DMARC `GRAY` or not told, which is what SES says when the domain has no policy: proven if
///    DKIM is `PASS`, there is exactly one signature and its domain is aligned with the author's
///    (SES does not say which of several it checked); or if SPF is `PASS` and the envelope's
///    sender is aligned.
/// 3. A failed or switched-off DMARC check (`PROCESSING_FAILED`, `DISABLED`) is treated like 2.
///
/// `sender` is the envelope's sender of the same receipt.
pub fn by_verdicts(heading: &Heading, sender: Option<&str>, verdicts: &Verdicts) -> Proof {
    let author = match author(heading) {
        Ok(author) => author,
        Err(why) => return Proof::Unproven(why),
    };
    match verdicts.dmarc {
        Verdict::Pass => return Proof::proven(&author, How::Dmarc),
        Verdict::Fail => return Proof::Unproven(Why::DmarcFailed),
        _ => {}
    }
    if verdicts.dkim == Verdict::Pass && signed_by(&heading.fields, &author.domain) {
        return Proof::proven(&author, How::Dkim);
    }
    let sent_from = sender
        .and_then(|s| s.rsplit_once('@'))
        .map_or("", |(_, domain)| domain);
    if verdicts.spf == Verdict::Pass && align::is_aligned(sent_from, &author.domain) {
        return Proof::proven(&author, How::Spf);
    }
    Proof::Unproven(Why::NothingAligned)
}

/// Whether the mail's only signature is of a domain aligned with this one, and covers the whole
/// body and the `From` line.
fn signed_by(fields: &Fields, author: &str) -> bool {
    let mut all = fields.all("dkim-signature");
    let (Some(signature), None) = (all.next(), all.next()) else {
        return false;
    };
    let text = signature.text();
    let tag = |name: &str| {
        let mut tags = text.split(';').filter_map(|t| t.split_once('='));
        tags.find(|(n, _)| n.trim() == name)
            .map(|(_, value)| value.replace(' ', ""))
    };
    let covers_from =
        tag("h").is_some_and(|h| h.split(':').any(|f| f.eq_ignore_ascii_case("from")));
    let whole = tag("l").is_none();
    whole && covers_from && tag("d").is_some_and(|d| align::is_aligned(&d, author))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read};
    use super::*;

    const PASS: Verdict = Verdict::Pass;
    const FAIL: Verdict = Verdict::Fail;
    const GRAY: Verdict = Verdict::Gray;

    fn prove(header: &str, sender: &str, [spf, dkim, dmarc]: [Verdict; 3]) -> Proof {
        let raw = format!("{header}\r\n\r\nU MC SP 4\r\n");
        let heading = read(raw.as_bytes(), &Limits::default())
            .expect("readable")
            .heading;
        let (spam, virus, dmarc_policy) = (PASS, PASS, None);
        by_verdicts(
            &heading,
            Some(sender),
            &Verdicts {
                spam,
                virus,
                spf,
                dkim,
                dmarc,
                dmarc_policy,
            },
        )
    }

    #[test]
    fn only_an_aligned_pass_is_a_proof() {
        let from = "From: Budi <budi@dinas.example>";
        let signed = format!("{from}\r\nDKIM-Signature: v=1; d=dinas.example; h=To:From; b=x");
        let other = format!("{from}\r\nDKIM-Signature: v=1; d=evil.example; h=From; b=x");
        let twice = format!("{signed}\r\nDKIM-Signature: v=1; d=evil.example; h=From; b=x");
        let partly = format!("{from}\r\nDKIM-Signature: v=1; d=dinas.example; h=From; l=0; b=x");
        let unsigned_from = format!("{from}\r\nDKIM-Signature: v=1; d=dinas.example; h=To; b=x");
        let long = format!("From: {}@dinas.example", "x".repeat(400));
        let two = "From: a@dinas.example, b@dinas.example";
        let two_fields = "From: a@dinas.example\r\nFrom: b@dinas.example";
        let own = "b@dinas.example";
        for (header, sender, verdicts, how) in [
            (from, own, [PASS, PASS, PASS], Ok(How::Dmarc)),
            (from, "", [FAIL, GRAY, PASS], Ok(How::Dmarc)),
            (&signed, own, [PASS, PASS, FAIL], Err(Why::DmarcFailed)),
            (&signed, "", [FAIL, PASS, GRAY], Ok(How::Dkim)),
            (&signed, "", [FAIL, FAIL, GRAY], Err(Why::NothingAligned)),
            (&other, "", [FAIL, PASS, GRAY], Err(Why::NothingAligned)),
            (&twice, "", [FAIL, PASS, GRAY], Err(Why::NothingAligned)),
            (&partly, "", [FAIL, PASS, GRAY], Err(Why::NothingAligned)),
            (
                &unsigned_from,
                "",
                [FAIL, PASS, GRAY],
                Err(Why::NothingAligned),
            ),
            (from, own, [PASS, GRAY, GRAY], Ok(How::Spf)),
            (
                from,
                "b@mail.dinas.example",
                [PASS, GRAY, Verdict::Unknown],
                Ok(How::Spf),
            ),
            (
                from,
                "b@evil.example",
                [PASS, GRAY, GRAY],
                Err(Why::NothingAligned),
            ),
            (from, "", [PASS, GRAY, GRAY], Err(Why::NothingAligned)),
            (two, own, [PASS, PASS, PASS], Err(Why::SeveralAuthors)),
            (
                two_fields,
                own,
                [PASS, PASS, PASS],
                Err(Why::SeveralAuthors),
            ),
            (
                "From: undisclosed",
                own,
                [PASS, PASS, PASS],
                Err(Why::NoAuthor),
            ),
            ("Subject: x", own, [PASS, PASS, PASS], Err(Why::NoAuthor)),
            (&long, own, [PASS, PASS, PASS], Err(Why::NoAuthor)),
        ] {
            match (prove(header, sender, verdicts), how) {
                (
                    Proof::Proven {
                        address,
                        how: found,
                    },
                    Ok(how),
                ) => {
                    assert_eq!(
                        (address.as_str(), found),
                        ("budi@dinas.example", how),
                        "{header}"
                    );
                }
                (Proof::Unproven(found), Err(why)) => assert_eq!(found, why, "{header}"),
                (found, wanted) => panic!("{header} {sender}: {found:?}, not {wanted:?}"),
            }
        }
    }

    /// M24.
    #[test]
    fn only_a_plain_fail_is_harm() {
        let all = |spam, virus| {
            let (spf, dkim, dmarc, dmarc_policy) = (PASS, PASS, PASS, None);
            harm(&Verdicts {
                spam,
                virus,
                spf,
                dkim,
                dmarc,
                dmarc_policy,
            })
        };
        assert_eq!(all(FAIL, PASS), Some(Harm::Spam));
        assert_eq!(all(FAIL, FAIL), Some(Harm::Virus));
        assert_eq!(all(GRAY, Verdict::ProcessingFailed), None);
        assert_eq!(all(PASS, PASS), None);
    }
}
