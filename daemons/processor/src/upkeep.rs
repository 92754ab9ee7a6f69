//! What the processor does by the clock: tells again what nobody answered, and tells in one text
//! what was held, and forgets what is too old.

mod housekeeping;

use crate::config::Config;
use crate::handlers::alerts;
use common::daemon::Daemon;
use common::db::{Db, Tx};
use common::engine::{Engine, Look, NotBundled, NotRaised, Wording};
use common::failure::Verdict;
use common::home::Home;
use common::outbox::{Outbox, Pushed};
use common::{Failure, Result};
use housekeeping::Housekeeping;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Receivers whose held alerts one round tells; more wait for the next.
const RECEIVERS: usize = 200;

/// Begins all of it; it ends with the process.
pub fn start(engine: &Arc<Engine>, d: &Daemon) -> Result {
    tokio::spawn(Upkeep::new(engine.clone(), d)?.run());
    tokio::spawn(Housekeeping::new(engine.clone(), d).run());
    Ok(())
}

/// Everything that alerts by the clock need.
pub struct Upkeep {
    engine: Arc<Engine>,
    home: Home,
    wording: Wording,
    zone: TimeZone,
    every: Duration,
}

impl Upkeep {
    /// With the engine that decides.
    pub fn new(engine: Arc<Engine>, d: &Daemon) -> Result<Self> {
        let config: Config = d.section("processor", &d.settings().processor)?;
        let zone = TimeZone::get(&config.time_zone)
            .map_err(|e| Failure::quarantine(format!("settings key `processor.time_zone`: {e}")))?;
        Ok(Self {
            engine,
            home: d.home().clone(),
            wording: Wording::of(&d.settings().engine),
            zone,
            every: Duration::from_secs(config.clock_s.max(1)),
        })
    }

