//! What a code does that no other does. A code file names one of these with `effect = "..."`.
//!
//! Each is Rust because it changes something besides its own row: `open_case` and `respond` and
//! `case_outcome` the life of a case, `withdraw` another message's row, `issue_permit` takes a number
//! and mails a certificate, `confirm_permit` compares two messages, `set_point` moves an
//! infrastructure.
//! `case_outcome` the life of a case, `withdraw` another message's row, `acknowledge` the rows of
//! alerts.

mod acknowledge;
mod case_outcome;
mod confirm_permit;
mod issue_permit;
mod open_case;
mod respond;
mod set_point;
mod withdraw;

use crate::engine::{Deed, Effected};
use crate::{Failure, Result};

/// Runs the effect of a code. Loading a code file makes sure that its effect exists.
pub(crate) async fn run(name: &str, deed: &Deed<'_>) -> Result<Effected> {
    match name {
        "open_case" => open_case::run(deed).await,
        "respond" => respond::run(deed).await,
        "case_outcome" => case_outcome::run(deed).await,
        "issue_permit" => issue_permit::run(deed).await,
        "confirm_permit" => confirm_permit::run(deed).await,
        "set_point" => set_point::run(deed).await,
        "acknowledge" => acknowledge::run(deed).await,
        "withdraw" => withdraw::run(deed).await,
        unknown => Err(Failure::retry(format!("there is no effect `{unknown}`"))),
    }
}
