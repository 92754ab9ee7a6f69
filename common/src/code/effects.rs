//! What a code does that no other does. A code file names one of these with `effect = "..."`.
//!
//! Each is Rust because it changes something besides its own row: `open_case` and `respond` and
//! `case_outcome` the life of a case, `withdraw` another message's row, `acknowledge` the rows of
//! alerts, `register_person`, `confirm_person` and `change_number` who is known by which telephone;
//! `register_owner`, `confirm_owner`, `register_animals`, `change_animals` and `birth` the rows of
//! owners and animals. `herd_event` changes nothing, but what it refuses hangs on what was reported
//! before.

mod acknowledge;
mod birth;
mod breeding;
mod case_outcome;
mod change_animals;
mod change_number;
mod confirm_owner;
mod confirm_person;
mod herd;
mod herd_event;
mod open_case;
mod register_animals;
mod register_owner;
mod register_person;
mod respond;
mod withdraw;

use crate::engine::{Deed, Effected};
use crate::{Failure, Result};

/// Runs the effect of a code. Loading a code file makes sure that its effect exists.
pub(crate) async fn run(name: &str, deed: &Deed<'_>) -> Result<Effected> {
    match name {
        "open_case" => open_case::run(deed).await,
        "respond" => respond::run(deed).await,
        "case_outcome" => case_outcome::run(deed).await,
        "acknowledge" => acknowledge::run(deed).await,
        "withdraw" => withdraw::run(deed).await,
        "register_owner" => register_owner::run(deed).await,
        "confirm_owner" => confirm_owner::run(deed).await,
        "register_animals" => register_animals::run(deed).await,
        "change_animals" => change_animals::run(deed).await,
        "herd_event" => herd_event::run(deed).await,
        "birth" => birth::run(deed).await,
        "register_person" => register_person::run(deed).await,
        "confirm_person" => confirm_person::run(deed).await,
        "change_number" => change_number::run(deed).await,
        unknown => Err(Failure::retry(format!("there is no effect `{unknown}`"))),
    }
}
