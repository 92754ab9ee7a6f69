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
    let made = queues::create(&home, &queues::needed(&settings.bridge.run)).await?;
    for queue in made.iter().filter(|q| q.made) {
        stream.say(format!("made queue {}", queue.name));
    }
    for (file, report) in load(&db, what, stream).await? {
        let (added, changed, same) = (report.added, report.changed, report.unchanged);
        stream.say(format!(
            "loaded {file}: {added} new, {changed} changed, {same} as they were"
        ));
    }
    Ok(())
}

async fn load(db: &Db, what: Load, stream: &Stream) -> Result<Vec<(&'static str, LoadReport)>> {
    if what == Load::Nothing {
        return Ok(Vec::new());
    }
    stream.say("loading what is new among the shipped lists and places");
    in_tx(db, async |tx| {
        let mut reports = match what {
            Load::Lists => load::shipped_lists(tx).await,
            _ => load::shipped(tx).await,
        }
        .map_err(Fault::new)?;
        if what == Load::Demo {
            let people = load::demo_people(tx).await.map_err(Fault::new)?;
            reports.push(("invented people", people));
        }
        Ok(reports)
    })
    .await
}

/// Writes a file that somebody waits for: it appears whole.
pub fn write_whole(file: &Path, text: &str) -> Result<()> {
    let beside = file.with_extension("part");
    fs::write(&beside, text)?;
    Ok(fs::rename(&beside, file)?)
}
