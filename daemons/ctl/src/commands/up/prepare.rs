//! What must be there before daemons start: schema, queues, lists, places.

use super::Load;
use super::stream::Stream;
use crate::commands::queues;
use crate::context::in_tx;
use crate::context::patient;
use crate::exit::{Fault, Result};
use common::config::Settings;
use common::db::Db;
use common::home::Home;
use common::load::{self, LoadReport};
use std::fs;
use std::path::Path;

/// Brings an installation to where daemons can start. May run any number of times.
pub async fn all(settings: &Settings, what: Load, stream: &Stream) -> Result<()> {
    let db = Db::open(&patient(&settings.database), "ctl")?;
    let applied = common::db::migrate(&db).await?;
    if let (Some(first), Some(last)) = (applied.first(), applied.last()) {
        stream.say(format!("schema brought up to date: {first} to {last}"));
    }
    let home = Home::open(settings, "ctl").await?;
    let made = queues::create(&home, &queues::needed()).await?;
    for queue in made.iter().filter(|q| q.made) {
        stream.say(format!("made queue {}", queue.name));
    }
    if what != Load::Nothing {
        stream.say("loading what is new among the shipped lists and places");
        for (file, report) in in_tx(&db, shipped).await? {
            stream.say(loaded(file, &report));
        }
    }
    if what == Load::Demo {
        let report = in_tx(&db, async |tx| {
            load::demo_people(tx).await.map_err(Fault::new)
        });
        stream.say(loaded("invented people", &report.await?));
    }
    Ok(())
}

async fn shipped(tx: &common::db::Tx<'_>) -> Result<Vec<(&'static str, LoadReport)>> {
    load::shipped(tx).await.map_err(Fault::new)
}

fn loaded(what: &str, report: &LoadReport) -> String {
    let LoadReport {
        added,
        changed,
        unchanged,
        ..
    } = report;
    format!("loaded {what}: {added} new, {changed} changed, {unchanged} as they were")
}

/// Writes a file that somebody waits for: it appears whole.
pub fn write_whole(file: &Path, text: &str) -> Result<()> {
    let beside = file.with_extension("part");
    fs::write(&beside, text)?;
    Ok(fs::rename(&beside, file)?)
}
