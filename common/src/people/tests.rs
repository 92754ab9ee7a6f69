//! People and what becomes of them, on a real database with the demo's people.

use super::*;
use crate::db::people::{ContactState, Kinds, by_contact, mark_contact, put_channel};
use crate::db::testing::{TestHome, begin};
use crate::engine::{Answer, Asked, Engine};
use crate::envelope::Envelope;
use crate::load::{self, LoadOptions};
use crate::messages::{Purpose, TextOutput};
use crate::outbox::{Outbox, Pushed};
use crate::phone::Numbering;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const PELSA: &str = "+6281234567890";
const VET: &str = "+6281234567893";
const COORDINATOR: &str = "+6281234567895";
const NEW: &str = "+6281299999999";
const OTHER: &str = "+6281288888888";

struct World {
    place: TestHome,
    engine: Arc<Engine>,
}

impl World {
    async fn new() -> Self {
        let place = TestHome::new().await;
        let engine = Engine::load(&place.home, &place.settings)
            .await
            .expect("the codes");
        Self { place, engine }
    }

    async fn say(&self, from: &str, text: &str) -> Answer {
        self.say_at(from, text, Timestamp::now()).await
    }

    /// A text that is received at this time, kept with what came of it.
    async fn say_at(&self, from: &str, text: &str, at: Timestamp) -> Answer {
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        let known = by_contact(&tx, "phone", from).await.unwrap().map(Arc::new);
        let sender = known
            .or_else(|| self.engine.stranger(text))
            .expect("they may say it");
        let asked = Asked::text(&sender, from, text, at);
        let answer = self.engine.answer(&tx, &asked).await.expect("an answer");
        let person = Some(sender.id).filter(|id| *id > 0);
        tx.execute(
            "INSERT INTO message (id, trace, channel, address, person, text, sent_at, received_at, outcome, answer)
             VALUES ($1, $1, 'console', $2, $3, $4, $5, $5, $6, $7)",
            &[&asked.message, &from, &person, &text, &at, &answer.outcome, &answer.text],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        answer
    }

    async fn register(&self) -> String {
        pin_of(
            &self
                .say(COORDINATOR, "D Siti Fatimah 72060202 PLS")
                .await
                .text,
        )
    }

    async fn id(&self, address: &str) -> i64 {
        let sql =
            format!("SELECT coalesce((SELECT person FROM contact WHERE address = '{address}'), 0)");
        self.place.db.one(&sql).await
    }

    async fn count(&self, of: &str) -> i64 {
        self.place
            .db
            .one(&format!("SELECT count(*) FROM {of}"))
            .await
    }

    async fn mark(&self, address: &str, state: ContactState) {
        let channel = if address.contains('@') {
            "email"
        } else {
            "phone"
        };
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        mark_contact(&tx, channel, address, &state).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What goes out because a text to this address did not get through.
    async fn fall(&self, delivery: Uuid, to: &str) -> (FellOver, Vec<Pushed>) {
        let channel = if to.contains('@') { "email" } else { "console" };
        self.fall_by(channel, delivery, to).await
    }
}

fn pin_of(answer: &str) -> String {
    let digits = |w: &&str| w.len() == 7 && w.starts_with('D');
    let word = answer.split(|c: char| !c.is_alphanumeric()).find(digits);
    word.unwrap_or_else(|| panic!("no PIN in {answer:?}"))
        .to_owned()
}

#[tokio::test]
async fn whoever_sends_the_pin_from_an_unknown_phone_is_registered() {
    let world = World::new().await;
    let pin = world.register().await;
    assert_eq!(world.id(NEW).await, 0, "not before they prove their phone");
    let answer = world.say(NEW, &pin.to_lowercase()).await;
    assert_eq!(answer.outcome, "stored", "{}", answer.text);
    assert!(answer.text.contains("Siti Fatimah"));
    let of = "SELECT p.user_type || ' ' || p.state || ' ' || p.language || ' ' || (p.home_place = a.place)
              FROM person p JOIN person_area a ON a.person = p.id WHERE p.name = 'Siti Fatimah'";
    assert_eq!(world.place.db.one::<String>(of).await, "PLS active id true");
    let report = world.say(NEW, "U mc sp 4").await;
    assert_eq!(
        report.outcome, "stored",
        "and reports from there: {}",
        report.text
    );
    let past = "SELECT who || ', ' || reason || ', ' || (new ->> 'name') || ', ' || (message IS NOT NULL)
                FROM person_change WHERE person = (SELECT id FROM person WHERE name = 'Siti Fatimah')";
    let coordinator = world.id(COORDINATOR).await;
    let told: String = world.place.db.one(past).await;
    let who = format!("a new telephone, registered by person {coordinator}");
    assert_eq!(told, format!("{who}, Siti Fatimah, true"));
}

#[tokio::test]
async fn a_pin_from_the_wrong_phone_late_or_twice_does_nothing_and_says_why() {
    let world = World::new().await;
    let pin = world.register().await;
    for (from, outcome) in [(VET, "pin_wrong_phone"), (COORDINATOR, "pin_wrong_phone")] {
        assert_eq!(world.say(from, &pin).await.outcome, outcome);
    }
    let late = Timestamp::now() + SignedDuration::from_hours(25);
    assert_eq!(world.say_at(NEW, &pin, late).await.outcome, "pin_late");
    assert_eq!(world.id(NEW).await, 0);
    assert_eq!(world.say(NEW, &pin).await.outcome, "stored");
    assert_eq!(world.say(NEW, &pin).await.outcome, "pin_twice");
    let other = world.say(OTHER, &pin).await;
    assert_eq!(other.outcome, "pin_used");
    assert!(
        !other.text.contains("Siti"),
        "whose it was is nobody's business"
    );
    assert_eq!(world.id(OTHER).await, 0);
    assert_eq!(world.count("person WHERE name = 'Siti Fatimah'").await, 1);
}

#[tokio::test]
async fn a_phone_that_guesses_is_stopped_even_when_it_guesses_right() {
    let world = World::new().await;
    let pin = world.register().await;
    let wrong = |n: u32| {
        let digits: u32 = pin[1..].parse().unwrap();
        format!(
            "D{}",
            (digits - pin::FIRST + n) % (pin::LAST - pin::FIRST + 1) + pin::FIRST
        )
    };
    for n in 1..=5 {
        assert_eq!(
            world.say(NEW, &wrong(n)).await.outcome,
            "pin_unknown",
            "{n}"
        );
    }
    assert_eq!(world.say(NEW, &pin).await.outcome, "pin_blocked");
    assert_eq!(
        world.say(OTHER, &pin).await.outcome,
        "stored",
        "another phone is not"
    );
    world
        .place
        .db
        .run("UPDATE pin_miss SET at = at - interval '1 day'")
        .await;
    let again = pin_of(&world.say(COORDINATOR, "D Made 72060202 PLS").await.text);
    assert_eq!(
        world.say(NEW, &again).await.outcome,
        "stored",
        "nor the next day"
    );
}

#[tokio::test]
async fn a_registration_that_is_withdrawn_cannot_be_confirmed_and_a_confirmed_one_not_withdrawn() {
    let world = World::new().await;
    let pin = world.register().await;
    assert_eq!(world.say(COORDINATOR, "H").await.outcome, "stored");
    assert_eq!(world.say(NEW, &pin).await.outcome, "pin_late");
    let second = world.register().await;
    assert_ne!(second, pin, "no PIN is given out twice");
    assert_eq!(world.say(NEW, &second).await.outcome, "stored");
    assert_eq!(world.say(COORDINATOR, "H").await.outcome, "cannot_withdraw");
    assert_ne!(world.id(NEW).await, 0);
}

/// What somebody in training sends stands elsewhere; people are shared, and so are their PINs.
#[tokio::test]
async fn a_registration_of_training_that_is_withdrawn_cannot_be_confirmed() {
    let world = World::new().await;
    let sql = format!(
        "UPDATE person SET training = true WHERE id = {}",
        world.id(COORDINATOR).await
    );
    world.place.db.run(&sql).await;
    let pin = world.register().await;
    assert_eq!(world.say(COORDINATOR, "H").await.outcome, "stored");
    assert_eq!(world.say(NEW, &pin).await.outcome, "pin_late");
    assert_eq!(world.id(NEW).await, 0);
}

#[tokio::test]
async fn nobody_registers_people_who_may_do_more_than_they() {
    let world = World::new().await;
    world.place.db.run("INSERT INTO person_permission SELECT person, 'can_send_d', true FROM contact WHERE address = '+6281234567890'").await;
    let refused = world.say(PELSA, "D Siti Fatimah 72060202 VET").await;
    assert_eq!(refused.outcome, "cannot_register");
    assert!(refused.text.contains("dokter hewan"), "{}", refused.text);
    assert_eq!(world.count("pin").await, 0);
    assert_eq!(
        world
            .say(PELSA, "D Siti Fatimah 72060202 PLS")
            .await
            .outcome,
        "stored"
    );
}

/// Who stands below them sends what they do not; who stands above them sends the same.
#[tokio::test]
async fn coordinators_register_whoever_stands_below_them() {
    let world = World::new().await;
    for (kind, outcome) in [
        ("LBA", "stored"),
        ("LBB", "stored"),
        ("PTR", "stored"),
        ("PRH", "stored"),
        ("VET", "stored"),
        ("KKB", "cannot_register"),
        ("KPV", "cannot_register"),
        ("KRG", "cannot_register"),
    ] {
        let text = format!("D Siti Fatimah 72060202 {kind}");
        let answer = world.say(COORDINATOR, &text).await;
        assert_eq!(answer.outcome, outcome, "{kind}: {}", answer.text);
    }
    let province = "UPDATE person SET user_type = 'KPV' WHERE id =
        (SELECT person FROM contact WHERE address = '+6281234567895')";
    world.place.db.run(province).await;
    let answer = world.say(COORDINATOR, "D Wayan Sudra 72060202 KKB").await;
    assert_eq!(answer.outcome, "stored", "{}", answer.text);
}

#[tokio::test]
async fn two_phones_with_one_pin_at_once_make_one_person() {
    let world = World::new().await;
    let pin = world.register().await;
    let (one, two) = tokio::join!(world.say(NEW, &pin), world.say(OTHER, &pin));
    let mut outcomes = [one.outcome, two.outcome];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["pin_used", "stored"]);
    assert_eq!(world.count("person WHERE name = 'Siti Fatimah'").await, 1);
}

#[tokio::test]
async fn a_new_number_is_proven_from_the_new_phone_alone() {
    let world = World::new().await;
    let pelsa = world.id(PELSA).await;
    let first = pin_of(&world.say(PELSA, "N 081299999999").await.text);
    let answer = world.say(PELSA, "N +6281288888888").await;
    let pin = pin_of(&answer.text);
    assert_eq!(
        world.say(NEW, &first).await.outcome,
        "pin_late",
        "another took its place"
    );
    assert_eq!(
        world.say(NEW, &pin).await.outcome,
        "pin_wrong_phone",
        "not the number named"
    );
    assert_eq!(
        world.say(PELSA, &pin).await.outcome,
        "pin_wrong_phone",
        "nor the old one"
    );
    assert_eq!(world.id(PELSA).await, pelsa, "until then the old one stays");
    assert_eq!(world.say(OTHER, &pin).await.outcome, "stored");
    assert_eq!((world.id(OTHER).await, world.id(PELSA).await), (pelsa, 0));
    assert_eq!(
        world
            .count(&format!(
                "contact WHERE person = {pelsa} AND preference = 1 AND address = '{OTHER}'"
            ))
            .await,
        1
    );
    let changes = format!("person_change WHERE person = {pelsa} AND field = 'contact'");
    assert_eq!(world.count(&changes).await, 2, "one went, one came");
}

#[tokio::test]
async fn who_was_suspended_meanwhile_does_not_come_back_by_a_new_number() {
    let world = World::new().await;
    let pin = pin_of(&world.say(PELSA, "N 081299999999").await.text);
    world
        .place
        .db
        .run(&format!(
            "UPDATE person SET state = 'suspended' WHERE id = {}",
            world.id(PELSA).await
        ))
        .await;
    assert_eq!(world.say(NEW, &pin).await.outcome, "pin_late");
    assert_eq!(world.id(NEW).await, 0);
}

#[tokio::test]
async fn every_change_of_a_load_is_on_record_with_who_did_it() {
    let world = World::new().await;
    let people = world.count("person").await;
    assert_eq!(
        world.count("person_change WHERE field = 'person'").await,
        people
    );
    let csv = "name,language,user_type,home,areas,phone,email,contacts,permissions\n\
               Pelsa Satu,en,PLS,72060202,7204,081234567890,,,-can_send_u\n";
    let options = LoadOptions {
        by: By::named("siti@server"),
        ..LoadOptions::default()
    };
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let report = load::people(&tx, csv.as_bytes(), &options).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((report.changed, report.added), (1, 0));
    let pelsa = world.id(PELSA).await;
    let fields = format!(
        "SELECT string_agg(field, ' ' ORDER BY id) FROM person_change WHERE person = {pelsa} AND who = 'siti@server'"
    );
    let fields: String = world.place.db.one(&fields).await;
    assert_eq!(fields, "name language area area permission contact");
    let tx = begin(&mut conn).await;
    let past = history(&tx, pelsa, 10).await.unwrap();
    assert_eq!(past.len(), 7);
    let area = past
        .iter()
        .find(|p| p.field == "area" && p.new.is_some())
        .unwrap();
    assert!(
        area.new.as_ref().unwrap().is_string(),
        "a place by its name: {area:?}"
    );
}

#[tokio::test]
async fn edits_are_checked_and_all_faults_are_told() {
    let world = World::new().await;
    let (pelsa, systems) = (
        world.id(PELSA).await,
        vec!["kemendagri".into(), "isikhnas".into()],
    );
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let rules = Rules::of(&tx, &systems, crate::phone::Numbering::default())
        .await
        .unwrap();
    let old = take(&tx, pelsa).await.unwrap().unwrap();
    let mut new = old.clone();
    let wrong = [
        Edit::Name(" ".into()),
        Edit::Language("fr".into()),
        Edit::UserType("VETT".into()),
        Edit::Home(Some("99".into())),
        Edit::RemoveArea("7604122003".into()),
        Edit::Permit("can_send_kp".into(), true),
        Edit::AddContact("12345".into()),
        Edit::AddContact("081234567893".into()),
        Edit::Number("fax:1".into()),
        Edit::RemoveContact("081234567893".into()),
    ];
    let faults = apply(&tx, &rules, &mut new, &wrong).await.unwrap();
    assert_eq!(faults.len(), wrong.len(), "{faults:#?}");
    assert_eq!(new, old, "what is wrong changes nothing");
    assert!(faults.iter().all(|f| !f.remedy.is_empty()));
    let right = [
        Edit::Name("Pelsa".into()),
        Edit::AddArea("72.04".into()),
        Edit::Permit("can_send_pk".into(), true),
        Edit::AddContact("sms:081299999999".into()),
        Edit::Prefer("pelsa@example.org".into()),
        Edit::Number("081288888888".into()),
        Edit::State(PersonState::Suspended),
    ];
    assert_eq!(apply(&tx, &rules, &mut new, &right).await.unwrap(), []);
    let addresses: Vec<&str> = new.contacts.iter().map(|c| c.1.as_str()).collect();
    assert_eq!(addresses, [OTHER, "pelsa@example.org", NEW]);
    let count = save(&tx, &By::named("me").because(Some("why")), &old, &new)
        .await
        .unwrap();
    assert_eq!(count, differences(&old, &new));
    let stored = take(&tx, pelsa).await.unwrap().unwrap();
    assert_eq!(stored, new, "what was saved is what is there");
    let past = history(&tx, pelsa, 100).await.unwrap();
    assert!(
        past.iter()
            .take(count)
            .all(|p| p.who == "me" && p.reason.as_deref() == Some("why"))
    );
}

/// Who may register laboratory staff may put somebody into the group of laboratories, which may no more.
#[tokio::test]
async fn groups_are_given_by_who_may_do_as_much_or_register_who_does() {
    let world = World::new().await;
    let above = "INSERT INTO user_group VALUES ('PUSAT', 'pusat', 'centre');
                 INSERT INTO user_group_permission VALUES ('PUSAT', 'can_register_kkb')";
    world.place.db.run(above).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let kkb = by_contact(&tx, "console", COORDINATOR).await.unwrap();
    let kkb = kkb.expect("the coordinator");
    let mut may: Vec<&str> = kkb.permissions.iter().map(String::as_str).collect();
    let given = groups_within(&tx, &may).await.unwrap();
    let has = |given: &[String], code: &str| given.iter().any(|g| g == code);
    assert!(
        has(&given, "LABORATORIUM") && has(&given, "RPH"),
        "{given:?}"
    );
    assert!(!has(&given, "PUSAT"), "{given:?}");
    // Whoever registers nobody gives what they may do themselves.
    may.retain(|p| !p.starts_with("can_register_"));
    let given = groups_within(&tx, &may).await.unwrap();
    assert!(
        has(&given, "RPH") && !has(&given, "LABORATORIUM"),
        "{given:?}"
    );
}

#[tokio::test]
async fn groups_are_joined_and_left_by_name_and_each_is_on_record() {
    let world = World::new().await;
    let pelsa = world.id(PELSA).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let rules = Rules::of(&tx, &[], crate::phone::Numbering::default())
        .await
        .unwrap();
    let old = take(&tx, pelsa).await.unwrap().unwrap();
    let mut new = old.clone();
    let wrong = [
        Edit::RemoveGroup("RPH".into()),
        Edit::AddGroup("XYZ".into()),
        Edit::AddGroup("KARANTIN".into()),
    ];
    let faults = apply(&tx, &rules, &mut new, &wrong).await.unwrap();
    assert_eq!(new, old, "what is wrong changes nothing");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let not_theirs = "RPH is none of their groups; see them with `kentongan people show`";
    let there_are = "there are INSEMINASI, KARANTINA, ";
    assert_eq!(told[0], not_theirs);
    let unknown = format!("there is no group XYZ; {there_are}");
    assert!(told[1].starts_with(&unknown), "{}", told[1]);
    let near = format!("there is no group KARANTIN; did you mean \"KARANTINA\"?; {there_are}");
    assert!(told[2].starts_with(&near), "{}", told[2]);

    let right = ["rph", "KARANTINA", "RPH"].map(|code| Edit::AddGroup(code.into()));
    assert_eq!(apply(&tx, &rules, &mut new, &right).await.unwrap(), []);
    assert_eq!(new.groups, ["KARANTINA", "RPH"]);
    let by = By::named("me").because(Some("why"));
    assert_eq!(save(&tx, &by, &old, &new).await.unwrap(), 2);
    assert_eq!(take(&tx, pelsa).await.unwrap(), Some(new.clone()));
    let member = ListedFilter {
        group: Some("RPH".into()),
        most: 9,
        ..Default::default()
    };
    let listed = list(&tx, &member).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|p| (p.id, p.groups.len())).collect();
    assert_eq!(listed, [(pelsa, 2)]);
    let mut left = new.clone();
    let leave = [Edit::RemoveGroup("rph".into())];
    assert_eq!(apply(&tx, &rules, &mut left, &leave).await.unwrap(), []);
    assert_eq!(save(&tx, &by, &new, &left).await.unwrap(), 1);
    assert!(list(&tx, &member).await.unwrap().is_empty());
    let past = history(&tx, pelsa, 3).await.unwrap();
    let mut past: Vec<_> = past.into_iter().map(|p| (p.field, p.old, p.new)).collect();
    let row = |old: Option<&str>, new: Option<&str>| {
        ("group".to_owned(), old.map(Into::into), new.map(Into::into))
    };
    assert_eq!(past.remove(0), row(Some("RPH"), None));
    assert!(past.contains(&row(None, Some("RPH"))) && past.contains(&row(None, Some("KARANTINA"))));
}

