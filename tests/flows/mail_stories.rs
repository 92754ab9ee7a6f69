//! Stories of mail: what people write and what they are told, on the true binaries, in both homes.

use common::mail::Letter;
use common::mail::robots::MARK;
use common::mail::token::{Purpose, Signer};
use jiff::Timestamp;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, OURS, Place, World};

both_homes! {
    every_code_is_answered_by_mail_in_both_languages,
    mails_of_all_forms_are_read,
    an_answer_stands_in_the_thread_of_its_mail_and_says_that_a_program_wrote_it,
    an_alert_reaches_somebody_who_has_only_mail,
    mails_that_cannot_be_used_are_refused_with_reason_and_remedy,
    the_sample_mails_come_to_what_stands_beside_them,
}

const PELSA: &str = "pelsa@example.org";
const VET: &str = "vet@example.org";
const ENGLISH: &str = "vet.english@example.org";

/// The words of a letter in one line each.
fn words(letter: &Letter) -> String {
    letter.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(letter: &Letter, wanted: &str) {
    let words = words(letter);
    assert!(words.contains(wanted), "{wanted:?} is missing in {words:?}");
}

async fn every_code_is_answered_by_mail_in_both_languages(place: Place) {
    let world = Build::new(place).with_daemons().await;
    // From whom, what, how it is answered, what is kept of it.
    for (from, text, answer, outcome) in [
        (
            PELSA,
            "U MC,DM SP 4",
            "Terima kasih. [ID kasus 1] Anda telah melaporkan 4 kasus",
            "stored",
        ),
        (
            PELSA,
            "P GG AJ 1",
            "Terima kasih. [ID kasus 2] Anda telah melaporkan gila galak",
            "stored",
        ),
        (PELSA, "PNEG", "> PNEG Terima kasih", "stored"),
        (VET, "R 1 TLP COC", "[ID kasus 1]", "stored"),
        (
            VET,
            "PK 1 SB",
            "[ID kasus 1]. 4 sapi: sembuh. Kasus ditutup.",
            "stored",
        ),
        (PELSA, "KODE SP", "sapi", "answered"),
        (PELSA, "CKT kembung", "kembung", "answered"),
        (PELSA, "CKL Ogotua", "Ogotua (Dampal Utara)", "answered"),
        (PELSA, "DKL 7204", "7204", "answered"),
        (VET, "LAPK 1", "sembuh", "answered"),
        (VET, "LAPD 72060202", "mencret", "answered"),
        (PELSA, "H", "> H", "stored"),
        (PELSA, "?", "U", "help"),
        (
            PELSA,
            "U MC SPI 4",
            "Format salah. SPI bukan spesies. Maksud Anda SP (sapi)",
            "word",
        ),
        (
            ENGLISH,
            "U MC,DM SP 4",
            "Thank you. [Case ID 3] You reported 4 cases of diarrhoea",
            "stored",
        ),
        (
            ENGLISH,
            "U MC SPI 4",
            "Format error. SPI is not a valid species. Did you mean SP (cattle)",
            "word",
        ),
        (ENGLISH, "KODE SP", "cattle", "answered"),
    ] {
        let letter = world
            .answer(&Mail::from(from).subject("Laporan").body(text))
            .await;
        says(&letter, &format!("> {text}"));
        says(&letter, answer);
        let sql = format!(
            "SELECT outcome FROM message WHERE text = '{text}' ORDER BY received_at DESC, id DESC"
        );
        assert_eq!(
            world.texts(&sql).await.last().map(String::as_str),
            Some(outcome),
            "{text}"
        );
    }
    world.nothing_dead().await;
}

async fn mails_of_all_forms_are_read(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let forms = [
        Mail::from(PELSA).subject("U MC SP 1"),
        Mail::from(PELSA).subject("U MC SP 2").body("PNEG\r\n"),
        Mail::from(PELSA).body("U MC SP 3\r\nCKT kembung\r\n\r\nTerima kasih"),
        Mail::from(PELSA).of(
            "text/html; charset=utf-8",
            "8bit",
            "<p><b>U</b> MC SP&nbsp;4</p><p>Salam</p>",
        ),
        // U MC SP 5
        Mail::from(PELSA).of(
            "text/plain; charset=utf-8",
            "base64",
            "VSBNQyBTUCA1DQo=\r\n",
        ),
        Mail::from(PELSA).of(
            "text/plain; format=flowed",
            "7bit",
            "U MC SP 6 \r\n\r\n-- \r\nPelsa \r\n",
        ),
        Mail::from(PELSA)
            .of(
                "text/plain; charset=utf-8",
                "quoted-printable",
                "U=20MC SP=\r\n 7\r\n",
            )
            .in_notice_alone(),
    ];
    for (number, mail) in (1..).zip(&forms) {
        let letter = world.answer(mail).await;
        says(
            &letter,
            &format!("melaporkan {number} kasus mencret pada sapi"),
        );
    }
    assert_eq!(
        world
            .number("SELECT count(*) FROM report WHERE code = 'U'")
            .await,
        7
    );
    // The two commands of the second and third mail were carried out in their order.
    let both = "SELECT text FROM message WHERE line = 1 ORDER BY text";
    assert_eq!(world.texts(both).await, ["CKT kembung", "PNEG"]);
    // A command below a blank line is not run, and the sender is told so.
    let below = Mail::from(PELSA).body("U MC SP 8\r\n\r\nU MC SP 9\r\nTerima kasih");
    says(&world.answer(&below).await, "1 baris lain tidak dibaca");
    let nothing = world
        .answer(&Mail::from(PELSA).subject("Halo").body("Apa kabar?"))
        .await;
    assert_eq!(nothing.heading.subject, "Re: Halo");
    says(&nothing, "tidak ada perintah di dalamnya");
    let nothing = world
        .answer(&Mail::from(ENGLISH).body("How are you?"))
        .await;
    says(&nothing, "found no command in it");
    world.nothing_dead().await;
}

async fn an_answer_stands_in_the_thread_of_its_mail_and_says_that_a_program_wrote_it(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let mail = Mail::from(PELSA)
        .subject("Re: Laporan")
        .field("Message-ID", "<third@example.org>")
        .field("In-Reply-To", "<second@example.org>")
        .field("References", "<first@example.org> <second@example.org>")
        .body("U MC SP 4");
    let id = world.post(&mail).await;
    let fate = world.fate(id).await;
    let letter = world.letter(fate.answer.expect("an answer")).await;
    let heading = &letter.heading;
    assert_eq!(heading.subject, "Re: Laporan");
    assert_eq!(heading.to[0].address, PELSA);
    assert_eq!(heading.from[0].address, OURS);
    assert_eq!(heading.in_reply_to, ["third@example.org"]);
    let ids: Vec<&str> = heading.references.iter().map(String::as_str).collect();
    assert_eq!(ids[..2], ["first@example.org", "second@example.org"]);
    assert_eq!(ids.last(), Some(&"third@example.org"));
    assert_eq!(heading.fields.text("auto-submitted"), "auto-replied");
    let keys = std::fs::read_to_string(&world.settings.secrets.token_keys_file).expect("the keys");
    let signer = Signer::new(&[keys.trim()]).expect("a key");
    let now = Timestamp::now();
    let marked = signer.open(
        Purpose::Mark,
        &heading.fields.text(&MARK.to_lowercase()),
        now,
    );
    assert_eq!(
        marked.as_deref(),
        Ok(&id.as_bytes()[..]),
        "our mark names the mail's trace"
    );
    let traced = heading
        .references
        .iter()
        .find_map(|r| signer.find(Purpose::Trace, r, now));
    assert_eq!(
        traced.as_deref(),
        Some(&id.as_bytes()[..]),
        "and so does a reference"
    );
    let trace = world.ctl(&["trace", &id.to_string()], b"").await;
    assert_eq!(trace.code, 0, "{trace:?}");
    assert!(trace.out.contains("the mail: answered"), "{}", trace.out);
}

async fn an_alert_reaches_somebody_who_has_only_mail(place: Place) {
    let world = Build::new(place).with_daemons().await;
    world
        .run(
            "DELETE FROM contact WHERE kind = 'phone' AND person =
             (SELECT person FROM contact WHERE address = 'vet@example.org')",
        )
        .await;
    world.answer(&Mail::from(PELSA).body("U MC,DM SP 4")).await;
    let alert = world.mail_to(VET, "[ID kasus 1]").await;
    let alert = common::mail::read(alert.raw.as_bytes(), &common::mail::Limits::default());
    let alert = alert.expect("our own mail");
    says(&alert, "Pelsa Demo Satu");
    says(&alert, "melaporkan mencret, demam pada 4 sapi");
    says(&alert, "Jawab dengan R 1");
    assert_eq!(
        alert.heading.fields.text("auto-submitted"),
        "auto-generated"
    );
    assert!(alert.heading.in_reply_to.is_empty(), "it begins a thread");
    let told = "SELECT count(*) FROM alert WHERE channel = 'email'";
    assert_eq!(world.number(told).await, 1);
}

async fn mails_that_cannot_be_used_are_refused_with_reason_and_remedy(place: Place) {
    let mut world = Build::new(place)
        .with("mail.max_bytes", 50_000)
        .with_daemons()
        .await;
    // The mail server's pipe takes what the processor then refuses: two programs, one file.
    world.change_settings("mail.max_bytes", 1_000_000);
    let large = Mail::from(PELSA).body("U MC SP 4\r\n".repeat(6000));
    let pgp = "multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b";
    let version = "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n";
    let parts = "--b\r\n\r\nU MC SP 4\r\n".repeat(1001);
    let level = |i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
    let levels: String = (1..=101).map(level).collect();
    for (mail, reason, why, remedy) in [
        (
            large,
            "mail_too_large",
            "surel terlalu besar",
            "kirim lagi tanpa lampiran",
        ),
        (
            Mail::from(ENGLISH).of(pgp, "7bit", version),
            "mail_encrypted",
            "the mail is encrypted",
            "switch encryption off",
        ),
        (
            Mail::from(PELSA).of("multipart/mixed; boundary=b", "7bit", parts),
            "mail_too_many_parts",
            "terlalu banyak bagian",
            "tulis surel baru",
        ),
        (
            Mail::from(PELSA).of(
                "multipart/mixed; boundary=b0",
                "7bit",
                format!("--b0\r\n{levels}"),
            ),
            "mail_too_deep",
            "terlalu banyak lapis",
            "tulis surel baru",
        ),
    ] {
        let fate = world.fate_of(&mail).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("refused", reason)
        );
        let letter = world.letter(fate.answer.expect("an answer")).await;
        says(&letter, why);
        says(&letter, remedy);
    }
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0);
    let told = world
        .ctl(&["submit", "mail", "--to", OURS], &vec![b'x'; 1_000_001])
        .await;
    assert_eq!(told.code, 65, "{told:?}");
    assert!(told.err.contains("mail.max_bytes"), "{told:?}");
    world.nothing_dead().await;
}

async fn the_sample_mails_come_to_what_stands_beside_them(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mails");
    let mut fates = Vec::new();
    for (file, address, proven) in [
        ("1-two-commands.eml", PELSA, true),
        ("2-phone-html.eml", "paramedik@example.org", true),
        ("3-english-vet.eml", ENGLISH, true),
        ("4-without-proof.eml", VET, false),
    ] {
        let raw = std::fs::read(folder.join(file)).expect(file);
        let mut mail = Mail::from(address);
        mail.proven = proven;
        fates.push((file, world.post_raw(&mail, &raw).await));
    }
    for (file, id) in &fates {
        let fate = world.fate(*id).await;
        let wanted = if file.starts_with('4') {
            "held"
        } else {
            "answered"
        };
        assert_eq!(fate.outcome, wanted, "{file}");
        world.letter(fate.answer.expect("an answer")).await;
    }
    let stored = world.texts("SELECT code FROM report ORDER BY code").await;
    assert_eq!(stored, ["U", "U"]);
    assert_eq!(count_held(&world).await, 1);
    world.nothing_dead().await;
}

async fn count_held(world: &World) -> i64 {
    world
        .number("SELECT count(*) FROM message WHERE outcome = 'held'")
        .await
}
