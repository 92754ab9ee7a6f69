//! `kentongan rerun`: old originals decided with today's code files.

mod mails;

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, note, one_line};
use crate::record::Record;
use crate::time::clock;
use clap::Args;
use common::db::Tx;
use common::db::again::{self, Original, Wanted};
use common::db::people::{self, Person};
use common::engine::{Again, Answer, Engine, Wording, short_trace};
use common::envelope::{Envelope, derived_id};
use common::home::Home;
use common::messages::{EmailOutput, Origin, Purpose, TextInput};
use common::outbox::Outbox;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::sync::Arc;
use uuid::Uuid;

/// Originals read from the database at once.
const PAGE: i64 = 500;

/// Decide old messages again with today's code files; what has had its effect keeps it
///
/// Messages that were refused and are understood today are stored and answered, as of the time when they
/// were sent. What was stored is compared only. Who was refused and has sent it right since is left
/// alone. Nobody is alerted: that would call people out for what is long over. The differences are
/// shown before anything is done.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan rerun --from 2026-11-01 --dry-run
  kentongan rerun --from \"2026-11-01T06:00+07:00\" --to 2026-11-03 --code IB --code LH --dry-run
  kentongan rerun --from 2026-11-01 --mails --dry-run
  kentongan rerun --from 2026-11-01 --code U --reason \"the sign KBG was missing\" --yes")]
pub struct Rerun {
    /// Received at this time or later: a day, or a time with its zone
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Timestamp,
    /// Received before this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    /// Only messages of this code; may be given several times
    #[arg(long, value_name = "CODE")]
    code: Vec<String>,
    /// Mails that came to nothing instead: read anew from their raw originals
    #[arg(long, conflicts_with = "code")]
    mails: bool,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Why; goes on record with your name
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

/// A day of this machine's zone, or a time.
fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    let wrong = || format!("`{text}` is no time; write 2026-11-01 or 2026-11-01T06:00+07:00");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = text.parse::<jiff::civil::DateTime>();
    let day = || text.parse::<jiff::civil::Date>().map(|d| d.at(0, 0, 0, 0));
    let at = local.or_else(|_| day()).map_err(|_| wrong())?;
    let zoned = at.to_zoned(jiff::tz::TimeZone::system());
    zoned.map(|z| z.timestamp()).map_err(|_| wrong())
}

/// One pass over the originals.
struct Pass<'a> {
    out: Out,
    home: &'a Home,
    engine: Arc<Engine>,
    wording: Wording,
    /// What is done stays, and is on this record; without one it is rolled back.
    record: Option<Uuid>,
    /// Whether differences are printed.
    tells: bool,
}

impl Rerun {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        if self.mails {
            return mails::run(&self, &home, context.out).await;
        }
        let mut pass = Pass {
            out: context.out,
            engine: Engine::load(&home, &settings).await?,
            home: &home,
            wording: Wording::of(&settings.engine),
            record: None,
            tells: true,
        };
        let found = pass.run(&self).await?;
        let count = found.get("stored").copied().unwrap_or_default();
        if self.dry_run || count == 0 {
            said(&found, "would be stored");
            return Ok(Exit::Done);
        }
        said(&found, "would be stored");
        let Some(record) = self.agreed(&home, "messages", count).await? else {
            return Ok(Exit::Failed);
        };
        pass.record = Some(record.id());
        pass.tells = false;
        said(&pass.run(&self).await?, "stored and answered");
        record.end(&home.db).await?;
        Ok(Exit::Done)
    }

    /// Asks, unless that was said already; the record of what is done then.
    async fn agreed(&self, home: &Home, what: &str, count: u64) -> Result<Option<Record>> {
        if !self.yes && !agreed(what, count)? {
            note("Nothing was done.");
            return Ok(None);
        }
        let asked = json!({ "from": self.from, "to": self.to, "code": self.code });
        let reason = self.reason.as_deref().unwrap_or_default();
        let record = Record::begin(&home.db, ("rerun", what), reason, &asked).await?;
        Ok(Some(record))
    }

    fn codes(&self) -> Vec<String> {
        self.code.iter().map(|c| c.to_uppercase()).collect()
    }
}

/// Asks whoever sits at the terminal; a program must say `--yes`.
fn agreed(what: &str, count: u64) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Fault::usage("nobody is here to be asked")
            .remedy("say --yes, or --dry-run to look only"));
    }
    note(format!("Do it to {count} {what} now? [y/N]"));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("y"))
}

fn said(found: &BTreeMap<&'static str, u64>, stored: &str) {
    let of = |what| found.get(what).copied().unwrap_or_default();
    note(format!(
        "{} looked at: {} {stored}, {} sent right by their senders since, {} to be sent again (PINs, permits), {} read otherwise today (left as they are), {} of people \
         who have no address any more, {} as they were",
        found.values().sum::<u64>(),
        of("stored"),
        of("corrected"),
        of("lapses"),
        of("otherwise"),
        of("elsewhere"),
        of("same"),
    ));
}