#[tokio::test]
async fn people_are_listed_by_what_is_asked() {
    let world = World::new().await;
    let mut conn = world.place.db.client().await;
    let names = async |tx: &Tx<'_>, filter: ListedFilter| -> Vec<String> {
        let filter = ListedFilter {
            most: 100,
            ..filter
        };
        list(tx, &filter)
            .await
            .unwrap()
            .into_iter()
            .map(|p| p.name)
            .collect()
    };
    let tx = begin(&mut conn).await;
    let pelsas = ListedFilter {
        user_type: Some("PLS".into()),
        ..Default::default()
    };
    assert_eq!(
        names(&tx, pelsas).await,
        ["Pelsa Demo Dua", "Pelsa Demo Satu"]
    );
    let regency: i64 = tx
        .query_one("SELECT place FROM place_code WHERE code = '7204'", &[])
        .await
        .unwrap()
        .get(0);
    let here = ListedFilter {
        area: Some(regency),
        ..Default::default()
    };
    let there = names(&tx, here).await;
    assert!(
        there.contains(&"Vet Demo English".to_owned()),
        "who answers for what is above: {there:?}"
    );
    assert!(there.contains(&"Koordinator Demo".to_owned()));
    let lost = || ListedFilter {
        without_contact: true,
        ..Default::default()
    };
    assert!(names(&tx, lost()).await.is_empty());
    tx.batch("UPDATE contact SET state = 'suppressed', state_reason = 'x', state_since = now() WHERE address = '+6281234567891'").await.unwrap();
    assert_eq!(names(&tx, lost()).await, ["Pelsa Demo Dua"]);
}

