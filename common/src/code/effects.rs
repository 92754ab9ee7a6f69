//! What a code does that no other does. A code file names one of these with `effect = "..."`.
//!
//! Each is Rust because it changes something besides its own row, or must know rows of others first: `open_case`,
//! `respond` and `case_outcome` the life of a case, `add_case_animals` and `link_cases` what belongs to one,
//! `treat_case_animals` reads what belongs to one, `withdraw` another message's row, `acknowledge` the rows of
//! alerts, `register_person`, `confirm_person` and `change_number` who is known by which telephone.

mod acknowledge;
mod case_animals;
mod case_outcome;
mod change_number;
mod confirm_person;
mod link_cases;
mod open_case;
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
        "add_case_animals" => case_animals::add(deed).await,
        "treat_case_animals" => case_animals::treat(deed).await,
        "link_cases" => link_cases::run(deed).await,
        "acknowledge" => acknowledge::run(deed).await,
        "withdraw" => withdraw::run(deed).await,
        "register_person" => register_person::run(deed).await,
        "confirm_person" => confirm_person::run(deed).await,
        "change_number" => change_number::run(deed).await,
        unknown => Err(Failure::retry(format!("there is no effect `{unknown}`"))),
    }
}
