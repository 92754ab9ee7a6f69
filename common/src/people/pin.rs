//! PINs: six digits that prove a telephone by being sent from it.
//!
//! They stand in the table as they are: six digits hide behind no digest, and the answer that gave
//! them out is stored beside them. What protects them is that they live for a short time, do one
//! thing once, and that a telephone that guesses is stopped (`docs/decisions/registration.md`).

use crate::db::Tx;
use crate::db::people::pins::{self, NewPin};
use crate::{Failure, Result};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The smallest PIN; none begins with 0, so that no telephone or workbook eats a digit.
pub const FIRST: u32 = 100_000;

/// The largest.
pub const LAST: u32 = 999_999;

/// An owner confirms within this time, as the manuals say (ISIKHNAS 1.3).
pub const OWNER_LIFE: SignedDuration = SignedDuration::from_mins(20);

/// So many numbers that are worth nothing may one telephone send in a day: a slip or two of
/// everybody who must type six digits, and far from a search through 900,000.
pub const MISSES_A_DAY: i64 = 5;

/// Numbers tried before giving up. With half of all given out, one in a million fails.
const DRAWS: usize = 20;

/// What a PIN is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms a new user; the subject is the registration.
    Person,
    /// Confirms a new number; the subject is the person.
    Number,
    /// Confirms the owner of animals; the subject is the owner.
    Owner,
}

impl Purpose {
    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Number => "number",
            Self::Owner => "owner",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Person, Self::Number, Self::Owner];
        all.into_iter().find(|p| p.name() == name)
    }
}

/// A PIN that is to be given out.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What it does.
    pub purpose: Purpose,
    /// What it is about. Earlier PINs about the same are worth nothing from now on.
    pub subject: i64,
    /// The only telephone that may send it; `None`: any.
    pub address: Option<&'a str>,
    /// What the purpose needs to know besides.
    pub detail: Option<&'a str>,
    /// Who asked for it.
    pub made_by: i64,
    /// The message that did, with its line: when it is withdrawn, so is the PIN.
    pub message: (Uuid, i16),
    /// When that message was received.
    pub at: Timestamp,
    /// For how long it is good.
    pub life: SignedDuration,
}

/// A PIN that did what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// What it is for.
    pub purpose: Purpose,
    /// What it is about.
    pub subject: i64,
    /// As [`Wanted::detail`] gave it.
    pub detail: Option<String>,
    /// Who asked for it.
    pub made_by: i64,
}

/// Why a PIN that somebody sent did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Nobody was given these digits for this.
    Unknown,
    /// Its time is over, another took its place, or what it was for was withdrawn.
    Late,
    /// It was used before, by another telephone.
    Used,
    /// It was used before, by this telephone: sent twice.
    Twice,
    /// Another telephone must send it, or this one is somebody's already.
    WrongPhone,
    /// This telephone sent too many in vain today; this one was not looked at.
    Blocked,
}

/// The PIN, used now, or why not.
pub type Redeemed = std::result::Result<Pin, Unfit>;

/// Gives out a PIN; its digits.
pub async fn make(tx: &Tx<'_>, wanted: &Wanted<'_>) -> Result<String> {
    let purpose = wanted.purpose.name();
    pins::void(tx, purpose, wanted.subject).await?;
    let pin = NewPin {
        purpose,
        subject: wanted.subject,
        address: wanted.address,
        detail: wanted.detail,
        made_by: wanted.made_by,
        message: wanted.message.0,
        line: wanted.message.1,
        made_at: wanted.at,
        expires_at: wanted.at.checked_add(wanted.life).unwrap_or(Timestamp::MAX),
    };
    for _ in 0..DRAWS {
        let digits = drawn()?.to_string();
        if pins::insert(tx, &digits, &pin).await? {
            return Ok(digits);
        }
    }
    Err(Failure::retry("hardly any PIN is free"))
}

/// Uses a PIN for one of these purposes, once. `from` is the telephone that sent it and `at` when
/// that was received. What came in vain is counted against the telephone: commit it.
pub async fn redeem(
    tx: &Tx<'_>,
    digits: &str,
    purposes: &[Purpose],
    from: &str,
    at: Timestamp,
) -> Result<Redeemed> {
    if pins::misses(tx, from).await? >= MISSES_A_DAY {
        return Ok(Err(Unfit::Blocked));
    }
    let found = judged(tx, digits, purposes, from, at).await?;
    match found {
        Ok(_) => pins::used(tx, digits, from).await?,
        Err(Unfit::Twice) => {}
        Err(_) => pins::miss(tx, digits, from).await?,
    }
    Ok(found)
}

/// Whether an unknown telephone is answered that sent something else than a PIN where one was
/// expected: as if it had sent a wrong one.
pub async fn has_patience(tx: &Tx<'_>, from: &str) -> Result<bool> {
    let left = pins::misses(tx, from).await? < MISSES_A_DAY;
    if left {
        pins::miss(tx, "", from).await?;
    }
    Ok(left)
}

/// Whether this telephone has used this PIN already; counts nothing.
pub async fn was_used_by(tx: &Tx<'_>, digits: &str, from: &str) -> Result<bool> {
    let found = pins::find(tx, digits).await?;
    Ok(found.is_some_and(|pin| pin.used_from.as_deref() == Some(from)))
}

/// Whether something was built on a message by using the PIN that it asked for: then it cannot be
/// withdrawn. If not, the PIN dies with the message's report.
pub async fn built_on(tx: &Tx<'_>, message: Uuid, line: i16) -> Result<bool> {
    pins::used_of(tx, message, line).await
}

/// Makes the PIN worthless that a message asked for: the message is taken back. In training its report is
/// where whoever sends the PIN does not look.
pub async fn withdraw(tx: &Tx<'_>, message: Uuid, line: i16) -> Result {
    pins::void_of(tx, message, line).await
}

async fn judged(
    tx: &Tx<'_>,
    digits: &str,
    purposes: &[Purpose],
    from: &str,
    at: Timestamp,
) -> Result<Redeemed> {
    let Some(pin) = pins::find(tx, digits).await? else {
        return Ok(Err(Unfit::Unknown));
    };
    let purpose = Purpose::of(&pin.purpose).filter(|p| purposes.contains(p));
    let Some(purpose) = purpose else {
        return Ok(Err(Unfit::Unknown));
    };
    Ok(match &pin.used_from {
        Some(other) if other == from => Err(Unfit::Twice),
        Some(_) => Err(Unfit::Used),
        None if pin.void || pin.expires_at < at => Err(Unfit::Late),
        None if pin.address.as_deref().is_some_and(|only| only != from) => Err(Unfit::WrongPhone),
        None => Ok(Pin {
            purpose,
            subject: pin.subject,
            detail: pin.detail,
            made_by: pin.made_by,
        }),
    })
}

/// A number that nobody can foresee, each of them as likely as any other.
fn drawn() -> Result<u32> {
    const COUNT: u32 = LAST - FIRST + 1;
    // Beyond the last whole round the first numbers would be likelier.
    const ROUNDS: u32 = u32::MAX - u32::MAX % COUNT;
    loop {
        let n = getrandom::u32().map_err(|e| Failure::retry(format!("no random numbers: {e}")))?;
        if n < ROUNDS {
            return Ok(FIRST + n % COUNT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_numbers_have_six_digits_and_differ() {
        let drawn: std::collections::HashSet<u32> = (0..200)
            .map(|_| super::drawn().expect("randomness"))
            .collect();
        assert!(drawn.iter().all(|n| (FIRST..=LAST).contains(n)));
        assert!(drawn.len() > 190, "{}", drawn.len());
    }
}