#[tokio::test]
async fn what_does_not_get_through_goes_to_each_other_address_once() {
    let world = World::new().await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    put_channel(&tx, "xmpp", "xmpp", true).await.unwrap();
    tx.commit().await.unwrap();
    let pelsa = world.id(PELSA).await;
    world.place.db.run(&format!("INSERT INTO contact (person, kind, address, preference) VALUES ({pelsa}, 'xmpp', 'p@chat', 3)")).await;
    let first = Uuid::now_v7();
    let (fell, sent) = world.fall(first, PELSA).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].queue.as_str(), fell),
        ("email-output", FellOver::Onward(sent[0].envelope.id))
    );
    let (again, nothing) = world.fall(first, PELSA).await;
    assert_eq!((again, nothing.len()), (FellOver::Before, 0), "never twice");
    let (fell, sent) = world.fall(sent[0].envelope.id, "pelsa@example.org").await;
    assert_eq!(
        (sent[0].queue.as_str(), fell),
        ("text-output-xmpp", FellOver::Onward(sent[0].envelope.id))
    );
    let (fell, sent) = world.fall_by("xmpp", sent[0].envelope.id, "p@chat").await;
    assert_eq!(
        (fell, sent.len()),
        (FellOver::Unreached, 0),
        "and never in a circle"
    );
    assert_eq!(
        world
            .count(&format!("fall_over WHERE root = '{first}'"))
            .await,
        3
    );
}

