//! `kentongan console`

use crate::console::{self, Waiting};
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, lines};
use crate::time::{age, clock};
use clap::Args;
use common::messages::Purpose;
use common::phone::Masked;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// A reply that is older than this is waited for by no `kentongan send text` any more.
const WAITED_FOR: Duration = Duration::from_secs(60);

/// Print and take the texts that wait on the channel `console`, such as alerts
///
/// A reply that a `kentongan send text` may still be waiting for is left for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan console
  kentongan console --follow --show-numbers
  kentongan console --keep --json                look without taking")]
pub struct Console {
    /// Go on until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Show whole telephone numbers
    #[arg(long)]
    show_numbers: bool,
    /// Print replies to texts sent within the last minute too
    #[arg(long)]
    all: bool,
    /// Look only: what is printed stays
    #[arg(long, conflicts_with = "follow")]
    keep: bool,
}

impl Console {
    pub async fn run(self, context: &Context) -> Result {
        let (_, home) = context.home().await?;
        let mut printed = 0;
        loop {
            let now = Timestamp::now();
            let waiting = console::waiting(&*home.queue).await?;
            let wanted = waiting.into_iter().filter(|w| self.wants(w, now));
            for text in wanted {
                self.print(context.out, &text)?;
                printed += 1;
                if !self.keep {
                    console::taken(&*home.queue, &[text]).await?;
                }
            }
            if !self.follow {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        if printed == 0 {
            return Err(Fault::nothing("nothing waits on the channel `console`"));
        }
        Ok(Exit::Done)
    }

    fn wants(&self, waiting: &Waiting, now: Timestamp) -> bool {
        self.all
            || waiting.text.purpose == Purpose::Alert
            || age(waiting.sent_at, now) > WAITED_FOR
    }

    fn print(&self, out: Out, waiting: &Waiting) -> Result<()> {
        let text = &waiting.text;
        let to = if self.show_numbers {
            text.to.clone()
        } else {
            Masked(&text.to).to_string()
        };
        if out.json {
            return out.item(&json!({
                "id": waiting.id, "trace": waiting.trace, "sent_at": waiting.sent_at,
                "purpose": text.purpose, "to": to, "text": text.text, "parts": text.parts,
            }));
        }
        let purpose = match text.purpose {
            Purpose::Alert => "alert",
            Purpose::Answer => "answer",
        };
        let at = clock(waiting.sent_at);
        out.line(out.look(Look::Dim, format!("{at}  {purpose} to {to}")))?;
        out.line(lines(&text.text))
    }
}
