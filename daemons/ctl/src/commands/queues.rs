//! `kentongan queues`

use crate::console;
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::letter::Letter;
use crate::out::{Look, Out, lines};
use crate::time::shown;
use clap::{Args, Subcommand};
use common::home::Home;
use common::messages;
use common::queue::{Created, Facts, dead_name};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// Look at queues and make them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan queues list
  kentongan queues create                        all that the fleet needs
  kentongan queues create text-output-sms
  kentongan queues peek text-input --most 3 --body")]
pub struct Queues {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How much waits on every queue, and since when
    List,
    /// Make queues with their dead letters; those that exist stay as they are
    Create {
        /// Names without the installation's prefix [default: all that the fleet needs]
        names: Vec<String>,
    },
    /// Look at the next messages of a queue without taking them
    Peek {
        /// The queue, without the installation's prefix
        name: String,
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 10)]
        most: usize,
        /// Show the bodies too: people wrote them
        #[arg(long)]
        body: bool,
    },
}

impl Queues {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        match self.what {
            What::List => list(context.out, &home).await,
            What::Create { names } => {
                let names = match names.is_empty() {
                    true => needed(&settings.bridge.run),
                    false => names,
                };
                let made = create(&home, &names).await?;
                said(context.out, &made)
            }
            What::Peek { name, most, body } => {
                let found = home.queue.peek(&name, most).await?;
                if found.is_empty() {
                    exists(&home, &name).await?;
                }
                let letters: Vec<Letter> =
                    found.into_iter().map(|r| Letter::new(&name, r)).collect();
                peeked(context.out, &letters, body)
            }
        }
    }
}

/// Every queue that the daemons of this program take from, and those of the channel `console` and of
/// the channels that run.
pub fn needed(run: &[String]) -> Vec<String> {
    let kinds = messages::schemas().into_iter().map(|(kind, ..)| kind);
    let channels = run.iter().map(|name| format!("text-output-{name}"));
    kinds
        .map(|kind| match kind {
            "text-output" => console::QUEUE.to_owned(),
            kind => kind.to_owned(),
        })
        .chain(channels)
        .collect()
}

/// Makes queues, or finds that they exist.
pub async fn create(home: &Home, names: &[String]) -> Result<Vec<Created>> {
    let mut made = Vec::new();
    for name in names {
        if name.ends_with("-dead") {
            return Err(
                Fault::usage(format!("`{name}` is the name of dead letters"))
                    .remedy("name the queue itself; its dead letters are made with it"),
            );
        }
        made.push(home.queue.create(name).await?);
    }
    Ok(made)
}

fn said(out: Out, made: &[Created]) -> Result {
    if out.json {
        out.document(&made)?;
        return Ok(Exit::Done);
    }
    for created in made {
        let word = |made: bool| if made { "made" } else { "there already" };
        out.line(format!("{}: {}", created.name, word(created.made)))?;
        if let Some(dead) = &created.dead {
            out.line(format!("{dead}: {}", word(created.dead_made)))?;
        }
        for note in &created.notes {
            out.line(out.look(Look::Yellow, format!("  {note}")))?;
        }
    }
    Ok(Exit::Done)
}

async fn exists(home: &Home, name: &str) -> Result<()> {
    match home.queue.facts(name).await? {
        Some(_) => Ok(()),
        None => Err(Fault::nothing(format!("there is no queue `{name}`"))
            .remedy("`kentongan queues list` names them all")),
    }
}

/// A queue with its dead letters beside it.
struct Line {
    name: String,
    facts: Facts,
    dead: Option<Facts>,
}

async fn list(out: Out, home: &Home) -> Result {
    let names = home.queue.list().await?;
    let mut queues = Vec::new();
    for name in names.iter().filter(|n| !n.ends_with("-dead")) {
        // Deleted since they were listed.
        let Some(facts) = home.queue.facts(name).await? else {
            continue;
        };
        let dead = home.queue.facts(&dead_name(name)).await?;
        let name = name.clone();
        queues.push(Line { name, facts, dead });
    }
    if queues.is_empty() {
        return Err(Fault::nothing("there are no queues yet")
            .remedy("make them with `kentongan queues create`"));
    }
    if out.json {
        let told = queues
            .iter()
            .map(|q| json!({ "name": q.name, "facts": q.facts, "dead": q.dead }));
        out.document(&told.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = queues.iter().map(row).collect();
    out.table(
        &["queue", "waiting", "in hand", "delayed", "oldest", "dead"],
        &rows,
    )?;
    let dead: u64 = queues.iter().map(Line::dead).sum();
    if dead > 0 {
        let said = format!("{dead} dead letters: look at them with `kentongan dead list`");
        out.line(out.look(Look::Yellow, said))?;
    }
    Ok(Exit::Done)
}

impl Line {
    fn dead(&self) -> u64 {
        let facts = self.dead.as_ref();
        facts.map_or(0, |d| d.waiting + d.in_flight + d.delayed)
    }
}

fn row(queue: &Line) -> Vec<String> {
    let facts = &queue.facts;
    let oldest = facts
        .oldest_s
        .map_or("-".into(), |s| shown(Duration::from_secs(s)));
    let dead = match (&queue.dead, &facts.redrive) {
        (None, _) | (_, None) => "no rule!".into(),
        _ => queue.dead().to_string(),
    };
    vec![
        queue.name.clone(),
        facts.waiting.to_string(),
        facts.in_flight.to_string(),
        facts.delayed.to_string(),
        oldest,
        dead,
    ]
}

fn peeked(out: Out, letters: &[Letter], body: bool) -> Result {
    if out.json {
        let told: Vec<_> = letters.iter().map(|l| l.told(body)).collect();
        out.document(&told)?;
        return Ok(Exit::Done);
    }
    if letters.is_empty() {
        return Err(Fault::nothing("the queue is empty"));
    }
    let now = Timestamp::now();
    let row = |l: &Letter| {
        let receives = l.received.receives.to_string();
        vec![l.name(), l.kind().to_owned(), l.age(now), receives]
    };
    if !body {
        let rows: Vec<Vec<String>> = letters.iter().map(row).collect();
        out.table(&["id", "kind", "age", "receives"], &rows)?;
        return Ok(Exit::Done);
    }
    for letter in letters {
        out.line(out.look(Look::Bold, row(letter).join("  ")))?;
        let text = serde_json::to_string_pretty(&letter.body()).map_err(Fault::new)?;
        out.line(lines(&text))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fleet_needs_a_queue_for_every_kind_of_message() {
        let needed = needed(&["sms".to_owned()]);
        for name in [
            "text-input",
            "text-output-console",
            "text-output-sms",
            "email-input",
            "email-output",
        ] {
            assert!(needed.iter().any(|n| n == name), "{name}");
        }
        assert!(
            !needed.iter().any(|n| n == "text-output"),
            "a channel has the queue"
        );
    }

    #[test]
    fn a_queue_without_a_dead_letter_rule_stands_out() {
        let facts = Facts {
            waiting: 1,
            in_flight: 0,
            delayed: 0,
            oldest_s: Some(125),
            redrive: None,
        };
        let line = Line {
            name: "text-input".into(),
            facts: facts.clone(),
            dead: Some(facts),
        };
        assert_eq!(
            row(&line),
            ["text-input", "1", "0", "0", "2 min", "no rule!"]
        );
    }
}