#[tokio::test]
async fn suppressed_addresses_strangers_and_the_suspended_get_nothing() {
    let world = World::new().await;
    let suppressed = ContactState::Suppressed {
        reason: "bounce".into(),
    };
    world.mark("pelsa@example.org", suppressed).await;
    assert_eq!(
        world.fall(Uuid::now_v7(), PELSA).await.0,
        FellOver::Unreached
    );
    assert_eq!(
        world.fall(Uuid::now_v7(), NEW).await.0,
        FellOver::NotForOthers
    );
    world
        .place
        .db
        .run(&format!(
            "UPDATE person SET state = 'suspended' WHERE id = {}",
            world.id(VET).await
        ))
        .await;
    assert_eq!(
        world.fall(Uuid::now_v7(), VET).await.0,
        FellOver::NotForOthers
    );
}

#[tokio::test]
async fn who_cannot_be_reached_any_more_is_told_of_once() {
    let world = World::new().await;
    let coordinators = ["KKB".to_owned()];
    let kinds = Kinds {
        types: &coordinators,
        groups: &[],
    };
    let look = async || {
        let mut conn = world.place.db.client().await;
        let tx = begin(&mut conn).await;
        let found = newly_unreachable(&tx, kinds).await.unwrap();
        tx.commit().await.unwrap();
        found
    };
    assert!(look().await.is_empty());
    let bad = || ContactState::Suppressed {
        reason: "bounce".into(),
    };
    world.mark(PELSA, bad()).await;
    assert!(look().await.is_empty(), "there is a mail address yet");
    world.mark("pelsa@example.org", bad()).await;
    let found = look().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "Pelsa Demo Satu");
    let told: Vec<&str> = found[0]
        .told
        .iter()
        .map(|t| t.person.name.as_str())
        .collect();
    assert_eq!(told, ["Koordinator Demo"]);
    assert!(look().await.is_empty(), "once");
    world.mark(PELSA, ContactState::Ok).await;
    assert!(look().await.is_empty());
    world.mark(PELSA, bad()).await;
    assert_eq!(look().await.len(), 1, "and again when it happens again");
}

