//! `[settings]` of a channel with a modem's daemon.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::path::PathBuf;

/// Whose folders they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// SMS Server Tools 3.
    Smstools,
    /// gammu-smsd with `service = files`.
    Gammu,
}

/// What the channel file says of the folders.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose folders.
    pub dialect: Dialect,
    /// Where the daemon looks for what is to be sent.
    pub outgoing: PathBuf,
    /// Where it puts what came in.
    pub incoming: PathBuf,
    /// Where it puts what it has sent; absent: nothing is heard of that.
    pub sent: Option<PathBuf>,
    /// Where it puts what it could not send; absent: nothing is heard of that.
    pub failed: Option<PathBuf>,
    /// Where it puts the network's receipts; absent: with what came in.
    pub report: Option<PathBuf>,
    /// Folders into which it moves what waits to be sent, besides `outgoing`.
    #[serde(default)]
    pub queues: Vec<PathBuf>,
    /// Ours: what was taken, and below `bad` what cannot be understood.
    pub done: PathBuf,
    /// What was taken is kept for so many days; 0: removed at once, and a crash at the wrong moment
    /// may send a text twice.
    #[serde(default = "keep_days")]
    pub keep_days: u32,
    /// More files than this are never given to the daemon ahead: what waits with us can expire, or
    /// take another way.
    #[serde(default = "waiting_at_most")]
    pub waiting_at_most: usize,
    /// Nothing has been taken for so long: the daemon has died, or its modem.
    #[serde(default = "stuck_s")]
    pub stuck_s: u64,
    /// Asks the network for receipts.
    #[serde(default)]
    pub reports: bool,
    /// The zone of the times that the network writes; absent: a text was sent when its file came.
    pub time_zone: Option<String>,
}

fn keep_days() -> u32 {
    7
}

fn waiting_at_most() -> usize {
    20
}

fn stuck_s() -> u64 {
    300
}

impl Settings {
    /// What cannot work, with its key.
    pub fn check(&self) -> Result<(), String> {
        if self.waiting_at_most == 0 {
            return Err("`waiting_at_most` must be 1 or more, or nothing is ever sent".into());
        }
        if let Some(zone) = &self.time_zone
            && TimeZone::get(zone).is_err()
        {
            return Err(format!(
                "`time_zone`: {zone:?} is not known; such as Asia/Jakarta"
            ));
        }
        let theirs = [&self.outgoing, &self.incoming].into_iter();
        let theirs = theirs
            .chain(&self.sent)
            .chain(&self.failed)
            .chain(&self.report);
        if theirs
            .chain(&self.queues)
            .any(|folder| *folder == self.done)
        {
            return Err("`done` must be a folder of its own".into());
        }
        Ok(())
    }

    /// When something was sent: as the network says in this zone if that is possible, else when its
    /// file came. A wrong clock or zone makes it no later than that and no week older.
    pub fn sent_at(&self, said: Option<DateTime>, came: Timestamp) -> Timestamp {
        let zone = self.time_zone.as_deref().map(TimeZone::get);
        let (Some(said), Some(Ok(zone))) = (said, zone) else {
            return came;
        };
        let Ok(said) = said.to_zoned(zone).map(|zoned| zoned.timestamp()) else {
            return came;
        };
        let age = came.as_second() - said.as_second();
        let sound = (-60..7 * 86_400).contains(&age);
        if sound { said.min(came) } else { came }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        let text = format!(
            "dialect = \"gammu\"\noutgoing = \"/o\"\nincoming = \"/i\"\ndone = \"/d\"\n{more}"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_key() {
        assert_eq!(settings("").check(), Ok(()));
        for (more, key) in [
            ("waiting_at_most = 0", "waiting_at_most"),
            ("time_zone = \"Asia/Atlantis\"", "time_zone"),
            ("sent = \"/d\"", "done"),
        ] {
            assert!(settings(more).check().unwrap_err().contains(key));
        }
    }

    #[test]
    fn times_of_the_network_are_believed_when_they_can_be_true() {
        let came: Timestamp = "2026-11-21T04:10:30Z".parse().unwrap();
        let in_zone = settings("time_zone = \"Asia/Jakarta\"");
        let said = |text: &str| Some(text.parse::<DateTime>().unwrap());
        let at = |text| in_zone.sent_at(said(text), came).to_string();
        assert_eq!(at("2026-11-21T11:10:05"), "2026-11-21T04:10:05Z");
        assert_eq!(at("2026-11-21T11:11:00"), "2026-11-21T04:10:30Z");
        assert_eq!(at("2002-01-01T00:00:00"), "2026-11-21T04:10:30Z");
        assert_eq!(
            settings("").sent_at(said("2026-11-21T11:10:05"), came),
            came
        );
        assert_eq!(in_zone.sent_at(None, came), came);
    }
}
