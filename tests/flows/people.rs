//! People as they come, change, and go: by their own messages and on the command line, with the
//! true binaries.

use kentongan_tests::world::{Build, Place, STRANGER, World, people, until};
use serde_json::Value;

/// Six digits behind a `D`, as an answer tells them.
fn pin_of(answer: &str) -> String {
    let pin = |w: &&str| w.len() == 7 && w.starts_with('D') && w[1..].parse::<u32>().is_ok();
    let word = answer.split(|c: char| !c.is_alphanumeric()).find(pin);
    word.unwrap_or_else(|| panic!("no PIN in {answer:?}"))
        .to_owned()
}

/// What the command line says on stdout; it must succeed.
async fn done(world: &World, args: &[&str]) -> String {
    let told = world.ctl(&[&["people"], args].concat(), b"").await;
    assert_eq!(told.code, 0, "{args:?}: {}{}", told.out, told.err);
    told.out
}

/// How the command line ends that must not succeed: exit code and what it says.
async fn refused(world: &World, args: &[&str]) -> (i32, String) {
    let told = world.ctl(&[&["people"], args].concat(), b"").await;
    (told.code, told.err)
}

/// What adds somebody new with the number of a stranger, and more.
fn siti<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let words = "add --type pls --home 72060202 --contact";
    let mut add: Vec<&str> = words.split(' ').collect();
    add.extend([STRANGER, "--name", "Siti Fatimah"]);
    add.extend(more);
    add
}

#[tokio::test]
async fn a_new_user_reports_from_the_phone_that_sent_the_pin_and_moves_to_another() {
    let mut world = Build::new(Place::OneBox).with_processor().await;
    let answer = world
        .text(people::COORDINATOR, "D Siti Fatimah 72060202 PLS")
        .await;
    assert!(
        answer.contains("Anda mendaftarkan Siti Fatimah dari "),
        "{answer}"
    );
    let pin = pin_of(&answer);
    let answer = world.text(STRANGER, &pin).await;
    assert!(
        answer.starts_with("Terima kasih, Siti Fatimah."),
        "{answer}"
    );
    let answer = world.text(STRANGER, "U mc sp 4").await;
    assert!(answer.contains("4 kasus mencret"), "{answer}");
    let new = "081288888888";
    let pin = pin_of(&world.text(STRANGER, &format!("N {new}")).await);
    let answer = world.text(new, &pin).await;
    assert!(answer.contains("Nomor Anda sudah diganti"), "{answer}");
    let answer = world.text(new, "U dm sp 2").await;
    assert!(answer.contains("2 kasus demam"), "{answer}");
    let senders = "SELECT count(DISTINCT sender) FROM report WHERE code = 'U'";
    assert_eq!(
        world.number(senders).await,
        1,
        "one person, whatever the number"
    );
    // Who wrote from the old number is nobody now, once the copies are dropped.
    let unknown =
        "SELECT count(*) > 0 FROM contact WHERE address = '+6281299999999' AND person IS NOT NULL";
    assert_eq!(
        world.texts(&format!("SELECT ({unknown})::text")).await,
        ["false"]
    );
}

