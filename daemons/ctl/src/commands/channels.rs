//! `kentongan channels`

mod test;

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out};
use crate::time::{age, shown};
use clap::{Args, Subcommand};
use common::channel::{self, Channel};
use common::config::Bridge;
use common::db::channels::{self, ChannelState, Health};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Networks that carry texts: how they do, and whether they may
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan channels list
  kentongan channels check /etc/kentongan/channels
  kentongan channels test sms --to 081234567890
  kentongan channels pause sms          texts go by another channel, or wait
  kentongan channels resume sms")]
pub struct Channels {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All channels, which of them run here, and how they do
    List,
    /// Read channel files and play their cases, without sending anything
    Check {
        /// Folder of channel files [default: `bridge.channels`]
        folder: Option<PathBuf>,
    },
    /// Send nothing by this channel until it is resumed; what comes in is taken
    Pause {
        /// Its name
        name: String,
    },
    /// Send by this channel again
    Resume {
        /// Its name
        name: String,
    },
    Test(test::Test),
}

/// One line of the list.
#[derive(serde::Serialize)]
struct Line {
    channel: String,
    about: String,
    address: String,
    runs: bool,
    #[serde(flatten)]
    state: Option<ChannelState>,
}

impl Channels {
    pub async fn run(self, context: &Context) -> Result {
        match self.what {
            What::List => list(context).await,
            What::Check { folder } => {
                let configured = folder.is_none();
                let folder = match configured {
                    true => context.settings()?.bridge.channels,
                    false => folder,
                };
                check(context.out, folder)
            }
            What::Pause { name } => pause(context, &name, true).await,
            What::Resume { name } => pause(context, &name, false).await,
            What::Test(it) => it.run(context).await,
        }
    }
}

fn files(bridge: &Bridge) -> Result<BTreeMap<String, Channel>> {
    Ok(channel::of_installation(bridge.channels.as_deref())?)
}

async fn list(context: &Context) -> Result {
    let (settings, db) = context.db()?;
    let states = in_tx(&db, async |tx| Ok(channels::all(tx).await?)).await?;
    let mut states: BTreeMap<_, _> = states.into_iter().map(|s| (s.channel.clone(), s)).collect();
    let lines: Vec<Line> = files(&settings.bridge)?
        .into_values()
        .map(|channel| Line {
            runs: settings.bridge.run.contains(&channel.channel),
            state: states.remove(&channel.channel),
            channel: channel.channel,
            about: channel.about,
            address: channel.address,
        })
        .collect();
    if context.out.json {
        context.out.document(&lines)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = lines.iter().map(|l| row(context.out, l)).collect();
    let heads = [
        "channel",
        "serves",
        "state",
        "in time",
        "connected",
        "about",
    ];
    context.out.table(&heads, &rows)?;
    Ok(Exit::Done)
}

fn row(out: Out, line: &Line) -> Vec<String> {
    let state = line.state.as_ref().filter(|_| line.runs);
    let now = Timestamp::now();
    vec![
        line.channel.clone(),
        line.address.clone(),
        word(out, state, line.runs),
        state.map_or_else(String::new, |s| format!("{}/{}", s.in_time, s.handed)),
        state
            .and_then(|s| s.connected)
            .map_or_else(String::new, |at| format!("{} ago", shown(age(at, now)))),
        line.about.clone(),
    ]
}

/// How it does, in one word or two.
fn word(out: Out, state: Option<&ChannelState>, runs: bool) -> String {
    let Some(state) = state else {
        return if runs { "never ran" } else { "not used" }.to_owned();
    };
    if let Some(by) = &state.paused_by {
        return out.look(Look::Yellow, format!("paused by {by}"));
    }
    match state.health {
        Health::Good => out.look(Look::Green, "good"),
        health => out.look(Look::Yellow, health.name()),
    }
}

fn check(out: Out, folder: Option<PathBuf>) -> Result {
    let all = channel::of_installation(folder.as_deref())?;
    if out.json {
        let names: Vec<&String> = all.keys().collect();
        out.document(&names)?;
        return Ok(Exit::Done);
    }
    for channel in all.values() {
        let cases = channel.cases.len();
        out.line(format!("{}: sound, {cases} cases hold", channel.channel))?;
    }
    Ok(Exit::Done)
}

async fn pause(context: &Context, name: &str, stop: bool) -> Result {
    let (_, db) = context.db()?;
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    let by = by.unwrap_or_else(|_| "an operator".to_owned());
    let by = stop.then_some(by.as_str());
    let (known, changed) = in_tx(&db, async |tx| {
        let known = channels::all(tx).await?.iter().any(|s| s.channel == name);
        Ok((known, channels::pause(tx, name, by).await?))
    })
    .await?;
    if !known {
        return Err(
            Fault::nothing(format!("no bridge has ever run a channel `{name}`"))
                .remedy("`kentongan channels list` shows all"),
        );
    }
    context.out.line(match (changed, stop) {
        (true, true) => format!("{name}: paused; texts go by another channel, or wait"),
        (true, false) => format!("{name}: resumed"),
        (false, true) => format!("{name}: was paused already"),
        (false, false) => format!("{name}: was not paused"),
    })?;
    Ok(Exit::Done)
}
