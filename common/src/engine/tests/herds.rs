//! Owners, animals and breeding: rules with memory, on a true database.

use super::*;
use crate::code::spec::{Chapter, Example};
use crate::db::people::Person;
use crate::language::Language;
use crate::mail::charset::without_nul;

const PARAVET: &str = "+6281234567892";
const FARMER: &str = "+6281299990001";

const BUDI: &str = "DP Budi Santoso 72060202 3201011234567890";
const SITI: &str = "DP Siti Aminah 72060202 3201019876543210";
const COW: &str = "DH 7890 ID1 SPBA B 4";

/// Plays every example of the herd codes in one language.
async fn play(language: Language) -> Vec<String> {
    let world = World::new().await;
    world
        .place
        .db
        .run(&format!(
            "UPDATE person SET language = '{}'",
            language.tag()
        ))
        .await;
    let mut faults = Vec::new();
    let codes = world.engine.codes();
    for spec in codes.specs().filter(|s| s.chapter == Some(Chapter::Herds)) {
        for example in &spec.examples {
            if let Err(fault) = one(&world, example, language).await {
                faults.push(format!(
                    "{} {language:?} {}: {fault}",
                    spec.code, example.text
                ));
            }
        }
    }
    faults
}

async fn one(
    world: &World,
    example: &Example,
    language: Language,
) -> std::result::Result<(), String> {
    let mut conn = world.place.db.client().await;
    // Dropped without a commit: what the example did is undone.
    let tx = begin(&mut conn).await;
    let mut at = Timestamp::now() - SignedDuration::from_mins(10);
    let mut pin = String::new();
    let lines = example
        .after
        .iter()
        .map(String::as_str)
        .chain([example.text.as_str()]);
    let last = example.after.len();
    for (n, line) in lines.enumerate() {
        let (from, text) = match line.split_once(": ") {
            Some((who, what)) if who.chars().all(|c| c.is_ascii_lowercase()) => (who, what),
            _ => (example.from.as_str(), line),
        };
        let address = match from {
            "pelsa" => PELSA,
            "paravet" => PARAVET,
            "vet" => VET,
            _ => FARMER,
        };
        let text = text.replace("{pin}", &pin);
        let sender = people::by_contact(&tx, "console", address)
            .await
            .expect("a query");
        let sender = sender.unwrap_or_else(|| Person {
            language: language.tag().to_owned(),
            ..Arc::unwrap_or_clone(world.engine.stranger(&text).expect("open to strangers"))
        });
        let message = Uuid::now_v7();
        let asked = Asked {
            sender: &sender,
            address,
            text: &text,
            message,
            line: 0,
            trace: message,
            sent_at: at,
            received_at: at,
        };
        let answer = world
            .engine
            .answer(&tx, &asked)
            .await
            .map_err(|e| format!("{line}: {e}"))?;
        at += SignedDuration::from_secs(1);
        if let Some((_, rest)) = answer.text.split_once("KDP ") {
            pin = rest.chars().take_while(char::is_ascii_digit).collect();
        }
        let good = matches!(answer.outcome, "stored" | "answered");
        if n < last {
            if !good {
                return Err(format!("before it, {line} was answered {}", answer.text));
            }
            continue;
        }
        let want = example.reply.as_ref().map(|r| r.get(language));
        if let Some(want) = want.filter(|w| !Example::fits(w, &answer.text)) {
            return Err(format!("\n  expected {want}\n  answered {}", answer.text));
        }
        let want = example.error.as_deref();
        if want.map_or(!good, |error| error != answer.outcome) {
            return Err(format!(
                "{} rather than {want:?}: {}",
                answer.outcome, answer.text
            ));
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_examples_of_herds_hold_in_both_languages() {
    let mut faults = play(Language::Id).await;
    faults.extend(play(Language::En).await);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

impl World {
    /// The date of so many days ago, as people type it.
    fn day(&self, ago: i64) -> String {
        let west = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(7));
        let at = (self.now - SignedDuration::from_hours(24 * ago)).to_zoned(west);
        at.date().strftime("%d/%m/%Y").to_string()
    }

    /// What a text sent so many days ago, arriving now, is answered.
    async fn said(&self, from: &str, text: &str, days_ago: i64) -> String {
        self.say(from, text, days_ago * 24 * 60).await.text
    }

    /// What came of a text sent so many minutes ago.
    async fn came(&self, from: &str, text: &str, minutes_ago: i64) -> &'static str {
        self.say(from, text, minutes_ago).await.outcome
    }

    /// With these texts of the paravet stored before.
    async fn after(texts: &[&str]) -> Self {
        let world = Self::new().await;
        for (n, text) in (0i64..).zip(texts) {
            let answer = world.say(PARAVET, text, 700 * 24 * 60 - n).await;
            assert_eq!(answer.outcome, "stored", "{text}: {}", answer.text);
        }
        world
    }

    /// An inseminator of the district.
    async fn with_inseminator(&self) -> &'static str {
        let sql = "WITH p AS (INSERT INTO person (name, language, user_type, home_place)
                      SELECT 'Inseminator Demo', 'id', 'INS', home_place FROM person WHERE name = 'Paramedik Demo'
                      RETURNING id, home_place),
                   c AS (INSERT INTO contact (person, kind, address) SELECT id, 'phone', '+6281277770001' FROM p)
                   INSERT INTO person_area (person, place) SELECT id, home_place FROM p";
        self.place.db.run(sql).await;
        "+6281277770001"
    }

    async fn herd(&self, owner: &str) -> String {
        let sql = format!(
            "SELECT coalesce(string_agg(a.code || ' ' || a.state, ', ' ORDER BY a.code), '')
               FROM animal a JOIN owner o ON o.id = a.owner WHERE o.name = '{owner}'"
        );
        self.place.db.one(&sql).await
    }
}

