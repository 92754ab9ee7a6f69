//! What a message names besides its place and its case, looked up: owners, animals, programmes,
//! permits, infrastructure.

use super::{Answer, Turn};
use crate::Result;
use crate::code::kind::Kind;
use crate::code::spec::Field;
use crate::code::{Spec, Value, Var, names};
use crate::db::herds::{self, Animal, Hold, Owner};
use crate::db::subjects::{Sort, Subject};
use crate::db::works::{self, Infrastructure, Permit, Program};
use crate::document::Seal;
use crate::language::Language;
use crate::phone;
use serde_json::Value as Json;
use std::sync::Arc;

/// Most animals of a herd that are told when one is not among them.
const TOLD: i64 = 8;

/// What the fields of a message stand for, by the field's name.
#[derive(Debug, Default)]
pub struct Found {
    owners: Vec<(Arc<str>, Owner)>,
    animals: Vec<(Arc<str>, Vec<Animal>)>,
    programs: Vec<(Arc<str>, Program)>,
    permits: Vec<(Arc<str>, Permit)>,
    infrastructures: Vec<(Arc<str>, Infrastructure)>,
    seals: Vec<(Arc<str>, bool)>,
}

impl Found {
    /// The owner that a field names; for an optional field that was left out, the sender's own herd.
    pub fn owner(&self, field: &str) -> Option<&Owner> {
        named(&self.owners, field)
    }

    /// The animals that a field names, in the order of the message.
    pub fn animals(&self, field: &str) -> &[Animal] {
        named(&self.animals, field).map_or(&[], Vec::as_slice)
    }

    /// All animals that the message names.
    pub fn herded(&self) -> impl Iterator<Item = &Animal> {
        self.animals.iter().flat_map(|(_, animals)| animals)
    }

    /// The programme that a field names.
    pub fn program(&self, field: &str) -> Option<&Program> {
        named(&self.programs, field)
    }

    /// The infrastructure that a field names.
    pub fn infrastructure(&self, field: &str) -> Option<&Infrastructure> {
        named(&self.infrastructures, field)
    }

    /// The permit that a field names. Withdrawn ones are found by questions only.
    pub fn permit(&self, field: &str) -> Option<&Permit> {
        named(&self.permits, field)
    }

    /// The first owner of the message: whose animals it speaks of.
    pub fn herd(&self) -> Option<&Owner> {
        self.owners.first().map(|(_, owner)| owner)
    }

    /// The first infrastructure of the message: where it speaks of, when nothing else says that.
    pub fn site(&self) -> Option<&Infrastructure> {
        self.infrastructures.first().map(|(_, site)| site)
    }

    /// The row behind a field, for a query's parameter; of several animals the first.
    pub(super) fn id(&self, field: &str) -> Option<i64> {
        self.owner(field)
            .map(|o| o.id)
            .or_else(|| self.animals(field).first().map(|a| a.id))
            .or_else(|| self.infrastructure(field).map(|i| i.id))
    }

    /// Everything found, as what a report is about.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let owners = self.owners.iter().map(|(_, o)| (Sort::Owner, o.id));
        let animals = self.animals.iter().flat_map(|(_, all)| all);
        let animals = animals.map(|a| (Sort::Animal, a.id));
        let programs = self.programs.iter().map(|(_, p)| (Sort::Program, p.id));
        let permits = self.permits.iter().map(|(_, p)| (Sort::Permit, p.id));
        let places = self.infrastructures.iter();
        let places = places.map(|(_, i)| (Sort::Infrastructure, i.id));
        let all = owners.chain(animals).chain(programs).chain(permits);
        let mut subjects: Vec<Subject> = Vec::new();
        for (sort, id) in all.chain(places) {
            if !subjects.iter().any(|s| (s.sort, s.id) == (sort, id)) {
                subjects.push(Subject::about(sort, id));
            }
        }
        subjects
    }

    /// What texts print for fields that were looked up.
    pub(super) fn said(&self, language: Language) -> Vec<(&str, Var)> {
        let owners = self.owners.iter();
        let owners = owners.map(|(name, o)| (&**name, Var::from(o.name.as_str())));
        let programs = self.programs.iter();
        let programs = programs.map(|(name, p)| (&**name, Var::from(p.name(language))));
        let places = self.infrastructures.iter();
        let places = places.map(|(name, i)| (&**name, Var::from(i.name.as_str())));
        let seals = self.seals.iter();
        let seals = seals.map(|(name, good)| (&**name, Var::from(*good)));
        owners.chain(programs).chain(places).chain(seals).collect()
    }

    /// An owner is kept by number: what was typed may be ambiguous tomorrow.
    pub(super) fn settle(&self, fields: &mut Json) {
        for (name, owner) in &self.owners {
            fields[&**name] = Json::from(owner.id.to_string());
        }
    }
}

