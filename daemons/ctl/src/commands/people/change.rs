//! Adding and changing one person.

use super::list::fault;
use super::show::one;
use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::note;
use crate::record::who;
use clap::Args;
use common::config::Settings;
use common::db::Tx;
use common::people::{self, By, Edit, PersonState, Rules, StoredPerson};
use serde_json::json;

/// Register somebody
#[derive(Debug, Args)]
pub struct Add {
    /// As shown to others
    #[arg(long)]
    name: String,
    /// User type, as in PLS
    #[arg(long = "type", value_name = "CODE")]
    user_type: String,
    /// Language of what we write to them: id or en
    #[arg(long, default_value = "id")]
    language: String,
    /// A number, a mail address, or channel:address; several in order of preference
    #[arg(long, value_name = "ADDRESS", required = true)]
    contact: Vec<String>,
    /// Code of the place where they are
    #[arg(long, value_name = "CODE")]
    home: Option<String>,
    /// Area of responsibility, by code; may be given several times
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// Group that they are in, by code; may be given several times
    #[arg(long, alias = "add-group", value_name = "CODE")]
    group: Vec<String>,
    /// May do this beyond the user type and the groups
    #[arg(long, value_name = "PERMISSION")]
    grant: Vec<String>,
    /// May not do this in spite of them
    #[arg(long, value_name = "PERMISSION")]
    refuse: Vec<String>,
    /// Why; goes on record with your name
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Check, and register nobody
    #[arg(long)]
    dry_run: bool,
}

impl Add {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, db) = context.db()?;
        let added = in_tx(&db, async |tx| {
            let mut person = nobody();
            edited(tx, &settings, &mut person, &self.edits()).await?;
            if self.dry_run {
                return Ok(None);
            }
            let by = By::named(who()).because(self.reason.as_deref());
            Ok(Some(people::add(tx, &by, person).await?))
        });
        let added = added.await?;
        if context.out.json {
            context
                .out
                .document(&json!({ "dry_run": self.dry_run, "person": added }))?;
            return Ok(Exit::Done);
        }
        match added {
            Some(id) => context.out.line(format!("{} is person {id}", self.name))?,
            None => note("A dry run: nobody was registered; nothing stands against it."),
        }
        Ok(Exit::Done)
    }

    fn edits(&self) -> Vec<Edit> {
        let mut edits = vec![
            Edit::Name(self.name.clone()),
            Edit::UserType(self.user_type.clone()),
            Edit::Language(self.language.clone()),
        ];
        edits.extend(self.home.clone().map(|code| Edit::Home(Some(code))));
        edits.extend(self.area.iter().cloned().map(Edit::AddArea));
        edits.extend(self.group.iter().cloned().map(Edit::AddGroup));
        edits.extend(self.grant.iter().map(|p| Edit::Permit(p.clone(), true)));
        edits.extend(self.refuse.iter().map(|p| Edit::Permit(p.clone(), false)));
        edits.extend(self.contact.iter().cloned().map(Edit::AddContact));
        edits
    }
}