/// An installation's own circles may name no coordinators: that is not everybody who answers for the place.
#[tokio::test]
async fn without_coordinators_nobody_hears_whom_nothing_reaches() {
    let world = World::new().await;
    for address in [PELSA, "pelsa@example.org"] {
        let bounce = ContactState::Suppressed {
            reason: "bounce".into(),
        };
        world.mark(address, bounce).await;
    }
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let found = newly_unreachable(&tx, Kinds::default()).await.unwrap();
    assert_eq!(found.len(), 1, "it is noticed");
    assert!(found[0].told.is_empty(), "{:?}", found[0].told);
}

/// Somebody who registered, reported, was rung up, moved, wrote a mail and was told something; their
/// id and their case.
async fn a_whole_story(world: &World) -> (i64, i64) {
    let pin = world.register().await;
    world.say(NEW, &pin).await;
    let report = world.say(NEW, "U mc sp 4").await;
    let case = report.case_id.unwrap();
    world.say(VET, &format!("R {case} TLP COC")).await;
    let moved = pin_of(&world.say(NEW, "N 081288888888").await.text);
    world.say(OTHER, &moved).await;
    let person = world.id(OTHER).await;
    let more = format!(
        "INSERT INTO mail (id, trace, blob, address, person, subject, received_at, outcome)
         VALUES (gen_random_uuid(), gen_random_uuid(), 'raw/one', '{NEW}', {person}, 'Siti Fatimah', now(), 'done');
         INSERT INTO delivery (id, kind, channel, address, purpose, state, trace)
         VALUES (gen_random_uuid(), 'text', 'console', '{OTHER}', 'alert', 'sent', gen_random_uuid())"
    );
    world.place.db.run(&more).await;
    let elsewhere = format!(
        "INSERT INTO workbook (mail, person, state, recipients, sender, received_at, blobs)
         VALUES (gen_random_uuid(), {person}, 'held', ARRAY['{NEW}'], '{OTHER}', now(), ARRAY['workbooks/one']);
         INSERT INTO alert_watch (case_id, message, trace, code, place, text_id, text_en, due_at)
         VALUES ({case}, gen_random_uuid(), gen_random_uuid(), 'P', 1, 'Siti Fatimah {NEW}', 'Siti Fatimah', now())
         ON CONFLICT (case_id) DO UPDATE SET text_id = excluded.text_id, text_en = excluded.text_en;
         INSERT INTO queue (name, id, body)
         SELECT 'kentongan-' || q, gen_random_uuid(), '{{\"body\":{{\"to\":\"{OTHER}\"}}}}'
           FROM unnest(ARRAY['text-output-console', 'text-output-console-dead']) q;
         INSERT INTO outbox (queue, id, body)
         VALUES ('text-input', gen_random_uuid(), '{{\"body\":{{\"from\":\"{NEW}\"}}}}');
         WITH o AS (INSERT INTO owner (name, place, registered_at)
                    SELECT 'Siti Fatimah', home_place, now() FROM person WHERE id = {person} RETURNING id)
         INSERT INTO owner_key (owner, kind, digits) SELECT id, 'phone', '0' || substr('{OTHER}', 4) FROM o"
    );
    world.place.db.run(&elsewhere).await;
    (person, case)
}

