//! What every Kentongan daemon shares: message schemas, database access, the frame, the code
//! engine. Daemons know this crate; no daemon knows another.

pub mod code;
pub mod db;
pub mod failure;
pub mod language;
pub mod phone;

pub use failure::{Failure, Reason, Result, Verdict};
