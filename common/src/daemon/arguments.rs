//! The command line of a daemon: nearly nothing, since the settings say it all.

use std::path::PathBuf;
use std::process::ExitCode;

/// Where a daemon looks for its settings unless `KENTONGAN_CONFIG` or `--config` says otherwise.
pub const SETTINGS: &str = "/etc/kentongan/kentongan.toml";

/// What was said on the command line.
pub(super) struct Arguments {
    /// The settings file.
    pub config: PathBuf,
}

impl Arguments {
    /// Reads it; an exit code when there is nothing more to do.
    pub fn read(name: &str) -> std::result::Result<Self, ExitCode> {
        let mut config = std::env::var_os("KENTONGAN_CONFIG").map(PathBuf::from);
        let mut arguments = std::env::args_os().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--config" | "-c") => config = arguments.next().map(PathBuf::from),
                Some("--version" | "-V") => {
                    say(&format!("kentongan-{name} {}", env!("CARGO_PKG_VERSION")));
                    return Err(ExitCode::SUCCESS);
                }
                Some("--help" | "-h") => {
                    say(&usage(name));
                    return Err(ExitCode::SUCCESS);
                }
                _ => {
                    return Err(complain(
                        name,
                        &format!("unknown argument {argument:?}\n{}", usage(name)),
                        64,
                    ));
                }
            }
        }
        Ok(Self {
            config: config.unwrap_or_else(|| PathBuf::from(SETTINGS)),
        })
    }
}

fn usage(name: &str) -> String {
    format!(
        "Usage: kentongan-{name} [--config FILE]\n\n\
         Runs until SIGTERM or SIGINT; SIGHUP reloads data files and log levels.\n\
         Settings: --config, else $KENTONGAN_CONFIG, else {SETTINGS}."
    )
}

#[expect(clippy::print_stdout, reason = "asked for on the command line")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "there is no logging yet")]
pub(super) fn complain(name: &str, fault: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("kentongan-{name}: {fault}");
    ExitCode::from(code)
}
