//! `kentongan submit`: what a mail server's pipe calls.
//!
//! Exit code 0 means that the mail is on the disk and in the queue; the mail server may forget it.
//! 75 means that it must keep it and try again. Nothing else ever loses one.

use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::out::note;
use clap::{Args, Subcommand};
use common::mail::intake::{self, Arrival, PATIENCE};
use jiff::Timestamp;
use std::ffi::OsString;
use std::io::{IsTerminal, Read};

/// Hand something in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan submit mail --to lapor@example.id < mail.eml

  Postfix, master.cf:
    kentongan unix - n n - 4 pipe flags=R user=kentongan null_sender=
      argv=/usr/bin/kentongan submit mail --from ${sender} --client ${client_address}
      --helo ${client_helo} --to ${recipient}

  An alias line (the mail server tells sender and recipient in the environment):
    lapor: \"|/usr/bin/kentongan submit mail\"")]
pub struct Submit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Mail(Mail),
}

/// Take one raw mail from the standard input
///
/// Exit codes: 0 kept and queued; 64 there was no mail; 65 larger than `mail.max_bytes`; 75 cannot
/// keep it now, try later (also for wrong settings or a wrong command line, so that the mail server
/// keeps its mails until that is mended). The same mail handed in again for the same recipients is
/// the same message: a mail server may repeat as often as it likes.
#[derive(Debug, Args)]
struct Mail {
    /// Envelope recipients [default: what the mail server says in ORIGINAL_RECIPIENT or RECIPIENT]
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    to: Vec<OsString>,
    /// Envelope sender; empty or <> for a bounce [default: SENDER, else the mail's first line]
    #[arg(long, value_name = "SENDER", allow_hyphen_values = true)]
    from: Option<OsString>,
    /// Address of the machine that handed the mail in, for SPF [default: CLIENT_ADDRESS]
    #[arg(long, value_name = "IP", allow_hyphen_values = true)]
    client: Option<OsString>,
    /// What that machine called itself, for SPF [default: CLIENT_HELO]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    helo: Option<OsString>,
    /// Say the message's id, for `kentongan trace`
    #[arg(long, short)]
    verbose: bool,
}

impl Submit {
    pub async fn run(self, context: &Context) -> Result {
        let What::Mail(mail) = self.what;
        mail.run(context).await
    }
}

impl Mail {
    async fn run(self, context: &Context) -> Result {
        let settings = context.settings()?;
        if std::io::stdin().is_terminal() {
            note("Type or paste the mail; end with Ctrl-D.");
        }
        let raw = read(std::io::stdin().lock(), settings.mail.max_bytes)?;
        let verbose = self.verbose;
        let arrival = self.arrival(raw, Timestamp::now())?;
        let work = async {
            let (_, home) = context.home().await?;
            Result::Ok(intake::keep(&*home.blobs, &*home.queue, &arrival).await?)
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(kept) => kept.map_err(|fault| fault.exit(Exit::TryLater))?,
            Err(_) => return Err(too_slow()),
        }
        if context.out.json {
            context.out.item(&arrival.told())?;
        } else if verbose {
            context.out.line(arrival.id)?;
        }
        Ok(Exit::Done)
    }

    fn arrival(self, raw: Vec<u8>, now: Timestamp) -> Result<Arrival> {
        let given = |value: Option<OsString>, names: &[&str]| {
            let named = || names.iter().find_map(std::env::var_os);
            value
                .or_else(named)
                .map(|v| v.to_string_lossy().into_owned())
        };
        let mut to: Vec<String> = self
            .to
            .iter()
            .map(|to| to.to_string_lossy().into())
            .collect();
        if to.is_empty() {
            to.extend(given(None, &["ORIGINAL_RECIPIENT", "RECIPIENT"]));
        }
        let told = intake::Told {
            to,
            from: given(self.from, &["SENDER"]),
            client: given(self.client, &["CLIENT_ADDRESS"]),
            helo: given(self.helo, &["CLIENT_HELO"]),
        };
        Arrival::new(raw, told, now)
            .ok_or_else(|| Fault::new("there is no mail on the standard input").exit(Exit::NoMail))
    }
}

