//! Who is found by which address, and who is told about a place.

use super::*;
use crate::db::testing::{TestDb, begin};
use crate::db::{Tx, places};
use crate::load::{LoadError, LoadOptions, LoadReport, demo_people, people, shipped_lists};

const HEADER: &str = "name,language,user_type,home,areas,phone,email,contacts,permissions,state\n";

/// The lists and the demo's people, with the few places that they need.
async fn filled(tx: &Tx<'_>) {
    let few = include_bytes!("../../../places/few.csv");
    shipped_lists(tx).await.unwrap();
    crate::load::places(tx, &few[..], &LoadOptions::default())
        .await
        .unwrap();
    demo_people(tx).await.unwrap();
}

async fn load(tx: &Tx<'_>, rows: &str) -> LoadReport {
    let csv = format!("{HEADER}{rows}\n");
    people(tx, csv.as_bytes(), &LoadOptions::default())
        .await
        .expect("the file is right")
}

async fn name(tx: &Tx<'_>, channel: &str, address: &str) -> Option<String> {
    by_contact(tx, channel, address)
        .await
        .unwrap()
        .map(|p| p.name)
}

#[tokio::test]
async fn one_number_is_one_person_on_every_channel_that_uses_numbers() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let pelsa = Some("Pelsa Demo Satu".to_owned());
    for channel in ["console", "sms", "phone"] {
        assert_eq!(
            name(&tx, channel, "+6281234567890").await,
            pelsa,
            "{channel}"
        );
    }
    assert_eq!(name(&tx, "email", "pelsa@example.org").await, pelsa);
    assert_eq!(
        name(&tx, "email", "+6281234567890").await,
        None,
        "a number is no mail address"
    );
    assert_eq!(
        name(&tx, "whatsapp", "+6281234567890").await,
        None,
        "an unknown channel"
    );
    put_channel(&tx, "whatsapp", "phone", false).await.unwrap();
    assert_eq!(
        name(&tx, "whatsapp", "+6281234567890").await,
        pelsa,
        "and once it is known"
    );
    let asked = [
        ("sms", "+6281234567893"),
        ("sms", "+620"),
        ("email", "vet@example.org"),
        ("console", "+6281234567890"),
    ];
    let batch = by_contacts(&tx, &asked).await.unwrap();
    let names: Vec<_> = batch
        .iter()
        .map(|p| p.as_ref().map(|p| p.name.as_str()))
        .collect();
    let vet = Some("Dokter Hewan Demo");
    assert_eq!(names, [vet, None, vet, Some("Pelsa Demo Satu")]);
    assert_eq!(
        batch[3],
        by_contact(&tx, "sms", "+6281234567890").await.unwrap()
    );
}

#[tokio::test]
async fn permissions_are_of_the_type_and_of_the_person() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let may = async |number: &str, what: &str| {
        by_contact(&tx, "sms", number)
            .await
            .unwrap()
            .is_some_and(|p| p.may(what))
    };
    assert!(may("+6281234567890", "can_send_u").await, "of the type");
    assert!(may("+6281234567890", "can_send_h").await, "everybody's");
    assert!(!may("+6281234567890", "can_send_pk").await);
    assert!(
        may("+6281234567891", "can_send_pk").await,
        "granted to a trusted one"
    );
    load(
        &tx,
        "Pelsa Demo Dua,id,PLS,63020202,,081234567891,,,-can_send_u,",
    )
    .await;
    assert!(
        !may("+6281234567891", "can_send_u").await,
        "taken from this one"
    );
    assert!(
        !may("+6281234567891", "can_send_pk").await,
        "the file no longer grants it"
    );
    tx.batch("DELETE FROM user_type_permission WHERE permission = 'can_send_p'")
        .await
        .unwrap();
    assert!(
        !may("+6281234567890", "can_send_p").await,
        "a type's change reaches its people"
    );
    load(&tx, "Pelsa Demo Satu,id,PLS,,,081234567890,,,,suspended").await;
    assert!(
        !may("+6281234567890", "can_send_u").await,
        "the suspended may nothing"
    );
    load(&tx, "Pelsa Demo Satu,en,PLS,,,081234567890,,,,").await;
    let person = by_contact(&tx, "sms", "+6281234567890")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (person.state, &*person.language),
        (PersonState::Suspended, "en"),
        "no state, no change"
    );
}

