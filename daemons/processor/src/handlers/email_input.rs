use super::sound;
use crate::config::Config;
use crate::mail::judge::{Fresh, Judge};
use crate::mail::opened::{Opened, Opener};
use crate::mail::workbook::{Desk, Work};
use common::daemon::Daemon;
use common::db::Tx;
use common::db::mails::{self, Arrived, Decided};
use common::engine::Engine;
use common::handler::{Handler, Incoming};
use common::mail::Heading;
use common::mail::charset::without_nul;
use common::mail::proof::Dns;
use common::messages::EmailInput;
use common::outbox::Outbox;
use common::{Failure, Result};
use jiff::Timestamp;
use std::sync::Arc;

/// Decides one mail that arrived: whether it is answered at all, whose it is, what it orders.
///
/// May run twice for one mail: the inbox row stops the second run, and the mail's digest stops the
/// same mail that came by another way.
pub struct EmailInputHandler {
    opener: Opener,
    desk: Desk,
    judge: Judge,
}

impl EmailInputHandler {
    /// With the engine that decides; reads the signing keys and the name servers' configuration.
    pub fn new(engine: Arc<Engine>, d: &Daemon) -> Result<Self> {
        let config: Config = d.section("processor", &d.settings().processor)?;
        let dns = Dns::system().map_err(|e| {
            Failure::quarantine(format!(
                "the name servers of this machine cannot be used: {e}"
            ))
        })?;
        let judge = Judge::new(engine.clone(), d.settings(), &config)?;
        let desk = Desk::new(engine, d.home(), d.settings(), &config)?;
        let (blobs, settings) = (d.home().blobs.clone(), d.settings().mail.clone());
        Ok(Self {
            desk,
            opener: Opener {
                blobs,
                dns,
                settings,
                config,
            },
            judge,
        })
    }
}

impl Handler for EmailInputHandler {
    type Message = EmailInput;
    type Prepared = (Opened, Work);

    /// Fetches the raw mail, reads it, finds out who sent it, and looks at the workbook it brings.
    async fn prepare(&self, msg: &Incoming<EmailInput>) -> Result<(Opened, Work)> {
        let mut opened = self.opener.open(msg).await?;
        let address = author(opened.heading(), msg);
        let received_at = sound::received(msg.received_at, Timestamp::now());
        let from = (address.as_str(), received_at);
        let work = self.desk.look(msg, &opened, from).await?;
        opened.let_go();
        Ok((opened, work))
    }

    async fn apply(
        &self,
        msg: &Incoming<EmailInput>,
        (opened, work): (Opened, Work),
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let fresh = Fresh {
            msg,
            address: author(opened.heading(), msg),
            received_at: sound::received(msg.received_at, out.now()),
        };
        let id = msg.envelope.id;
        if !first(&fresh, &opened, tx).await? {
            let decided = Decided {
                outcome: "duplicate",
                ..Decided::default()
            };
            return mails::decide(tx, id, &decided).await;
        }
        let decided = self.judge.decide(fresh, (&opened, &work), tx, out).await?;
        common::telemetry::count("kentongan_mails_total", decided.outcome);
        mails::decide(tx, id, &decided).await
    }
}

/// Writes the mail down; false when the same mail was here before, by whatever way.
async fn first(fresh: &Fresh<'_>, opened: &Opened, tx: &Tx<'_>) -> Result<bool> {
    let msg = fresh.msg;
    let heading = opened.heading();
    let subject = heading
        .map(|h| without_nul(&h.subject).into_owned())
        .unwrap_or_default();
    let message_id = heading
        .and_then(|h| h.message_id.as_deref())
        .and_then(|id| sound::id(without_nul(id).into_owned()));
    let arrived = Arrived {
        id: msg.envelope.id,
        trace: msg.envelope.trace,
        blob: &msg.blob,
        // One that was held is here for the second time, and was confirmed.
        digest: opened
            .keys()
            .map(|k| k.effect.as_str())
            .filter(|_| msg.confirmed.is_none()),
        message_id: message_id.as_deref(),
        address: &fresh.address,
        subject: &subject,
        received_at: fresh.received_at,
    };
    if mails::insert(tx, &arrived).await? {
        return Ok(true);
    }
    mails::insert(
        tx,
        &Arrived {
            digest: None,
            ..arrived
        },
    )
    .await?;
    Ok(false)
}

/// The author's address in lower case, else the envelope's sender's; empty when there is none or
/// it is too long for one.
fn author(heading: Option<&Heading>, msg: &EmailInput) -> String {
    let author = heading
        .and_then(|h| h.from.first())
        .map(|m| m.address.clone());
    let address = author
        .or_else(|| msg.sender.clone())
        .unwrap_or_default()
        .to_lowercase();
    sound::address(without_nul(&address).into_owned())
}

#[cfg(test)]
mod tests;