fn named<'a, T>(all: &'a [(Arc<str>, T)], field: &str) -> Option<&'a T> {
    let found = all.iter().find(|(name, _)| &**name == field);
    found.map(|(_, one)| one)
}

/// A refusal is the inner `Err`.
type Looked<T> = Result<std::result::Result<T, Answer>>;

impl Turn<'_> {
    /// Looks up everything that the message names, in the order of its format: animals belong to the
    /// owner before them.
    pub(super) async fn found(&self) -> Looked<Found> {
        let mut found = Found::default();
        for field in &self.spec.fields {
            let refused = match &field.kind {
                Kind::Owner => self.owner(field, &mut found).await?,
                Kind::Animal => self.animals(field, &mut found).await?,
                Kind::Program => self.program(field, &mut found).await?,
                Kind::Permit => self.permit(field, &mut found).await?,
                Kind::Infrastructure => self.infrastructure(field, &mut found).await?,
                Kind::Seal => {
                    self.seal(field, &mut found);
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(refused) = refused {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(found))
    }

    /// What a report is about must be there still when it is kept.
    fn hold(&self) -> Hold {
        match self.spec.stores() {
            true => Hold::Keep,
            false => Hold::Read,
        }
    }

    /// What was typed in fields that print as something else, under [`names::as_typed`].
    pub(super) fn typed(&self) -> Vec<(String, Var)> {
        let fields = self.spec.fields.iter();
        let typed = fields.filter_map(|field| {
            let name = names::as_typed(field)?;
            let value = self.values.get(&field.name)?;
            Some((name, Var::from(value.shown(self.reader.language))))
        });
        typed.collect()
    }

    async fn owner(&self, field: &Field, found: &mut Found) -> Looked<()> {
        let sender = self.asked.sender.id;
        let Some(Value::Owner(typed)) = self.values.get(&field.name) else {
            let Some(own) = herds::of_person(self.tx, sender, self.hold()).await? else {
                let format = self.spec.format_line(&self.reader);
                return Ok(Err(self.refused("no_herd", &[("format", format.into())])));
            };
            found.owners.push((field.name.clone(), own));
            return Ok(Ok(()));
        };
        let country = &self.engine.settings.country_code;
        let digits = typed.trim_start_matches('+');
        let dialled = phone::dialled(typed, country);
        let mut owners = herds::owners(self.tx, sender, (digits, &dialled), self.hold()).await?;
        let word = ("word", Var::from(typed.as_str()));
        if owners.len() > 1 {
            let told = owners.iter().map(|o| format!("{} {}", o.name, o.id));
            let told = told.collect::<Vec<_>>().join(", ");
            let told = ("owners", Var::from(told));
            return Ok(Err(self.refused("many_owners", &[word, told])));
        }
        let Some(owner) = owners.pop() else {
            return Ok(Err(self.refused("unknown_owner", &[word])));
        };
        if owner.state == "waiting" {
            let name = ("name", Var::from(owner.name.as_str()));
            return Ok(Err(self.refused("waiting_owner", &[word, name])));
        }
        found.owners.push((field.name.clone(), owner));
        Ok(Ok(()))
    }

    async fn animals(&self, field: &Field, found: &mut Found) -> Looked<()> {
        let words = self.values.words(&field.name);
        let typed: Vec<&str> = words
            .iter()
            .filter_map(|value| match value {
                Value::Animal(code) => Some(code.as_str()),
                _ => None,
            })
            .collect();
        let Some(owner) = found.herd().filter(|_| !typed.is_empty()) else {
            return Ok(Ok(()));
        };
        let memory = self.memory();
        let mut animals = herds::animals(self.tx, owner.id, &typed, &memory, self.hold()).await?;
        animals.extend(self.gone(owner, &typed, &animals).await?);
        if let Some(missing) = typed
            .iter()
            .find(|t| !animals.iter().any(|a| a.code == **t))
        {
            let (herd, all) = herds::herd(self.tx, owner.id, TOLD).await?;
            let values = [
                ("word", Var::from(*missing)),
                ("owner", Var::from(owner.name.as_str())),
                ("near", Var::from(herd.join(", "))),
                ("all", Var::from(all)),
            ];
            return Ok(Err(self.refused("unknown_animal", &values)));
        }
        found.animals.push((field.name.clone(), animals));
        Ok(Ok(()))
    }

    /// Who asks finds animals that are gone as well; officers, who name the herd, also those that it has sold
    /// or calls otherwise now. What became of an animal at its buyer's is no business of a farmer's. A birth
    /// is reported of a dam that is gone, too: she may have died of it.
    async fn gone(&self, owner: &Owner, typed: &[&str], there: &[Animal]) -> Result<Vec<Animal>> {
        let mut gone = Vec::new();
        if self.spec.stores() && self.spec.effect.as_deref() != Some("birth") {
            return Ok(gone);
        }
        let officer = owner.person != Some(self.asked.sender.id);
        let left = officer && !self.spec.stores();
        for code in typed {
            if there.iter().any(|a| a.code == **code) {
                continue;
            }
            let (which, memory) = ((owner.id, *code), self.memory());
            let found = herds::gone(self.tx, which, left, &memory, self.hold()).await?;
            // Asked for by the id that it had.
            gone.extend(found.map(|animal| Animal {
                code: (*code).to_owned(),
                ..animal
            }));
        }
        Ok(gone)
    }

    /// The codes whose reports about an animal a code with rules for animals looks at.
    fn memory(&self) -> Vec<&str> {
        let told = |spec: &&Arc<Spec>| spec.animal.as_ref().is_some_and(|a| a.event.is_some());
        match &self.spec.animal {
            None => Vec::new(),
            Some(_) => self
                .codes
                .specs()
                .filter(told)
                .map(|s| s.code.as_str())
                .collect(),
        }
    }

    async fn program(&self, field: &Field, found: &mut Found) -> Looked<()> {
        let Some(Value::Program(number)) = self.values.get(&field.name) else {
            return Ok(Ok(()));
        };
        let word = ("word", Var::from(*number));
        let Some(program) = works::program(self.tx, *number, self.asked.sent_at).await? else {
            return Ok(Err(self.refused("unknown_program", &[word])));
        };
        let name = Var::from(program.name(self.reader.language));
        let about = [
            word,
            ("program", name),
            ("code", Var::from(self.spec.code.as_str())),
        ];
        if !takes(field, &program.kind) {
            let kind = ("kind", Var::from(program.kind.as_str()));
            return Ok(Err(
                self.refused("other_program", &[&about[..], &[kind]].concat())
            ));
        }
        if self.spec.stores() && !program.runs {
            let from = (
                "from",
                Var::from(program.starts_on.map_or_else(String::new, day)),
            );
            let until = (
                "until",
                Var::from(program.ends_on.map_or_else(String::new, day)),
            );
            let all = [&about[..], &[from, until]].concat();
            return Ok(Err(self.refused("program_over", &all)));
        }
        found.programs.push((field.name.clone(), program));
        Ok(Ok(()))
    }

    /// Nothing is reported of a permit that was withdrawn; who asks is told.
    async fn permit(&self, field: &Field, found: &mut Found) -> Looked<()> {
        let Some(Value::Permit(number)) = self.values.get(&field.name) else {
            return Ok(Ok(()));
        };
        let word = [("word", Var::from(*number))];
        match works::permit(self.tx, *number).await? {
            None => Ok(Err(self.refused("unknown_permit", &word))),
            Some(permit) if permit.state == "withdrawn" && self.spec.stores() => {
                Ok(Err(self.refused("withdrawn_permit", &word)))
            }
            Some(permit) => {
                found.permits.push((field.name.clone(), permit));
                Ok(Ok(()))
            }
        }
    }

    /// Whether the letters prove the permit before them.
    fn seal(&self, field: &Field, found: &mut Found) {
        let permit = found.permits.last();
        if let (Some(Value::Text(typed)), Some((_, permit))) =
            (self.values.get(&field.name), permit)
        {
            let training = self.engine.trains(self.asked.sender);
            let good = Seal::fits(permit.id, training, typed, &self.engine.signer);
            found.seals.push((field.name.clone(), good));
        }
    }

    async fn infrastructure(&self, field: &Field, found: &mut Found) -> Looked<()> {
        let Some(Value::Infrastructure(code)) = self.values.get(&field.name) else {
            return Ok(Ok(()));
        };
        let word = ("word", Var::from(code.as_str()));
        let Some(one) = works::infrastructure(self.tx, code).await? else {
            return Ok(Err(self.refused("unknown_infrastructure", &[word])));
        };
        if !takes(field, &one.kind) {
            let name = ("name", Var::from(one.name.as_str()));
            let kind = ("kind", Var::from(self.sort(&one.kind)));
            let wanted: Vec<&str> = field.rules.kinds.iter().map(|k| self.sort(k)).collect();
            let wanted = ("wanted", Var::from(wanted.join(", ")));
            let all = [word, name, kind, wanted];
            return Ok(Err(self.refused("other_infrastructure", &all)));
        }
        found.infrastructures.push((field.name.clone(), one));
        Ok(Ok(()))
    }

    /// A sort of infrastructure in words.
    fn sort<'a>(&'a self, code: &'a str) -> &'a str {
        let list = self.codes.lexicon().list("infrastructure_type");
        let entry = list.and_then(|list| list.find(code));
        entry.map_or(code, |entry| entry.name.get(self.reader.language))
    }
}

/// Whether a field may name a thing of this sort.
fn takes(field: &Field, kind: &str) -> bool {
    let kinds = &field.rules.kinds;
    kinds.is_empty() || kinds.iter().any(|one| one == kind)
}

/// As replies print days.
pub(crate) fn day(day: jiff::civil::Date) -> String {
    day.strftime("%d/%m/%Y").to_string()
}
