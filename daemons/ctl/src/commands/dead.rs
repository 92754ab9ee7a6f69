//! `kentongan dead`: messages that could not be handled.

mod count;
mod filter;
mod sweep;

use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::letter::Letter;
use crate::out::{Look, Out, lines, one_line};
use crate::record::Record;
use clap::{Args, Subcommand};
use common::config::QueueSettings;
use common::home::Home;
use common::queue::Queue;
use count::By;
use filter::Filter;
use jiff::Timestamp;
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sweep::{Deed, Sweep};

/// Dead letters of one queue in one look.
const LOOK: usize = 10_000;

/// Look at messages that could not be handled, send them again, or throw them away
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan dead list
  kentongan dead list --by producer --kind foreign
  kentongan dead list --queue email-input --because \"no such\" --younger 2h
  kentongan dead show 0199a2c4
  kentongan dead redrive --queue text-input --dry-run
  kentongan dead redrive --queue text-input --rate 5 --reason \"database is back\"
  kentongan dead discard --kind foreign --older 3d --save old.jsonl --reason \"test messages\"")]
pub struct Dead {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What lies there, and why
    List {
        #[command(flatten)]
        filter: Filter,
        /// Only count them, by what they have in common
        #[arg(long, value_name = "WHAT")]
        by: Option<By>,
    },
    /// One of them with its body
    Show {
        /// Its id, or eight letters of the beginning or end of its id or trace
        id: String,
    },
    /// Put them back onto the queue that they came from; safe to break off and to repeat
    Redrive {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        how: How,
    },
    /// Throw them away for good
    Discard {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        how: How,
        /// Write each into this file first, one JSON document a line
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
}

/// How to go through them.
#[derive(Debug, Clone, Args)]
struct How {
    /// At most so many in a second
    #[arg(long, value_name = "PER_SECOND", default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Why; goes on record with your name
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a number above 0, such as 0.5 or 10".into()),
    }
}

impl Dead {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        let out = context.out;
        let one_box = matches!(settings.queue, QueueSettings::Postgres {});
        match self.what {
            What::List { filter, by } => {
                let letters = found(&*home.queue, &filter).await?;
                match by {
                    Some(by) => count::said(out, by, &letters),
                    None => list(out, &letters),
                }
            }
            What::Show { id } => show(out, &found(&*home.queue, &Filter::of(&id)).await?),
            What::Redrive { filter, how } => {
                let run = Run {
                    out,
                    home: &home,
                    one_box,
                    deed: Deed::Redrive,
                    filter,
                    save: None,
                };
                run.run(how).await
            }
            What::Discard { filter, how, save } => {
                let file = |path| File::options().append(true).create(true).open(path);
                let run = Run {
                    out,
                    home: &home,
                    one_box,
                    deed: Deed::Discard,
                    filter,
                    save: save.map(file).transpose()?,
                };
                run.run(how).await
            }
        }
    }
}

/// The queues that may have dead letters which the filter takes.
async fn queues(queue: &dyn Queue, filter: &Filter) -> Result<Vec<String>> {
    let names = queue.list().await?;
    let sources = names.iter().filter_map(|n| n.strip_suffix("-dead"));
    let wanted = filter
        .queue
        .as_deref()
        .map(|q| q.strip_suffix("-dead").unwrap_or(q));
    let meant: Vec<String> = sources
        .filter(|name| wanted.is_none_or(|wanted| wanted == *name))
        .map(String::from)
        .collect();
    match (wanted, meant.is_empty()) {
        (Some(wanted), true) => Err(Fault::nothing(format!("there is no queue `{wanted}`"))
            .remedy("`kentongan queues list` names them all")),
        _ => Ok(meant),
    }
}

async fn found(queue: &dyn Queue, filter: &Filter) -> Result<Vec<Letter>> {
    let now = Timestamp::now();
    let mut found = Vec::new();
    for name in queues(queue, filter).await? {
        let seen = queue.peek(&common::queue::dead_name(&name), LOOK).await?;
        if seen.len() >= LOOK {
            crate::out::note(format!(
                "`{name}`: only {LOOK} of its dead letters are seen here"
            ));
        }
        let letters = seen
            .into_iter()
            .map(|received| Letter::new(&name, received));
        found.extend(letters.filter(|letter| filter.takes(letter, now)));
    }
    Ok(found)
}

fn list(out: Out, letters: &[Letter]) -> Result {
    if out.json {
        let told: Vec<_> = letters.iter().map(|l| l.told(false)).collect();
        out.document(&told)?;
        return Ok(Exit::Done);
    }
    if letters.is_empty() {
        return Err(Fault::nothing("there are no such dead letters"));
    }
    let now = Timestamp::now();
    let row = |l: &Letter| {
        let reason = l.received.reason.as_deref().unwrap_or("-");
        let (name, kind) = (l.name(), l.kind().to_owned());
        vec![
            name,
            l.queue.clone(),
            kind,
            l.age(now),
            one_line(reason, 100),
        ]
    };
    let rows: Vec<Vec<String>> = letters.iter().map(row).collect();
    out.table(&["id", "queue", "kind", "age", "reason"], &rows)?;
    Ok(Exit::Done)
}

