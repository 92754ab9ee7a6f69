//! `kentongan trace`

use crate::context::{Context, in_tx, patient};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, lines, one_line};
use crate::time::clock;
use clap::Args;
use common::config::QueueSettings;
use common::db::Db;
use common::db::trace::{self, Hop};
use common::phone::Masked;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// Fewer letters than this would mean half the country.
const SHORTEST: usize = 6;

/// Every hop of one message with times: received, decided, stored, answered, delivered
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan trace 0199a2c4-1111-7222-8333-44445555abcd
  kentongan trace 5555abcd                              as answers and logs print it
  kentongan trace 5555abcd --text --show-numbers")]
pub struct Trace {
    /// Id of a message, a trace, or the beginning or end of one (six letters at least)
    id: String,
    /// Show what people and we wrote
    #[arg(long)]
    text: bool,
    /// Show whole numbers and addresses
    #[arg(long)]
    show_numbers: bool,
}

impl Trace {
    pub async fn run(self, context: &Context) -> Result {
        check(&self.id)?;
        let settings = context.settings()?;
        let db = Db::open(&patient(&settings.database), "ctl")?;
        let id = self.id.as_str();
        let found = in_tx(&db, async |tx| Ok(trace::find(tx, id).await?)).await?;
        let far = matches!(settings.queue, QueueSettings::Sqs(_));
        let trace = one(id, &found, far)?;
        let hops = in_tx(&db, async |tx| Ok(trace::hops(tx, trace).await?)).await?;
        let hops = hops
            .into_iter()
            .map(|hop| self.fit(hop))
            .collect::<Vec<_>>();
        if context.out.json {
            context
                .out
                .document(&json!({ "trace": trace, "hops": hops }))?;
            return Ok(Exit::Done);
        }
        print(context.out, trace, &hops)
    }

    /// Without what was not asked for.
    fn fit(&self, mut hop: Hop) -> Hop {
        if !self.text {
            hop.text = None;
        }
        if !self.show_numbers {
            hop.address = hop.address.map(|address| masked(&address));
        }
        hop
    }
}

fn check(id: &str) -> Result<()> {
    let letters = id.chars().filter(|c| *c != '-');
    if id.len() >= SHORTEST && letters.clone().all(|c| c.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Fault::usage(format!("`{id}` is no id"))
        .remedy("give a message's id or six letters of it at least: 0-9 and a-f"))
}

fn one(id: &str, found: &[Uuid], far: bool) -> Result<Uuid> {
    match found {
        [] => {
            let nothing = Fault::nothing(format!("nothing is known of a message {id}"));
            Err(match far {
                true => nothing.remedy("what lies on SQS and was never handled is not seen here"),
                false => nothing,
            })
        }
        [one] => Ok(*one),
        many => {
            let names: Vec<String> = many.iter().map(Uuid::to_string).collect();
            Err(Fault::usage(format!("{id} may mean {}", names.join(", ")))
                .remedy("give more letters of one of them"))
        }
    }
}

/// A mail address keeps its domain, a number its country and its last two digits.
fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first = local.chars().next().unwrap_or('.');
            format!("{first}...@{domain}")
        }
        None => Masked(address).to_string(),
    }
}

fn print(out: Out, trace: Uuid, hops: &[Hop]) -> Result {
    let begun = hops.first().map_or_else(Timestamp::now, |hop| hop.at);
    out.line(out.look(Look::Bold, format!("trace {trace}")))?;
    out.line(format!("began {}", clock(begun)))?;
    for hop in hops {
        let step = match hop.step.as_str() {
            "refused" | "unknown" | "suppressed" | "expired" => Look::Red,
            "waits" | "waiting" => Look::Yellow,
            _ => Look::Green,
        };
        let after = hop.at.duration_since(begun).as_millis();
        let step = out.look(step, format!("{:<9}", hop.step));
        let whom = hop
            .address
            .iter()
            .map(|a| format!(" ({a})"))
            .collect::<String>();
        let short = common::engine::short_trace(hop.id);
        let what = one_line(&hop.what, 300);
        out.line(format!(
            "{:>10}  {step} {short}  {what}{whom}",
            elapsed(after)
        ))?;
        if let Some(text) = &hop.text {
            for line in lines(text).lines() {
                out.line(out.look(Look::Dim, format!("{:>23}{line}", "")))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Since the beginning: milliseconds while they matter.
fn elapsed(ms: i128) -> String {
    match ms {
        0..10_000 => format!("+{ms} ms"),
        10_000..3_600_000 => format!("+{} s", ms / 1000),
        _ => format!("+{} min", ms / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_hexadecimal_and_not_too_short() {
        for id in ["0199a2c4", "5555AB", "0199a2c4-1111"] {
            assert_eq!(check(id), Ok(()));
        }
        for id in ["", "0199", "lapor1", "%%%%%%%%"] {
            assert_eq!(check(id).unwrap_err().exit, Exit::Usage, "{id}");
        }
    }

    #[test]
    fn a_name_of_several_is_asked_back_and_one_of_none_is_nothing() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(one("x", &[a], false), Ok(a));
        assert!(
            one("x", &[a, b], false)
                .unwrap_err()
                .what
                .contains(&b.to_string())
        );
        assert_eq!(one("x", &[], true).unwrap_err().exit, Exit::Nothing);
    }

    #[test]
    fn addresses_are_told_apart_without_being_shown() {
        assert_eq!(masked("+6281234567890"), "+62...90");
        assert_eq!(masked("vet@example.org"), "v...@example.org");
    }
}