/// Change what is stored about somebody
#[derive(Debug, Args)]
pub struct Change {
    /// Who: an id, a number, an address, or a part of the name
    who: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// id or en
    #[arg(long)]
    language: Option<String>,
    /// Another user type, as in VET
    #[arg(long = "type", value_name = "CODE")]
    user_type: Option<String>,
    /// Code of the place where they are
    #[arg(long, value_name = "CODE", conflicts_with = "no_home")]
    home: Option<String>,
    /// They have no home
    #[arg(long)]
    no_home: bool,
    /// One more area of responsibility, by code
    #[arg(long, value_name = "CODE")]
    add_area: Vec<String>,
    /// One area less
    #[arg(long, value_name = "CODE")]
    remove_area: Vec<String>,
    /// One more group that they are in, by code: `kentongan people groups` lists them
    #[arg(long, value_name = "CODE")]
    add_group: Vec<String>,
    /// One group less
    #[arg(long, value_name = "CODE")]
    remove_group: Vec<String>,
    /// All permissions are again what the user type and the groups say
    #[arg(long)]
    reset_permissions: bool,
    /// This permission is again what they say
    #[arg(long, value_name = "PERMISSION")]
    reset: Vec<String>,
    /// May do this beyond the user type and the groups
    #[arg(long, value_name = "PERMISSION")]
    grant: Vec<String>,
    /// May not do this in spite of them
    #[arg(long, value_name = "PERMISSION")]
    refuse: Vec<String>,
    /// One address less
    #[arg(long, value_name = "ADDRESS")]
    remove_contact: Vec<String>,
    /// One more address, tried last: a number, a mail address, or channel:address
    #[arg(long, value_name = "ADDRESS")]
    add_contact: Vec<String>,
    /// This number takes the place of their first one
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// This address of theirs is tried first
    #[arg(long, value_name = "ADDRESS")]
    prefer: Option<String>,
    /// What they send is only for training, kept apart and in no report (true), or real (false)
    #[arg(long, value_name = "BOOL")]
    training: Option<bool>,
    /// Why; goes on record with your name
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Check and say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Change {
    pub async fn run(self, context: &Context) -> Result {
        let edits = self.edits();
        if edits.is_empty() {
            return Err(Fault::usage("nothing is to be changed")
                .remedy("say what: `kentongan people change --help` lists it"));
        }
        change(
            context,
            (&self.who, self.reason.as_deref()),
            &edits,
            self.dry_run,
        )
        .await
    }

    /// What goes is let go before what comes is checked.
    fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        edits.extend(self.name.clone().map(Edit::Name));
        edits.extend(self.language.clone().map(Edit::Language));
        edits.extend(self.user_type.clone().map(Edit::UserType));
        edits.extend(self.home.clone().map(|code| Edit::Home(Some(code))));
        edits.extend(self.no_home.then_some(Edit::Home(None)));
        edits.extend(self.remove_area.iter().cloned().map(Edit::RemoveArea));
        edits.extend(self.add_area.iter().cloned().map(Edit::AddArea));
        edits.extend(self.remove_group.iter().cloned().map(Edit::RemoveGroup));
        edits.extend(self.add_group.iter().cloned().map(Edit::AddGroup));
        edits.extend(self.reset_permissions.then_some(Edit::ResetAll));
        edits.extend(self.reset.iter().cloned().map(Edit::Reset));
        edits.extend(self.grant.iter().map(|p| Edit::Permit(p.clone(), true)));
        edits.extend(self.refuse.iter().map(|p| Edit::Permit(p.clone(), false)));
        edits.extend(self.remove_contact.iter().cloned().map(Edit::RemoveContact));
        edits.extend(self.add_contact.iter().cloned().map(Edit::AddContact));
        edits.extend(self.number.clone().map(Edit::Number));
        edits.extend(self.prefer.clone().map(Edit::Prefer));
        edits.extend(self.training.map(Edit::Training));
        edits
    }
}

/// Whom it is about, and why.
#[derive(Debug, Args)]
pub struct Fate {
    /// Who: an id, a number, an address, or a part of the name
    who: String,
    /// Why; goes on record with your name
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Fate {
    pub async fn run(self, context: &Context, state: PersonState) -> Result {
        let about = (self.who.as_str(), Some(self.reason.as_str()));
        change(context, about, &[Edit::State(state)], false).await
    }
}

async fn change(
    context: &Context,
    (person, reason): (&str, Option<&str>),
    edits: &[Edit],
    dry_run: bool,
) -> Result {
    let (settings, db) = context.db()?;
    let changed = in_tx(&db, async |tx| {
        let id = one(tx, &settings, person).await?;
        let gone = || Fault::nothing(format!("there is no person {id}"));
        let old = people::take(tx, id).await?.ok_or_else(gone)?;
        if people::is_erased(tx, id).await? {
            return Err(Fault::usage(format!("person {id} was erased"))
                .remedy("register them anew with `kentongan people add`"));
        }
        let mut new = old.clone();
        edited(tx, &settings, &mut new, edits).await?;
        let by = By::named(who()).because(reason);
        let count = match dry_run {
            true => people::differences(&old, &new),
            false => people::save(tx, &by, &old, &new).await?,
        };
        Ok((id, new.name, count))
    });
    let (id, name, count) = changed.await?;
    if context.out.json {
        let told = json!({ "person": id, "changes": count, "dry_run": dry_run });
        context.out.document(&told)?;
        return Ok(Exit::Done);
    }
    let things = if count == 1 { "change" } else { "changes" };
    context
        .out
        .line(format!("{name} (person {id}): {count} {things}"))?;
    if dry_run {
        note("A dry run: nothing was changed.");
    }
    Ok(Exit::Done)
}

/// Makes the changes in the copy, or tells every one that cannot be made.
async fn edited(
    tx: &Tx<'_>,
    settings: &Settings,
    person: &mut StoredPerson,
    edits: &[Edit],
) -> Result<()> {
    let rules = Rules::of(
        tx,
        &settings.engine.place_systems,
        settings.engine.numbering(),
    )
    .await?;
    let mut faults = people::apply(tx, &rules, person, edits).await?;
    match faults.len() {
        0 => Ok(()),
        1 => Err(fault(faults.remove(0))),
        count => {
            faults.iter().for_each(note);
            Err(Fault::usage(format!(
                "{count} things stand against it; nothing was changed"
            )))
        }
    }
}

/// Somebody of whom nothing is known yet.
fn nobody() -> StoredPerson {
    StoredPerson {
        id: 0,
        name: String::new(),
        language: "id".into(),
        user_type: String::new(),
        home_place: None,
        state: PersonState::Active.as_str().into(),
        contacts: Vec::new(),
        areas: Vec::new(),
        permissions: Vec::new(),
        groups: Vec::new(),
        training: false,
    }
}
