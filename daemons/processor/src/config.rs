//! `[processor]`: what is the processor's own.

use serde::Deserialize;

/// The processor's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// When the name servers do not answer, the proof of a mail's sender is tried so often; then
    /// the mail is held and the sender asked.
    pub proof_tries: u32,
    /// The time in which a mail's proof must be found, in seconds.
    pub proof_limit_s: u64,
    /// How often the clock looks for alerts that nobody answered and for those that are held, in
    /// seconds. Seldom, and the times of the code files are kept badly.
    pub clock_s: u64,
    /// Time zone of the times in our mails and alerts, as in `Asia/Jakarta`.
    pub time_zone: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            proof_tries: 4,
            proof_limit_s: 15,
            clock_s: 20,
            time_zone: "Asia/Jakarta".into(),
        }
    }
}
