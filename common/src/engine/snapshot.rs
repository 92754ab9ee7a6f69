//! Code files and lists as of now, checked whole before they come into force.

use super::ask::bound_type;
use crate::code::lexicon::{EntryRow, ListRow};
use crate::code::{CodeFault, Codes, Lexicon, Spec, shipped};
use crate::db::lists::{self, Entry, List};
use crate::db::{Db, people, reports, views};
use crate::home::Home;
use crate::{Failure, Result, config};
use std::sync::Arc;
use tracing::{info, warn};

/// Loads what stands in the database and in the code folder. A fault of any file keeps all of it
/// out; each is named.
pub(super) async fn load(home: &Home, settings: &config::Engine) -> Result<Codes> {
    let lexicon = lexicon(&home.db).await?;
    let codes = compile(settings, lexicon)?;
    let groups = groups(&home.db).await?;
    let types = codes.lexicon().list("user_type");
    let faults = types.map(|types| codes.alerting().circles.check(types, &groups));
    if let Some(faults) = faults.filter(|faults| !faults.is_empty()) {
        return Err(Failure::quarantine(faults.join("; ")));
    }
    check_queries(&home.db, &codes).await?;
    make_views(&home.db, &codes).await;
    Ok(codes)
}

/// The views are for people who ask the database; a daemon that may not make them goes on.
async fn make_views(db: &Db, codes: &Codes) {
    let made = async {
        let specs: Vec<&Spec> = codes.specs().map(|s| &**s).filter(|s| s.stores()).collect();
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let made = views::make(&tx, &specs).await?;
        tx.commit().await.map(|()| made)
    };
    match made.await {
        Ok(0) => {}
        Ok(made) => info!(made, "Made the views of codes that are new or changed"),
        Err(e) => warn!(error = %e, "The views of codes were not made; those of last time stay"),
    }
}

/// Codes of all groups.
async fn groups(db: &Db) -> Result<Vec<String>> {
    let mut conn = db.connect().await?;
    let tx = conn.begin().await?;
    let groups = people::groups::groups(&tx).await?;
    tx.commit().await?;
    Ok(groups.into_iter().map(|g| g.code).collect())
}

/// All lists of the database.
async fn lexicon(db: &Db) -> Result<Arc<Lexicon>> {
    let mut conn = db.connect().await?;
    let tx = conn.begin().await?;
    let (lists, entries) = lists::all(&tx).await?;
    tx.commit().await?;
    if lists.is_empty() {
        let remedy = "load them with `kentongan load lists --shipped`";
        return Err(Failure::quarantine(format!(
            "there are no code lists: {remedy}"
        )));
    }
    Ok(lexicon_of(lists, entries))
}

/// Lists as the engine knows them; what is retired is left out.
fn lexicon_of(lists: Vec<List>, entries: Vec<Entry>) -> Arc<Lexicon> {
    let entries = entries.into_iter().filter(|e| !e.retired).map(entry_row);
    Arc::new(Lexicon::from_rows(lists.into_iter().map(list_row), entries))
}

/// Compiles the code files against the shipped lists, without a database: every fault of any file.
/// Queries are not tried; only a database can do that.
pub fn compile_offline(settings: &config::Engine) -> std::result::Result<Codes, Vec<String>> {
    let alone = |e: &dyn std::fmt::Display| vec![e.to_string()];
    let (lists, entries) = crate::load::lists_as_shipped().map_err(|e| alone(&e))?;
    let lexicon = lexicon_of(lists, entries);
    let files = files(settings).map_err(|e| alone(&e))?;
    Codes::load_for(&settings.numbering(), &files.codes, &files.texts, lexicon)
        .map(|codes| codes.signed(&settings.signature))
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The shipped code files with those of the settings' folder.
fn compile(settings: &config::Engine, lexicon: Arc<Lexicon>) -> Result<Codes> {
    let files = files(settings)?;
    Codes::load_for(&settings.numbering(), &files.codes, &files.texts, lexicon)
        .map(|codes| codes.signed(&settings.signature))
        .map_err(|faults| Failure::quarantine(listed(&faults)))
}

fn files(settings: &config::Engine) -> Result<shipped::Files> {
    let files = shipped::files();
    match &settings.codes {
        None => Ok(files),
        Some(folder) => files.with_folder(folder).map_err(|e| {
            let folder = folder.display();
            Failure::quarantine(format!("settings key `engine.codes` ({folder}): {e}"))
        }),
    }
}

/// Every query is one that this database understands, with the parameter types that we bind.
async fn check_queries(db: &Db, codes: &Codes) -> Result {
    let mut conn = db.connect().await?;
    let tx = conn.begin().await?;
    let mut faults = Vec::new();
    for (spec, query) in codes.specs().filter_map(|s| Some((s, s.query.as_ref()?))) {
        let file = spec.code.to_lowercase();
        let names = query.sql.params.iter().map(String::as_str);
        let bound: Vec<_> = names.map(|n| (n, bound_type(spec, n))).collect();
        match reports::check(&tx, &query.sql.text, &bound).await {
            Ok(unfit) => faults.extend(unfit.iter().map(|f| format!("{file}.sql: {f}"))),
            Err(e) if matches!(e.verdict, crate::Verdict::Wait(_)) => return Err(e),
            Err(e) => {
                faults.push(format!("{file}.sql: {e}"));
                // A failed statement ends what a transaction may do; the next wants a new one.
                tx.batch("ROLLBACK; BEGIN").await?;
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::quarantine(faults.join("; ")))
    }
}

fn listed(faults: &[CodeFault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn list_row(list: List) -> ListRow {
    ListRow {
        key: list.key,
        short: list.short.unwrap_or_default(),
        id: list.name_id,
        en: list.name_en,
    }
}

fn entry_row(entry: Entry) -> EntryRow {
    EntryRow {
        list: entry.list,
        code: entry.code,
        id: entry.name_id,
        en: entry.name_en,
        synonyms: entry.synonyms.join("|"),
        parent: entry.parent.unwrap_or_default(),
    }
}
