//! The code engine with its database: a person's words in, rows and an answer out.
//!
//! ```text
//! read      code::Codes says what the words mean                            (pure)
//! find      places and cases that the words name
//! repeat?   the same message within the window gets the first answer again
//! effect    what only this code does: open a case, close it, ...            code/effects/
//! store     one `report` row
//! reply     in the sender's language; alerts in their readers'
//! ```

mod again;
mod alerts;
mod ask;
mod case_words;
mod deed;
mod follow;
mod found;
mod kept;
mod lane;
mod people;
mod places;
mod snapshot;
mod wording;

pub use again::Again;
pub use alerts::{Alert, Bundle, Look, Raised};
pub use case_words::in_words;
pub(crate) use deed::shown;
pub use deed::{Asked, Deed, Done, Effected, Said, short_trace};
pub use found::Found;
pub(crate) use found::day;
pub use snapshot::compile_offline;
pub use wording::Wording;

use crate::code::{Codes, Reader, Reading, Spec, Values, Var};
use crate::config::Settings;
use crate::db::people::{Person, PersonState};
use crate::db::places::Place;
use crate::db::reports::{self, Report};
use crate::db::{Tx, cases, intake, subjects, training};
use crate::handler::Lane;
use crate::home::Home;
use crate::language::Language;
use crate::mail::keys;
use crate::mail::token::Signer;
use crate::messages::EmailOutput;
use crate::{Result, config};
use people::People;
use places::Places;
use sha2::{Digest, Sha256};
use std::sync::{Arc, PoisonError, RwLock};

/// What is said to a message, and to whom else.
#[derive(Debug)]
pub struct Answer {
    /// To the sender, in the sender's language.
    pub text: String,
    /// What came of it, as a short stable name: `stored`, `answered`, `repeated`, or the name of
    /// the fault.
    pub outcome: &'static str,
    /// The code it was read as.
    pub code: Option<String>,
    /// The case it opened or belongs to.
    pub case_id: Option<i64>,
    /// To others.
    pub alerts: Vec<Alert>,
    /// Mails that it brought about besides.
    pub mails: Vec<EmailOutput>,
    /// It was only for training: nothing of it is in the real tables.
    pub training: bool,
}

/// The engine of one process: code files and lists as of now, places and people that were looked
/// up.
pub struct Engine {
    home: Home,
    settings: config::Engine,
    codes: RwLock<Arc<Codes>>,
    places: Places,
    people: People,
    /// Proves the numbers of permits.
    signer: Signer,
}

impl Engine {
    /// Loads code files and lists, and goes on following both: lists when the database says that
    /// they changed, code files at [`Engine::reload`].
    pub async fn load(home: &Home, settings: &Settings) -> Result<Arc<Self>> {
        let codes = snapshot::load(home, &settings.engine).await?;
        let engine = Arc::new(Self {
            home: home.clone(),
            settings: settings.engine.clone(),
            codes: RwLock::new(Arc::new(codes)),
            places: Places::default(),
            people: People::default(),
            signer: keys::signer(&settings.secrets)?,
        });
        tokio::spawn(engine.clone().follow());
        Ok(engine)
    }

    /// Code files and lists anew. When anything is wrong, what was in force stays so.
    pub async fn reload(&self) -> Result {
        let codes = Arc::new(snapshot::load(&self.home, &self.settings).await?);
        *self.codes.write().unwrap_or_else(PoisonError::into_inner) = codes;
        self.places.forget();
        self.people.forget();
        Ok(())
    }

