//! What several people say about one event, and what messages about a case build on each other.

use super::*;

const PARAVET: &str = "+6281234567892";

/// An owner in the demo's village with three cows, K1 to K3, and a laboratory in each of two regencies.
const HERD: &str = "
    INSERT INTO owner (name, place, registered_at)
    SELECT 'Budi', place, now() FROM place_code WHERE system = 'isikhnas' AND code = '72060202';
    INSERT INTO owner_key (owner, kind, digits) SELECT id, 'phone', '081277700001' FROM owner;
    INSERT INTO animal (owner, code, kind, species, sex, registered_at)
    SELECT id, 'K' || n, 'SPBA', 'SP', 'B', now() FROM owner, generate_series(1, 3) AS n;
    INSERT INTO infrastructure (code, type, name, place)
    SELECT '73' || k.code, 'LAB', 'Lab ' || k.code, k.place FROM place_code k
     WHERE k.system = 'kemendagri' AND k.code IN ('7301', '7604')";

async fn with_herd() -> World {
    let world = World::new().await;
    world.place.db.run(HERD).await;
    world
}

#[tokio::test]
async fn two_people_who_report_one_event_are_told_of_it_and_both_cases_stand() {
    let world = World::new().await;
    world.say(PELSA, "U mc,dm sp 4", 60).await;
    let second = world.say(VET, "U dm sp 6 72060202", 0).await;
    assert_eq!((second.outcome, second.case_id), ("stored", Some(2)));
    let hint = "Mirip kasus 1 dari Pelsa Demo Satu. Bila kejadiannya sama, kirim LINK 2 1.";
    assert!(second.text.ends_with(hint), "{}", second.text);
    // Whoever may not join cases is not told how.
    let third = world.say(PELSA, "U dm sp 7", 0).await;
    assert!(third.text.contains("Mirip kasus 2"), "{}", third.text);
    assert!(!third.text.contains("LINK"), "{}", third.text);
    for (from, text, ago) in [
        (VET, "U mc,dm kb 4", 0),
        (VET, "U kbg sp 4", 0),
        (VET, "U dm sp 5 63020202", 0),
        (VET, "U dm sp 8", 4 * 24 * 60),
        (PARAVET, "P GG AJ 1", 0),
    ] {
        let other = world.say(from, text, ago).await;
        assert!(!other.text.contains("Mirip"), "{text}: {}", other.text);
    }
    let rabies = world.say(PELSA, "P GG AJ 2", 0).await;
    assert!(rabies.text.contains("Mirip kasus 8"), "{}", rabies.text);
}

#[tokio::test]
async fn an_installation_may_want_no_hints() {
    let mut place = TestHome::new().await;
    place.settings.engine.alike_days = 0;
    let world = World::at(place).await;
    world.say(PELSA, "U mc sp 4", 1).await;
    let second = world.say(VET, "U mc sp 4", 0).await;
    assert!(!second.text.contains("Mirip"), "{}", second.text);
}

#[tokio::test]
async fn joined_cases_show_each_other_until_that_is_taken_back() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 9).await;
    world.say(PARAVET, "U mc sp 6", 8).await;
    let shows = async |case: i64, other: i64| {
        let text = world.say(VET, &format!("LAPK {case}"), 0).await.text;
        text.contains(&format!("digabung dengan [{other}]"))
    };
    assert_eq!(world.say(VET, "LINK 2 1", 7).await.outcome, "stored");
    assert!(shows(1, 2).await && shows(2, 1).await);
    // Once more from the other side changes nothing, and taking that back leaves the first.
    assert_eq!(world.say(VET, "LINK 1 2", 6).await.outcome, "stored");
    assert_eq!(world.say(VET, "H", 5).await.outcome, "stored");
    assert!(shows(1, 2).await && shows(2, 1).await);
    // The second case goes; nothing shows it any more.
    world.say(PARAVET, "H", 4).await;
    assert_eq!(world.case(2).await.0, "open", "a LINK was built on it");
}

#[tokio::test]
async fn a_link_is_taken_back() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 9).await;
    world.say(PARAVET, "U mc sp 6", 8).await;
    world.say(VET, "LINK 1 2", 7).await;
    // Case 2 carries no report of the link itself: whoever opened it may take it back.
    assert_eq!(world.say(PARAVET, "H", 6).await.outcome, "stored");
    let text = world.say(VET, "LAPK 1", 5).await.text;
    assert!(!text.contains("digabung"), "{text}");
    assert_eq!(world.say(VET, "H", 4).await.outcome, "stored");
    let left = "SELECT count(*) FROM case_link";
    assert_eq!(world.place.db.one::<i64>(left).await, 0);
}

