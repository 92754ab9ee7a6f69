//! kentongan: the operator's command line.
//!
//! Reads the same settings file as the daemons. Exit codes: 0 done, 1 failed, 2 wrong command
//! line, 3 nothing found or no answer in time; `submit mail` has those of sysexits (0, 64, 65, 75).

mod cli;
mod cluster;
mod commands;
mod console;
mod context;
mod exit;
#[cfg(test)]
mod fakes;
mod letter;
mod out;
mod record;
mod tied;
mod time;

fn main() -> std::process::ExitCode {
    cli::main()
}