fn show(out: Out, letters: &[Letter]) -> Result {
    if letters.is_empty() {
        return Err(Fault::nothing("there is no such dead letter")
            .remedy("`kentongan dead list` names them all"));
    }
    if out.json {
        let told: Vec<_> = letters.iter().map(|l| l.told(true)).collect();
        out.document(&told)?;
        return Ok(Exit::Done);
    }
    for letter in letters {
        let reason = letter.received.reason.as_deref().unwrap_or("unknown");
        out.line(out.look(Look::Bold, letter.name()))?;
        out.line(format!("queue   {}", letter.queue))?;
        out.line(format!("kind    {}", letter.kind()))?;
        out.line(format!("from    {}", one_line(&letter.producer(), 200)))?;
        out.line(format!("age     {}", letter.age(Timestamp::now())))?;
        out.line(format!("reason  {}", lines(reason)))?;
        let body = serde_json::to_string_pretty(&letter.body()).map_err(Fault::new)?;
        out.line(lines(&body))?;
    }
    Ok(Exit::Done)
}

/// One redrive or discard over all queues that are meant.
struct Run<'a> {
    out: Out,
    home: &'a Home,
    one_box: bool,
    deed: Deed,
    filter: Filter,
    save: Option<File>,
}

impl Run<'_> {
    async fn run(mut self, how: How) -> Result {
        let Some(reason) = how.reason.filter(|_| !how.dry_run) else {
            let would = found(&*self.home.queue, &self.filter).await?;
            list(self.out, &would)?;
            let word = self.word("would be redriven", "would be discarded");
            crate::out::note(format!("{} {word}; nothing was done", would.len()));
            return Ok(Exit::Done);
        };
        let stop = stop_at_ctrl_c();
        let mut done = 0;
        for name in queues(&*self.home.queue, &self.filter).await? {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            done += self.one(&name, (&reason, how.rate), &stop).await?;
        }
        if stop.load(Ordering::Relaxed) {
            crate::out::note("Stopped; what was not reached lies where it was.");
        }
        self.said(done)
    }

    async fn one(
        &mut self,
        name: &str,
        (reason, rate): (&str, f64),
        stop: &AtomicBool,
    ) -> Result<u64> {
        let db = &self.home.db;
        let asked = json!({ "filter": self.filter, "rate": rate });
        let target = (self.word("redrive", "discard"), name);
        let wait = match self.one_box {
            true => Duration::ZERO,
            // SQS asks all of its servers only when it may wait a little.
            false => Duration::from_secs(1),
        };
        let sweep = Sweep {
            queue: &*self.home.queue,
            name,
            filter: &self.filter,
            deed: self.deed,
            rate,
            wait,
        };
        let save = &mut self.save;
        let mut record = None;
        let done = sweep.run(async |letter| {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if let Some(file) = save.as_mut() {
                writeln!(file, "{}", letter.told(true))?;
            }
            // On record from the first message on; a queue with nothing to do is not mentioned.
            let record = match &mut record {
                Some(record) => record,
                none => none.insert(Record::begin(db, target, reason, &asked).await?),
            };
            record.touched(db, letter).await?;
            Ok(true)
        });
        let done = done.await?;
        if let Some(record) = record {
            record.end(db).await?;
        }
        Ok(done)
    }

    fn said(&self, done: u64) -> Result {
        if self.out.json {
            self.out.document(&json!({ "done": done }))?;
        } else if done > 0 {
            let word = self.word("redriven", "discarded");
            self.out.line(format!("{done} {word}"))?;
        }
        match done {
            0 => Err(Fault::nothing("there are no such dead letters")),
            _ => Ok(Exit::Done),
        }
    }

    fn word(&self, redrive: &'static str, discard: &'static str) -> &'static str {
        match self.deed {
            Deed::Redrive => redrive,
            Deed::Discard => discard,
        }
    }
}

/// Ctrl-C stops between two messages, so that what is held is handed back.
fn stop_at_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
        }
    });
    stop
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::fakes;
    use clap::Parser;

    #[test]
    fn whoever_changes_something_says_why() {
        let parse = |words: &[&str]| {
            let words = ["kentongan", "dead"].iter().chain(words);
            Cli::try_parse_from(words).is_ok()
        };
        assert!(!parse(&["redrive"]));
        assert!(!parse(&["discard", "--queue", "text-input"]));
        assert!(parse(&["redrive", "--reason", "database is back"]));
        assert!(parse(&["redrive", "--dry-run"]));
        assert!(!parse(&["redrive", "--reason", "x", "--rate", "0"]));
    }

    #[tokio::test]
    async fn all_dead_letters_are_found_or_those_of_one_queue() {
        let queue = fakes::Queue::with(&["text-input", "email-input"]);
        queue.put("text-input-dead", "one", None);
        queue.put("email-input-dead", "two", None);
        let all = found(&queue, &Filter::default()).await.unwrap();
        assert_eq!(all.len(), 2);
        for name in ["email-input", "email-input-dead"] {
            let filter = Filter {
                queue: Some(name.into()),
                ..Filter::default()
            };
            let some = found(&queue, &filter).await.unwrap();
            assert_eq!(some[0].received.body, "two");
        }
        let wrong = Filter {
            queue: Some("emial-input".into()),
            ..Filter::default()
        };
        assert_eq!(found(&queue, &wrong).await.unwrap_err().exit, Exit::Nothing);
    }
}