fn pin_in(answer: &str) -> String {
    let (_, rest) = answer
        .split_once("KDP ")
        .unwrap_or_else(|| panic!("no PIN: {answer}"));
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// Two officers at once; the second is told, whether or not an identification tells the two apart.
#[tokio::test]
async fn of_two_officers_who_register_one_owner_at_once_the_second_is_told() {
    let world = World::new().await;
    for text in [BUDI, "DP Wayan Sudra 72060202"] {
        let mut first = world.place.db.client().await;
        let mut second = world.place.db.client().await;
        let (one, other) = (begin(&mut first).await, begin(&mut second).await);
        let decide = async |tx: &crate::db::Tx<'_>, from: &str| {
            let sender = people::by_contact(tx, "console", from).await;
            let sender = sender.expect("a query").expect("a person");
            let asked = Asked::text(&sender, from, text, world.now);
            world.engine.answer(tx, &asked).await.expect("an answer")
        };
        assert_eq!(decide(&one, PARAVET).await.outcome, "stored");
        let mut waits = Box::pin(decide(&other, VET));
        let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut waits).await;
        assert!(
            early.is_err(),
            "it waits for what the first one does: {text}"
        );
        one.commit().await.expect("it is kept");
        let answer = waits.await;
        assert_eq!(answer.outcome, "owner_exists", "{}", answer.text);
    }
    assert_eq!(
        world
            .place
            .db
            .one::<i64>("SELECT count(*) FROM owner")
            .await,
        2
    );
}

impl World {
    /// What a text sent so many minutes ago comes to, in a transaction of the test's own.
    async fn decide(
        &self,
        tx: &crate::db::Tx<'_>,
        (from, text): (&str, &str),
        minutes_ago: i64,
    ) -> &'static str {
        let sender = people::by_contact(tx, "console", from).await;
        let sender = sender.expect("a query").expect("a person");
        let at = self.now - SignedDuration::from_mins(minutes_ago);
        let asked = Asked::text(&sender, from, text, at);
        let answer = self.engine.answer(tx, &asked).await;
        let answer = answer.unwrap_or_else(|e| panic!("{text}: {e}"));
        intake::insert(tx, &taken(&asked, &answer))
            .await
            .expect("its row");
        answer.outcome
    }

    /// Until a statement of this database waits for a lock.
    async fn until_one_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.place.db.one::<i64>(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// What two texts come to when the second is decided before the first is kept.
    async fn at_once(
        &self,
        first: (&str, &str),
        second: (&str, &str),
        minutes_ago: i64,
    ) -> [&'static str; 2] {
        let mut clients = [self.place.db.client().await, self.place.db.client().await];
        let [a, b] = &mut clients;
        let (a, b) = (begin(a).await, begin(b).await);
        let came = self.decide(&a, first, minutes_ago).await;
        let mut later = Box::pin(self.decide(&b, second, minutes_ago));
        let later = tokio::select! {
            done = &mut later => panic!("{second:?} does not wait for {first:?}: {done}"),
            () = self.until_one_waits() => later,
        };
        a.commit().await.expect("it is kept");
        let then = later.await;
        b.commit().await.expect("it is kept too");
        [came, then]
    }
}

/// `H` and a message of somebody else about what it takes back: whichever comes first stands, and the
/// other one is told.
#[tokio::test]
async fn nothing_is_reported_of_what_is_being_taken_back() {
    let world = World::after(&[BUDI]).await;
    for (n, text) in (0i64..).zip([
        "IB 7890 ID1 B1 B2",
        "PKB 7890 ID1 3",
        "LH 7890 ID1 J C1 01/02/2026",
        "AH 7890 ID1 M",
    ]) {
        let ago = 90 - 20 * n;
        world.came(PARAVET, COW, ago).await;
        let came = world.at_once((PARAVET, "H"), (VET, text), ago - 1).await;
        assert_eq!(came, ["stored", "unknown_animal"], "{text}");
        assert_eq!(world.came(PARAVET, COW, ago - 2).await, "stored", "{text}");
        let came = world.at_once((VET, text), (PARAVET, "H"), ago - 3).await;
        assert_eq!(came, ["stored", "cannot_withdraw"], "{text}");
        // Out of the way for the next one.
        assert_eq!(world.came(VET, "H", ago - 4).await, "stored", "{text}");
        assert_eq!(world.came(PARAVET, "H", ago - 5).await, "stored", "{text}");
    }
    assert_eq!(world.came(PARAVET, SITI, 9).await, "stored");
    let new = "DH 3210 ID9 SPBA B 4";
    let came = world.at_once((PARAVET, "H"), (VET, new), 8).await;
    assert_eq!(came, ["stored", "unknown_owner"]);
    let dangling = "SELECT count(*) FROM animal a JOIN owner o ON o.id = a.owner
                     WHERE a.state <> 'withdrawn' AND o.state = 'withdrawn'";
    assert_eq!(world.place.db.one::<i64>(dangling).await, 0);
}

