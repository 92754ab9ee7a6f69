//! The settings: one TOML file for the whole fleet, read once at start. Unknown keys stop the
//! daemon, and so do missing ones that have no safe default; the fault names the key.

mod bridge;
mod check;
mod engine;
mod log;
mod parse;
mod place;
mod retention;
#[cfg(test)]
mod tests;

pub use bridge::Bridge;
pub use engine::Engine;
pub use log::{Log, LogTo, Metrics};
pub use place::Place;
pub use retention::Retention;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A settings file that cannot be used. The daemon refuses to start and says this.
#[derive(Debug, thiserror::Error)]
#[error("settings {file}: {fault}")]
pub struct ConfigError {
    file: String,
    fault: String,
}

impl ConfigError {
    /// A fault of what the settings say, found when they were put to use.
    pub fn new(file: &Path, fault: impl std::fmt::Display) -> Self {
        Self {
            file: file.display().to_string(),
            fault: fault.to_string(),
        }
    }
}

/// What every daemon and ctl share. `deploy/config/` holds samples with every key explained.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// First part of every queue's name and of the names in the database's notices.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// PostgreSQL.
    pub database: Database,
    /// Where messages travel.
    pub queue: QueueSettings,
    /// Where raw mails and files lie.
    pub blob: BlobSettings,
    /// Who we are in mail, and what we accept.
    pub mail: Mail,
    /// How mail leaves.
    pub transport: TransportSettings,
    /// How answers are made.
    #[serde(default)]
    pub engine: Engine,
    /// How a daemon works through its queues.
    #[serde(default)]
    pub frame: Frame,
    /// Where log lines go.
    #[serde(default)]
    pub log: Log,
    /// Where Prometheus may ask; absent: nowhere.
    #[serde(default)]
    pub metrics: Option<Metrics>,
    /// Keys that sign what comes back to us.
    pub secrets: Secrets,
    /// How long what we know of people is kept.
    #[serde(default)]
    pub retention: Retention,
    /// What is the processor's own.
    #[serde(default)]
    pub processor: toml::Table,
    /// What is the mailer's own.
    #[serde(default)]
    pub mailer: toml::Table,
    /// What carries texts.
    #[serde(default)]
    pub bridge: Bridge,
    /// The file these settings came from.
    #[serde(skip)]
    pub file: PathBuf,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `host=a,b port=5432 user=... dbname=...` or `postgresql://...`; several hosts may be named.
    pub url: String,
    /// File holding the password, so that none stands in the settings.
    pub password_file: Option<PathBuf>,
    /// Connections per daemon; too few make handlers wait for each other.
    #[serde(default = "Database::pool_size")]
    pub pool_size: usize,
    /// A statement that takes longer is cancelled and its message tried again.
    #[serde(default = "Database::statement_timeout_s")]
    pub statement_timeout_s: u64,
    /// How long to wait for a connection before the database counts as away.
    #[serde(default = "Database::connect_timeout_s")]
    pub connect_timeout_s: u64,
}

impl Database {
    fn pool_size() -> usize {
        8
    }
    fn statement_timeout_s() -> u64 {
        30
    }
    fn connect_timeout_s() -> u64 {
        5
    }
}

/// `[queue]`
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum QueueSettings {
    /// The `queue` table.
    Postgres {},
    /// SQS.
    Sqs(Aws),
}

/// Where an AWS service is; what is absent comes from the AWS environment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// For an emulator or a private endpoint.
    pub endpoint: Option<String>,
    /// Such as `ap-southeast-3`.
    pub region: Option<String>,
}

/// `[blob]`
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum BlobSettings {
    /// A folder of this machine.
    Folder {
        /// Must exist and be writable.
        folder: PathBuf,
    },
    /// An S3 bucket.
    S3 {
        /// Must exist.
        bucket: String,
        /// In front of every key, for example `kentongan/`; may be empty.
        #[serde(default)]
        prefix: String,
        /// `https://host/bucket` instead of `https://bucket.host`; emulators want it.
        #[serde(default)]
        path_style: bool,
        /// For an emulator or a private endpoint.
        endpoint: Option<String>,
        /// Such as `ap-southeast-3`.
        region: Option<String>,
    },
}

