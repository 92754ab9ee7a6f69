//! How much may be sent: rate and day of the whole fleet, kept where the whole fleet sees it.

use super::Tx;
use crate::Result;
use std::time::Duration;

/// What may be sent; 0 means without limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Mails per second.
    pub per_second: f64,
    /// Mails in any 24 hours.
    pub per_day: u64,
}

/// What was got of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grant {
    /// So many may go now; at least one.
    Go(u32),
    /// None now; ask again after this.
    Later(Duration),
}

impl Limits {
    /// Nothing to ask the database for.
    pub fn none(&self) -> bool {
        self.per_second <= 0.0 && self.per_day == 0
    }
}

/// How long nothing may be sent, by the fleet's count; `None` when something may. Takes nothing.
pub async fn pause(tx: &Tx<'_>, transport: &str, limits: Limits) -> Result<Option<Duration>> {
    let row = tx
        .query_one(
            "-- quota::pause
             SELECT quota_pause($1, $2, $3, clock_timestamp())",
            &[
                /* transport */ &transport,
                /* per second */ &limits.per_second.max(0.0),
                /* per day */ &per_day(limits),
            ],
        )
        .await?;
    let pause: f64 = row.get(0);
    Ok((pause > 0.0).then(|| bounded(pause)))
}

/// Takes up to `want` tokens of a transport, and hands back `unused` ones of an earlier grant for
/// the day's count. Holds the transport's row until the transaction ends: commit at once. A token
/// that is used within 50 ms of the commit keeps the promise that no second sees more mails than
/// the rate, rounded up; one that is used later comes on top.
pub async fn take(
    tx: &Tx<'_>,
    transport: &str,
    limits: Limits,
    (want, unused): (u32, u32),
) -> Result<Grant> {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let row = tx
        .query_one(
            "-- quota::take
             SELECT granted, pause FROM quota_take($1, $2, $3, $4, $5)",
            &[
                /* transport */ &transport,
                /* want */ &count(want.max(1)),
                /* unused */ &count(unused),
                /* per second */ &limits.per_second.max(0.0),
                /* per day */ &per_day(limits),
            ],
        )
        .await?;
    let (granted, pause): (i32, f64) = (row.get(0), row.get(1));
    Ok(match u32::try_from(granted) {
        Ok(granted) if granted > 0 => Grant::Go(granted),
        _ => Grant::Later(bounded(pause)),
    })
}

fn per_day(limits: Limits) -> i64 {
    i64::try_from(limits.per_day).unwrap_or(i64::MAX)
}

/// A clock that jumped must not make anybody wait for days.
fn bounded(pause: f64) -> Duration {
    Duration::from_secs_f64(pause.clamp(0.01, 90_000.0))
}
