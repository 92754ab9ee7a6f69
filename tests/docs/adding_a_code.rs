//! Follows `docs/adding-a-code.md` with the true programs: writes its files, types its commands.

use crate::page::{self, Step};
use crate::reader::Reader;
use common::code::spec::Example;
use common::code::{kind, names};
use kentongan_tests::world::{Build, Place, World, people};
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/adding-a-code.md";

#[tokio::test]
async fn whoever_follows_the_page_gets_what_it_prints() {
    let reader = Reader::of(PAGE).await;
    assert!(reader.faults.is_empty(), "{}", reader.faults.join("\n\n"));
    assert!(reader.answers >= 8, "it was read");
    let rows = "SELECT count(*) FROM data_susu WHERE litres IN (12.5, 7) AND cows IN (4, 2)";
    let left = reader.world.number(rows).await;
    assert_eq!(left, 1, "two were stored and one was taken back");
}

#[tokio::test]
async fn the_readme_shows_what_comes() {
    let reader = Reader::of("README.md").await;
    assert!(reader.faults.is_empty(), "{}", reader.faults.join("\n\n"));
    assert!(reader.answers >= 3, "it was read");
}

/// The examples in the page's own files, as `make test` plays those of shipped files.
#[tokio::test]
async fn the_examples_in_the_page_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut examples = Vec::new();
    for step in page::steps(&page::read(PAGE)) {
        let Step::File { name, text } = step else {
            continue;
        };
        let path = folder
            .path()
            .join(Path::new(&name).file_name().expect("a name"));
        match name.split_once('/') {
            Some(("codes", _)) => fs::write(path, &text).expect("the file"),
            None => fs::write(path, &text).expect("the permissions"),
            _ => continue,
        }
        if name.ends_with(".toml") {
            let file: toml::Table = text.parse().expect("TOML");
            let rows = file["example"].clone().try_into::<Vec<Example>>();
            examples.extend(rows.expect("examples"));
        }
    }
    let codes = folder.path().display().to_string();
    let mut world = Build::new(Place::OneBox)
        .with("engine.codes", codes)
        .make()
        .await;
    permit(&world, &folder.path().join("permissions.csv")).await;
    world.start("processor").await;
    for example in &examples {
        assert_eq!(example.from, "pelsa");
        for before in &example.after {
            let text = before.strip_prefix("pelsa: ").expect("the same sender");
            world.text(people::PELSA, text).await;
        }
        let answer = world.text(people::PELSA, &example.text).await;
        match (&example.reply, &example.error) {
            (Some(reply), _) => assert!(Example::fits(&reply.id, &answer), "{answer}"),
            (None, Some(_)) => assert!(answer.starts_with("Format salah."), "{answer}"),
            (None, None) => panic!("{example:?} expects nothing"),
        }
    }
    assert!(examples.len() >= 3, "they were read");
}

async fn permit(world: &World, file: &Path) {
    let mut conn = world.db.connect().await.expect("the database answers");
    let tx = conn.begin().await.expect("a transaction");
    let file = fs::File::open(file).expect("the permissions");
    let loaded = common::load::permissions(&tx, file).await;
    loaded.expect("they are right");
    tx.commit().await.expect("they are kept");
}

#[test]
fn the_page_names_all_that_a_file_may_use() {
    let page = page::read(PAGE);
    let types = kind::NAMES
        .split(", ")
        .map(|t| t.replace("<key>", "species"));
    let mut wanted: Vec<String> = types.collect();
    wanted.extend(
        names::ALWAYS
            .iter()
            .chain(names::BARE)
            .map(|n| (*n).to_owned()),
    );
    wanted.extend(names::PARAMETERS.iter().map(|n| format!(":{n}")));
    for (effect, more) in names::EFFECTS {
        wanted.push((*effect).to_owned());
        wanted.extend(more.iter().map(|n| (*n).to_owned()));
    }
    let missing = |name: &&String| !page.contains(&format!("`{name}`"));
    let missing: Vec<_> = wanted.iter().filter(missing).collect();
    assert!(missing.is_empty(), "{PAGE} does not name {missing:?}");
}
