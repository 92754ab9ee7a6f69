//! `kentongan completions`

use crate::cli::Cli;
use crate::exit::{Exit, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Print what a shell needs to complete commands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan completions bash > /etc/bash_completion.d/kentongan
  kentongan completions zsh > ~/.zfunc/_kentongan")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result {
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(self.shell, &mut command, "kentongan", &mut script);
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Done)
    }
}
