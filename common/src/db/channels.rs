//! How channels do, and what was paused.

use super::Tx;
use crate::Result;
use crate::channel::Speed;
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;

/// How a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Texts arrive in time, as far as anybody knows.
    Good,
    /// Too few do.
    Slow,
    /// No bridge is connected.
    Away,
}

/// A channel as operators and bridges see it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ChannelState {
    /// Its name.
    pub channel: String,
    /// How it does.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Texts that this is about.
    pub handed: i32,
    /// Of them, those that arrived in time.
    pub in_time: i32,
    /// When a bridge said last that it is connected.
    pub connected: Option<Timestamp>,
    /// Since when nothing is sent, by somebody's order.
    pub paused_at: Option<Timestamp>,
    /// Whose.
    pub paused_by: Option<String>,
    /// Who holds its connection, where it may exist once.
    pub holder: Option<String>,
}

impl Health {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Slow => "slow",
            Self::Away => "away",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "slow" => Self::Slow,
            "away" => Self::Away,
            _ => Self::Good,
        }
    }
}

impl ChannelState {
    /// Texts may go this way.
    pub fn open(&self) -> bool {
        self.paused_at.is_none() && self.health == Health::Good
    }
}

/// Makes a channel known, away until a bridge is connected. May be called at every start.
pub async fn put(tx: &Tx<'_>, channel: &str) -> Result {
    tx.execute(
        "-- channels::put
         INSERT INTO channel_state (channel, health) VALUES ($1, 'away') ON CONFLICT DO NOTHING",
        &[/* channel */ &channel],
    )
    .await
    .map(drop)
}

/// All channels that a bridge has served, by name.
pub async fn all(tx: &Tx<'_>) -> Result<Vec<ChannelState>> {
    let rows = tx
        .query(
            "-- channels::all
             SELECT s.channel, s.health, s.since, s.handed, s.in_time, s.connected, s.paused_at, s.paused_by,
                    (SELECT l.holder FROM connection_lease l WHERE l.name = s.channel AND l.until > now())
               FROM channel_state s ORDER BY s.channel",
            &[],
        )
        .await?;
    Ok(rows.iter().map(state).collect())
}

/// Stops or lets go on what goes out by a channel; false when there is none of that name, or
/// nothing to change. What comes in is taken all the same.
pub async fn pause(tx: &Tx<'_>, channel: &str, by: Option<&str>) -> Result<bool> {
    let changed = tx
        .execute(
            "-- channels::pause
             UPDATE channel_state SET paused_by = $2, paused_at = CASE WHEN $2::text IS NULL THEN NULL ELSE now() END
              WHERE channel = $1 AND (paused_at IS NULL) = ($2::text IS NOT NULL)",
            &[/* channel */ &channel, /* by */ &by],
        )
        .await?;
    Ok(changed == 1)
}

/// Says that a bridge is connected now.
pub async fn connected(tx: &Tx<'_>, channel: &str) -> Result {
    tx.execute(
        "-- channels::connected
         UPDATE channel_state SET connected = clock_timestamp() WHERE channel = $1",
        &[/* channel */ &channel],
    )
    .await
    .map(drop)
}

/// Counts the texts of a channel and judges it; the judgement when it changed. Away: no bridge was
/// connected for `absent`. Slow: fewer arrived in time than the share asked for; those that are
/// still younger than the time they have are not counted.
pub async fn judge(
    tx: &Tx<'_>,
    channel: &str,
    (speed, absent): (&Speed, Duration),
) -> Result<Option<Health>> {
    let row = tx
        .query_opt(
            include_str!("channels/judge.sql"),
            &[
                /* channel */ &channel,
                /* within */ &f64::from(speed.within_s),
                /* over */ &f64::from(speed.over_s),
                /* receipts */ &speed.receipts,
                /* least */ &i64::from(speed.least),
                /* share */ &speed.share,
                /* absent */ &absent.as_secs_f64(),
            ],
        )
        .await?;
    Ok(row.map(|row| Health::of(row.get(0))))
}

/// Takes the turn to let one text through a slow channel, to see; false while the last is younger
/// than `every`.
pub async fn probe(tx: &Tx<'_>, channel: &str, every: Duration) -> Result<bool> {
    let taken = tx
        .execute(
            "-- channels::probe
             UPDATE channel_state SET probed_at = clock_timestamp()
              WHERE channel = $1 AND (probed_at IS NULL
                    OR probed_at < clock_timestamp() - make_interval(secs => $2))",
            &[
                /* channel */ &channel,
                /* every */ &every.as_secs_f64(),
            ],
        )
        .await?;
    Ok(taken == 1)
}

fn state(row: &Row) -> ChannelState {
    ChannelState {
        channel: row.get(0),
        health: Health::of(row.get(1)),
        since: row.get(2),
        handed: row.get(3),
        in_time: row.get(4),
        connected: row.get(5),
        paused_at: row.get(6),
        paused_by: row.get(7),
        holder: row.get(8),
    }
}

#[cfg(test)]
mod tests;