    /// The codes in force.
    pub fn codes(&self) -> Arc<Codes> {
        self.codes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The language of those whom we do not know.
    pub fn language(&self) -> Language {
        Language::from_tag(&self.settings.language).unwrap_or_default()
    }

    /// Which messages of one transaction a text may be decided beside. Training changes for the
    /// whole transaction where rows are, so it goes alone.
    pub fn lane(&self, sender: &Person, text: &str) -> Lane {
        match self.trains(sender) {
            true => Lane::last(sender.id),
            false => lane::lane(&self.codes(), sender.id, text),
        }
    }

    /// Who writes from this canonical address; a change is seen as soon as the database tells of it.
    pub async fn sender(&self, channel: &str, address: &str) -> Result<Option<Arc<Person>>> {
        self.people
            .by_contact(&self.home.db, channel, address)
            .await
    }

    /// Whether what this person sends is for training.
    pub fn trains(&self, person: &Person) -> bool {
        self.settings.training || person.training
    }

    /// Somebody whom nobody knows, as far as this text is one that they may send: see
    /// [`crate::code::Spec::strangers`].
    pub fn stranger(&self, text: &str) -> Option<Arc<Person>> {
        let open = self.codes().open_to_strangers(text);
        open.then(|| Arc::new(Person::stranger(&self.settings.language)))
    }

    /// Decides what a registered person's words mean, stores it and says what to answer. Writes in
    /// the caller's transaction; sends nothing. In training all of it is kept apart, and nobody is told
    /// who is not in training too.
    pub async fn answer(&self, tx: &Tx<'_>, asked: &Asked<'_>) -> Result<Answer> {
        self.answer_telling(tx, asked, true).await
    }

    /// The same; without `tells` nobody else is told of it, now or later.
    async fn answer_telling(&self, tx: &Tx<'_>, asked: &Asked<'_>, tells: bool) -> Result<Answer> {
        if !self.trains(asked.sender) {
            return self.decide(tx, asked, tells).await;
        }
        training::enter(tx).await?;
        let mut answer = self.decide(tx, asked, tells).await?;
        training::leave(tx).await?;
        answer.training = true;
        // The answer to a repetition is the first one, which says so already.
        if answer.outcome != "repeated" {
            let language = Language::from_tag(&asked.sender.language).unwrap_or_default();
            let reply = [("reply", Var::from(answer.text))];
            answer.text = self.codes().say("training", language, &reply);
        }
        Ok(answer)
    }

    async fn decide(&self, tx: &Tx<'_>, asked: &Asked<'_>, tells: bool) -> Result<Answer> {
        let codes = self.codes();
        let person = asked.sender;
        let may = |permission: &str| match person.is_stranger() {
            true => codes.strangers_may(permission),
            false => person.may(permission),
        };
        let kind = person.user_type.as_str();
        let language = Language::from_tag(&person.language).unwrap_or_default();
        let reader = Reader {
            language,
            kind,
            may: &may,
        };
        if let Some(key) = shut_out(person.state) {
            return Ok(Answer {
                text: codes.say(key, language, &[]),
                outcome: key,
                code: None,
                case_id: None,
                alerts: Vec::new(),
                mails: Vec::new(),
                training: false,
            });
        }
        let reading = codes.read(asked.text, &reader);
        let Reading::Parsed(spec, values) = &reading else {
            let text = codes.answer(&reading, &reader).unwrap_or_default();
            return Ok(Answer {
                text,
                outcome: reading.name(),
                code: code_of(&reading).map(|spec| spec.code.clone()),
                case_id: None,
                alerts: Vec::new(),
                mails: Vec::new(),
                training: false,
            });
        };
        let turn = Turn {
            engine: self,
            codes: &codes,
            tx,
            asked,
            spec,
            values,
            reader,
            tells,
        };
        match &spec.query {
            Some(query) => turn.ask(query).await,
            None => turn.store().await,
        }
    }
}

/// One message's turn: everything that its steps need.
struct Turn<'a> {
    engine: &'a Engine,
    codes: &'a Codes,
    tx: &'a Tx<'a>,
    asked: &'a Asked<'a>,
    spec: &'a Spec,
    values: &'a Values,
    reader: Reader<'a>,
    /// Whether others are told.
    tells: bool,
}

