//! Stories: what people write and what they are told, on the true binaries, in both homes. What
//! each code answers in detail is tested by its examples.

use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Place, STRANGER, World, people};

both_homes! {
    a_report_opens_a_case_and_is_answered_in_the_senders_language,
    whoever_errs_is_told_the_word_and_the_format,
    an_urgent_report_goes_to_paravets_by_text_and_to_vets_by_mail,
    a_case_is_answered_closed_and_asked_for,
    the_last_message_can_be_taken_back,
    questions_are_answered_with_rows,
    a_mail_is_carried_out_and_answered_in_its_thread,
    a_mail_without_proof_waits_until_its_sender_confirms,
    strangers_are_told_once_a_day,
}

async fn a_report_opens_a_case_and_is_answered_in_the_senders_language(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let answer = world.text(people::PELSA, "U MC,DM SP 4").await;
    assert_eq!(
        answer,
        "Terima kasih. [ID kasus 1] Anda telah melaporkan 4 kasus mencret, demam pada sapi di \
         Sulawesi Tengah, Toli-Toli, Dampal Utara, Ogotua."
    );
    let answer = world.text(people::VET_ENGLISH, "u mc sp 2 coc").await;
    assert_eq!(
        answer,
        "Thank you. [Case ID 2] You reported 2 cases of diarrhoea in cattle in Sulawesi Barat, \
         Polewali Mandar, Balanipa, Tammangalle. Ddx: coccidiosis"
    );
    let answer = world.text(people::PARAVET, "PNEG").await;
    assert!(answer.contains("tidak ada sindrom prioritas"), "{answer}");
    let rows =
        "SELECT code || ' ' || coalesce(case_id::text, '-') FROM report ORDER BY received_at";
    assert_eq!(world.texts(rows).await, ["U 1", "U 2", "PNEG -"]);
    let view = "SELECT count(*) FROM data_u WHERE species = 'SP'";
    assert_eq!(world.number(view).await, 2, "the code's own view");
    nothing_is_left(&world).await;
}

async fn whoever_errs_is_told_the_word_and_the_format(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    for (from, text, told) in [
        (
            people::PELSA,
            "U",
            &["Format yang benar untuk Tanda umum: U [tanda"][..],
        ),
        (
            people::PELSA,
            "U MC SPI 4",
            &["SPI bukan spesies", "SP (sapi)", "U [tanda"],
        ),
        (
            people::VET_ENGLISH,
            "U MC SPI 4",
            &["SPI is not a valid species", "SP (cattle)"],
        ),
        (
            people::PELSA,
            "U MC SP banyak",
            &["banyak bukan jumlah hewan"],
        ),
        (people::PELSA, "PK 1 SB", &["Anda tidak berhak mengirim PK"]),
        (
            people::PELSA,
            "LAKP 1",
            &["LAKP", "Maksud Anda LAPK", "KODE"],
        ),
        (
            people::PELSA,
            "?",
            &["SMS harus mulai dengan kode berikut: ", "PNEG"],
        ),
        (people::VET_ENGLISH, "?", &["Cases: ", "Herds: AH BB"]),
        (people::PELSA, "  ", &["Pesan kosong."]),
        (
            people::PELSA,
            "U MC SP 4 99999999",
            &["Kode lokasi 99999999 tidak ada"],
        ),
        (people::VET, "R 77 TLP COC", &["ID kasus 77 tidak ada."]),
        // What no channel should hand over must be answered all the same (M14).
        (
            people::PELSA,
            "U MC\u{0} SP \u{feff}\u{202e}4\u{fffd}",
            &["Format yang benar"],
        ),
    ] {
        let answer = world.text(from, text).await;
        for words in told {
            assert!(answer.contains(words), "{text:?} was answered {answer:?}");
        }
    }
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM message").await, 12);
    nothing_is_left(&world).await;
}

async fn an_urgent_report_goes_to_paravets_by_text_and_to_vets_by_mail(place: Place) {
    let mut world = Build::new(place).with_daemons().await;
    let prefers = "UPDATE contact SET preference = -1 WHERE address = 'vet@example.org'";
    world.run(prefers).await;
    let answer = world.text(people::PELSA, "P GG AJ 1 72060202").await;
    assert!(answer.contains("Petugas sudah diberi tahu."), "{answer}");
    let alert = world.alert_to(people::VET_ENGLISH).await;
    assert!(
        alert
            .text
            .contains("URGENT [Case ID 1] Pelsa Demo Satu (+6281234567890)")
    );
    assert!(alert.text.contains("answer with R 1"), "{}", alert.text);
    let alert = world.alert_to(people::PARAVET).await;
    assert!(alert.text.contains("SEGERA [ID kasus 1]"), "{}", alert.text);
    let mail = world.mail_to("vet@example.org", "SEGERA").await;
    assert!(
        mail.raw.contains("Auto-Submitted: auto-generated"),
        "{}",
        mail.raw
    );
    let told = "SELECT channel FROM alert ORDER BY channel";
    assert_eq!(world.texts(told).await, ["console", "console", "email"]);
    world.until_empty("email-output").await;
    nothing_is_left(&world).await;
}

