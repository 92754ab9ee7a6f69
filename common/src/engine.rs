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
mod turn;
mod wording;

pub use again::Again;
pub use alerts::{Alert, Bundle, Look, NotBundled, NotRaised, Raised};
pub use case_words::in_words;
pub(crate) use deed::shown;
pub use deed::{Asked, Deed, Done, Effected, Lapse, Said, short_trace};
pub use found::Found;
pub(crate) use found::day;
pub use snapshot::compile_offline;
pub use wording::Wording;

use crate::code::{Codes, Reader, Reading, Spec, Var};
use crate::config::Settings;
use crate::db::people::{Person, PersonState};
use crate::db::{Tx, training};
use crate::handler::Lane;
use crate::home::Home;
use crate::language::Language;
use crate::mail::keys;
use crate::mail::token::Signer;
use crate::messages::EmailOutput;
use crate::phone::Numbering;
use crate::{Result, config};
use people::People;
use places::Places;
use std::sync::{Arc, PoisonError, RwLock};
use turn::Turn;

/// The clock of the country's east, by which the future begins: UTC+9.
pub(crate) const EAST: i8 = 9;

/// What is said to a message, and to whom else.
#[derive(Debug, Default)]
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
    /// It gives something that is good for a time only, from when the message was sent.
    pub lapses: Option<Lapse>,
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

    /// How telephone numbers are written here.
    pub fn numbering(&self) -> Numbering {
        self.settings.numbering()
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

    /// Whether this channel's addresses are telephone numbers; `None`: nobody has set it up yet.
    pub async fn serves_phones(&self, channel: &str) -> Result<Option<bool>> {
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let kind = crate::db::people::address_kind(&tx, channel).await?;
        tx.commit().await?;
        Ok(kind.map(|kind| kind == "phone"))
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
    pub async fn answer_telling(
        &self,
        tx: &Tx<'_>,
        asked: &Asked<'_>,
        tells: bool,
    ) -> Result<Answer> {
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
                ..Answer::default()
            });
        }
        let reading = codes.read(asked.text, &reader);
        let Reading::Parsed(spec, values) = &reading else {
            let text = codes.answer(&reading, &reader).unwrap_or_default();
            return Ok(Answer {
                text,
                outcome: reading.name(),
                code: code_of(&reading).map(|spec| spec.code.clone()),
                ..Answer::default()
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