    /// Does it again and again. May be broken off anywhere, and many may do it at once. The first
    /// look comes after a pause: answers that waited while nobody ran are taken in before.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(self.every).await;
            if let Err(e) = self.raise().await {
                warn!(error = %e, "Alerts that nobody answered were not told again yet");
            }
            if let Err(e) = self.bundle().await {
                warn!(error = %e, "Alerts that are held were not told yet");
            }
        }
    }

    /// Takes all steps that are due, one case after the other. A case that fails is left alone until the
    /// next round, and keeps nobody from being told of the others.
    async fn raise(&self) -> Result {
        let (mut left, mut cases, mut told) = (Vec::new(), 0_usize, 0);
        while let Some(done) = self.raise_one(&left).await? {
            match done {
                Ok(alerts) => (cases, told) = (cases + 1, told + alerts),
                Err(NotRaised { why, .. }) if matches!(why.verdict, Verdict::Wait(_)) => {
                    return Err(why);
                }
                Err(NotRaised { case, why }) => {
                    warn!(case, error = %why, "An urgent case was not told again; the next round tries it once more");
                    left.push(case);
                }
            }
        }
        if cases > 0 {
            info!(
                count = cases,
                told, "Went on with urgent cases that were due"
            );
        }
        Ok(())
    }

    /// One case in a transaction of its own: how many were told, or why it could not be; `None` when no
    /// other is due.
    async fn raise_one(
        &self,
        left: &[i64],
    ) -> Result<Option<std::result::Result<usize, NotRaised>>> {
        let mut conn = self.db().connect().await?;
        let tx = conn.begin().await?;
        let raised = match self.engine.raise_due(&tx, &self.zone, left).await? {
            Some(Ok(raised)) => raised,
            Some(Err(failed)) => return Ok(Some(Err(failed))),
            None => return Ok(None),
        };
        let mut out = Outbox::on_behalf(raised.message, raised.trace, Timestamp::now());
        alerts::send(&raised.alerts, &self.wording, &mut out);
        let pushed = out.into_pushed();
        let told = pushed.len();
        Ok(Some(match self.kept(tx, pushed).await {
            Ok(()) => Ok(told),
            Err(why) => Err(NotRaised {
                case: raised.case,
                why,
            }),
        }))
    }

    /// Commits what was decided with what is sent because of it.
    async fn kept(&self, tx: Tx<'_>, pushed: Vec<Pushed>) -> Result {
        let unsaid = self.home.push(&tx, pushed).await?;
        tx.commit().await?;
        self.home.say(unsaid).await;
        Ok(())
    }

    /// Tells what is held and due, one receiver at a time. One for whom it fails is left alone until the next
    /// round, and keeps nobody else from being told.
    async fn bundle(&self) -> Result {
        let mut left = Vec::new();
        for _ in 0..RECEIVERS {
            match self.bundle_one(&left).await? {
                Ok(true) => {}
                Ok(false) => break,
                Err(NotBundled { why, .. }) if matches!(why.verdict, Verdict::Wait(_)) => {
                    return Err(why);
                }
                Err(NotBundled { person, why }) => {
                    warn!(person, error = %why, "Somebody was not told what is held for them; the next round tries it once more");
                    left.push(person);
                }
            }
        }
        Ok(())
    }

    /// One receiver in a transaction of its own; false when no other is due.
    async fn bundle_one(&self, left: &[i64]) -> Result<std::result::Result<bool, NotBundled>> {
        let mut conn = self.db().connect().await?;
        let tx = conn.begin().await?;
        let (person, pushed) = match self.engine.bundle_due(&tx, &self.zone, left).await? {
            Err(failed) => return Ok(Err(failed)),
            Ok(Look::Done) => return Ok(Ok(false)),
            Ok(Look::Next(person)) => (person, Vec::new()),
            Ok(Look::Tell(bundle)) => {
                let mut out = Outbox::on_behalf(bundle.id, bundle.id, Timestamp::now());
                alerts::send(std::slice::from_ref(&*bundle), &self.wording, &mut out);
                (bundle.person, out.into_pushed())
            }
        };
        let kept = self.kept(tx, pushed).await;
        Ok(kept
            .map(|()| true)
            .map_err(|why| NotBundled { person, why }))
    }

    fn db(&self) -> &Db {
        &self.home.db
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::db::testing::TestHome;

    async fn upkeep(place: &TestHome) -> Upkeep {
        let engine = Engine::load(&place.home, &place.settings).await;
        Upkeep {
            engine: engine.expect("the codes"),
            home: place.home.clone(),
            wording: Wording::of(&place.settings.engine),
            zone: TimeZone::UTC,
            every: Duration::from_secs(1),
        }
    }

    /// Some changes are refused at once, others when all is to be kept.
    #[tokio::test]
    async fn a_receiver_who_fails_keeps_no_other_from_being_told() {
        let place = TestHome::new().await;
        let upkeep = upkeep(&place).await;
        place
            .db
            .run(
                "INSERT INTO alert (id, message, person, channel, case_id, code, held_until, sent_at)
                 SELECT gen_random_uuid(), gen_random_uuid(), p.id, 'console', 1, 'U', now() - interval '1 hour', NULL
                   FROM person p WHERE p.name IN ('Paramedik Demo', 'Dokter Hewan Demo', 'Pelsa Demo Satu');
                 UPDATE alert SET held_until = now() - interval '2 hours'
                  WHERE person <> (SELECT id FROM person WHERE name = 'Pelsa Demo Satu');
                 CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN
                        IF (SELECT name FROM person WHERE id = new.person) = TG_ARGV[0] THEN
                            RAISE EXCEPTION 'broken';
                        END IF;
                        RETURN NULL;
                     END $$;
                 CREATE TRIGGER at_once AFTER UPDATE ON alert FOR EACH ROW EXECUTE FUNCTION break('Paramedik Demo');
                 CREATE CONSTRAINT TRIGGER at_the_end AFTER UPDATE ON alert DEFERRABLE INITIALLY DEFERRED
                     FOR EACH ROW EXECUTE FUNCTION break('Dokter Hewan Demo')",
            )
            .await;
        upkeep.bundle().await.expect("the server answers");
        let told = "SELECT string_agg(p.name, ', ') FROM alert a JOIN person p ON p.id = a.person
                     WHERE a.sent_at IS NOT NULL";
        assert_eq!(place.db.one::<String>(told).await, "Pelsa Demo Satu");
    }

    #[tokio::test]
    async fn a_case_that_fails_keeps_no_other_from_being_told() {
        let place = TestHome::new().await;
        let upkeep = upkeep(&place).await;
        // Cases that were taken back; the first one, due before all others, cannot be written.
        place
            .db
            .run(
                "INSERT INTO alert_watch (case_id, message, trace, code, place, due_at)
                 SELECT n, gen_random_uuid(), gen_random_uuid(), 'P', 1, now() - make_interval(mins => 60 - n)
                   FROM generate_series(1, 30) n;
                 CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
                 CREATE TRIGGER breaks BEFORE UPDATE ON alert_watch FOR EACH ROW
                     WHEN (new.case_id IN (1, 7)) EXECUTE FUNCTION break();
                 CREATE CONSTRAINT TRIGGER breaks_at_the_end AFTER UPDATE ON alert_watch DEFERRABLE INITIALLY DEFERRED
                     FOR EACH ROW WHEN (new.case_id IN (2, 11)) EXECUTE FUNCTION break()",
            )
            .await;
        let waiting = "SELECT string_agg(case_id::text, ' ' ORDER BY case_id)
                         FROM alert_watch WHERE due_at IS NOT NULL";
        upkeep.raise().await.expect("the server answers");
        assert_eq!(place.db.one::<String>(waiting).await, "1 2 7 11");
        // What was wrong is mended: the next round takes them.
        place
            .db
            .run(
                "DROP TRIGGER breaks ON alert_watch; DROP TRIGGER breaks_at_the_end ON alert_watch",
            )
            .await;
        upkeep.raise().await.expect("the server answers");
        let waiting = "SELECT count(*) FROM alert_watch WHERE due_at IS NOT NULL";
        assert_eq!(place.db.one::<i64>(waiting).await, 0);
    }
}