#[tokio::test]
async fn groups_add_to_the_type_and_what_is_taken_from_somebody_stays_taken() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let may = async |what: &str| {
        let person = by_contact(&tx, "sms", "+6281234567890").await.unwrap();
        let person = person.expect("the demo has them");
        let asked = [("sms", "+6281234567890")];
        assert_eq!(
            by_contacts(&tx, &asked).await.unwrap(),
            [Some(person.clone())]
        );
        person.may(what)
    };
    let put = async |permissions: &str, groups: &str| {
        let csv = format!(
            "name,language,user_type,phone,permissions,groups\n\
             Pelsa Demo Satu,id,PLS,081234567890,{permissions},{groups}\n"
        );
        people(&tx, csv.as_bytes(), &LoadOptions::default())
            .await
            .expect("the file is right")
    };
    assert!(!may("can_send_rp").await && !may("can_send_vsk").await);
    assert_eq!(put("", "rph|Posperiksa RPH").await.changed, 1);
    assert!(may("can_send_rp").await && may("can_send_vsk").await);
    assert!(may("can_send_u").await, "and what the type may");
    assert_eq!(put("", "POSPERIKSA RPH").await.unchanged, 1);
    put("-can_send_vsk +can_send_pk", "POSPERIKSA RPH").await;
    assert!(
        !may("can_send_vsk").await,
        "of two groups, and taken from this one"
    );
    assert!(may("can_send_rp").await && may("can_send_pk").await);
    load(&tx, "Pelsa Demo Satu,id,PLS,,,081234567890,,,,").await;
    assert!(
        may("can_send_rp").await,
        "a file without the column takes nobody out"
    );
    let fewer = "code,id,en,permissions\nRPH,rumah potong,abattoirs,can_send_pg\n";
    let report = crate::load::groups(&tx, fewer.as_bytes()).await.unwrap();
    assert_eq!((report.added, report.changed), (0, 1));
    assert!(
        !may("can_send_rp").await && may("can_send_pg").await,
        "a group's change reaches its people"
    );
    put("", "").await;
    assert!(!may("can_send_pg").await, "an empty cell takes them out");
}

/// Who is told about a place, of these user types and groups, with the channels of their addresses.
async fn told(tx: &Tx<'_>, code: &str, (types, groups): (&[&str], &[&str])) -> Vec<String> {
    let place = places::by_code(tx, &["kemendagri"], code).await.unwrap();
    let owned = |codes: &[&str]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (types, groups) = (owned(types), owned(groups));
    let kinds = Kinds {
        types: &types,
        groups: &groups,
    };
    let all = covering(tx, place.unwrap().id, kinds).await.unwrap();
    let shown = all.iter().map(|r| {
        let to = r.contacts.iter().map(|c| c.channel.as_deref());
        let to: Vec<_> = to.map(Option::unwrap_or_default).collect();
        format!("{}: {}", r.person.name, to.join(" "))
    });
    shown.collect()
}

#[tokio::test]
async fn whoever_is_in_a_group_is_told_whatever_their_type_if_it_receives() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let members = "name,language,user_type,areas,phone,groups\n\
                   Pelsa Demo Satu,id,PLS,72060202,081234567890,RPH\n\
                   Peternak,id,PTR,72060202,081299999999,RPH\n\
                   Koordinator Demo,id,KKB,6302,081234567895,KARANTINA\n";
    people(&tx, members.as_bytes(), &LoadOptions::default())
        .await
        .expect("the file is right");
    let place = "7204022003";
    let pelsa = "Pelsa Demo Satu: console";
    assert_eq!(told(&tx, place, (&[], &["RPH"])).await, [pelsa]);
    let both = told(&tx, place, (&["PMD"], &["RPH"])).await;
    assert_eq!(both, [pelsa, "Paramedik Demo: console email"]);
    assert!(
        told(&tx, place, (&[], &["KARANTINA"])).await.is_empty(),
        "who answers for another place"
    );
    assert!(told(&tx, place, (&[], &[])).await.len() > 3, "all");
}

