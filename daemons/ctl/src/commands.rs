//! The commands, one file each.

mod completions;
mod console;
mod dead;
mod fleet;
mod keys;
mod migrate;
mod queues;
mod send;
mod submit;
mod up;

use crate::context::Context;
use crate::exit::Result;
use clap::Subcommand;

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    Up(up::Up),
    Migrate(migrate::Migrate),
    Submit(submit::Submit),
    Send(send::Send),
    Console(console::Console),
    Queues(queues::Queues),
    Dead(dead::Dead),
    Fleet(fleet::Fleet),
    Keys(keys::Keys),
    Completions(completions::Completions),
}

/// Does it.
pub async fn run(context: Context, command: Command) -> Result {
    match command {
        Command::Up(it) => Box::pin(it.run(&context)).await,
        Command::Migrate(it) => it.run(&context).await,
        Command::Submit(it) => Box::pin(it.run(&context)).await,
        Command::Send(it) => Box::pin(it.run(&context)).await,
        Command::Console(it) => it.run(&context).await,
        Command::Queues(it) => it.run(&context).await,
        Command::Dead(it) => Box::pin(it.run(&context)).await,
        Command::Fleet(it) => it.run(&context).await,
        Command::Keys(it) => it.run(&context),
        Command::Completions(it) => it.run(),
    }
}