/// Both name the same dam and the same animal; neither waits for what the other one only names.
#[tokio::test]
async fn what_two_only_speak_of_holds_up_neither() {
    let world = World::after(&[BUDI, COW]).await;
    let mut clients = [world.place.db.client().await, world.place.db.client().await];
    let [a, b] = &mut clients;
    let (a, b) = (begin(a).await, begin(b).await);
    let one = world.decide(&a, (PARAVET, "IB 7890 ID1 B1 B2"), 2).await;
    let other = world.decide(&b, (VET, "PKB 7890 ID1 3"), 2).await;
    assert_eq!([one, other], ["stored", "stored"]);
    // Each goes on to change what both have named: the second waits, and nobody is ended for it.
    assert_eq!(
        world.decide(&a, (PARAVET, "GI 7890 ID1 X1"), 1).await,
        "stored"
    );
    let mut gone = Box::pin(world.decide(&b, (VET, "AH 7890 ID1 M"), 1));
    let gone = tokio::select! {
        done = &mut gone => panic!("both changed it: {done}"),
        () = world.until_one_waits() => gone,
    };
    a.commit().await.expect("it is kept");
    drop(gone);
}

#[tokio::test]
async fn an_owner_confirms_from_their_own_phone_in_time_and_once() {
    let world = World::new().await;
    let pin = pin_in(&world.said(PARAVET, "DP Wayan Sudra 72060202", 0).await);
    assert_eq!(
        world.came(PARAVET, "DH 1000001 1 SP B 3", 0).await,
        "waiting_owner"
    );
    // Somebody else's phone proves nothing; the PIN is good all the same.
    let vet = world.say(VET, &format!("KDP {pin}"), 0).await;
    assert_ne!(vet.outcome, "stored", "{}", vet.text);
    let good = world.say(FARMER, &format!("KDP {pin}"), 0).await;
    assert_eq!(good.outcome, "stored", "{}", good.text);
    let officer = good.alerts.first().expect("the officer is told");
    assert!(
        officer.text.contains("Wayan Sudra di Ogotua"),
        "{}",
        officer.text
    );
    // Twice: as if it had been once, but from another phone.
    let again = world.say(FARMER, &format!("kdp {pin}."), 0).await;
    assert_eq!(again.outcome, "pin_twice", "{}", again.text);
    let other = world.say("+6281299990002", &format!("KDP {pin}"), 0).await;
    assert_eq!(other.outcome, "pin_used", "{}", other.text);
    // By the number that was proven, by its last digits, by the owner's number.
    for id in ["081299990001", "990001", "1000001"] {
        let text = format!("DH {id} A{id} SP B 3");
        assert_eq!(world.came(PARAVET, &text, 0).await, "stored", "{text}");
    }
    assert!(
        world
            .said(FARMER, "DHP", 0)
            .await
            .starts_with("Wayan Sudra: A")
    );
}

/// Registered by card, an owner has no telephone that writes to us; the same `DP` once more gives the PIN.
#[tokio::test]
async fn an_owner_who_was_registered_by_card_may_write_after_a_second_dp() {
    let world = World::after(&[BUDI, COW]).await;
    let slip = world
        .say(VET, "DP Budi S 72060202 3201011234567890", 9)
        .await;
    assert_eq!(slip.outcome, "owner_exists", "{}", slip.text);
    let far = BUDI.replace("72060202", "63020202");
    assert_eq!(world.came(VET, &far, 9).await, "owner_exists");
    let again = world.say(VET, BUDI, 8).await;
    assert_eq!(again.outcome, "stored", "{}", again.text);
    assert!(again.text.contains("sudah terdaftar (nomor 1000001)"));
    // Taken back, the PIN is worth nothing, and the owner is as before.
    assert_eq!(world.came(VET, "H", 7).await, "stored");
    let gone = format!("KDP {}", pin_in(&again.text));
    assert_eq!(world.came(FARMER, &gone, 6).await, "owner_pin_late");
    let pin = pin_in(
        &world
            .say(VET, "DP budi  santoso 72060202 3201011234567890", 5)
            .await
            .text,
    );
    let good = world.say(FARMER, &format!("KDP {pin}"), 4).await;
    assert_eq!(good.outcome, "stored", "{}", good.text);
    assert_eq!(world.herd("Budi Santoso").await, "ID1 alive");
    assert_eq!(world.came(FARMER, "BH ID1", 3).await, "stored");
    let third = BUDI.replace("72060202", "72.06.02.02");
    assert_eq!(world.came(PARAVET, &third, 2).await, "owner_exists");
    assert_eq!(
        world
            .place
            .db
            .one::<i64>("SELECT count(*) FROM owner")
            .await,
        1
    );
}

