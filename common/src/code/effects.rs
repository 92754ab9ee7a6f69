//! What a code does that no other does. A code file names one of these with `effect = "..."`.
//!
//! Each is Rust because it changes something besides its own row, or must know rows of others first: `open_case`,
//! `respond` and `case_outcome` the life of a case, `add_case_animals` and `link_cases` what belongs to one,
//! `treat_case_animals` reads what belongs to one, `withdraw` another message's row, `acknowledge` the
//! rows of alerts; `issue_permit` takes a number and mails a certificate, `confirm_permit` compares two
//! messages, `set_point` moves an infrastructure; `register_person`, `confirm_person` and `change_number`
//! change who is known by which telephone; `register_owner`, `confirm_owner`, `register_animals`,
//! `change_animals` and `birth` the rows of owners and animals. `herd_event` changes nothing, but what it
//! refuses hangs on what was reported before.

mod acknowledge;
mod birth;
mod breeding;
mod case_animals;
mod case_outcome;
mod change_animals;
mod change_number;
mod confirm_owner;
mod confirm_permit;
mod confirm_person;
mod herd;
mod herd_event;
mod issue_permit;
mod link_cases;
mod open_case;
mod register_animals;
mod register_owner;
mod register_person;
mod respond;
mod set_point;
mod weights;
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
        "add_case_animals" => case_animals::add(deed).await,
        "treat_case_animals" => case_animals::treat(deed).await,
        "link_cases" => link_cases::run(deed).await,
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
