//! What the daemons write into the log and count stands in `docs/LOGGING.md`, and nothing else.

use crate::named::{all_pages, identifier, program};
use crate::page::read;
use crate::rules::sources;
use std::collections::BTreeSet;

const PAGE: &str = "docs/LOGGING.md";

#[test]
fn every_metric_and_no_other() {
    let in_text = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        let ours = words.filter(|w| w.starts_with("kentongan_") && w.ends_with("_total"));
        ours.map(str::to_owned).collect()
    };
    let counted = in_text(&program());
    assert!(counted.len() >= 3, "{counted:?}");
    assert_eq!(in_text(&read(PAGE)), counted);
    all_pages(|page| in_text(page).difference(&counted).cloned().collect());
}

#[test]
fn every_field_of_a_log_line_and_no_other() {
    let all = ["common/src", "daemons"].map(sources).into_iter().flatten();
    let fields: BTreeSet<String> = all.flat_map(|(_, text)| fields(&text)).collect();
    let page = read(PAGE);
    let (_, table) = page
        .split_once("| field | what |")
        .expect("the table of fields");
    let table = table.split("\n\n").next().unwrap_or_default();
    let first = table.lines().filter_map(|line| line.split('|').nth(1));
    let named = first.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), fields);
}

/// The fields of all log lines in a source: what stands in front of the sentence.
fn fields(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for level in ["error!(", "warn!(", "info!(", "debug!(", "info_span!("] {
        for after in text.split(level).skip(1) {
            let front = after.split('"').next().unwrap_or_default();
            let names = front.split(',').filter_map(|field| {
                let name = field
                    .split('=')
                    .next()?
                    .trim()
                    .trim_start_matches(['%', '?']);
                let name = name.rsplit('.').next()?;
                identifier(name).then(|| name.to_owned())
            });
            found.extend(names);
        }
    }
    found
}
