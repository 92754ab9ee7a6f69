use crate::allowance::{Allowance, Share};
use crate::config::Mailer;
use crate::limits;
use crate::upkeep::Upkeep;
use common::aws::Sdk;
use common::blob::Found;
use common::compose::{self, ComposeError, Composer, File, Sender};
use common::config::{self, Settings, TransportSettings};
use common::db::deliveries::{self, Parcel, State};
use common::db::{Tx, suppressions};
use common::delivery::{Decision, Facts, decide};
use common::failure::Dependency;
use common::handler::{Claim, Deliverer, Incoming};
use common::home::Home;
use common::mail::keys;
use common::messages::EmailOutput;
use common::outbox::Outbox;
use common::people::{self, Message, Undelivered};
use common::telemetry;
use common::transport::{self, Finished, Outcome, Time, Transport, Turn};
use common::{Failure, Result};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

/// Counts what became of mails, by the state of their delivery; `later`: put off for the quota.
const DELIVERIES: &str = "kentongan_mail_deliveries_total";

/// So long a mail that is claimed may wait in hand for its rate; a longer pause is slept through on
/// the queue.
const IN_HAND: Duration = Duration::from_secs(2);

/// Sends one mail.
///
/// May run again for one mail at any point: the delivery's row, committed as *claimed* before the
/// transport is called, tells how far it came, and [`decide`] what follows from that.
pub struct EmailOutputDeliverer {
    settings: Mailer,
    composer: Composer,
    transport: Arc<dyn Transport>,
    home: Home,
    /// How texts are made of what a mail could not bring.
    texts: config::Engine,
    allowance: Arc<Allowance>,
}

impl EmailOutputDeliverer {
    /// Opens the transport and reads the words; a fault of the settings stops the start. A
    /// provider that cannot be asked for its quota just now does not.
    pub async fn open(fleet: &Settings, home: &Home) -> Result<Self> {
        let settings = Mailer::read(fleet)?;
        let mails = compose::mails(settings.mails.as_deref())?;
        let sender = Sender {
            name: fleet.mail.name.clone(),
            address: fleet.mail.from.clone(),
            domain: fleet.mail.domain.clone(),
        };
        let signer = keys::signer(&fleet.secrets)?;
        let composer = Composer::new(mails, sender, signer)
            .map_err(|e| Failure::quarantine(format!("settings: mail.from or mail.domain: {e}")))?;
        let transport = transport::open(&fleet.transport, &fleet.mail, &Sdk::new()).await?;
        let allowance = Allowance::new(
            home.db.clone(),
            name(&fleet.transport),
            limits::without_provider(&settings),
        );
        let allowance = Arc::new(allowance);
        limits::refresh(&settings, transport.as_ref(), &allowance).await;
        Ok(Self {
            settings,
            composer,
            transport,
            home: home.clone(),
            texts: fleet.engine.clone(),
            allowance,
        })
    }

    /// Reads the words anew, shipped and own, and puts them into force; when one cannot be used,
    /// those in force stay so.
    pub fn reload(&self) -> impl Fn() -> std::future::Ready<Result> + Send + Sync + 'static {
        let (words, folder) = (self.composer.words(), self.settings.mails.clone());
        move || {
            let read = compose::mails(folder.as_deref());
            std::future::ready(read.map(|mails| words.replace(mails)))
        }
    }

    /// What is done on the side, for as long as the daemon runs.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep {
            db: self.home.db.clone(),
            settings: self.settings.clone(),
            transport: self.transport.clone(),
            allowance: self.allowance.clone(),
        }
    }

    async fn facts(&self, mail: &Incoming<EmailOutput>, tx: &Tx<'_>) -> Result<Facts> {
        let age = Timestamp::now().duration_since(mail.envelope.sent_at);
        Ok(Facts {
            found: deliveries::find(tx, mail.envelope.id).await?,
            suppressed: suppressions::reason(tx, &mail.to).await?,
            expired: self
                .settings
                .expired(Duration::try_from(age).unwrap_or_default()),
            purpose: mail.purpose,
        })
    }

    /// Everything before the hand-over: nothing was sent, however long it takes.
    async fn made_ready(
        &self,
        mail: &Incoming<EmailOutput>,
        begin_by: Instant,
    ) -> std::result::Result<(Finished, Turn), Outcome> {
        let finished = timeout_at(begin_by, self.finished(mail)).await;
        let finished = finished.unwrap_or_else(|_| {
            let cause = "its attachments could not be fetched in time";
            Err(Outcome::NotSent(Failure::retry(cause)))
        })?;
        let turn = timeout_at(begin_by, self.transport.turn()).await;
        let turn = turn.map_err(|_| {
            let cause = "all connections were busy for too long: the mail server is slow";
            Outcome::NotSent(Failure::wait(Dependency::Mail, cause))
        })?;
        // Last, since a token is good for a moment only.
        match self.allowance.take(begin_by).await {
            Ok(Share::Go) => Ok((finished, turn)),
            Ok(Share::Later(_)) => {
                let cause = "what may be sent is used up";
                Err(Outcome::NotSent(Failure::wait(Dependency::Mail, cause)))
            }
            Err(failure) => Err(Outcome::NotSent(failure)),
        }
    }

    /// What this address does not take goes to the receiver's next.
    async fn onward(&self, mail: &Incoming<EmailOutput>, tx: &Tx<'_>, out: &mut Outbox) -> Result {
        let undelivered = Undelivered {
            delivery: mail.envelope.id,
            message: Message::Mail(mail),
        };
        people::fall_over((tx, out), &undelivered, &self.texts)
            .await
            .map(drop)
    }

    /// The same for a mail that is closed by its claim, which has no outbox of its own. Where
    /// queues are elsewhere the sweeper sends it, seconds later.
    async fn close_onward(&self, mail: &Incoming<EmailOutput>, tx: &Tx<'_>) -> Result {
        let mut out = Outbox::new(mail.envelope.clone(), Timestamp::now());
        self.onward(mail, tx, &mut out).await?;
        self.home.push(tx, out.into_pushed()).await.map(drop)
    }

    async fn finished(
        &self,
        mail: &Incoming<EmailOutput>,
    ) -> std::result::Result<Finished, Outcome> {
        let files = self.files(mail).await?;
        let finished = self.composer.compose(&mail.envelope, mail, files);
        finished.map_err(|e| match e {
            ComposeError::Address(fault) => {
                let reason = format!("the receiver's address cannot be used: {fault}");
                Outcome::Refused { reason }
            }
            words => Outcome::NotSent(words.into()),
        })
    }

    /// The attachments, or why the mail cannot go now or ever.
    async fn files(&self, mail: &EmailOutput) -> std::result::Result<Vec<File>, Outcome> {
        let mut left = self.settings.max_attachments_bytes;
        let mut files = Vec::new();
        for attachment in &mail.attachments {
            let found = self.home.blobs.get(&attachment.blob, left).await;
            let bytes = match found.map_err(Outcome::NotSent)? {
                Found::Bytes(bytes) => bytes,
                Found::TooLarge { .. } => {
                    let reason = "the attachments are larger than max_attachments_bytes".into();
                    return Err(Outcome::Refused { reason });
                }
                Found::Absent => {
                    return Err(Outcome::NotSent(Failure::retry(
                        "an attachment is not there",
                    )));
                }
            };
            left = left.saturating_sub(bytes.len() as u64);
            files.push(File {
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                bytes,
            });
        }
        Ok(files)
    }
}