/// `[transport]`
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum TransportSettings {
    /// Mails become files: for trying out.
    Maildir {
        /// Made when missing.
        folder: PathBuf,
    },
    /// A mail server.
    Smtp {
        /// Its name.
        host: String,
        /// 25, 465 or 587.
        port: u16,
        /// `none`, `starttls` (refuses to go on without) or `tls`.
        tls: SmtpTls,
        /// Absent: no login.
        user: Option<String>,
        /// File holding the password.
        password_file: Option<PathBuf>,
        /// Connections at once.
        #[serde(default = "default_smtp_connections")]
        connections: u32,
        /// A server that has not answered by then is not waited for.
        #[serde(default = "default_smtp_timeout_s")]
        timeout_s: u64,
    },
    /// SES v2, raw MIME.
    Ses {
        /// Events of mails sent with it go to `mail-events`.
        configuration_set: Option<String>,
        /// For an emulator or a private endpoint.
        endpoint: Option<String>,
        /// Such as `ap-southeast-3`.
        region: Option<String>,
    },
}

/// How the way to the mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// In the clear; only for a server on this machine.
    None,
    /// Begins in the clear and must turn private.
    Starttls,
    /// Private from the first byte.
    Tls,
}

/// `[mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Our domain, on the right of our Message-IDs.
    pub domain: String,
    /// Address that answers come from; mail to it is read.
    pub from: String,
    /// Name that receivers see beside that address.
    #[serde(default = "Mail::name")]
    pub name: String,
    /// Further addresses of ours; mail from any of ours is never answered.
    #[serde(default)]
    pub own_addresses: Vec<String>,
    /// Names whose `Authentication-Results` we believe: our own mail server's.
    #[serde(default)]
    pub trusted_servers: Vec<String>,
    /// A larger mail is refused with an answer that names the limit.
    #[serde(default = "Mail::max_bytes")]
    pub max_bytes: u64,
    /// Commands taken from one mail.
    #[serde(default = "Mail::max_commands")]
    pub max_commands: usize,
    /// Answers to one address in an hour; more are stored and counted, not sent.
    #[serde(default = "Mail::answers_per_hour")]
    pub answers_per_hour: u32,
    /// How long a confirmation of a held mail is good.
    #[serde(default = "Mail::confirm_hours")]
    pub confirm_hours: u32,
}

impl Mail {
    fn name() -> String {
        "Kentongan".into()
    }
    fn max_bytes() -> u64 {
        // Where SES stops: 40 MB with everything.
        40 * 1024 * 1024
    }
    fn max_commands() -> usize {
        20
    }
    fn answers_per_hour() -> u32 {
        30
    }
    fn confirm_hours() -> u32 {
        72
    }
}

/// `[frame]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Frame {
    /// Messages in hand at once, per queue. See `Handler::TIMES` for the one-box home.
    pub hands: usize,
    /// Messages that share a transaction.
    pub batch: usize,
    /// Receives at once while a queue is busy; an idle queue has one.
    pub pollers: usize,
    /// How long a received message is ours; renewed while work goes on.
    pub lease_s: u64,
    /// A long poll; SQS takes at most 20.
    pub poll_s: u64,
    /// A handler that takes longer is given up and its message tried again.
    pub job_limit_s: u64,
    /// What is unfinished this long after SIGTERM is handed back.
    pub stop_budget_s: u64,
    /// First pause before a retry; doubles with every receive.
    pub retry_base_s: f64,
    /// Longest pause before a retry.
    pub retry_most_s: f64,
    /// After so many receives a message goes to the dead letters.
    pub max_receives: u32,
    /// After so many attempts that began and never ended it goes there as well.
    pub max_crashes: u32,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            hands: 64,
            batch: 32,
            pollers: 4,
            lease_s: 60,
            poll_s: 20,
            job_limit_s: 600,
            stop_budget_s: 25,
            retry_base_s: 2.0,
            retry_most_s: 900.0,
            max_receives: 20,
            max_crashes: 5,
        }
    }
}

/// `[secrets]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// File with one key per line, at least 32 characters each; the first signs, all verify.
    pub token_keys_file: PathBuf,
}

impl Frame {
    /// The lease as a duration.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s)
    }
}

fn default_prefix() -> String {
    "kentongan".into()
}

fn default_smtp_connections() -> u32 {
    4
}

fn default_smtp_timeout_s() -> u64 {
    60
}
