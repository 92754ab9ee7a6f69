//! Channel files, shipped and an installation's own.

use super::Channel;
use crate::{Failure, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The files as they ship, written by the build script.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/channels.rs"));

/// What is wrong with a channel file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel file {file}: {fault}")]
pub struct ChannelFault {
    /// Its name.
    pub file: String,
    /// What, and the remedy.
    pub fault: String,
}

/// Reads one file, and everything that is wrong with it.
pub fn read(file: &str, text: &str) -> std::result::Result<Channel, Vec<ChannelFault>> {
    let fault = |fault: String| ChannelFault {
        file: file.to_owned(),
        fault,
    };
    let channel: Channel =
        toml::from_str(text).map_err(|e| vec![fault(e.to_string().trim().to_owned())])?;
    let mut faults = channel.disproved();
    if file.strip_suffix(".toml") != Some(&channel.channel) {
        faults.push(format!(
            "`channel` is {:?}: a file has its channel's name",
            channel.channel
        ));
    }
    if !sound(&channel.channel) {
        faults.push(
            "`channel`: small letters, digits and _, with a letter first, 30 at most".to_owned(),
        );
    }
    if !channel.pace.per_s.is_finite() || channel.pace.per_s < 0.0 {
        faults.push("`pace.per_s`: must be 0 or more".to_owned());
    }
    if channel.pace.in_flight == 0 {
        faults.push("`pace.in_flight`: must be 1 or more".to_owned());
    }
    if !(0.0..=1.0).contains(&channel.speed.share) {
        faults.push("`speed.share`: must be from 0 to 1".to_owned());
    }
    if channel.worth.limit_s == 0 || channel.worth.sends_at_most == 0 {
        faults.push(
            "`worth.limit_s` and `worth.sends_at_most`: must be 1 or more, or nothing could \
             ever be sent"
                .to_owned(),
        );
    }
    match faults.is_empty() {
        true => Ok(channel),
        false => Err(faults.into_iter().map(fault).collect()),
    }
}

/// Part of a queue's name.
fn sound(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 30
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters)
}

/// The shipped files, by name.
pub fn shipped() -> BTreeMap<String, String> {
    let own = |(file, text): &(&str, &str)| ((*file).to_owned(), (*text).to_owned());
    FILES.iter().map(own).collect()
}

/// All channels of an installation: the shipped files, those of its folder added or in their
/// place. Every fault of every file is told at once.
pub fn of_installation(folder: Option<&Path>) -> Result<BTreeMap<String, Channel>> {
    let mut files = shipped();
    if let Some(folder) = folder {
        files.extend(own(folder)?);
    }
    let mut faults = Vec::new();
    let mut channels = BTreeMap::new();
    for (file, text) in &files {
        match read(file, text) {
            Ok(channel) => drop(channels.insert(channel.channel.clone(), channel)),
            Err(found) => faults.extend(found.iter().map(ToString::to_string)),
        }
    }
    match faults.is_empty() {
        true => Ok(channels),
        false => Err(Failure::quarantine(faults.join("; "))),
    }
}

fn own(folder: &Path) -> Result<Vec<(String, String)>> {
    let fault = |e: std::io::Error| {
        Failure::quarantine(format!("channels folder {}: {e}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".toml") {
            files.push((name, std::fs::read_to_string(&path).map_err(fault)?));
        }
    }
    Ok(files)
}
