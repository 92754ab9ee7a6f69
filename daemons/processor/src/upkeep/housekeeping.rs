//! What the processor does on the side, hourly: forgets what is too old, deletes what nothing refers
//! to, tells coordinators of people whom nothing reaches.

use crate::handlers::alerts;
use common::alerts::Whom;
use common::code::Var;
use common::config::Settings;
use common::daemon::Daemon;
use common::db::people::{Kinds, Recipient};
use common::engine::{Engine, Wording};
use common::envelope::Envelope;
use common::home::Home;
use common::language::Language;
use common::messages::Message;
use common::outbox::Pushed;
use common::people::{self, Unreached};
use common::{Result, retention, telemetry};
use jiff::Timestamp;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};
use uuid::Uuid;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(3600);

/// After the start: a program that crashes at once must not look through everything again and again.
const FIRST: Duration = Duration::from_secs(300);

/// Most names in one message; an SMS has room for about as many.
const NAMES: usize = 5;

/// Counts people who cannot be reached any more.
const UNREACHABLE: &str = "kentongan_unreachable_total";

/// Everything that it needs.
pub struct Housekeeping {
    pub(crate) home: Home,
    pub(crate) settings: Settings,
    pub(crate) engine: Arc<Engine>,
    pub(crate) wording: Wording,
}

impl Housekeeping {
    /// With the engine whose texts it says.
    pub fn new(engine: Arc<Engine>, d: &Daemon) -> Self {
        Self {
            home: d.home().clone(),
            settings: d.settings().clone(),
            wording: Wording::of(&d.settings().engine),
            engine,
        }
    }

    /// Does it again and again. May be broken off anywhere.
    pub async fn run(self) {
        let mut pause = FIRST;
        loop {
            tokio::time::sleep(pause).await;
            self.once().await;
            pause = EVERY;
        }
    }

    /// One round. What fails is done in the next; none keeps another from being done.
    pub(crate) async fn once(&self) {
        if let Err(e) = self.forget().await {
            warn!(error = %e, "What is too old was not forgotten yet");
        }
        let blobs = self.home.blobs.as_ref();
        match people::delete_blobs(&self.home.db, blobs).await {
            Ok(0) => {}
            Ok(deleted) => info!(deleted, "Deleted raw mails that nothing refers to"),
            Err(e) => warn!(error = %e, "Raw mails that nothing refers to were not deleted yet"),
        }
        if let Err(e) = self.tell_of_unreachable().await {
            warn!(error = %e, "Coordinators were not told yet of people whom nothing reaches");
        }
    }

    async fn forget(&self) -> Result {
        let forgotten = retention::forget(&self.home.db, &self.settings.retention).await?;
        for (what, rows) in forgotten {
            info!(what, rows, "Forgot what was too old");
        }
        Ok(())
    }

    /// One message for each coordinator, whatever the number of people. Nobody else gets their names.
    async fn tell_of_unreachable(&self) -> Result {
        let codes = self.engine.codes();
        let coordinators = match codes.circle("supervisors") {
            Some(Whom::Covering { types, groups }) => Kinds { types, groups },
            _ => Kinds::default(),
        };
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let found = people::newly_unreachable(&tx, coordinators).await?;
        if coordinators.is_empty() && !found.is_empty() {
            warn!(
                "Nobody is told of people whom nothing reaches: the circle `supervisors` must be `covering` and name types or groups"
            );
        }
        for lost in &found {
            telemetry::count(UNREACHABLE, "new");
            let told = lost.told.len();
            warn!(
                person = lost.person,
                told, "Nothing reaches somebody any more"
            );
        }
        let messages = by_coordinator(&found);
        let pushed = messages
            .iter()
            .filter_map(|(to, names)| self.message(to, names));
        let unsaid = self.home.push(&tx, pushed.collect()).await?;
        tx.commit().await?;
        self.home.say(unsaid).await;
        Ok(())
    }

    fn message(&self, to: &Recipient, names: &[&str]) -> Option<Pushed> {
        let (contact, channel) = to
            .contacts
            .iter()
            .find_map(|c| Some((c, c.channel.clone()?)))?;
        let language = Language::from_tag(&to.person.language).unwrap_or_default();
        let first = names
            .iter()
            .take(NAMES)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let more = names.len().saturating_sub(NAMES);
        let values = [
            ("names", Var::from(first)),
            ("count", Var::from(names.len())),
            ("more", Var::from(more)),
        ];
        let text = self.engine.codes().say("unreachable", language, &values);
        let now = Timestamp::now();
        Some(match channel.as_str() {
            "email" => {
                let values = Map::from_iter([("text".to_owned(), json!(text))]);
                pushed(&alerts::letter(&contact.address, language, values), now)
            }
            channel => pushed(
                &self.wording.text(channel, &contact.address, &text, now),
                now,
            ),
        })
    }
}

/// Names of the lost by whoever is told of them.
fn by_coordinator(found: &[Unreached]) -> Vec<(&Recipient, Vec<&str>)> {
    let mut all: BTreeMap<i64, (&Recipient, Vec<&str>)> = BTreeMap::new();
    for lost in found {
        for to in lost.told.iter().filter(|to| to.person.id != lost.person) {
            let names = all.entry(to.person.id).or_insert((to, Vec::new()));
            names.1.push(&lost.name);
        }
    }
    all.into_values().collect()
}

fn pushed<M: Message>(message: &M, now: Timestamp) -> Pushed {
    Pushed {
        queue: message.queue(),
        envelope: Envelope::first(Uuid::now_v7(), message, now),
        delay: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::db::testing::TestHome;

    #[tokio::test]
    async fn a_coordinator_hears_once_of_all_whom_nothing_reaches() {
        let place = TestHome::new().await;
        let engine = Engine::load(&place.home, &place.settings)
            .await
            .expect("the codes");
        let upkeep = Housekeeping {
            home: place.home.clone(),
            settings: place.settings.clone(),
            engine,
            wording: Wording::of(&place.settings.engine),
        };
        upkeep.once().await;
        let bodies = "SELECT coalesce(string_agg(name || ' ' || body, '; '), '') FROM queue";
        assert_eq!(place.db.one::<String>(bodies).await, "");
        place
            .db
            .run(
                "UPDATE contact SET state = 'suppressed', state_reason = 'bounce', state_since = now()
                  WHERE person IN (SELECT id FROM person WHERE name IN ('Pelsa Demo Satu', 'Paramedik Demo'))",
            )
            .await;
        upkeep.once().await;
        let told: String = place.db.one(bodies).await;
        assert!(told.starts_with("kentongan-text-output-console "), "{told}");
        assert!(told.contains("+6281234567895"), "the coordinator: {told}");
        assert!(told.contains("Paramedik Demo, Pelsa Demo Satu"), "{told}");
        assert_eq!(told.matches("Pelsa Demo Satu").count(), 1, "once");
        upkeep.once().await;
        assert_eq!(place.db.one::<String>(bodies).await, told, "and not again");
    }
}
