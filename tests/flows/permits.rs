//! Movement permits on the true binaries: a number by text, the certificate by mail, what a check point
//! is told; and what a sender is told of a message by its trace.

use common::document::Seal;
use common::engine::short_trace;
use common::mail::keys;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Place, people, until};

both_homes! {
    a_permit_is_numbered_mailed_to_the_office_checked_and_withdrawn,
    many_at_once_are_numbered_without_gaps,
    the_sender_asks_by_the_trace_of_the_answer,
}

const SK: &str = "SK 123456789012345 63020202 76020202 SPAC 10 SPBA 15";

async fn a_permit_is_numbered_mailed_to_the_office_checked_and_withdrawn(place: Place) {
    let mut world = Build::new(place).with_daemons().await;
    let answer = world.text(people::VET, SK).await;
    assert!(
        answer.starts_with("SKKH nomor 1 untuk pemilik ID 123456789012345. "),
        "{answer}"
    );
    assert!(
        answer.ends_with("Surat dikirim ke Dinas Peternakan Kotabaru."),
        "{answer}"
    );
    until("the certificate", async || {
        world
            .mails()
            .iter()
            .any(|mail| mail.raw.contains("SKKH-1.pdf"))
    })
    .await;
    let mails = world.mails();
    let mail = mails.iter().find(|m| m.raw.contains("SKKH-1.pdf"));
    let raw = &mail.expect("it was waited for").raw;
    assert!(raw.contains("To: <dinas.kotabaru@example.org>"), "{raw}");
    assert!(raw.contains("application/pdf"), "{raw}");

    let signer = keys::signer(&world.settings.secrets).expect("the keys");
    let seal = Seal::of(1, false, &signer);
    for genuine in [&seal.check, &seal.token] {
        let answer = world
            .text(people::PARAVET, &format!("VSK 1 {genuine}"))
            .await;
        assert!(
            answer.starts_with("SURAT ASLI. BERLAKU: SKKH nomor 1, "),
            "{answer}"
        );
    }
    let forged = Seal::of(2, false, &signer).check;
    let answer = world
        .text(people::PARAVET, &format!("VSK 1 {forged}"))
        .await;
    assert!(answer.starts_with("SURAT TIDAK ASLI"), "{answer}");

    assert!(world.text(people::VET, "H").await.contains("sudah dihapus"));
    let answer = world.text(people::PARAVET, "VSK 1").await;
    assert!(answer.starts_with("DIBATALKAN: SKKH nomor 1, "), "{answer}");
    let answer = world.text(people::VET, SK).await;
    assert!(
        answer.starts_with("SKKH nomor 2 "),
        "a withdrawn one keeps its number: {answer}"
    );
    let answer = world.text(people::PARAVET, "KSK 2 SPAC 9 SPBA 15").await;
    assert!(
        answer.contains("BERBEDA dari SKKH: 10 sapi Aceh, 15 sapi Bali."),
        "{answer}"
    );
    let answer = world.text(people::VET, "H").await;
    assert!(
        answer.contains("tidak dapat dihapus lagi"),
        "something was built on it: {answer}"
    );
}

/// From several people, among other messages of theirs, so that batches and their transactions mix.
async fn many_at_once_are_numbered_without_gaps(place: Place) {
    let mut world = Build::new(place).make().await;
    let senders = [people::VET, people::PARAVET, people::COORDINATOR];
    let mut ids = Vec::new();
    for n in 1..=8 {
        for from in senders {
            ids.push(
                world
                    .send(
                        from,
                        &format!("SK 123456789012345 72060202 76020202 SP {n}"),
                    )
                    .await,
            );
            ids.push(world.send(from, &format!("U MC SP {n}")).await);
        }
    }
    // One sort of fault: refused, so no number is used.
    ids.push(
        world
            .send(people::VET, "SK 123456789012345 63020202 99999999 SP 1")
            .await,
    );
    world.launch("processor");
    world.launch("processor");
    world.until_answered(&ids).await;
    let numbers = "SELECT p.id::text FROM permit p ORDER BY p.id";
    let wanted: Vec<String> = (1..=24).map(|n: i32| n.to_string()).collect();
    assert_eq!(world.texts(numbers).await, wanted);
}

async fn the_sender_asks_by_the_trace_of_the_answer(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let short = world.send(people::PELSA, "PNEG").await;
    world.until_answered(&[short]).await;
    let text = world.answers()[&short][0].message.text.clone();
    let (_, mark) = text.rsplit_once(" #").expect("there is room for the trace");
    let answer = world.text(people::PELSA, &format!("S #{mark}")).await;
    assert!(answer.ends_with("\"PNEG\": tersimpan."), "{answer}");

    let told = world.send(people::PELSA, "U MC,DM SP 4").await;
    let refused = world.send(people::PELSA, "U MC SPI 4").await;
    world.until_answered(&[told, refused]).await;
    let answer = world
        .text(people::PELSA, &format!("S {}", short_trace(told)))
        .await;
    assert!(
        answer.contains("\"U MC,DM SP 4\": tersimpan. [ID kasus 1] masih terbuka."),
        "{answer}"
    );
    assert!(answer.contains("orang diberi tahu"), "{answer}");
    let answer = world
        .text(people::PELSA, &format!("s {}", short_trace(refused)))
        .await;
    assert!(
        answer.contains("TIDAK tersimpan. Jawaban kami: Format salah. SPI"),
        "{answer}"
    );
    world.text(people::PARAVET, "R 1 TLP COC").await;
    let answer = world.text(people::PELSA, "S 1").await;
    assert!(
        answer.contains("Ditanggapi Paramedik Demo (+6281234567892)."),
        "{answer}"
    );
    let answer = world.text(people::PELSA_TWO, &format!("S {mark}")).await;
    assert!(
        answer.starts_with("Tidak ada pesan"),
        "somebody else's: {answer}"
    );
    let answer = world.text(people::PELSA_TWO, "S 1").await;
    assert!(
        answer.starts_with("Tidak ada pesan"),
        "not in their area: {answer}"
    );
}