/// Whoever stands beside the officer has a telephone too: only the one that is the owner's id proves them.
#[tokio::test]
async fn an_owner_who_is_known_by_telephone_confirms_from_that_one() {
    let world = World::after(&["DP Budi Santoso 72060202 081299990001"]).await;
    let again = "DP Budi Santoso 72060202 081299990001";
    let pin = pin_in(&world.say(VET, again, 60).await.text);
    let other = world.say("+6281299990002", &format!("KDP {pin}"), 55).await;
    assert_eq!(other.outcome, "pin_wrong_phone", "{}", other.text);
    // Called by the name alone they have the same telephone.
    world
        .place
        .db
        .run("UPDATE owner SET registered_at = now() - interval '1 hour'")
        .await;
    let pin = pin_in(&world.say(VET, "DP Budi Santoso 72060202", 9).await.text);
    let text = format!("KDP {pin}");
    let other = world.came("+6281299990002", &text, 8).await;
    assert_eq!(other, "pin_wrong_phone");
    let phone = "SELECT digits FROM owner_key WHERE kind = 'phone'";
    let phone: String = world.place.db.one(phone).await;
    assert_eq!(phone, "081299990001");
    assert_eq!(world.came(FARMER, &text, 7).await, "stored");
}

#[tokio::test]
async fn nobody_asks_for_the_pin_of_an_owner_where_they_answer_for_nothing() {
    let world = World::after(&[BUDI]).await;
    let elsewhere = "DELETE FROM person_area
                      WHERE person = (SELECT person FROM contact WHERE address = '+6281234567893')
                        AND place = (SELECT place FROM place_code WHERE code = '7204' LIMIT 1)";
    world.place.db.run(elsewhere).await;
    let far = world.say(VET, BUDI, 8).await;
    assert_eq!(far.outcome, "outside_area", "{}", far.text);
    let own = BUDI.replace("72060202", "72.06.02.02");
    assert_eq!(world.came(PARAVET, &own, 7).await, "stored");
}

/// A PIN that nobody used changed nothing; one that was used did.
#[tokio::test]
async fn h_takes_back_an_owner_until_they_have_confirmed() {
    for confirms in [false, true] {
        let world = World::new().await;
        assert_eq!(world.came(PARAVET, BUDI, 60).await, "stored");
        let pin = pin_in(&world.say(VET, BUDI, 9).await.text);
        let kdp = format!("KDP {pin}");
        if confirms {
            assert_eq!(world.came(FARMER, &kdp, 8).await, "stored");
        }
        let (h, state) = match confirms {
            false => ("stored", "withdrawn"),
            true => ("cannot_withdraw", "active"),
        };
        assert_eq!(world.came(PARAVET, "H", 7).await, h);
        let now: String = world.place.db.one("SELECT state FROM owner").await;
        assert_eq!(now, state);
        if !confirms {
            assert_eq!(world.came(FARMER, &kdp, 6).await, "owner_pin_late");
        }
    }
}

/// What is worth something for a time only is not given days later.
#[tokio::test]
async fn what_gives_a_pin_or_a_permit_is_not_decided_again() {
    let world = World::new().await;
    let names = "('Paramedik Demo', 'Dokter Hewan Demo')";
    let refuse = format!(
        "INSERT INTO person_permission SELECT p.id, c, false FROM person p,
           unnest(ARRAY['can_send_dp', 'can_send_sk', 'can_send_n', 'can_send_d']) c WHERE p.name IN {names}"
    );
    world.place.db.run(&refuse).await;
    for text in [
        "DP Wayan Sudra 72060202",
        "SK 123456789012345 72060202 63020202 SP 4",
        "N 081299990001",
        BUDI,
    ] {
        let refused = world.came(PARAVET, text, 60 * 24 * 3).await;
        assert_eq!(refused, "no_permission", "{text}");
    }
    world.place.db.run("DELETE FROM person_permission").await;
    let give = format!(
        "INSERT INTO person_permission SELECT p.id, c, true FROM person p,
           unnest(ARRAY['can_send_dp', 'can_send_sk', 'can_send_n', 'can_send_d']) c WHERE p.name IN {names}"
    );
    world.place.db.run(&give).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let wanted = crate::db::again::Wanted {
        from: world.now - SignedDuration::from_hours(200),
        to: world.now + SignedDuration::from_hours(1),
        codes: &[],
        after: None,
        most: 10,
    };
    let originals = crate::db::again::originals(&tx, &wanted).await;
    let paravet = people::by_contact(&tx, "console", PARAVET).await;
    let paravet = paravet.expect("a query").expect("the paravet");
    let mut lapse = Vec::new();
    for original in originals.expect("a query") {
        let decided = world.engine.again(&tx, &original, &paravet).await;
        match decided.expect("the server answers") {
            Again::Lapses => lapse.push(original.text.split(' ').next().unwrap_or("").to_owned()),
            Again::Stored(_) => assert_eq!(original.text, BUDI),
            other => panic!("{}: {other:?}", original.text),
        }
    }
    lapse.sort_unstable();
    assert_eq!(lapse, ["DP", "N", "SK"]);
}