/// Erases them; what it touched. Only `for_good` keeps it.
async fn erased(world: &World, person: i64, for_good: bool) -> Erasure {
    let by = By::named("me").because(Some("asked for it"));
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let done = erase(&tx, &by, person, &Numbering::default())
        .await
        .unwrap();
    if for_good {
        tx.commit().await.unwrap();
    }
    done
}

#[tokio::test]
async fn nothing_tells_any_more_who_was_erased_and_what_they_reported_stays() {
    let world = World::new().await;
    let (person, case) = a_whole_story(&world).await;
    let told = ["Siti Fatimah", NEW, OTHER];
    for text in told {
        let holding = world.holding(text).await;
        assert!(!holding.is_empty(), "{text} stands somewhere before");
    }
    let member = format!("person_group WHERE person = {person}");
    let join = format!("INSERT INTO person_group VALUES ({person}, 'RPH')");
    world.place.db.run(&join).await;
    let dry = erased(&world, person, false).await;
    assert_eq!(world.count(&member).await, 1);
    assert_eq!(world.id(OTHER).await, person, "a dry run touches nothing");
    let done = erased(&world, person, true).await;
    assert_eq!(done, dry);
    let Erasure::Done(t) = done else {
        panic!("{done:?}")
    };
    assert_eq!((t.contacts, t.mails, t.blobs, t.deliveries), (1, 1, 1, 1));
    assert_eq!(world.count(&member).await, 0);
    assert_eq!(t.waiting, 3);
    let number = format!("0{}", &OTHER[3..]);
    assert_eq!(world.holding(&number).await, Vec::<String>::new());
    for text in told {
        assert_eq!(world.holding(text).await, Vec::<String>::new(), "{text}");
    }
    for fact in [
        format!("report WHERE sender = {person} AND code = 'U' AND fields ->> 'sign' IS NOT NULL"),
        format!("disease_case WHERE id = {case} AND opened_by = {person}"),
        format!("person WHERE id = {person} AND name = '(erased)' AND state = 'left'"),
        format!("person_change WHERE person = {person} AND field = 'erased' AND who = 'me'"),
        format!("workbook WHERE person = {person} AND state = 'refused' AND reason = '(erased)'"),
        "blob_to_delete WHERE key = 'workbooks/one'".to_owned(),
        "owner WHERE name = '(erased)'".to_owned(),
    ] {
        assert_eq!(world.count(&fact).await, 1, "{fact}");
    }
    assert_eq!(erased(&world, person, false).await, Erasure::Before);
    assert_eq!(erased(&world, 99_999, false).await, Erasure::Unknown);
}

