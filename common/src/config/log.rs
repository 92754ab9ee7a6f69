//! Where log lines and figures go.

use serde::Deserialize;

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `auto` (journald under systemd, else stderr), `journald` or `stderr`.
    pub to: LogTo,
    /// Filter as in `info,common=debug`; read again on SIGHUP.
    pub level: String,
}

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTo {
    /// journald under systemd, else stderr.
    Auto,
    /// journald.
    Journald,
    /// stderr.
    Stderr,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            to: LogTo::Auto,
            level: "info".into(),
        }
    }
}

/// `[metrics]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port, one per daemon by name: `{ processor = "127.0.0.1:9101" }`.
    pub listen: std::collections::BTreeMap<String, std::net::SocketAddr>,
}