#[tokio::test]
async fn a_pin_that_comes_late_or_was_withdrawn_confirms_nobody() {
    let world = World::new().await;
    let pin = pin_in(&world.say(PARAVET, "DP Wayan Sudra 72060202", 30).await.text);
    world
        .place
        .db
        .run("UPDATE pin SET expires_at = made_at")
        .await;
    let late = world.say(FARMER, &format!("KDP {pin}"), 0).await;
    assert_eq!(late.outcome, "owner_pin_late", "{}", late.text);
    // Repeating DP gives another PIN for the same owner.
    let again = world.say(VET, "DP  wayan sudra 72.06.02.02", 9).await.text;
    let fresh = pin_in(&again);
    assert_ne!(fresh, pin);
    assert_eq!(
        world
            .place
            .db
            .one::<i64>("SELECT count(*) FROM owner")
            .await,
        1
    );
    assert_eq!(
        world.came(FARMER, &format!("KDP {fresh}"), 0).await,
        "stored"
    );
    // What the PIN made cannot be taken back by a message.
    assert_eq!(world.came(PARAVET, "H", 0).await, "cannot_withdraw");
    assert_eq!(world.came(VET, "H", 0).await, "cannot_withdraw");
    let pin = pin_in(&world.said(PARAVET, "DP Made Rai 72060202", 0).await);
    assert_eq!(world.came(PARAVET, "H", 0).await, "stored");
    let gone = world.say("+6281299990003", &format!("KDP {pin}"), 0).await;
    assert_eq!(gone.outcome, "owner_pin_late", "{}", gone.text);
}

#[tokio::test]
async fn h_takes_back_what_nothing_was_built_on() {
    let world = World::after(&[BUDI, SITI, COW]).await;
    world.came(PARAVET, "DH 7890 ID2 SP J 1", 50).await;
    assert_eq!(world.came(PARAVET, "H", 49).await, "stored");
    assert_eq!(world.herd("Budi Santoso").await, "ID1 alive, ID2 withdrawn");
    // The id is free again; an insemination by somebody else stands on the cow.
    world.came(PARAVET, "DH 7890 ID2 SP B 3", 48).await;
    assert_eq!(world.came(VET, "IB 7890 ID2 B1 B2", 47).await, "stored");
    assert_eq!(world.came(PARAVET, "H", 46).await, "cannot_withdraw");
    // Sold, and the sale taken back.
    assert_eq!(world.came(VET, "JBH 7890 3210 ID1 ID2", 45).await, "stored");
    assert_eq!(world.herd("Siti Aminah").await, "ID1 alive, ID2 alive");
    assert_eq!(world.came(VET, "H", 44).await, "stored");
    assert_eq!(world.herd("Siti Aminah").await, "");
    // Renamed, dead, and neither.
    world.came(VET, "GI 7890 ID1 X1", 43).await;
    assert_eq!(world.came(VET, "H", 42).await, "stored");
    world.came(VET, "AH 7890 ID1 M", 41).await;
    assert_eq!(world.came(VET, "H", 40).await, "stored");
    let herd = "ID1 alive, ID2 withdrawn, ID2 alive";
    let now = world.herd("Budi Santoso").await;
    assert_eq!(now.len(), herd.len(), "{now}");
    // A calf that was none.
    assert_eq!(
        world.came(VET, "LH 7890 ID1 J C1 01/02/2026", 39).await,
        "stored"
    );
    assert_eq!(world.came(VET, "H", 38).await, "stored");
    assert!(world.herd("Budi Santoso").await.contains("C1 withdrawn"));
    assert_eq!(
        world.came(VET, "LH 7890 ID1 B C1 02/02/2026", 37).await,
        "stored"
    );
}

