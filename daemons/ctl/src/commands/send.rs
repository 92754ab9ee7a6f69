//! `kentongan send`

use crate::console::{self, CHANNEL, QUEUE, Waiting};
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::out::{Out, lines, note};
use crate::time::span;
use clap::{Args, Subcommand};
use common::config::{QueueSettings, Settings};
use common::db::notices::Notice;
use common::envelope::Envelope;
use common::home::Home;
use common::messages::{Message, TextInput};
use common::queue::{Entry, all_done};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// Send something in, as somebody in the field would
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan send text --from 081234567890 \"U MC,DM SP 5\"
  kentongan send text --from +62812-3456-7890 KODE SP
  kentongan send text --from 081234567890 --wait 5 '?'
  kentongan send text --from 081234567890 --via sms KODE SP    (answered by SMS)
  kentongan send text --from 081234567890 --id test-1 --wait 0 \"PK 12 SB\"

Without quotes the shell may read ? and ( ) as its own.")]
pub struct Send {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Text(Text),
}

/// Put a text in, wait for the reply, print it
///
/// Exit code 3 when no reply came in time.
#[derive(Debug, Args)]
struct Text {
    /// The sender's number, written as people do: 0812..., +62 812...
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// The channel that brings it, and carries its reply; only `console` brings that back here
    #[arg(long, default_value = CHANNEL, alias = "channel", value_name = "CHANNEL")]
    via: String,
    /// The channel's own id of the text; the same id again is the same text
    #[arg(long)]
    id: Option<String>,
    /// How long to wait for the reply: 30, 5s, 2m; 0 does not wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span)]
    wait: Duration,
    /// What is said
    #[arg(required = true, allow_negative_numbers = true)]
    text: Vec<String>,
}

impl Send {
    pub async fn run(self, context: &Context) -> Result {
        let What::Text(text) = self.what;
        text.run(context).await
    }
}

impl Text {
    async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        let (wait, named) = (self.wait, self.id.is_some());
        let text = self.message(&settings)?;
        let begun = Instant::now();
        // Heard from before it is sent, so that a fast reply is not missed.
        let mut notices = home.notices.subscribe();
        let id = send(&home, &text).await?;
        if text.channel != CHANNEL || wait.is_zero() {
            return sent(context.out, id, &text.channel);
        }
        let mut looker = Looker {
            full: format!("{}-{QUEUE}", settings.prefix),
            rouses: matches!(settings.queue, QueueSettings::Postgres {}),
            notices: &mut notices,
        };
        match looker.answer(&home, id, begun + wait).await? {
            Some(answer) => print(context.out, id, &answer, begun.elapsed()),
            None => Err(silence(id, wait, named)),
        }
    }

    fn message(self, settings: &Settings) -> Result<TextInput> {
        let country = &settings.engine.country_code;
        let from = common::phone::canonical(&self.from, country)
            .map_err(|e| Fault::usage(format!("--from {}: {e}", self.from)))?;
        Ok(TextInput {
            channel: self.via,
            from,
            text: self.text.join(" "),
            channel_id: self.id,
            sent_at: Timestamp::now(),
        })
    }
}

async fn send(home: &Home, text: &TextInput) -> Result<Uuid> {
    let queue = text.queue();
    if !home.queue.list().await?.contains(&queue) {
        return Err(Fault::new(format!("queue `{queue}` does not exist"))
            .remedy("make it with `kentongan queues create`"));
    }
    let envelope = Envelope::first(text.id(), text, Timestamp::now());
    let entry = Entry {
        id: envelope.id,
        body: envelope.to_json(),
        delay: Duration::ZERO,
    };
    all_done(home.queue.send(&queue, &[entry]).await?)?;
    Ok(envelope.id)
}

/// Looks for a reply when something was put on its queue, and from time to time in any case.
struct Looker<'a> {
    full: String,
    /// The queue's home says when something was put on it.
    rouses: bool,
    notices: &'a mut broadcast::Receiver<Notice>,
}

impl Looker<'_> {
    async fn answer(&mut self, home: &Home, id: Uuid, until: Instant) -> Result<Option<Waiting>> {
        // SQS counts every look, so it is looked at less and less often.
        let mut pause = Duration::from_millis(if self.rouses { 1_000 } else { 500 });
        loop {
            if let Some(answer) = console::answer(&*home.queue, id).await? {
                return Ok(Some(answer));
            }
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            self.pause((now + pause).min(until)).await;
            if !self.rouses {
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        }
    }

    /// Until our queue is named, anything may have been missed, or the time is up.
    async fn pause(&mut self, until: Instant) {
        while let Ok(heard) = timeout_at(until, self.notices.recv()).await {
            match heard {
                Ok(Notice::Queue(name)) if name != self.full => {}
                Ok(Notice::Changed(_)) => {}
                Err(broadcast::error::RecvError::Closed) => {
                    return tokio::time::sleep_until(until).await;
                }
                _ => return,
            }
        }
    }
}

fn sent(out: Out, id: Uuid, channel: &str) -> Result {
    if out.json {
        out.item(&json!({ "id": id, "reply": null }))?;
        return Ok(Exit::Done);
    }
    out.line(id)?;
    note(format!("The reply will be on `text-output-{channel}`."));
    Ok(Exit::Done)
}

fn print(out: Out, id: Uuid, answer: &Waiting, took: Duration) -> Result {
    if out.json {
        out.item(&json!({
            "id": id,
            "reply": answer.text.text,
            "parts": answer.text.parts,
            "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }))?;
    } else {
        out.line(lines(&answer.text.text))?;
    }
    Ok(Exit::Done)
}

fn silence(id: Uuid, wait: Duration, named: bool) -> Fault {
    let what = format!("no reply within {} s to message {id}", wait.as_secs());
    let remedy = if named {
        "a text with the same --id gets one reply only, and it may have been read already; \
         else see `kentongan trace ID`, and `kentongan fleet` whether a processor runs"
    } else {
        "see how far it came with `kentongan trace ID`, and with `kentongan fleet` whether a \
         processor runs"
    };
    Fault::nothing(what).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn a_text_may_be_one_word_or_many() {
        for line in [
            vec!["send", "text", "--from", "0812", "U MC,DM SP 5"],
            vec!["send", "text", "--from", "0812", "U", "MC,DM", "SP", "5"],
            vec!["send", "text", "--wait", "5s", "--from", "0812", "?"],
        ] {
            let words = ["kentongan"].into_iter().chain(line);
            assert!(Cli::try_parse_from(words).is_ok());
        }
        let none = ["kentongan", "send", "text", "--from", "0812"];
        assert!(
            Cli::try_parse_from(none).is_err(),
            "an empty text says nothing"
        );
    }
}