impl Turn<'_> {
    /// A code that stores.
    async fn store(&self) -> Result<Answer> {
        let (tx, asked) = (self.tx, self.asked);
        let key = self.key();
        let window = self.engine.settings.repeat_window_s;
        let effect = self.spec.effect.as_deref();
        // Said again, both mean what came since.
        let guarded = window > 0 && !matches!(effect, Some("withdraw" | "acknowledge"));
        if guarded {
            let at = asked.received_at;
            let command = (asked.message, asked.line);
            let first = intake::repeated(tx, &key, command, at, window).await?;
            if let Some(first) = first {
                let text = intake::answer(tx, first).await?;
                return Ok(self.answered(text.unwrap_or_default(), "repeated"));
            }
        }
        let mut done = match self.find_and_do().await? {
            Ok(done) => done,
            Err(refused) => {
                if guarded {
                    intake::forget(tx, &key).await?;
                }
                return Ok(refused);
            }
        };
        let (alerts, told) = self.alerts(&done).await?;
        let mut extra = done.extra(self.reader.language);
        extra.push(("told", Var::from(told)));
        let text = self
            .codes
            .reply(self.spec, self.values, &self.reader, &extra);
        if guarded && let Some(case) = self.values.case() {
            intake::forget_of_case(tx, asked.sender.id, case, &key).await?;
        }
        self.acknowledge().await?;
        Ok(Answer {
            case_id: done.case_id,
            alerts,
            mails: std::mem::take(&mut done.mails),
            ..self.answered(text, "stored")
        })
    }

    /// Places and cases that the message names, its effect, its row. The inner `Err` is a refusal.
    async fn find_and_do(&self) -> Result<std::result::Result<Done, Answer>> {
        let mut place = match self.place().await? {
            Ok(place) => place,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut case = None;
        if let Some(number) = self.values.case() {
            let Some(found) = cases::by_number(self.tx, number).await? else {
                return Ok(Err(self.no_case(number).await?));
            };
            if place.is_none() {
                place = self.place_by_id(found.place).await?;
            }
            case = Some(found);
        }
        let found = match self.found().await? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let own_place = self.values.place().is_some() || case.is_some();
        if let Some(owner) = found.herd().filter(|_| !own_place) {
            place = self.place_by_id(owner.place).await?;
        }
        if let Some(at) = found.site().filter(|_| self.names_no_place(&found)) {
            place = self.place_by_id(at.place).await?;
        }
        let deed = Deed {
            tx: self.tx,
            asked: self.asked,
            codes: self.codes,
            spec: self.spec,
            values: self.values,
            place: place.as_ref(),
            case: case.as_ref(),
            found: &found,
            settings: &self.engine.settings,
            engine: self.engine,
        };
        let mut done = match deed.effect().await? {
            Effected::Done(done) => done,
            Effected::Refused(key, values) => return Ok(Err(self.refused(key, &values))),
        };
        if done.place.is_none() {
            done.place = place;
        }
        done.say_found(&found);
        if let Some(case) = &case {
            case_words::say(&mut done, case, self.codes);
        }
        for (name, value) in self.typed() {
            done.say(name, value);
        }
        if done.stores {
            done.speaks_of(found.subjects());
            self.insert(&done, &found).await?;
        }
        done.say("sender", Var::from(self.asked.sender.name.as_str()));
        done.say("phone", Var::from(self.asked.address));
        done.say("trace", Var::from(self.asked.short_trace()));
        Ok(Ok(done))
    }

    async fn insert(&self, done: &Done, found: &Found) -> Result {
        let asked = self.asked;
        let mut fields = self.values.to_json();
        found.settle(&mut fields);
        for (name, value) in &done.kept {
            fields[name] = value.clone();
        }
        let report = Report {
            id: asked.report_id(),
            code: &self.spec.code,
            sender: asked.sender.id,
            place: done.place.as_ref().map(|p| p.id),
            case_id: done.case_id,
            sent_at: asked.sent_at,
            received_at: asked.received_at,
            message_id: asked.message,
            line: asked.line,
            fields,
        };
        reports::insert(self.tx, &report).await?;
        subjects::insert(self.tx, report.id, report.received_at, &done.subjects).await
    }

    /// The place that the message names, else the sender's own unless it names a case: a case says
    /// itself where it is.
    /// The inner `Err` is a refusal.
    async fn place(&self) -> Result<std::result::Result<Option<Place>, Answer>> {
        let systems = &self.engine.settings.place_systems;
        let named = self.values.place();
        if let Some(code) = named {
            let place = self.engine.places.by_code(self.tx, systems, code).await?;
            let unknown = || {
                self.refused(
                    "unknown_place",
                    &[("word", code.into()), ("near", "".into())],
                )
            };
            return Ok(place.map(Some).ok_or_else(unknown));
        }
        if self.values.case().is_some() {
            return Ok(Ok(None));
        }
        let home = match self.asked.sender.home_place {
            Some(id) => self.place_by_id(id).await?,
            None => None,
        };
        let wanted = self.spec.fields.iter().any(|f| &*f.name == "place") && self.spec.stores();
        if home.is_none() && wanted {
            let format = self.spec.format_line(&self.reader);
            return Ok(Err(self.refused("no_place", &[("format", format.into())])));
        }
        Ok(Ok(home))
    }

    /// Whether nothing but an infrastructure can tell where it happened.
    fn names_no_place(&self, found: &Found) -> bool {
        self.values.place().is_none() && self.values.case().is_none() && found.herd().is_none()
    }

    async fn place_by_id(&self, id: i64) -> Result<Option<Place>> {
        let systems = &self.engine.settings.place_systems;
        self.engine.places.by_id(self.tx, systems, id).await
    }

    /// The same person's same words, whatever blanks and letter case they were typed with.
    fn key(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.asked.sender.id.to_be_bytes());
        if self.asked.sender.is_stranger() {
            hash.update(self.asked.address);
            hash.update([b' ']);
        }
        for word in self.asked.text.split_whitespace() {
            hash.update(word.to_uppercase());
            hash.update([b' ']);
        }
        hash.finalize().to_vec()
    }

    fn answered(&self, text: String, outcome: &'static str) -> Answer {
        let code = Some(self.spec.code.clone());
        Answer {
            text,
            outcome,
            code,
            case_id: None,
            alerts: Vec::new(),
            mails: Vec::new(),
            training: false,
        }
    }

    /// An answer that says why nothing was stored; `key` is one of the engine's texts.
    fn refused(&self, key: &'static str, values: &[(&str, Var)]) -> Answer {
        self.answered(self.codes.say(key, self.reader.language, values), key)
    }
}

/// Why somebody who is registered may send nothing, as one of the engine's texts.
fn shut_out(state: PersonState) -> Option<&'static str> {
    match state {
        PersonState::Active => None,
        PersonState::Suspended => Some("suspended"),
        PersonState::Left => Some("left"),
    }
}

fn code_of(reading: &Reading) -> Option<&Arc<Spec>> {
    match reading {
        Reading::Bare(spec)
        | Reading::Forbidden(spec)
        | Reading::Faulty(spec, _)
        | Reading::Replaced { by: spec, .. }
        | Reading::Parsed(spec, _) => Some(spec),
        Reading::Nothing | Reading::Help | Reading::UnknownCode { .. } => None,
    }
}

#[cfg(test)]
mod tests;
