//! Log lines to journald under systemd, else to stderr; metrics for Prometheus where asked for.

use crate::config::{Log, LogTo, Settings};
use crate::{Failure, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// Lets the level be changed while running.
#[derive(Clone)]
pub struct Levels(reload::Handle<EnvFilter, Registry>);

impl Levels {
    /// Puts a new filter in force; a filter that cannot be read changes nothing.
    pub fn set(&self, level: &str) -> Result {
        let filter = filter(level)?;
        self.0.reload(filter).map_err(Failure::retry)
    }
}

/// Starts logging. Call it once per process.
pub fn start(log: &Log, daemon: &str) -> Result<Levels> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    tracing_subscriber::registry()
        .with(filter)
        .with(output(log.to, daemon))
        .init();
    Ok(Levels(handle))
}

/// Listens for Prometheus, where the settings say so for this daemon.
pub fn serve_metrics(settings: &Settings, daemon: &str) -> Result {
    let listen = settings.metrics.as_ref().and_then(|m| m.listen.get(daemon));
    let Some(address) = listen else { return Ok(()) };
    PrometheusBuilder::new()
        .with_http_listener(*address)
        .install()
        .map_err(|e| {
            Failure::quarantine(format!(
                "settings key `metrics.listen.{daemon}` ({address}): {e}"
            ))
        })
}

/// Counts something that came to this outcome.
pub fn count(what: &'static str, outcome: &'static str) {
    metrics::counter!(what, "outcome" => outcome).increment(1);
}

/// Libraries whose lines hold bodies, numbers and passwords as soon as somebody looks closer.
const SILENT: [&str; 1] = ["rusmpp=off"];

fn filter(level: &str) -> Result<EnvFilter> {
    let fault = |e: &dyn std::fmt::Display| {
        Failure::quarantine(format!("settings key `log.level` ({level}): {e}"))
    };
    let mut filter = EnvFilter::try_new(level).map_err(|e| fault(&e))?;
    for library in SILENT {
        filter = filter.add_directive(library.parse().map_err(|e| fault(&e))?);
    }
    Ok(filter)
}

/// Journald answers only where it runs; without it a line on stderr is better than none.
fn output(to: LogTo, daemon: &str) -> Box<dyn Layer<Layered> + Send + Sync> {
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let wanted = to == LogTo::Journald || (to == LogTo::Auto && under_systemd);
    match tracing_journald::layer() {
        Ok(journal) if wanted => journal
            .with_syslog_identifier(format!("kentongan-{daemon}"))
            .boxed(),
        _ => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
    }
}

type Layered = tracing_subscriber::layer::Layered<reload::Layer<EnvFilter, Registry>, Registry>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_makes_a_library_tell_what_people_write() {
        for level in ["trace", "info,rusmpp=trace"] {
            let filter = filter(level).unwrap().to_string();
            assert!(filter.contains("rusmpp=off"), "{filter}");
            assert!(!filter.contains("rusmpp=trace"), "{filter}");
        }
        let cause = filter("=").unwrap_err().cause;
        assert!(cause.contains("log.level"), "{cause}");
    }
}