/// What names somebody is found by the PIN of its message, however long ago that was.
#[tokio::test]
async fn who_is_erased_long_after_their_pins_is_erased_as_well() {
    let world = World::new().await;
    let (person, _) = a_whole_story(&world).await;
    let unproven = "081277777777";
    world.say(OTHER, &format!("N {unproven}")).await;
    let late = "UPDATE pin SET expires_at = now() - interval '30 days'";
    world.place.db.run(late).await;
    let days = crate::config::Retention::default();
    let forget = crate::retention::forget(&world.place.db.db, &days).await;
    forget.expect("the server answers");
    erased(&world, person, true).await;
    for text in ["Siti Fatimah", NEW, OTHER, "+6281277777777", unproven] {
        assert_eq!(world.holding(text).await, Vec::<String>::new(), "{text}");
    }
    crate::retention::forget(&world.place.db.db, &days)
        .await
        .expect("the server answers");
    assert_eq!(world.count("pin").await, 0, "nothing is found by them now");
}

/// The other lines of the mail that registered somebody are about others.
#[tokio::test]
async fn of_a_mail_that_registered_many_only_the_line_of_the_erased_goes() {
    let world = World::new().await;
    let pin = world.register().await;
    world.say(NEW, &pin).await;
    let person = world.id(NEW).await;
    let other = "INSERT INTO message (id, line, trace, channel, address, person, text, sent_at, received_at, outcome)
                 SELECT id, 1, trace, channel, address, person, 'U mc sp 4', sent_at, received_at, 'stored'
                   FROM message WHERE text LIKE 'D Siti%'";
    world.place.db.run(other).await;
    erased(&world, person, true).await;
    assert_eq!(world.count("message WHERE text LIKE 'D Siti%'").await, 0);
    assert_eq!(world.count("message WHERE text = 'U mc sp 4'").await, 1);
}

/// Farmers stand among the owners by name, number and identity card.
#[tokio::test]
async fn nothing_tells_any_more_which_owner_was_erased() {
    let world = World::new().await;
    let answer = world.say(VET, "DP Budi Santoso 72060202").await;
    let mut words = answer.text.split(|c: char| !c.is_ascii_digit());
    let pin = words.find(|word| word.len() == 6).expect("a PIN");
    let confirmed = world.say(NEW, &format!("KDP {pin}")).await;
    assert_eq!(confirmed.outcome, "stored", "{}", confirmed.text);
    let told = ["Budi Santoso", "081299999999"];
    for text in told {
        let holding = world.holding(text).await;
        assert!(!holding.is_empty(), "{text} stands somewhere before");
    }
    let person = world.id(NEW).await;
    erased(&world, person, true).await;
    for text in told {
        assert_eq!(world.holding(text).await, Vec::<String>::new(), "{text}");
    }
    assert_eq!(
        world.count(&format!("owner WHERE person = {person}")).await,
        1
    );
}