impl Pass<'_> {
    /// Goes through them page by page; how many there were of each sort.
    async fn run(&self, asked: &Rerun) -> Result<BTreeMap<&'static str, u64>> {
        let codes = asked.codes();
        let to = asked.to.unwrap_or_else(Timestamp::now);
        let mut found = BTreeMap::new();
        let mut after = None;
        loop {
            let wanted = Wanted {
                from: asked.from,
                to,
                codes: &codes,
                after,
                most: PAGE,
            };
            let page = in_tx(&self.home.db, async |tx| {
                Ok(again::originals(tx, &wanted).await?)
            });
            let page = page.await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = Some((last.received_at, last.id, last.line));
            for original in &page {
                *found.entry(self.one(original).await?).or_default() += 1;
            }
        }
    }

    /// Decides one original in a transaction of its own.
    async fn one(&self, o: &Original) -> Result<&'static str> {
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let Some((sender, o)) = sender(&tx, o).await? else {
            return Ok("elsewhere");
        };
        let o = &o;
        match self.engine.again(&tx, o, &sender).await? {
            Again::Same => Ok("same"),
            Again::Corrected(since) => {
                self.tell(o, "corrected", &since)?;
                Ok("corrected")
            }
            Again::Lapses => {
                self.tell(o, "lapses", "")?;
                Ok("lapses")
            }
            Again::Otherwise(now) => {
                self.tell(o, "otherwise", now)?;
                Ok("otherwise")
            }
            Again::Stored(answer) => {
                self.tell(o, "stored", &answer.text)?;
                if let Some(record) = self.record {
                    self.keep(o, (&sender, &answer), tx, record).await?;
                }
                Ok("stored")
            }
        }
    }

    /// Commits what was decided, with the answer. Another run may have been faster: then nothing is kept.
    async fn keep(
        &self,
        o: &Original,
        (sender, answer): (&Person, &Answer),
        tx: Tx<'_>,
        record: Uuid,
    ) -> Result<()> {
        let now = Timestamp::now();
        let again = derived_id(&[
            b"rerun",
            record.as_bytes(),
            o.id.as_bytes(),
            &o.line.to_be_bytes(),
        ]);
        let mut envelope = Envelope::first(again, &original(o), now);
        envelope.trace = o.trace;
        let mut out = Outbox::new(envelope, now);
        let answer_id = match &*o.channel {
            "email" => out.send(&mail(o, sender, answer)),
            _ => {
                let to = (o.channel.as_str(), o.address.as_str());
                let mut text = self.wording.answer(to, (&answer.text, o.trace), now);
                text.in_reply_to = Some(o.id);
                out.send(&text)
            }
        };
        for mail in &answer.mails {
            out.send(mail);
        }
        let decided = (answer.outcome, answer.code.as_deref(), answer.text.as_str());
        if !again::decided(&tx, o, decided, Some(answer_id)).await? {
            return Ok(());
        }
        common::db::operator::touched(&tx, record, 1, &[(o.id, o.trace)]).await?;
        let unsaid = self.home.push(&tx, out.into_pushed()).await?;
        tx.commit().await?;
        self.home.say(unsaid).await;
        Ok(())
    }

    fn tell(&self, o: &Original, what: &str, now: &str) -> Result<()> {
        if !self.tells {
            return Ok(());
        }
        if self.out.json {
            return self.out.item(&json!({
                "message": o.id, "line": o.line, "trace": short_trace(o.trace), "received_at": o.received_at,
                "text": o.text, "was": o.outcome, "what": what, "now": now,
            }));
        }
        let head = format!(
            "{}  {}  {}",
            clock(o.received_at),
            short_trace(o.trace),
            one_line(&o.text, 80)
        );
        self.out.line(self.out.look(Look::Bold, head))?;
        let (was, now) = (&o.outcome, one_line(now, 160));
        self.out.line(match what {
            "stored" => format!("    was {was}; stored now: {now}"),
            "lapses" => format!(
                "    was {was}; left: gives a PIN or a permit that counts from when it was asked for, so it must be sent again"
            ),
            "corrected" => format!("    was {was}; sent right since: {now}"),
            _ => format!("    is stored and stays so; today it would be {now}"),
        })
    }
}

/// Who sent it, and the original with the address at which they can be answered today: whoever has got
/// another number since is still the same person. `None` for somebody without an address.
async fn sender(tx: &Tx<'_>, o: &Original) -> Result<Option<(Person, Original)>> {
    let found = people::by_contact(tx, &o.channel, &o.address).await?;
    if let Some(person) = found.filter(|p| p.id == o.person) {
        return Ok(Some((person, o.clone())));
    }
    let Some(person) = people::by_id(tx, o.person).await? else {
        return Ok(None);
    };
    let contacts = people::contacts(tx, person.id).await?;
    let mut usable = contacts.into_iter();
    let contact = usable.find_map(|c| Some((c.channel?, c.address)));
    Ok(contact.map(|(channel, address)| {
        let o = Original {
            channel,
            address,
            ..o.clone()
        };
        (person, o)
    }))
}

/// The text as a channel would bring it: what the answer is caused by.
fn original(o: &Original) -> TextInput {
    TextInput {
        channel: o.channel.clone(),
        from: o.address.clone(),
        text: o.text.clone(),
        channel_id: None,
        sent_at: o.sent_at,
    }
}

/// The answer to a command of a mail, in a mail of its own.
fn mail(o: &Original, sender: &Person, answer: &Answer) -> EmailOutput {
    let lines = json!([{ "typed": o.text, "answer": answer.text }]);
    EmailOutput {
        to: o.address.clone(),
        template: "answer".into(),
        language: sender.language.clone(),
        values: serde_json::Map::from_iter([("lines".to_owned(), lines)]),
        purpose: Purpose::Answer,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Generated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_a_day_or_have_a_zone() {
        let at = moment("2026-11-01T06:00+07:00").unwrap();
        assert_eq!(at, "2026-10-31T23:00:00Z".parse().unwrap());
        assert!(moment("2026-11-01").unwrap() < moment("2026-11-02T00:00").unwrap());
        assert!(moment("yesterday").unwrap_err().contains("2026-11-01"));
    }
}