#[tokio::test]
async fn operators_list_and_change_people_and_all_of_it_is_on_record() {
    let world = Build::new(Place::OneBox).make().await;
    let add = siti(&["--contact", "siti@example.org"]);
    assert!(
        done(&world, &[&add[..], &["--dry-run"]].concat())
            .await
            .is_empty()
    );
    assert!(
        done(&world, &add)
            .await
            .starts_with("Siti Fatimah is person ")
    );
    let (code, said) = refused(&world, &add).await;
    assert_eq!(code, 2);
    assert!(said.contains("2 things stand against it"), "{said}");
    assert!(said.contains("belongs to person"), "{said}");

    let listed = done(&world, &["list", "--type", "PLS", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let names: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(names, ["Pelsa Demo Dua", "Pelsa Demo Satu", "Siti Fatimah"]);
    assert_eq!(
        refused(&world, &["list", "--without-contact"]).await.0,
        3,
        "nobody is lost"
    );

    let change = [
        "change",
        STRANGER,
        "--grant",
        "can_send_pk",
        "--prefer",
        "siti@example.org",
    ];
    let said = done(&world, &[&change[..], &["--reason", "trusted"]].concat()).await;
    assert!(said.contains("3 changes"), "{said}");
    let past = done(&world, &["history", "Siti"]).await;
    assert!(
        past.contains("trusted") && past.contains("permission: - > +can_send_pk"),
        "{past}"
    );
    let (code, said) = refused(&world, &["change", "Siti", "--grant", "can_send_pkk"]).await;
    assert!(
        code == 2 && said.contains("did you mean \"can_send_pk\"?"),
        "{said}"
    );
    let (code, said) = refused(&world, &["change", "Pelsa", "--name", "X"]).await;
    assert!(code == 2 && said.contains("may be 2 people"), "{said}");
}

#[tokio::test]
async fn who_is_suspended_or_erased_is_answered_so_and_facts_stay() {
    let mut world = Build::new(Place::OneBox).with_processor().await;
    let add = siti(&["--contact", "siti@example.org"]);
    done(&world, &add).await;
    assert!(
        world
            .text(STRANGER, "U dm sp 1")
            .await
            .contains("1 kasus demam")
    );
    done(&world, &["suspend", STRANGER, "--reason", "false reports"]).await;
    until("the processor hears of it", async || {
        let answer = world.text(STRANGER, "KODE SP").await;
        answer.contains("dinonaktifkan")
    })
    .await;
    done(&world, &["resume", "Siti", "--reason", "a mistake"]).await;
    let past = done(&world, &["history", "Siti"]).await;
    for told in ["state: suspended > active", "a mistake", "person:"] {
        assert!(past.contains(told), "{told}: {past}");
    }

    let dry = done(
        &world,
        &["erase", "Siti", "--reason", "asked for it", "--dry-run"],
    )
    .await;
    let erased = done(&world, &["erase", "Siti", "--reason", "asked for it"]).await;
    assert_eq!(dry, erased);
    assert!(erased.contains("2 addresses forgotten"), "{erased}");
    assert_eq!(refused(&world, &["show", "Siti"]).await.0, 3);
    let words = "SELECT count(*) FROM message WHERE text LIKE 'U dm%'";
    assert_eq!(world.number(words).await, 0);
    let facts = "SELECT count(*) FROM report WHERE code = 'U' AND fields ->> 'sign' IS NOT NULL";
    assert_eq!(world.number(facts).await, 1);
    until("the processor hears of that too", async || {
        // A stranger is told once a day.
        let told = "SELECT count(*) FROM message WHERE outcome = 'unknown_sender'";
        world.send(STRANGER, "KODE SP").await;
        world.until_quiet().await;
        world.number(told).await > 0
    })
    .await;
}

#[tokio::test]
async fn who_is_in_a_group_may_send_its_codes_and_a_file_changes_what_those_are() {
    let mut world = Build::new(Place::OneBox).with_processor().await;
    let add = siti(&[]);
    let (code, said) = refused(&world, &[&add[..], &["--group", "PELSA"]].concat()).await;
    assert!(
        code == 2 && said.contains("there is no group PELSA") && said.contains("KARANTINA"),
        "{said}"
    );
    done(&world, &[&add[..], &["--add-group", "pelsapk"]].concat()).await;
    let all = done(&world, &["groups"]).await;
    assert!(
        all.contains("PELSAPK") && all.contains("trusted village reporters"),
        "{all}"
    );
    let case = world.text(STRANGER, "U mc sp 4").await;
    assert!(case.contains("ID kasus 1"), "{case}");
    let answer = world.text(STRANGER, "PK 1 SB").await;
    assert!(!answer.contains("tidak berhak"), "{answer}");
    let shown = done(&world, &["show", "Siti"]).await;
    assert!(
        shown.contains("group  PELSAPK: trusted village reporters"),
        "{shown}"
    );
    let listed = done(&world, &["list", "--group", "pelsapk"]).await;
    assert!(
        listed.contains("Siti Fatimah") && !listed.contains("Demo"),
        "{listed}"
    );

    let file = "code,id,en,permissions\nPELSAPK,Pelsa tepercaya,trusted,can_send_pkk\n";
    let load = ["load", "groups", "-"];
    let told = world.ctl(&load, file.as_bytes()).await;
    assert!(
        told.code != 0
            && told
                .err
                .contains("-: line 2, permissions: \"can_send_pkk\""),
        "{}",
        told.err
    );
    let told = world
        .ctl(&load, file.replace("pkk", "lapd").as_bytes())
        .await;
    assert!(told.out.contains("0 new, 1 changed"), "{}", told.out);
    until("the processor hears of it", async || {
        let answer = world.text(STRANGER, "PK 1 MT").await;
        answer.contains("tidak berhak")
    })
    .await;

    let change = ["change", "Siti", "--reason", "moved"];
    let swap = ["--remove-group", "PELSAPK", "--add-group", "RPH"];
    let said = done(&world, &[&change[..], &swap].concat()).await;
    assert!(said.contains("2 changes"), "{said}");
    let past = done(&world, &["history", "Siti"]).await;
    for told in ["group: PELSAPK > -", "group: - > RPH", ": moved"] {
        assert!(past.contains(told), "{told}: {past}");
    }
    let (code, said) = refused(&world, &[&change[..], &swap].concat()).await;
    assert!(
        code == 2 && said.contains("PELSAPK is none of their groups"),
        "{said}"
    );
}
