//! The command line as a whole: what stands in front of every command, and how a run ends.

use crate::commands::{self, Command};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::{Look, Out, When, note};
use clap::error::ErrorKind;
use clap::{Args, Parser};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Kentongan: messages from the field come in, are understood, stored and answered.
#[derive(Debug, Parser)]
#[command(name = "kentongan", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What stands in front of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Settings file [default: /etc/kentongan/kentongan.toml]
    #[arg(
        long,
        short,
        global = true,
        env = "KENTONGAN_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        alias = "settings"
    )]
    pub config: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours; NO_COLOR switches them off too
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

const EXAMPLES: &str = "\
Examples:
  kentongan up                                          try everything out on this machine
  kentongan send text --from 081234567890 \"U MC,DM SP 5\"
  kentongan submit mail --to lapor@example.id < mail.eml
  kentongan trace 0199a2c4                              every hop of one message
  kentongan queues list
  kentongan dead redrive --queue text-input --reason \"database is back\"

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 nothing found or no answer in time;
`submit mail` also has 64 (no mail), 65 (too large) and 75 (try later).";

/// Parses, runs, and turns what came of it into an exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let submits = is_submit(&arguments);
    if submits {
        keep_mail_when_we_break();
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(e) => return refused(&e, submits).into(),
    };
    run(cli, submits).into()
}

fn run(cli: Cli, submits: bool) -> Exit {
    let out = Out::new(cli.global.json, cli.global.color);
    let context = Context {
        global: cli.global,
        out,
    };
    // One thread: what is started here as a child ends with the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(context, cli.command)),
        Err(e) => Err(e.into()),
    };
    match done {
        Ok(exit) => exit,
        Err(fault) if fault.is_closed_pipe() => Exit::Done,
        Err(fault) => {
            note(format!("{} {fault}", out.look(Look::Red, "kentongan:")));
            match fault.exit {
                Exit::Failed | Exit::Usage | Exit::Nothing if submits => Exit::TryLater,
                exit => exit,
            }
        }
    }
}

/// What a command line that cannot be read ends with. A mail server whose line for us is wrong must
/// keep its mails until somebody has mended the line, so `submit` never ends with 2.
fn refused(error: &clap::Error, submits: bool) -> Exit {
    // Where the terminal is gone there is nobody to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ if submits => Exit::TryLater,
        _ => Exit::Usage,
    }
}

/// Is this `kentongan submit ...`, whatever stands in front? Told from the raw words, since it is
/// needed when they cannot be parsed.
fn is_submit(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take(6).any(|word| word == "submit")
}

/// A panic would end with 101, which a mail server takes for "never": the mail would go back to
/// its sender as undeliverable.
fn keep_mail_when_we_break() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        std::process::exit(Exit::TryLater as i32);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_command_has_examples() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            if command.get_name() == "help" {
                continue;
            }
            let text = command.get_after_help().map(ToString::to_string);
            let text = text.unwrap_or_default();
            assert!(text.contains("Example"), "{}", command.get_name());
            assert!(
                text.contains(&format!("kentongan {}", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }

    #[test]
    fn a_mail_servers_wrong_line_keeps_the_mail() {
        let wrong = ["kentongan", "submit", "mail", "--too"];
        let error = Cli::try_parse_from(wrong).unwrap_err();
        assert_eq!(refused(&error, is_submit(&wrong.map(Into::into))), Exit::TryLater);
        let wrong = ["kentongan", "migrate", "--too"];
        let error = Cli::try_parse_from(wrong).unwrap_err();
        assert_eq!(refused(&error, is_submit(&wrong.map(Into::into))), Exit::Usage);
    }

    #[test]
    fn settings_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["kentongan", "migrate", "--settings", "a.toml"]).unwrap();
        assert_eq!(cli.global.config, Some("a.toml".into()));
    }
}