#[tokio::test]
async fn a_pregnancy_precedes_its_birth_by_a_plausible_time() {
    let world = World::after(&[BUDI, COW]).await;
    let day = |ago| world.day(ago);
    let ib = world.said(PARAVET, "IB 7890 ID1 B1 B2", 290).await;
    assert!(ib.contains("lahir sekitar"), "{ib}");
    let soon = world
        .say(PARAVET, &format!("LH 7890 ID1 J C1 {}", day(100)), 50)
        .await;
    assert_eq!(soon.outcome, "born_too_soon", "{}", soon.text);
    assert!(
        soon.text.contains(&format!("IB {}", day(290))),
        "{}",
        soon.text
    );
    let good = world
        .said(PARAVET, &format!("LH 7890 ID1 J C1 {}", day(7)), 0)
        .await;
    assert!(good.contains(&format!("IB {}", day(290))), "{good}");
    // A twin a day later is the same birth; another one is not.
    assert_eq!(
        world
            .came(PARAVET, &format!("LH 7890 ID1 B C2 {}", day(6)), 0)
            .await,
        "stored"
    );
    let again = world
        .say(PARAVET, &format!("LH 7890 ID1 B C3 {}", day(90)), 0)
        .await;
    assert_eq!(again.outcome, "born_too_soon", "{}", again.text);
    // Once taken back it stands against nothing.
    let history = world.said(PARAVET, "IH 7890 ID1", 0).await;
    assert!(
        history.contains("melahirkan jantan C1; ") && history.contains("melahirkan betina C2"),
        "{history}"
    );
}

#[tokio::test]
async fn an_inseminated_animal_that_was_found_pregnant_is_pointed_out() {
    let world = World::after(&[BUDI, COW]).await;
    world.said(PARAVET, "IB 7890 ID1 B1 B2", 95).await;
    let pkb = world.said(PARAVET, "PKB 7890 ID1 3", 4).await;
    assert!(
        pkb.contains("bunting 3 bulan, lahir sekitar") && pkb.contains("IB terakhir"),
        "{pkb}"
    );
    let again = world.said(PARAVET, "IB 7890 ID1 B3 B4", 0).await;
    assert!(
        again.contains("Perhatian: dilaporkan bunting pada"),
        "{again}"
    );
    world.said(PARAVET, "KGG 7890 ID1 2", 0).await;
    let after = world.said(PARAVET, "IB 7890 ID1 B5 B6", 0).await;
    assert!(!after.contains("Perhatian"), "{after}");
}

#[tokio::test]
async fn a_farmer_speaks_of_the_own_herd_and_inseminators_hear_of_heat() {
    let world = World::after(&[BUDI]).await;
    let inseminator = world.with_inseminator().await;
    let pin = pin_in(&world.said(PARAVET, "DP Wayan Sudra 72060202", 0).await);
    world.came(FARMER, &format!("KDP {pin}"), 0).await;
    world.came(PARAVET, "DH 990001 7 SPBA B 3", 0).await;
    let heat = world.say(FARMER, "BH 7", 0).await;
    assert_eq!(heat.outcome, "stored", "{}", heat.text);
    let told: Vec<&str> = heat.alerts.iter().map(|a| a.address.as_str()).collect();
    assert_eq!(told, [inseminator]);
    assert!(
        heat.alerts[0]
            .text
            .contains("7 milik Wayan Sudra (+6281299990001)")
    );
    // What an officer reports needs no alert.
    assert!(world.say(PARAVET, "BH 990001 7", 0).await.alerts.is_empty());
    let list = world.said(inseminator, "BHK", 0).await;
    assert!(list.contains("7 milik Wayan Sudra"), "{list}");
    for text in ["DHP 7890", "IH 7890 ID1", "BH 7890 ID1"] {
        let answer = world.say(FARMER, text, 0).await;
        assert_eq!(answer.outcome, "not_allowed", "{text}: {}", answer.text);
        assert!(!answer.text.contains("Budi"), "{}", answer.text);
    }
}

/// What people's phones make of names (M14): answered, bounded, stored as it can be read.
#[tokio::test]
async fn names_with_anything_in_them_are_stored_clean_or_refused() {
    let world = World::new().await;
    for (n, (name, stored)) in [
        ("Jos\u{e9} Nu\u{f1}ez", Some("Jos\u{e9} Nu\u{f1}ez")),
        ("Budi\u{202e}\u{200f} Santoso\u{feff}", Some("Budi Santoso")),
        ("Siti\u{0} Aminah", Some("Siti Aminah")),
        ("Ketut \u{1f404}\u{1f404}", Some("Ketut \u{1f404}\u{1f404}")),
        (
            "\u{645}\u{62d}\u{645}\u{62f}",
            Some("\u{645}\u{62d}\u{645}\u{62f}"),
        ),
        ("O'Neil-Putra", Some("O'Neil-Putra")),
        (&"A".repeat(10_000), None),
        (&"Budi ".repeat(2_000), None),
    ]
    .into_iter()
    .enumerate()
    {
        // As the handler hands it over: without what PostgreSQL cannot keep.
        let text = format!("DP {name} 72060202 32010112345678{n:02}");
        let answer = world.say(PARAVET, &without_nul(&text), 0).await;
        assert!(answer.text.chars().count() < 700, "{}", answer.text.len());
        let sql = format!(
            "SELECT coalesce((SELECT o.name FROM owner o JOIN owner_key k ON k.owner = o.id WHERE k.digits = '32010112345678{n:02}'), '')"
        );
        let kept: String = world.place.db.one(&sql).await;
        assert_eq!(kept, stored.unwrap_or_default(), "{}", answer.text);
    }
}

