//! processor: decides what a mail or a text means, what is stored, and who is told.
//!
//! In:       `text-input` (a text somebody sent), `email-input` (a mail that arrived)
//! Out:      `text-output-<channel>`, `email-output`, `mail-events` (a bounce that came as a mail)
//! Touches:  people, places, lists, cases, reports; reads blobs and deletes what is too old; asks
//!           DNS about a mail's sender.
//! Clock:    urgent cases that nobody answers are told again and to the next level; what was held for
//!           a receiver of many alerts goes out as one text; what is too old is forgotten.
//! Fails:    an unknown sender is told so once a day; a mail without proof of its sender is held
//!           until the registered person confirms it; a code file that is wrong stops the start.
//! Weakness: two texts of one person may change places; `H` goes by the time of sending. A list that
//!           changes is in force a moment later, not at once.

mod config;
mod handlers;
mod mail;
mod upkeep;

use common::{daemon, engine::Engine, workbook};
use handlers::{EmailInputHandler, TextInputHandler};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Workbooks are opened in a process of their own, which is this program again.
    if let Some(code) = workbook::child::play() {
        return code;
    }
    daemon::run("processor", async |d| {
        let engine = Engine::load(d.home(), d.settings()).await?;
        let texts = TextInputHandler::new(engine.clone(), d.settings());
        upkeep::start(&engine, d)?;
        let mails = EmailInputHandler::new(engine.clone(), d)?;
        let blobs = d.settings().blob.clone();
        d.on(texts)
            .on(mails)
            .adopt("email-input", move |body| mail::notice::adopt(body, &blobs))
            // A mail may have 40 MB, and each in hand lies in memory.
            .at_most("email-input", 8)
            .on_reload(move || {
                let engine = engine.clone();
                async move { engine.reload().await }
            });
        Ok(())
    })
}