/// A number of ours may end like somebody else's, and a telephone may go to a relative with the number of a herd.
#[tokio::test]
async fn the_herd_of_another_is_not_erased_with_somebody() {
    let world = World::new().await;
    let (person, _) = a_whole_story(&world).await;
    // Theirs was +6281288888888; +6281299999999 before.
    let herds = "DELETE FROM owner_key; DELETE FROM owner;
         WITH o AS (INSERT INTO owner (name, place, registered_at)
                    SELECT n, p.home_place, now() FROM person p, unnest(ARRAY['Siti Fatimah', 'Made Rai']) n
                     WHERE p.name = 'Siti Fatimah' RETURNING id, name)
         INSERT INTO owner_key (owner, kind, digits)
         SELECT id, 'phone', CASE name WHEN 'Made Rai' THEN '081288888888' ELSE '01288888888' END FROM o";
    world.place.db.run(herds).await;
    let Erasure::Done(touched) = erased(&world, person, true).await else {
        panic!("they are there")
    };
    let kept = "SELECT string_agg(o.name || ' ' || k.digits, ', ' ORDER BY o.name)
                  FROM owner o JOIN owner_key k ON k.owner = o.id WHERE o.person IS NULL";
    assert_eq!(
        world.place.db.one::<String>(kept).await,
        "Made Rai 081288888888, Siti Fatimah 01288888888"
    );
    let left = "SELECT id FROM owner WHERE name = 'Made Rai'";
    assert_eq!(
        touched.owners_left,
        [world.place.db.one::<i64>(left).await],
        "the operator is told of the one with their number"
    );
}

/// Somebody's address may stand in what is on its way to others.
#[tokio::test]
async fn what_waits_for_others_is_not_deleted_with_somebody() {
    let world = World::new().await;
    let (person, _) = a_whole_story(&world).await;
    let bodies = format!(
        r#"INSERT INTO queue (name, id, body) SELECT 'kentongan-email-output', gen_random_uuid(), b
             FROM unnest(ARRAY['{{"body":{{"to":"vet@example.org","values":{{"phone":"{OTHER}"}}}}}}',
                               '{{"body":{{"sender":"vet@example.org","recipients":["{OTHER}"]}}}}',
                               '{{"body":{{"recipients":[{{"address":"{OTHER}"}},{{"address":"vet@example.org"}}]}}}}',
                               '{{"body":{{"recipients":[{{"address":"{OTHER}"}}]}}}}',
                               '{{"body":{{"sender":"{OTHER}","recipients":["a@b.id"]}}}}',
                               'no JSON "{OTHER}"']) b;
           INSERT INTO outbox (queue, id, body) SELECT 'email-output', gen_random_uuid(), b
             FROM unnest(ARRAY['{{"body":{{"to":"vet@example.org","values":{{"phone":"{OTHER}"}}}}}}']) b"#
    );
    world.place.db.run(&bodies).await;
    let Erasure::Done(touched) = erased(&world, person, true).await else {
        panic!("they are there")
    };
    assert_eq!(
        touched.waiting,
        3 + 2,
        "to them, from them, about them alone"
    );
    assert_eq!(world.count("queue").await, 4);
    assert_eq!(world.count("outbox").await, 1);
}

#[tokio::test]
async fn raw_mails_of_the_erased_are_deleted_from_the_store() {
    let world = World::new().await;
    let (person, _) = a_whole_story(&world).await;
    let blobs = world.place.home.blobs.as_ref();
    blobs.put("raw/one", b"mail").await.unwrap();
    let db = &world.place.db.db;
    erased(&world, person, false).await;
    assert_eq!(
        delete_blobs(db, blobs).await.unwrap(),
        0,
        "not by a dry run"
    );
    erased(&world, person, true).await;
    assert_eq!(delete_blobs(db, blobs).await.unwrap(), 2);
    let found = blobs.get("raw/one", 10).await.unwrap();
    assert!(matches!(found, crate::blob::Found::Absent));
    assert_eq!(delete_blobs(db, blobs).await.unwrap(), 0, "once");
}

impl World {
    async fn fall_by(&self, channel: &str, delivery: Uuid, to: &str) -> (FellOver, Vec<Pushed>) {
        let text = TextOutput {
            channel: channel.into(),
            to: to.into(),
            text: "Awas".into(),
            purpose: Purpose::Alert,
            in_reply_to: None,
            parts: 1,
            expires_at: Timestamp::MAX,
            tried: Vec::new(),
        };
        let cause = Envelope::first(delivery, &text, Timestamp::now());
        let mut out = Outbox::new(cause, Timestamp::now());
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        let message = Message::Text(&text);
        let undelivered = Undelivered { delivery, message };
        let settings = &self.place.settings.engine;
        let fell = fall_over((&tx, &mut out), &undelivered, settings)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        (fell, out.into_pushed())
    }

    /// Tables of which some row holds this text.
    async fn holding(&self, text: &str) -> Vec<String> {
        let tables: Vec<String> = self
            .place
            .db
            .one(
                "SELECT array_agg(table_name::text) FROM information_schema.tables
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
            )
            .await;
        let mut holding = Vec::new();
        for table in tables {
            if self
                .count(&format!("{table} t WHERE t::text LIKE '%{text}%'"))
                .await
                > 0
            {
                holding.push(table);
            }
        }
        holding
    }
}
