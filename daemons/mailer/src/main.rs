//! mailer: sends mail, and learns from bounces and complaints whom not to write to.
//!
//! In:       `email-output` (a mail for somebody), `mail-events` (what became of one)
//! Out:      `email-output`, `text-output-<channel>`: what an address did not take goes to the
//!           receiver's next
//! Touches:  SES, a mail server or a maildir; deliveries, suppressions, quota; reads blobs.
//! Fails:    what the transport refuses for good is recorded and closed; what nobody knows the end
//!           of is sent again or left, as the settings say; everything else is tried again.
//! Weakness: a mail sent again after a crash may arrive twice; its Message-ID is the same, except
//!           with SES, which gives its own.

mod adopt;
mod allowance;
mod config;
mod handlers;
mod limits;
mod upkeep;

use common::daemon;
use handlers::{EmailOutputDeliverer, MailEventHandler};
use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::run("mailer", async |d| {
        let mails = EmailOutputDeliverer::open(d.settings(), d.home()).await?;
        tokio::spawn(mails.upkeep().run());
        d.on_reload(mails.reload())
            .deliver(mails)
            .on(MailEventHandler)
            .adopt("mail-events", adopt::ses_events);
        Ok(())
    })
}