#[tokio::test]
async fn those_whose_area_covers_the_place_are_told() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let told = async |code: &str, types: &[&str]| told(&tx, code, (types, &[])).await;
    let vets = ["VET", "PMD"];
    let para = "Paramedik Demo: console email";
    let (vet, english) = (
        "Dokter Hewan Demo: console email",
        "Vet Demo English: console email",
    );
    assert_eq!(told("7204022003", &vets).await, [para, vet, english]);
    assert_eq!(
        told("720403", &vets).await,
        [vet, english],
        "beside the paramedic's district"
    );
    assert_eq!(
        told("72", &vets).await,
        [english],
        "an area does not cover what is above it"
    );
    assert_eq!(
        told("7204022003", &["PLS"]).await,
        ["Pelsa Demo Satu: console email"],
        "others nearby"
    );
    load(
        &tx,
        "Vet Demo English,en,VET,,72 7204 720402,081234567894,,,,",
    )
    .await;
    assert_eq!(
        told("7204022003", &["VET"]).await,
        [vet, "Vet Demo English: console"],
        "once, for three areas"
    );

    let bounced = ContactState::Suppressed {
        reason: "hard_bounce".into(),
    };
    mark_contact(&tx, "email", "vet@example.org", &bounced)
        .await
        .unwrap();
    mark_contact(&tx, "sms", "+6281234567894", &bounced)
        .await
        .unwrap();
    assert_eq!(
        told("7204022003", &["VET"]).await,
        ["Dokter Hewan Demo: console"],
        "by what still works"
    );
    load(
        &tx,
        "Dokter Hewan Demo,id,VET,,7204,081234567893,,sms:081234567893,,",
    )
    .await;
    assert_eq!(
        told("7204022003", &["VET"]).await,
        ["Dokter Hewan Demo: sms"],
        "by the chosen channel"
    );
    load(&tx, "Dokter Hewan Demo,id,VET,,7204,081234567893,,,,left").await;
    assert_eq!(told("7204022003", &["VET"]).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_suppression_outlives_its_owner() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let complaint = ContactState::Suppressed {
        reason: "complaint".into(),
    };
    let failing = ContactState::Failing {
        reason: "soft_bounce".into(),
    };
    let shown = async || {
        let all = suppressions(&tx).await.unwrap();
        let mut all: Vec<_> = all
            .into_iter()
            .map(|s| (s.address, s.reason, s.person.map(|p| p.1)))
            .collect();
        all.sort();
        all
    };
    mark_contact(&tx, "email", "stranger@example.org", &complaint)
        .await
        .unwrap();
    mark_contact(&tx, "email", "vet@example.org", &complaint)
        .await
        .unwrap();
    mark_contact(&tx, "email", "vet@example.org", &failing)
        .await
        .unwrap();
    let row = |address: &str, who: Option<&str>| {
        (
            address.to_owned(),
            "complaint".to_owned(),
            who.map(str::to_owned),
        )
    };
    let stranger = row("stranger@example.org", None);
    let vet = row("vet@example.org", Some("Dokter Hewan Demo"));
    assert_eq!(
        shown().await,
        [stranger.clone(), vet],
        "a weaker mark changes nothing"
    );

    load(
        &tx,
        "Dokter Hewan Demo,id,VET,,7204,081234567893,stranger@example.org,,,",
    )
    .await;
    let taken = row("stranger@example.org", Some("Dokter Hewan Demo"));
    assert_eq!(
        shown().await,
        [taken, row("vet@example.org", None)],
        "neither change of hands lifts it"
    );
    mark_contact(&tx, "email", "vet@example.org", &ContactState::Ok)
        .await
        .unwrap();
    mark_contact(&tx, "email", "stranger@example.org", &ContactState::Ok)
        .await
        .unwrap();
    assert_eq!(shown().await, []);
    let bad = mark_contact(&tx, "sms", "0812", &complaint).await;
    assert!(
        bad.is_err(),
        "an address that is not canonical is refused by the database"
    );
}

#[tokio::test]
async fn people_are_known_again_by_any_address() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let before = by_contact(&tx, "email", "vet@example.org")
        .await
        .unwrap()
        .unwrap();
    let report = load(
        &tx,
        "Dokter Hewan Baru,id,VET,72060202,7204,+628999999999,VET@example.org,,,",
    )
    .await;
    assert_eq!((report.added, report.changed), (0, 1));
    let after = by_contact(&tx, "sms", "+628999999999")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((after.id, &*after.name), (before.id, "Dokter Hewan Baru"));
    assert_eq!(
        name(&tx, "sms", "+6281234567893").await,
        None,
        "the number they no longer have is free"
    );
    let report = load(&tx, "Orang Baru,id,PTR,,,081234567893,,,,").await;
    assert_eq!((report.added, report.changed), (1, 0));
    let two = format!("{HEADER}X,id,PTR,,,081234567893,vet@example.org,,,\n");
    let error = people(&tx, two.as_bytes(), &LoadOptions::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, LoadError::Faults(f) if f.len() == 1),
        "an address of two people"
    );
}

#[tokio::test]
async fn an_operator_sees_everything_about_somebody() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    let found = show(&tx, "demo dua").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].permissions, ["+can_send_pk"]);
    assert!(
        found[0]
            .home
            .as_deref()
            .is_some_and(|h| h.starts_with("Tanjung Tengah, ")),
        "{:?}",
        found[0].home
    );
    assert_eq!(found[0].contacts, contacts(&tx, found[0].id).await.unwrap());
    assert_eq!(show(&tx, "+6281234567891").await.unwrap(), found);
    assert_eq!(
        show(&tx, "VET@example.org").await.unwrap()[0].areas.len(),
        2
    );
    assert!(show(&tx, "demo").await.unwrap().len() > 4);
    assert_eq!(show(&tx, "").await.unwrap(), vec![]);
    assert_eq!(show(&tx, "nobody like this").await.unwrap(), vec![]);
}

#[tokio::test]
async fn whoever_keeps_copies_is_told_once_per_commit() {
    let db = TestDb::new().await;
    let mut heard = db.listen("kentongan_changed").await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    filled(&tx).await;
    tx.commit().await.unwrap();
    let mut payloads = Vec::new();
    for _ in 0..3 {
        payloads.push(heard.recv().await.expect("the server tells"));
    }
    payloads.sort();
    assert_eq!(payloads, ["lists", "people", "places"]);
    client
        .client()
        .batch_execute("UPDATE place SET name = name || '!' WHERE level = 1")
        .await
        .unwrap();
    assert_eq!(
        heard.recv().await.as_deref(),
        Some("places"),
        "and nothing was told twice before"
    );
}
