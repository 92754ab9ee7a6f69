//! Owners, animals and breeding on the true binaries: what many officers send at once, and a phone that
//! nobody knew. The rules one by one are tested in `common/src/engine/tests/herds.rs`.

use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Place, STRANGER, World, people, sms};

both_homes! {
    a_cow_lives_from_registration_to_sale,
    an_owner_confirms_from_a_phone_that_nobody_knew,
    what_two_officers_send_at_once_happens_once,
}

const BUDI: &str = "DP Budi Santoso 72060202 3201011234567890";
const SITI: &str = "DP Siti Aminah 72060202 3201019876543210";

async fn told(world: &mut World, from: &str, text: &str, words: &[&str]) -> String {
    let answer = world.text(from, text).await;
    for words in words {
        assert!(answer.contains(words), "{text:?} was answered {answer:?}");
    }
    answer
}

async fn a_cow_lives_from_registration_to_sale(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    for (text, words) in [
        (BUDI, &["terdaftar dengan ID 3201011234567890"][..]),
        (SITI, &["Siti Aminah"]),
        (
            "DH 7890 ID1 SPBA B 4 ID2 SP J 1",
            &["Hewan Budi Santoso terdaftar: ID1 (sapi Bali betina, 4 th), ID2"],
        ),
        ("BH 7890 ID1", &["Birahi ID1 milik Budi Santoso"]),
        (
            "IB 7890 ID1 B7 N1",
            &["IB ID1 milik Budi Santoso", "lahir sekitar"],
        ),
        ("PKB 7890 ID1 2", &["tidak mungkin bunting 2 bulan"]),
        ("PKB 7890 ID1 2 YA", &["bunting 2 bulan"]),
        ("IB 7890 ID2 B7 N1", &["ID2 tercatat jantan"]),
        (
            "JBH 7890 3210 ID1",
            &["ID1 milik Budi Santoso pindah ke Siti Aminah"],
        ),
        ("GI 3210 ID1 X1", &["sekarang ber-ID X1"]),
        ("DHP 7890", &["Budi Santoso: ID2"]),
        (
            "IH 3210 X1",
            &[
                "terdaftar pada Budi Santoso",
                "IB B7",
                "dijual kepada Siti Aminah",
            ],
        ),
        ("H", &["GI 3210 ID1 X1"]),
        ("DHP 3210", &["Siti Aminah: ID1"]),
        ("JH 7890 3210 ID1", &["sudah diganti dengan JBH"]),
    ] {
        told(&mut world, people::PARAVET, text, words).await;
    }
    world.until_empty("text-input").await;
}

async fn an_owner_confirms_from_a_phone_that_nobody_knew(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let answer = told(
        &mut world,
        people::PARAVET,
        "DP Wayan Sudra 72060202",
        &["KDP "],
    )
    .await;
    let (_, pin) = answer.split_once("KDP ").expect("a PIN");
    let kdp = format!("kdp {}", &pin[..6]);
    told(&mut world, STRANGER, &kdp, &["Terima kasih, Wayan Sudra."]).await;
    let alert = world.alert_to(people::PARAVET).await;
    assert!(
        alert
            .text
            .contains("Wayan Sudra di Ogotua sudah mengonfirmasi"),
        "{}",
        alert.text
    );
    told(
        &mut world,
        people::PARAVET,
        "DH 999999 7 SPBA B 3",
        &["Wayan Sudra"],
    )
    .await;
    told(&mut world, STRANGER, "DHP", &["Wayan Sudra: 7 sapi Bali"]).await;
    told(
        &mut world,
        STRANGER,
        "DHP 1000001",
        &["tidak berhak memberi ID peternak"],
    )
    .await;
    world.until_empty("text-input").await;
}

/// Many messages share a transaction: those that are about the same thing are decided one after the other.
async fn what_two_officers_send_at_once_happens_once(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let both = [people::PARAVET, people::VET].map(|from| sms(from, BUDI, None));
    let ids = world.send_all(&both).await;
    for id in ids {
        world.answer_to(id).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM owner").await, 1);
    let both = [people::PARAVET, people::VET].map(|from| sms(from, "DH 7890 A1 SP B 3", None));
    for id in world.send_all(&both).await {
        world.answer_to(id).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM animal").await, 1);
    let births = ["LH 7890 A1 B C1 01/02/2026", "LH 7890 A1 B C2 01/06/2026"];
    let both = [
        sms(people::PARAVET, births[0], None),
        sms(people::VET, births[1], None),
    ];
    let mut answers = String::new();
    for id in world.send_all(&both).await {
        answers += &world.answer_to(id).await;
    }
    assert!(answers.contains("tidak mungkin melahirkan"), "{answers}");
    assert_eq!(
        world
            .number("SELECT count(*) FROM animal WHERE dam IS NOT NULL")
            .await,
        1
    );
    world.until_empty("text-input").await;
}