/// The whole input. One that is too large is read to its end all the same: a mail server whose pipe
/// breaks may take that for a failure of its own.
fn read(mut input: impl Read, most: u64) -> Result<Vec<u8>> {
    let later = |e: std::io::Error| Fault::from(e).exit(Exit::TryLater);
    let mut raw = Vec::new();
    let taken = input
        .by_ref()
        .take(most.saturating_add(1))
        .read_to_end(&mut raw);
    if (taken.map_err(later)? as u64) <= most {
        return Ok(raw);
    }
    let rest = std::io::copy(&mut input, &mut std::io::sink()).map_err(later)?;
    let size = raw.len() as u64 + rest;
    let what = format!("the mail has {size} bytes; more than {most} are not taken");
    Err(Fault::new(what)
        .remedy("send less in one mail; the limit is the settings key `mail.max_bytes`")
        .exit(Exit::Unacceptable))
}

fn too_slow() -> Fault {
    Fault::new(format!(
        "neither kept nor refused within {} s",
        PATIENCE.as_secs()
    ))
    .remedy("`kentongan check --online` tries database, queues and blobs")
    .exit(Exit::TryLater)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{Blobs as Kept, Queue as Sent};
    use common::Failure;
    use common::envelope::Envelope;
    use common::failure::Dependency;
    use common::messages::EmailInput;

    #[test]
    fn a_mail_of_the_largest_size_is_taken_and_one_byte_more_is_not() {
        assert_eq!(read(&b"12345678"[..], 8).unwrap(), b"12345678");
        let mut input = &b"123456789012"[..];
        let fault = read(&mut input, 8).unwrap_err();
        assert_eq!(fault.exit, Exit::Unacceptable);
        assert!(fault.what.contains("12 bytes"), "{fault}");
        assert!(
            input.is_empty(),
            "the rest must be read, or the pipe breaks"
        );
    }

    #[test]
    fn a_broken_input_is_tried_again_later() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        assert_eq!(read(Broken, 8).unwrap_err().exit, Exit::TryLater);
    }

    fn mail() -> Arrival {
        let raw = b"Subject: a\n\nU MC,DM SP 5".to_vec();
        Arrival::new(raw, intake::Told::default(), Timestamp::now()).unwrap()
    }

    #[tokio::test]
    async fn the_raw_mail_is_kept_and_the_message_names_it() {
        let (blobs, queue) = (Kept::default(), Sent::with(&["email-input"]));
        intake::keep(&blobs, &queue, &mail()).await.unwrap();
        let sent = queue.bodies("email-input");
        let envelope = Envelope::open(sent[0].as_bytes()).unwrap();
        let message: EmailInput = envelope.message().unwrap();
        assert_eq!(blobs.get_now(&message.blob), Some(mail().raw));
        assert_eq!((envelope.id, envelope.trace), (mail().id, mail().id));
    }

    #[tokio::test]
    async fn what_cannot_be_stored_is_not_queued() {
        let full = Failure::wait(Dependency::Blobs, "no space left");
        let (blobs, queue) = (Kept::failing(full), Sent::with(&["email-input"]));
        assert!(intake::keep(&blobs, &queue, &mail()).await.is_err());
        assert!(queue.bodies("email-input").is_empty());
    }

    #[tokio::test]
    async fn a_refused_entry_is_a_failure_although_the_call_worked() {
        let refused = Failure::retry("throttled");
        let (blobs, queue) = (Kept::default(), Sent::refusing(&["email-input"], refused));
        let failure = intake::keep(&blobs, &queue, &mail()).await.unwrap_err();
        assert_eq!(failure.cause, "throttled", "Q17");
    }

    #[tokio::test]
    async fn a_queue_that_nobody_made_takes_no_mail() {
        let (blobs, queue) = (Kept::default(), Sent::with(&["text-input"]));
        let failure = intake::keep(&blobs, &queue, &mail()).await.unwrap_err();
        assert!(failure.cause.contains("queues create"), "{failure}");
        assert!(queue.bodies("email-input").is_empty());
    }
}
