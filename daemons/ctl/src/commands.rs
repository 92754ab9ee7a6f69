//! The commands, one file each.

mod channels;
mod check;
mod codes;
mod completions;
mod console;
mod dead;
mod fleet;
mod keys;
mod load;
mod migrate;
mod people;
mod queues;
mod rerun;
mod send;
mod submit;
mod template;
mod trace;
mod training;
mod up;

use crate::context::Context;
use crate::exit::Result;
use clap::Subcommand;

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    Up(up::Up),
    Migrate(migrate::Migrate),
    Check(check::Check),
    Load(load::Load),
    Submit(submit::Submit),
    Send(send::Send),
    Console(console::Console),
    Trace(trace::Trace),
    Queues(queues::Queues),
    Channels(channels::Channels),
    Dead(dead::Dead),
    People(Box<people::People>),
    Codes(codes::Codes),
    Rerun(rerun::Rerun),
    Template(template::Template),
    Training(training::Training),
    Fleet(fleet::Fleet),
    Keys(keys::Keys),
    Completions(completions::Completions),
}

/// Does it.
pub async fn run(context: Context, command: Command) -> Result {
    match command {
        Command::Up(it) => Box::pin(it.run(&context)).await,
        Command::Migrate(it) => it.run(&context).await,
        Command::Check(it) => Box::pin(it.run(&context)).await,
        Command::Load(it) => it.run(&context).await,
        Command::Submit(it) => Box::pin(it.run(&context)).await,
        Command::Send(it) => Box::pin(it.run(&context)).await,
        Command::Console(it) => it.run(&context).await,
        Command::Trace(it) => it.run(&context).await,
        Command::Queues(it) => it.run(&context).await,
        Command::Channels(it) => it.run(&context).await,
        Command::Dead(it) => Box::pin(it.run(&context)).await,
        Command::People(it) => Box::pin(it.run(&context)).await,
        Command::Codes(it) => Box::pin(it.run(&context)).await,
        Command::Rerun(it) => Box::pin(it.run(&context)).await,
        Command::Template(it) => it.run(&context).await,
        Command::Training(it) => it.run(&context).await,
        Command::Fleet(it) => it.run(&context).await,
        Command::Keys(it) => it.run(&context),
        Command::Completions(it) => it.run(),
    }
}