#[tokio::test]
async fn animals_that_a_treatment_names_stay_in_their_case() {
    let world = with_herd().await;
    let opened = world.say(VET, "UI mc 081277700001 K1,K2 coc", 20).await;
    assert!(opened.text.contains("1=K1, 2=K2"), "{}", opened.text);
    // One that is there already keeps its number.
    let added = world.say(VET, "HK 1 081277700001 K2 K3", 19).await;
    assert!(added.text.contains("2=K2, 3=K3"), "{}", added.text);
    let wrong = world.say(PARAVET, "OBI 1 OTC 5 3,4", 18).await;
    assert_eq!(wrong.outcome, "unknown_case_animal", "{}", wrong.text);
    let good = world.say(PARAVET, "OBI 1 OTC 5 3,1", 17).await;
    assert_eq!(good.outcome, "stored", "{}", good.text);
    assert_eq!(world.say(VET, "H", 16).await.outcome, "cannot_withdraw");
    assert_eq!(world.say(PARAVET, "H", 15).await.outcome, "stored");
    assert_eq!(world.say(VET, "H", 14).await.outcome, "stored");
    let left = world.say(VET, "DHK 1", 13).await.text;
    assert_eq!(left, "[1] 1=K1 sapi (Budi), 2=K2 sapi (Budi)");
    // Where the owner lives, not where the sender does; and the counts that other codes print.
    let text = world.say(ENGLISH, "LAPD 72060202", 12).await.text;
    assert!(text.ends_with("cattle (2), diarrhoea"), "{text}");
    let outcome = world.say(VET, "PK 1 SB", 11).await.text;
    assert!(outcome.contains("2 sapi: sembuh"), "{outcome}");
}

/// A case says where it is; the owner of its animals may live elsewhere.
#[tokio::test]
async fn what_names_a_case_and_an_owner_is_where_the_case_is() {
    let world = with_herd().await;
    world.say(VET, "U mc sp 4 63020202", 2).await;
    world.say(VET, "HK 1 081277700001 K1", 1).await;
    let same = "SELECT count(DISTINCT place) FROM report WHERE case_id = 1";
    assert_eq!(world.place.db.one::<i64>(same).await, 1);
}

#[tokio::test]
async fn infrastructure_is_looked_for_ever_farther_out() {
    let world = with_herd().await;
    let ask = async |text: &str| world.say(VET, text, 0).await.text;
    let south = "Lab 7301 (Kepulauan Selayar): 737301";
    let west = "Lab 7604 (Polewali Mandar): 737604";
    assert_eq!(ask("CKI LAB 7301072006").await, south);
    assert_eq!(ask("CKI LAB 76").await, west);
    let all = ask("CKI LAB 7204").await;
    assert!(all.contains(south) && all.contains(west), "{all}");
    let none = ask("CKI PLB 7301").await;
    assert_eq!(none, "Belum ada pelabuhan yang terdaftar.");
}

#[tokio::test]
async fn searches_take_signs_of_patterns_as_words() {
    let world = World::new().await;
    for code in ["CKP", "CKO", "CKJS"] {
        for words in ["%%", "a%", "__", "_a_", "\\\\", "zzzzzzzz"] {
            let answer = world.say(VET, &format!("{code} {words}"), 0).await.text;
            assert!(answer.starts_with("Tidak ada"), "{code} {words}: {answer}");
        }
        let long = format!("{code} {}", "a".repeat(10_000));
        assert_eq!(world.say(VET, &long, 0).await.outcome, "long", "{code}");
    }
}

#[tokio::test]
async fn reports_of_one_disease_go_by_the_priority_syndrome_now() {
    let world = World::new().await;
    for old in ["AI AY 20", "srab aj 1"] {
        let answer = world.say(VET, old, 0).await;
        assert_eq!(answer.outcome, "replaced", "{old}");
        assert!(answer.text.contains("diganti dengan P."), "{}", answer.text);
    }
}

#[tokio::test]
async fn one_asks_for_the_cases_of_somebody_or_for_ones_own() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 3).await;
    world.say(VET, "U dm kb 1", 2).await;
    let own = world.say(VET, "LAPP", 1).await.text;
    assert!(own.starts_with("[2] ") && !own.contains("[1]"), "{own}");
    let other = world.say(VET, "LAPP 081234567890", 1).await.text;
    assert!(
        other.starts_with("[1] ") && !other.contains("[2]"),
        "{other}"
    );
    // A number that nobody has finds nobody's cases, not one's own.
    let nobody = world.say(VET, "LAPP 081299999999", 1).await.text;
    assert_eq!(nobody, "Belum ada kasus dari +6281299999999.");
}

#[tokio::test]
async fn whose_number_it_was_is_known_until_somebody_has_it() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 9).await;
    let moved = "UPDATE contact SET address = '+6281200000001' WHERE address = '+6281234567890'";
    world.place.db.run(moved).await;
    for number in ["081234567890", "081200000001"] {
        let answer = world.say(VET, &format!("LAPP {number}"), 0).await;
        assert!(answer.text.contains("[1]"), "{number}: {}", answer.text);
    }
    let given = "UPDATE contact SET address = '+6281234567890' WHERE address = '+6281234567892'";
    world.place.db.run(given).await;
    let answer = world.say(VET, "LAPP 081234567890", 0).await;
    assert!(
        answer.text.starts_with("Belum ada kasus"),
        "{}",
        answer.text
    );
}

/// Where a disease came from is not where the case is.
#[tokio::test]
async fn the_origin_of_a_disease_is_not_the_place_of_its_report() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4 72060202", 9).await;
    let answer = world.say(VET, "SP 1 BRN 63020202", 1).await;
    assert!(answer.text.contains("Tanjung Tengah"), "{}", answer.text);
    let there = "SELECT r.place = c.place AND r.fields ->> 'origin' = '63020202'
                   FROM report r JOIN disease_case c ON c.id = r.case_id WHERE r.code = 'SP'";
    assert!(world.place.db.one::<bool>(there).await);
}
