//! `[mailer]`

use common::config::Settings;
use common::delivery::{Rules, Unknown};
use common::{Failure, Result};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Queues keep messages for 14 days, dead letters for as long again.
const LEAST_KEEP_DAYS: u32 = 30;

/// What is the mailer's own. Every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mailer {
    /// Mails per second of all mailers together; 0 is without limit. Absent: what the provider
    /// allows, without limit where it does not tell. Too high, and the provider throttles.
    pub rate_per_s: Option<f64>,
    /// Mails in 24 hours of all mailers together; 0 is without limit. Absent: as above.
    pub per_day: Option<u64>,
    /// Longest time until a mail's hand-over begins (attachments, a free connection), and as long
    /// again for the hand-over. Too late to begin: it was not sent, and is tried again. Begun and
    /// not ended: its outcome is unknown. A claim that is older than both belongs to a process that
    /// died. Shorter than a slow server's answer, and mails go twice. At most half of
    /// `frame.job_limit_s`.
    pub deliver_limit_s: u64,
    /// A mail that could not be sent for so long is not sent any more.
    pub expire_hours: u32,
    /// What to do with a mail of which nobody knows whether it went out.
    pub unknown: Unknown,
    /// So many times at the most is such a mail sent, the first time included.
    pub sends_at_most: u32,
    /// A mail whose attachments are larger together is refused.
    pub max_attachments_bytes: u64,
    /// Deliveries and what was heard of them are forgotten after so many days; suppressions stay.
    /// Short: nobody can tell any more what became of a mail. Long: the tables grow.
    pub keep_days: u32,
    /// Folder whose mails add to the shipped ones or replace them; read at start and on reload.
    pub mails: Option<PathBuf>,
}

impl Mailer {
    /// Reads the section, and refuses what cannot work.
    pub fn read(settings: &Settings) -> Result<Self> {
        let mailer: Self = settings
            .section("mailer", &settings.mailer)
            .map_err(Failure::quarantine)?;
        let fault = |key: &str, fault: &str| {
            let file = settings.file.display();
            Err(Failure::quarantine(format!(
                "settings {file}: key `mailer.{key}`: {fault}"
            )))
        };
        if mailer.rate_per_s.is_some_and(|r| !r.is_finite() || r < 0.0) {
            return fault("rate_per_s", "must be 0 or more");
        }
        if mailer.deliver_limit_s == 0 {
            return fault(
                "deliver_limit_s",
                "must be 1 or more, or nothing could ever be sent",
            );
        }
        if mailer.deliver_limit_s.saturating_mul(2) > settings.frame.job_limit_s {
            return fault(
                "deliver_limit_s",
                "must be at most half of `frame.job_limit_s`, which would cut hand-overs off",
            );
        }
        if mailer.sends_at_most == 0 {
            return fault(
                "sends_at_most",
                "must be 1 or more, or nothing could ever be sent",
            );
        }
        if mailer.keep_days < LEAST_KEEP_DAYS {
            return fault(
                "keep_days",
                "must be 30 or more, or a message that comes back late would go out again",
            );
        }
        Ok(mailer)
    }

    /// Longest time until a hand-over begins, and as long again for it.
    pub fn deliver_limit(&self) -> Duration {
        Duration::from_secs(self.deliver_limit_s)
    }

    /// Why a mail of this age is not sent any more, if so.
    pub fn expired(&self, age: Duration) -> Option<String> {
        let hours = self.expire_hours;
        let late = age > Duration::from_secs(u64::from(hours) * 3600);
        late.then(|| format!("older than {hours} hours"))
    }

    /// What holds for every mail.
    pub fn rules(&self) -> Rules {
        Rules {
            // Until the hand-over begins, and for the hand-over.
            limit: self.deliver_limit() * 2,
            unknown: self.unknown,
            sends_at_most: self.sends_at_most,
        }
    }
}

impl Default for Mailer {
    fn default() -> Self {
        Self {
            rate_per_s: None,
            per_day: None,
            deliver_limit_s: 120,
            expire_hours: 72,
            unknown: Unknown::default(),
            sends_at_most: 3,
            // What encodes to a little less than the 40 MB that SES takes.
            max_attachments_bytes: 28 * 1024 * 1024,
            // As long as the marks in our mails are good.
            keep_days: 400,
            mails: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::delivery::OnUnknown;

    const FLEET: &str = r#"
        database = { url = "host=/tmp" }
        queue = { kind = "postgres" }
        blob = { kind = "folder", folder = "/tmp" }
        mail = { domain = "x.example", from = "us@x.example" }
        transport = { kind = "maildir", folder = "/tmp" }
        secrets = { token_keys_file = "/tmp/keys" }
    "#;

    fn read(mailer: &str) -> Result<Mailer> {
        let text = format!("{FLEET}\n[mailer]\n{mailer}");
        let settings = Settings::parse(&text, std::iter::empty()).map_err(Failure::quarantine)?;
        Mailer::read(&settings)
    }

    #[test]
    fn every_key_has_a_default_and_can_be_set() {
        let mailer = read("").unwrap();
        assert_eq!(mailer.unknown.answer, OnUnknown::Resend);
        assert_eq!((mailer.rate_per_s, mailer.per_day), (None, None));
        let mailer = read("rate_per_s = 14\nper_day = 50000\nunknown = { alert = \"leave\" }");
        let mailer = mailer.unwrap();
        assert_eq!(
            (mailer.rate_per_s, mailer.per_day),
            (Some(14.0), Some(50_000))
        );
        assert_eq!(mailer.unknown.alert, OnUnknown::Leave);
        assert_eq!(mailer.unknown.answer, OnUnknown::Resend);
    }

    #[test]
    fn a_fault_names_its_key() {
        for (text, key) in [
            ("rate = 1", "mailer.rate"),
            ("rate_per_s = -1", "mailer.rate_per_s"),
            ("deliver_limit_s = 0", "mailer.deliver_limit_s"),
            ("deliver_limit_s = 301", "mailer.deliver_limit_s"),
            ("sends_at_most = 0", "mailer.sends_at_most"),
            ("keep_days = 29", "mailer.keep_days"),
            ("unknown = { answer = \"maybe\" }", "mailer.unknown.answer"),
        ] {
            let failure = read(text).unwrap_err();
            assert!(failure.cause.contains(key), "{failure}");
            assert_eq!(failure.verdict, common::Verdict::Quarantine);
        }
    }
}
