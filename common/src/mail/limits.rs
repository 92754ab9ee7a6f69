//! How much of a mail is looked at, and what is said when there is more.

use crate::Reason;

/// The most that a mail may have of each thing. What goes over is refused before anything is
/// built from it, so a hostile mail costs no more than one pass over its bytes (M20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole mail. Default 10,240,000: Postfix `message_size_limit`.
    pub bytes: usize,
    /// Bytes of one header block. Default 102,400: Postfix `header_size_limit`.
    pub header_bytes: usize,
    /// Parts, nested mails' parts included. Default 1,000: a digest of a busy list has about 300.
    pub parts: usize,
    /// Nested containers. Default 100: Postfix `mime_nesting_limit`.
    pub depth: usize,
    /// `Received` fields. Default 50: Postfix `hopcount_limit`.
    pub hops: usize,
    /// Bytes of one boundary. Default 2,048: Postfix `mime_boundary_length_limit`.
    pub boundary_bytes: usize,
    /// Bytes of text that are kept and looked at; the rest is cut and noted. Default 1,000,000.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10_240_000,
            header_bytes: 102_400,
            parts: 1_000,
            depth: 100,
            hops: 50,
            boundary_bytes: 2_048,
            text_bytes: 1_000_000,
        }
    }
}

/// Why a mail is not read. The sender is told by the text that stands under [`Refusal::key`] in
/// the data files; the sentence here is for the operator's log and holds no word of the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing but white space.
    #[error("the mail is empty; remedy: send it again with a text")]
    Empty,
    /// More bytes than the limit.
    #[error("{found} bytes, the limit is {limit}; remedy: send fewer or smaller files at once")]
    TooLarge {
        /// Bytes that came.
        found: usize,
        /// Bytes that are taken.
        limit: usize,
    },
    /// A header block beyond the limit.
    #[error("a header of more than {limit} bytes; remedy: write a new mail instead of forwarding")]
    HeaderTooLarge {
        /// Bytes that are taken.
        limit: usize,
    },
    /// More parts than the limit.
    #[error("more than {limit} parts; remedy: send the file itself in a new mail")]
    TooManyParts {
        /// Parts that are taken.
        limit: usize,
    },
    /// Nested deeper than the limit.
    #[error("parts nested deeper than {limit}; remedy: send the file itself in a new mail")]
    TooDeep {
        /// Levels that are taken.
        limit: usize,
    },
    /// A boundary longer than the limit.
    #[error("a boundary of more than {limit} bytes; remedy: use another mail program")]
    BoundaryTooLong {
        /// Bytes that are taken.
        limit: usize,
    },
    /// Came over more hosts than the limit: it goes round in a circle.
    #[error("more than {limit} hops; remedy: find the forwarding that goes round in a circle")]
    TooManyHops {
        /// Hops that are taken.
        limit: usize,
    },
    /// S/MIME or PGP encrypted: nobody here has a key (M19).
    #[error("the mail is encrypted; remedy: send it without encryption, a signature may stay")]
    Encrypted,
}

impl Refusal {
    /// The name under which the data files keep what the sender is told.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Empty => "mail_empty",
            Self::TooLarge { .. } => "mail_too_large",
            Self::HeaderTooLarge { .. } => "mail_header_too_large",
            Self::TooManyParts { .. } => "mail_too_many_parts",
            Self::TooDeep { .. } => "mail_too_deep",
            Self::BoundaryTooLong { .. } => "mail_boundary_too_long",
            Self::TooManyHops { .. } => "mail_too_many_hops",
            Self::Encrypted => "mail_encrypted",
        }
    }

    /// The same name as the reason that is stored and counted.
    pub fn reason(&self) -> Reason {
        Reason(self.key())
    }

    /// The limit that was passed, for the text to the sender; `None` where there is none.
    pub fn limit(&self) -> Option<usize> {
        match *self {
            Self::Empty | Self::Encrypted => None,
            Self::TooLarge { limit, .. }
            | Self::HeaderTooLarge { limit }
            | Self::TooManyParts { limit }
            | Self::TooDeep { limit }
            | Self::BoundaryTooLong { limit }
            | Self::TooManyHops { limit } => Some(limit),
        }
    }

    /// Whether the sender should be answered. A mail that goes in a circle is not: the answer
    /// would go the same way.
    pub fn answered(&self) -> bool {
        !matches!(self, Self::TooManyHops { .. } | Self::Empty)
    }
}
