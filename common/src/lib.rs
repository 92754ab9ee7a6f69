//! What every Kentongan daemon shares: message schemas, database access, the frame, the code
//! engine. Daemons know this crate; no daemon knows another.

pub mod alerts;
pub mod aws;
pub mod blob;
pub mod channel;
pub mod code;
pub mod compose;
pub mod config;
pub mod daemon;
pub mod db;
pub mod delivery;
pub mod document;
pub mod engine;
pub mod envelope;
pub mod failure;
pub mod handler;
pub mod home;
pub mod language;
pub mod load;
pub mod mail;
pub mod manual;
pub mod messages;
pub mod outbox;
pub mod people;
pub mod phone;
pub mod queue;
pub mod retention;
pub mod shutdown;
pub mod telemetry;
pub mod transport;
pub mod workbook;

pub use failure::{Failure, Reason, Result, Verdict};
