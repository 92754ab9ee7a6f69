//! The code engine alone, without a database: reading, checking, answering.

use super::figures::{Figures, quantile};
use super::stage::Stage;
use common::code::lexicon::{EntryRow, ListRow};
use common::code::{Codes, Lexicon, Reader, Reading, shipped};
use common::db::lists;
use common::language::Language;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Each example is done so often in one measurement.
const TURNS: u32 = 200;

/// Median over all examples of the shipped codes, in both languages.
pub async fn cost(stage: &Stage, figures: &mut Figures) {
    let lexicon = lexicon(stage).await;
    let files = shipped::files();
    let since = Instant::now();
    let codes = Codes::load(&files.codes, &files.texts, lexicon);
    let codes = codes.unwrap_or_else(|faults| panic!("the shipped codes are right: {faults:?}"));
    let loaded = since.elapsed().as_secs_f64() * 1e3;
    let mut took = Vec::new();
    for language in Language::ALL {
        let reader = Reader {
            language,
            kind: "VET",
            may: &|_| true,
        };
        for example in codes.specs().flat_map(|s| &s.examples) {
            let since = Instant::now();
            for _ in 0..TURNS {
                black_box(answer(&codes, black_box(&example.text), &reader));
            }
            took.push(since.elapsed().as_secs_f64() * 1e6 / f64::from(TURNS));
        }
    }
    figures.add("engine: all code files loaded and proved", loaded, "ms", "");
    figures.add(
        "engine: a text read and answered, median",
        quantile(&mut took, 0.5),
        "us",
        "",
    );
    figures.add(
        "engine: the dearest example",
        quantile(&mut took, 1.0),
        "us",
        "",
    );
}

fn answer(codes: &Codes, text: &str, reader: &Reader<'_>) -> String {
    let reading = codes.read(text, reader);
    let Reading::Parsed(spec, values) = &reading else {
        return codes.answer(&reading, reader).unwrap_or_default();
    };
    let place = [("place", "Tanjung Tengah".into()), ("case", 1.into())];
    codes.reply(spec, values, reader, &place)
}

async fn lexicon(stage: &Stage) -> Arc<Lexicon> {
    let mut conn = stage.db.connect().await.expect("a connection");
    let tx = conn.begin().await.expect("a transaction");
    let (lists, entries) = lists::all(&tx).await.expect("the lists");
    let lists = lists.into_iter().map(|l| ListRow {
        key: l.key,
        short: l.short.unwrap_or_default(),
        id: l.name_id,
        en: l.name_en,
    });
    let entries = entries.into_iter().map(|e| EntryRow {
        list: e.list,
        code: e.code,
        id: e.name_id,
        en: e.name_en,
        synonyms: e.synonyms.join("|"),
        parent: e.parent.unwrap_or_default(),
    });
    Arc::new(Lexicon::from_rows(lists, entries))
}
