//! The settings file of a world: the sample of its home, with what must differ.

use crate::servers::ministack::endpoint;
use common::config::Settings;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// In front of every key in the bucket.
pub const BLOB_PREFIX: &str = "kentongan/";

/// What differs from world to world.
pub struct Wanted<'a> {
    pub url: &'a str,
    pub prefix: &'a str,
    /// Port of the proxy before the stand-in for AWS; absent on one box.
    pub aws: Option<u16>,
}

/// Writes `kentongan.toml` and what it names; the settings as a daemon will read them.
pub fn write(folder: &Path, wanted: &Wanted<'_>, changes: &[(&str, Value)]) -> Settings {
    let sample = match wanted.aws {
        None => include_str!("../../../deploy/config/one-box.toml"),
        Some(_) => include_str!("../../../deploy/config/aws.toml"),
    };
    let mut table: Table = sample.parse().expect("the sample is TOML");
    let path = |name: &str| Value::from(folder.join(name).display().to_string());
    fs::create_dir(folder.join("blobs")).expect("a folder for blobs");
    let keys = "a key that only tests have, and long enough\n";
    fs::write(folder.join("token-keys"), keys).expect("the keys");
    table.remove("metrics");
    section(&mut table, "database").remove("password_file");
    table.insert(
        "transport".into(),
        kind("maildir", [("folder", path("mails"))]),
    );
    if let Some(port) = wanted.aws {
        let at = || {
            [
                ("endpoint", endpoint(port).into()),
                ("region", "us-east-1".into()),
            ]
        };
        table.insert("queue".into(), kind("sqs", at()));
        let bucket = [
            ("bucket", wanted.prefix.into()),
            ("prefix", BLOB_PREFIX.into()),
            ("path_style", true.into()),
        ];
        table.insert("blob".into(), kind("s3", bucket.into_iter().chain(at())));
    } else {
        set(&mut table, "blob.folder", path("blobs"));
    }
    let own: [(&str, Value); 11] = [
        ("prefix", wanted.prefix.into()),
        ("database.url", wanted.url.into()),
        ("secrets.token_keys_file", path("token-keys")),
        ("log.to", "stderr".into()),
        (
            "engine.place_systems",
            vec!["kemendagri", "isikhnas"].into(),
        ),
        // As the mails of tests/mails/ were written for.
        ("mail.domain", "kentongan.example".into()),
        ("mail.from", "lapor@kentongan.example".into()),
        (
            "mail.own_addresses",
            vec!["postmaster@kentongan.example"].into(),
        ),
        (
            "mail.trusted_servers",
            vec!["mail.kentongan.example"].into(),
        ),
        // What a killed daemon held comes back soon, and so does what failed.
        ("frame.lease_s", 4.into()),
        ("frame.retry_base_s", 0.2.into()),
    ];
    for (key, value) in own.iter().chain(changes) {
        set(&mut table, key, value.clone());
    }
    save(&folder.join("kentongan.toml"), &table)
}

/// Changes one key of a written file.
pub fn change(file: &Path, key: &str, value: Value) -> Settings {
    let text = fs::read_to_string(file).expect("the settings were written");
    let mut table: Table = text.parse().expect("the settings are TOML");
    set(&mut table, key, value);
    save(file, &table)
}

fn save(file: &Path, table: &Table) -> Settings {
    fs::write(file, table.to_string()).expect("the settings");
    Settings::read(file).expect("the settings can be used")
}

fn kind<'a>(kind: &str, rest: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let all = [("kind", kind.into())].into_iter().chain(rest);
    Value::Table(all.map(|(k, v)| (k.to_owned(), v)).collect())
}

fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((name, rest)) => set(section(table, name), rest, value),
        None => drop(table.insert(key.to_owned(), value)),
    }
}

fn section<'a>(table: &'a mut Table, name: &str) -> &'a mut Table {
    let section = table
        .entry(name)
        .or_insert_with(|| Value::Table(Table::new()));
    section.as_table_mut().expect("a section")
}