async fn a_case_is_answered_closed_and_asked_for(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    world.text(people::PELSA, "U MC,DM SP 4").await;
    for (text, told) in [
        (
            "R 1 TLP COC",
            "[ID kasus 1] Respons Anda (telepon) sudah dicatat. Ddx: koksidiosis",
        ),
        ("PK 1 MS", "[ID kasus 1]. 4 sapi: masih sakit."),
        ("PK 1 SB", "[ID kasus 1]. 4 sapi: sembuh. Kasus ditutup."),
        ("R 1 KUN COC", ""),
        ("LAPK 1", "respons telepon: koksidiosis"),
        ("LAPD 72060202", "[1]"),
    ] {
        let answer = world.text(people::VET, text).await;
        assert!(answer.contains(told), "{text:?} was answered {answer:?}");
    }
    let states = world
        .texts("SELECT state || ' ' || outcome FROM disease_case")
        .await;
    assert_eq!(states, ["closed SB"]);
    nothing_is_left(&world).await;
}

async fn the_last_message_can_be_taken_back(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    world.text(people::PELSA, "U MC,DM SP 4").await;
    let answer = world.text(people::PELSA, "H").await;
    assert!(answer.starts_with("Pesan terakhir Anda (U"), "{answer}");
    let answer = world.text(people::PELSA, "h.").await;
    assert_eq!(answer, "Tidak ada pesan Anda yang dapat dihapus.");
    let state = world.texts("SELECT state FROM disease_case").await;
    assert_eq!(state, ["withdrawn"]);
    let kept = "SELECT count(*) FROM report WHERE withdrawn_at IS NOT NULL";
    assert_eq!(world.number(kept).await, 1, "the row stays, marked");
    // What was taken back may be sent again: it is no repetition.
    let answer = world.text(people::PELSA, "U MC,DM SP 4").await;
    assert!(answer.contains("[ID kasus 2]"), "{answer}");
    nothing_is_left(&world).await;
}

async fn questions_are_answered_with_rows(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    for (from, text, told) in [
        (people::PELSA, "KODE", "Jenis kode: SP (spesies)"),
        (people::PELSA, "KODE SP", "SP sapi"),
        (people::VET_ENGLISH, "kode sp", "SP cattle"),
        (people::PELSA, "CKL tanjung tengah", "6302212003"),
        (people::PELSA, "DKL 7204", "Dampal Utara: 720402"),
        (people::PELSA, "CKT kembung", "KBG"),
        (people::PELSA, "LAPD 63020202", "Belum ada kasus di "),
    ] {
        let answer = world.text(from, text).await;
        assert!(answer.contains(told), "{text:?} was answered {answer:?}");
    }
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0);
    nothing_is_left(&world).await;
}

async fn a_mail_is_carried_out_and_answered_in_its_thread(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let raw = include_bytes!("../mails/1-two-commands.eml");
    world.mail(raw).await;
    let answer = world.mail_to("pelsa@example.org", "[ID kasus 1]").await;
    for header in [
        "In-Reply-To: <20261120081407.1a2b3c@example.org>",
        "Auto-Submitted: auto-replied",
    ] {
        assert!(answer.raw.contains(header), "{header}: {}", answer.raw);
    }
    assert!(answer.raw.contains("KBG"), "the second command's answer");
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
    // The same mail by another way, with another envelope (M6, M8): one effect, one answer.
    world.mail(raw).await;
    world
        .until_true("SELECT count(*) = 2 FROM mail WHERE outcome IN ('answered', 'duplicate')")
        .await;
    world.until_empty("email-input").await;
    world.until_empty("email-output").await;
    let answers = world
        .mails()
        .iter()
        .filter(|m| m.is_to("pelsa@example.org"))
        .count();
    assert_eq!(answers, 1);
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
    nothing_is_left(&world).await;
}

async fn a_mail_without_proof_waits_until_its_sender_confirms(place: Place) {
    let world = Build::new(place).with_daemons().await;
    world
        .mail(include_bytes!("../mails/4-without-proof.eml"))
        .await;
    let question = world.mail_to("vet@example.org", "Laporan penting").await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0, "M25");
    let header = |name: &str| {
        let line = question.raw.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_once(": "))
            .expect("a header")
            .1
            .to_owned()
    };
    let id = header("Message-ID");
    let confirmation = format!(
        "Authentication-Results: mail.kentongan.example; dmarc=pass header.from=example.org\r\n\
         From: vet@example.org\r\nTo: {}\r\nSubject: Re: {}\r\nMessage-ID: <yes@example.org>\r\n\
         In-Reply-To: {id}\r\nReferences: {id}\r\n\r\nYa.\r\n\r\n> {}\r\n",
        header("From"),
        header("Subject"),
        question.raw.lines().collect::<Vec<_>>().join("\r\n> "),
    );
    world.mail(confirmation.as_bytes()).await;
    world.mail_to("vet@example.org", "[ID kasus 1]").await;
    let report = "SELECT count(*) FROM report WHERE code = 'P'";
    assert_eq!(world.number(report).await, 1);
    nothing_is_left(&world).await;
}

async fn strangers_are_told_once_a_day(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let answer = world.text(STRANGER, "U MC SP 4").await;
    assert!(answer.starts_with("Nomor atau alamat Anda belum terdaftar."));
    world.send(STRANGER, "Halo").await;
    world.send(STRANGER, "P GG AJ 1").await;
    world
        .until_true("SELECT count(*) = 3 FROM message WHERE outcome = 'unknown_sender'")
        .await;
    world.until_empty("text-input").await;
    world.hear().await;
    assert_eq!(world.heard().len(), 1, "told once");
    world
        .run("UPDATE stranger SET answered_at = answered_at - interval '25 hours'")
        .await;
    world.text(STRANGER, "Halo lagi").await;
    nothing_is_left(&world).await;
}

/// Every message was handled, and nothing lies among the dead letters.
async fn nothing_is_left(world: &World) {
    world.until_empty("text-input").await;
    world.until_empty("email-input").await;
    world.nothing_dead().await;
}