/// A PIN of training confirms none of the real owners.
#[tokio::test]
async fn a_pin_of_training_is_no_key_to_real_owners() {
    let world = World::new().await;
    let real = pin_in(&world.said(VET, "DP Wayan Sudra 72060202", 0).await);
    world
        .place
        .db
        .run("UPDATE person SET training = true WHERE name = 'Paramedik Demo'")
        .await;
    let pin = pin_in(&world.said(PARAVET, "DP Made Rai 72060202", 0).await);
    let done = world.say(FARMER, &format!("KDP {pin}"), 0).await;
    assert_eq!(done.outcome, "stored", "{}", done.text);
    let states = async |owners: &str| {
        let sql = format!("SELECT name || ' ' || state FROM {owners}");
        world.place.db.one::<String>(&sql).await
    };
    assert_eq!(states("public.owner").await, "Wayan Sudra waiting");
    assert_eq!(states("training.owner").await, "Made Rai active");
    let trains = "SELECT training FROM person WHERE name = 'Made Rai'";
    assert!(world.place.db.one::<bool>(trains).await);
    // The farmer of training sees the herd of training.
    let herd = world.say(FARMER, "DHP", 0).await.text;
    assert!(herd.starts_with("LATIHAN."), "{herd}");
    assert_ne!(real, pin);
}

/// The last digits of an owner near by are often somebody's whole number far away, or their date of birth.
#[tokio::test]
async fn last_digits_mean_an_owner_near_by_before_a_whole_id_elsewhere() {
    let world = World::after(&[BUDI]).await;
    let far = "
        INSERT INTO owner (id, name, place, registered_at) OVERRIDING SYSTEM VALUE
        SELECT n, 'Orang Jauh ' || n, id, now() FROM place, unnest(ARRAY[4567890, 4567891]) n
         WHERE name = 'Tammangalle';
        INSERT INTO owner_key (owner, kind, digits) SELECT id, 'number', id::text FROM owner
         WHERE name LIKE 'Orang Jauh %';
        INSERT INTO owner_key (owner, kind, digits) VALUES
            (4567890, 'identification', '567890'), (4567891, 'identification', '010180')";
    world.place.db.run(far).await;
    let texts = ["DH 4567890 ID1 SPBA B 4", "DH 567890 ID2 SPBA B 4"];
    for text in texts {
        let answer = world.say(PARAVET, text, 9).await;
        assert_eq!(answer.outcome, "stored", "{text}: {}", answer.text);
    }
    assert_eq!(world.herd("Budi Santoso").await, "ID1 alive, ID2 alive");
    let birthday = world.came(PARAVET, "DH 010180 ID3 SPBA B 4", 9).await;
    assert_eq!(
        birthday, "unknown_owner",
        "a date of birth in another province"
    );
    let number = world.came(PARAVET, "DH 4567891 ID4 SPBA B 4", 9).await;
    assert_eq!(
        number, "stored",
        "our number means one owner in the country"
    );
    assert_eq!(world.herd("Orang Jauh 4567891").await, "ID4 alive");
}

/// Without a place all that the sender answers for; a named place is that place, be it their home.
#[tokio::test]
async fn heats_are_those_of_the_place_that_is_named() {
    let world = World::after(&[BUDI, COW]).await;
    let elsewhere = "INSERT INTO owner (name, place, registered_at)
                     SELECT 'Nyoman', place, now() FROM place_code WHERE code = '63020202' LIMIT 1 RETURNING id";
    let nyoman: i64 = world.place.db.one(elsewhere).await;
    world
        .place
        .db
        .run(&format!(
            "INSERT INTO owner_key VALUES ({nyoman}, 'number', '{nyoman}');
             INSERT INTO animal (owner, code, kind, species, sex, born_on, registered_at)
             VALUES ({nyoman}, 'N1', 'SPBA', 'SP', 'B', current_date - 1500, now());
             INSERT INTO person_area SELECT p.id, o.place FROM person p, owner o
              WHERE p.name = 'Paramedik Demo' AND o.id = {nyoman};
             UPDATE person SET home_place = (SELECT place FROM owner WHERE id = 1000001) WHERE name = 'Paramedik Demo'"
        ))
        .await;
    for text in ["BH 7890 ID1".to_owned(), format!("BH {nyoman} N1")] {
        assert_eq!(world.came(PARAVET, &text, 5).await, "stored", "{text}");
    }
    let all = world.said(PARAVET, "BHK", 0).await;
    assert!(all.contains("ID1") && all.contains("N1"), "{all}");
    let home = world.said(PARAVET, "BHK 72060202", 0).await;
    assert!(home.contains("ID1") && !home.contains("N1"), "{home}");
}

