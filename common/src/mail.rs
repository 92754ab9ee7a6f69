//! Mail that comes in: what AWS says about it, what stands in it, what it asks for, who sent it,
//! whether a machine wrote it. Pure functions over bytes: no clock, no database, no network but
//! the DNS behind a trait.
//!
//! ```text
//! notice::decode ──► where the raw mail lies, what SES found out about it
//! read           ──► Letter: heading, text, files                     (limits, charsets, parts)
//! robots::robot  ──► is it to be answered at all?
//! proof::*       ──► who sent it?
//! commands       ──► what does it ask for?
//! digest         ──► was it here before?
//! ```

mod aws;
mod body;
pub mod charset;
pub mod commands;
pub mod digest;
pub mod events;
mod files;
mod flowed;
pub mod headers;
mod heading;
mod html;
pub mod intake;
pub mod keys;
mod limits;
pub mod notice;
mod part;
mod parts;
mod producer;
pub mod proof;
mod quote;
mod read;
pub mod report;
pub mod robots;
mod signed;
mod tnef;
pub mod token;
mod transfer;
pub mod words;

pub use aws::AwsError;
pub use commands::{Commands, Line, Source, commands};
pub use digest::Keys;
pub use events::{EventKind, MailEvent};
pub use files::{File, FileKind, kind as kind_of};
pub use headers::{Field, Fields, Mailbox};
pub use heading::Heading;
pub use limits::{Limits, Refusal};
pub use notice::{Arrival, Notice, Verdict, Verdicts};
pub use producer::producer;
pub use proof::Proof;
pub use read::{Letter, Note, Refused, read};
pub use robots::{Ours, Robot, robot};
pub use token::{Purpose, Signer};

#[cfg(test)]
mod tests;
