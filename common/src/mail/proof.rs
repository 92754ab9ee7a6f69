//! Who sent a mail, so surely that a command in it may be run (M25).
//!
//! The `From` line is what people know each other by, and anybody can write anything into it. It
//! is believed when its domain says so: DMARC, or DKIM or SPF for that very domain. Three ways,
//! tried in this order by whoever has what:
//!
//! 1. [`by_verdicts`]: SES checked it and tells in the receipt.
//! 2. [`by_results`]: our own mail server checked it and wrote it above the mail.
//! 3. [`by_dns`]: we check it ourselves.
//!
//! What is not proven is held and the registered person is asked. Which address a proof is good
//! for stands in it; a mail that claims two authors proves none.

mod align;
mod dns;
mod results;
mod verdicts;

pub use align::is_aligned;
pub use dns::{Client, Dns, by_dns};
pub use results::by_results;
pub use verdicts::{Harm, by_verdicts, harm};

use super::Heading;

/// Whether the author of a mail is who the `From` line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The domain of this address vouches for the mail.
    Proven {
        /// The author's address in lower case.
        address: String,
        /// How the domain vouches.
        how: How,
    },
    /// Nobody vouches: hold the mail and ask.
    Unproven(Why),
    /// It could not be found out now (a name server did not answer): try again later.
    Later,
}

/// How a domain vouches for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// DMARC passed.
    Dmarc,
    /// No DMARC policy, but a good DKIM signature of the author's domain.
    Dkim,
    /// No DMARC policy, but SPF passed for an envelope's sender in the author's domain.
    Spf,
}

/// Why nobody vouches for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// No `From`, or none with an address that can be read.
    NoAuthor,
    /// More than one author: a check of one would be taken for the other.
    SeveralAuthors,
    /// DMARC failed: the domain says that it did not send this.
    DmarcFailed,
    /// Signatures and senders of other domains only, or none at all.
    NothingAligned,
    /// The mail server's findings contradict each other: one of them may be forged.
    Contradiction,
}

impl Why {
    /// The name that is stored and counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoAuthor => "no_author",
            Self::SeveralAuthors => "several_authors",
            Self::DmarcFailed => "dmarc_failed",
            Self::NothingAligned => "nothing_aligned",
            Self::Contradiction => "contradiction",
        }
    }
}

impl Proof {
    /// The proven address, if there is one.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Proven { address, .. } => Some(address),
            Self::Unproven(_) | Self::Later => None,
        }
    }

    fn proven(author: &Author, how: How) -> Self {
        Self::Proven {
            address: author.address.clone(),
            how,
        }
    }
}

/// Longest address in bytes: 64 for the local part, 255 for the domain (RFC 5321, 4.5.3.1). What is
/// longer is nobody's, and no index takes many kilobytes.
pub const LONGEST_ADDRESS: usize = 320;

/// The one author of a mail.
pub(crate) struct Author {
    pub address: String,
    pub domain: String,
}

/// The one address in the one `From` field. RFC 5322 allows several; a checker and a reader may
/// pick different ones, so that several are none (RFC 9989 exempts them as well).
pub(crate) fn author(heading: &Heading) -> Result<Author, Why> {
    if heading.fields.all("from").count() > 1 || heading.from.len() > 1 {
        return Err(Why::SeveralAuthors);
    }
    let address = heading
        .from
        .first()
        .map(|m| m.address.clone())
        .unwrap_or_default();
    let Some((local, domain)) = address.split_once('@') else {
        return Err(Why::NoAuthor);
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"()".contains(c);
    let long = address.len() > LONGEST_ADDRESS;
    if local.is_empty()
        || !domain.contains('.')
        || domain.contains('@')
        || address.contains(odd)
        || long
    {
        return Err(Why::NoAuthor);
    }
    let domain = domain.trim_end_matches('.').to_owned();
    Ok(Author { address, domain })
}