impl Deliverer for EmailOutputDeliverer {
    type Message = EmailOutput;
    type Job = ();

    async fn claim(&self, mail: &Incoming<EmailOutput>, tx: &Tx<'_>) -> Result<Claim<()>> {
        let facts = self.facts(mail, tx).await?;
        let message_id = self.composer.message_id(&mail.envelope);
        let parcel = parcel(mail, &message_id);
        match decide(&facts, &self.settings.rules()) {
            Decision::Done => Ok(Claim::Done),
            // This mail alone waits: the others have nothing to do with it.
            Decision::LookAgain(pause) => {
                let cause = "another mailer has claimed this mail and may still be at it";
                Err(Failure::retry_after(pause, cause))
            }
            Decision::Close(state, reason) => {
                deliveries::close(tx, &parcel, facts.found, state, &reason).await?;
                telemetry::count(DELIVERIES, state.name());
                info!(delivery = %parcel.id, state = state.name(), reason, "A mail was not sent");
                if state != State::Unknown {
                    self.close_onward(mail, tx).await?;
                }
                Ok(Claim::Done)
            }
            Decision::Send => match self.allowance.pause(tx).await? {
                Some(pause) if pause > IN_HAND => {
                    telemetry::count(DELIVERIES, "later");
                    Ok(Claim::Later(pause))
                }
                _ => {
                    deliveries::claim(tx, &parcel, facts.found).await?;
                    Ok(Claim::Go(()))
                }
            },
        }
    }

    async fn deliver(&self, mail: &Incoming<EmailOutput>, (): &()) -> Outcome {
        let limit = self.settings.deliver_limit();
        let begin_by = Instant::now() + limit;
        let time = Time { begin_by, limit };
        match self.made_ready(mail, begin_by).await {
            // The turn ends with the hand-over.
            Ok((finished, _turn)) => self.transport.deliver(&finished, time).await,
            Err(outcome) => outcome,
        }
    }

    async fn record(
        &self,
        mail: &Incoming<EmailOutput>,
        outcome: &Outcome,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let id = mail.envelope.id;
        let (state, provider_id, reason) = State::after(outcome);
        let first = deliveries::record(tx, id, state, provider_id, reason).await?;
        let trace = mail.envelope.trace;
        if first {
            telemetry::count(DELIVERIES, state.name());
        }
        if first && state == State::Refused {
            self.onward(mail, tx, out).await?;
        }
        match (first, reason) {
            (false, _) => {
                warn!(delivery = %id, %trace, "A mail was closed before its outcome came")
            }
            (true, None) => info!(delivery = %id, %trace, "Sent a mail"),
            (true, Some(reason)) => {
                warn!(delivery = %id, %trace, state = state.name(), reason, "A mail did not go");
            }
        }
        Ok(())
    }

    async fn ready(&self) -> Result<Option<Duration>> {
        self.allowance.ready().await
    }

    async fn probe(&self) -> Result {
        self.transport.probe().await
    }
}

fn parcel<'a>(mail: &'a Incoming<EmailOutput>, message_id: &'a str) -> Parcel<'a> {
    Parcel {
        id: mail.envelope.id,
        kind: "mail",
        channel: "email",
        address: &mail.to,
        purpose: mail.purpose,
        message_id: Some(message_id),
        trace: mail.envelope.trace,
        cause: mail.envelope.cause,
    }
}

fn name(transport: &TransportSettings) -> &'static str {
    match transport {
        TransportSettings::Maildir { .. } => "maildir",
        TransportSettings::Smtp { .. } => "smtp",
        TransportSettings::Ses { .. } => "ses",
    }
}

#[cfg(test)]
mod tests;