/// Who sold an animal does not read on what became of it; who has it gone does.
#[tokio::test]
async fn a_gone_animal_is_found_by_its_farmer_and_a_sold_one_by_officers() {
    let world = World::after(&[BUDI, SITI, COW]).await;
    world.came(PARAVET, "DH 7890 ID2 SPBA B 4", 60).await;
    let pin = pin_in(
        &world
            .said(PARAVET, &BUDI.replace("72060202", "72.06.02.02"), 0)
            .await,
    );
    assert_eq!(world.came(FARMER, &format!("KDP {pin}"), 0).await, "stored");
    world.came(PARAVET, "JBH 7890 3210 ID1", 50).await;
    world.came(PARAVET, "AH 7890 ID2 M", 49).await;
    assert!(world.said(FARMER, "IH ID2", 0).await.contains("mati"));
    assert_eq!(world.came(FARMER, "IH ID1", 0).await, "unknown_animal");
    let sold = world.said(PARAVET, "IH 7890 ID1", 0).await;
    assert!(sold.contains("dijual kepada Siti Aminah"), "{sold}");
    // Nothing is reported of what is gone.
    assert_eq!(
        world.came(PARAVET, "BB 7890 ID2 200", 0).await,
        "unknown_animal"
    );
}

/// A dam that died at calving: whichever of the two reports comes first.
#[tokio::test]
async fn a_dam_that_died_may_have_given_birth_before() {
    let world = World::after(&[BUDI, COW]).await;
    let day = |ago| world.day(ago);
    assert_eq!(
        world.came(PARAVET, "AH 7890 ID1 M", 10 * 24 * 60).await,
        "stored"
    );
    let after = format!("LH 7890 ID1 J C1 {}", day(9));
    let after = world.say(PARAVET, &after, 0).await;
    assert_eq!(after.outcome, "gone_before", "{}", after.text);
    assert!(after.text.contains(&day(10)), "{}", after.text);
    let same = format!("LH 7890 ID1 J C1 {}", day(10));
    assert_eq!(world.came(PARAVET, &same, 1).await, "stored");
    // Her past counts as that of a living one.
    let twice = format!("LH 7890 ID1 J C2 {}", day(100));
    assert_eq!(world.came(PARAVET, &twice, 0).await, "born_too_soon");
    assert_eq!(world.herd("Budi Santoso").await, "C1 alive, ID1 gone");
    // Nothing else is reported of her.
    assert_eq!(
        world.came(PARAVET, "IB 7890 ID1 B1 B2", 0).await,
        "unknown_animal"
    );
}

/// However many owners there are, no text of a herd reads a whole table of them.
#[tokio::test]
async fn no_look_up_reads_a_whole_table() {
    let world = World::new().await;
    let fill = "
        INSERT INTO owner (id, name, place, registered_at) OVERRIDING SYSTEM VALUE
        SELECT 1000001 + k, 'Peternak ' || k, p.home_place, now() - interval '2 years'
          FROM generate_series(1, 20000) k, person p WHERE p.name = 'Paramedik Demo';
        INSERT INTO owner_key (owner, kind, digits) SELECT id, 'number', id::text FROM owner;
        INSERT INTO owner_key (owner, kind, digits)
        SELECT id, 'phone', '08135' || lpad((id - 1000001)::text, 7, '0') FROM owner;
        INSERT INTO animal (owner, code, kind, species, sex, born_on, registered_at)
        SELECT o.id, 'A' || a, 'SPBA', 'SP', 'B', current_date - 1800, now()
          FROM owner o, generate_series(1, 2) a;
        INSERT INTO report_subject (report, received_at, kind, subject)
        SELECT gen_random_uuid(), now() - interval '1 month', 'animal', id FROM animal;
        SELECT setval(pg_get_serial_sequence('owner', 'id'), max(id)) FROM owner";
    world.place.db.run(fill).await;
    for table in ["owner", "owner_key", "animal", "report_subject"] {
        world.place.db.run(&format!("ANALYZE {table}")).await;
    }
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let sender = people::by_contact(&tx, "console", PARAVET).await;
    let sender = sender.expect("a query").expect("a person");
    for text in [
        "IB 081350017000 A1 B7 N1",
        "PKB 081350017000 A1 0",
        "LH 081350017000 A2 B C1 01/02/2026",
        "DH 081350017000 D1 SPBA B 3",
        "JBH 081350017000 081350016000 D1",
        "GI 081350016000 D1 D2",
        "AH 081350016000 D2 M",
        "DP Baru Sekali 72060202 3201011234567890",
        "DP Baru Lagi 72060202",
        "DHP 081350017000",
        "IH 081350017000 A1",
        "IH 081350016000 D2",
    ] {
        let asked = Asked::text(&sender, PARAVET, text, world.now);
        let answer = world.engine.answer(&tx, &asked).await.expect("an answer");
        let good = matches!(answer.outcome, "stored" | "answered");
        assert!(good, "{text}: {}", answer.text);
        let whole = "SELECT relname::text FROM pg_stat_xact_user_tables
             WHERE seq_scan > 0 AND relname IN ('owner', 'owner_key', 'animal', 'report_subject')";
        let whole: Vec<String> = tx
            .query(whole, &[])
            .await
            .expect("the figures")
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert!(whole.is_empty(), "{text} reads all of {whole:?}");
    }
}
