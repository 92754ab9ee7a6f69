//! Workbooks by mail: what officers send, what hostile files try, what comes back, on the true
//! binaries.

use common::mail::Letter;
use common::workbook::form::Mark;
use common::workbook::{Book, Value};
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, Place, World, people};
use rust_xlsxwriter::Workbook;
use std::io::{Cursor, Read, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

both_homes! {
    rows_of_a_code_are_stored_once_and_bad_ones_come_back_marked,
}

const PELSA: &str = "pelsa@example.org";
const ENGLISH: &str = "vet.english@example.org";
const COORDINATOR: &str = "koordinator@example.org";
const LAB: &str = "lab@example.org";
const XLS: &[u8] = include_bytes!("../../common/testdata/workbooks/u.xls");
const ODS: &[u8] = include_bytes!("../../common/testdata/workbooks/u.ods");
const FAR: &[u8] = include_bytes!("../../common/testdata/workbooks/far.xls");
const XLSX: &[u8] = include_bytes!("../../common/testdata/workbooks/u.xlsx");

/// A mail to this name of ours with a file.
fn with_file(from: &str, to: &str, name: &str, bytes: &[u8]) -> Mail {
    let encoded = base64(bytes);
    let body = format!(
        "--=b\r\nContent-Type: text/plain\r\n\r\nTerlampir.\r\n--=b\r\nContent-Type: \
         application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--=b--\r\n"
    );
    Mail::from(from)
        .to(&[&format!("{to}@kentongan.example")])
        .subject("Data")
        .field("MIME-Version", "1.0")
        .field("Content-Type", "multipart/mixed; boundary=\"=b\"")
        .body(body)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (n, three) in bytes.chunks(3).enumerate() {
        let whole =
            three.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = LETTERS[(whole >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= three.len() {
                letter.into()
            } else {
                '='
            });
        }
        if n % 19 == 18 {
            text.push_str("\r\n");
        }
    }
    text
}

/// A workbook with these cells; a second sheet when there are lines for it.
fn xlsx(rows: &[&[&str]], mark: &[&str]) -> Vec<u8> {
    let mut book = Workbook::new();
    let mut put = |name: &str, rows: &[&[&str]]| {
        let sheet = book.add_worksheet().set_name(name).expect("a name");
        for (row, cells) in (0_u32..).zip(rows) {
            for (column, text) in (0_u16..).zip(*cells) {
                if !text.is_empty() {
                    sheet.write_string(row, column, *text).expect("a cell");
                }
            }
        }
    };
    put("Data", rows);
    if !mark.is_empty() {
        let lines: Vec<[&str; 2]> = mark.iter().map(|value| ["", *value]).collect();
        let lines: Vec<&[&str]> = lines.iter().map(|l| &l[..]).collect();
        put("_kentongan", &lines);
    }
    book.save_to_buffer().expect("a workbook")
}

#[track_caller]
fn says(letter: &Letter, wanted: &str) {
    let words = letter.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(wanted), "{wanted:?} is missing in {words:?}");
}

/// The workbook that came with a letter.
#[track_caller]
fn attached(letter: &Letter) -> (Vec<u8>, Book) {
    let [file] = &letter.files[..] else {
        panic!("{} files in {:?}", letter.files.len(), letter.text)
    };
    let book = common::workbook::read(&file.content).expect("it can be read");
    (file.content.clone(), book)
}

/// Cells with a comment, as they are named.
fn commented(bytes: &[u8]) -> Vec<String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a container");
    let mut text = String::new();
    let names: Vec<String> = zip.file_names().flatten().map(Into::into).collect();
    let is = |n: &&String| n.contains("comment") && n.ends_with(".xml");
    let name = names.iter().find(is).expect("comments");
    let mut part = zip.by_name(name).expect("comments");
    part.read_to_string(&mut text).expect("they are text");
    let cells = text
        .split("ref=\"")
        .skip(1)
        .filter_map(|c| c.split('"').next());
    let mut cells: Vec<String> = cells.map(str::to_owned).collect();
    cells.sort();
    cells
}

const HEAD: &[&str] = &["tanda", "spesies", "jumlah hewan", "lokasi"];

async fn rows_of_a_code_are_stored_once_and_bad_ones_come_back_marked(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let bad = xlsx(
        &[
            HEAD,
            &["MC", "SPI", "4"],
            &["DM", "SP", "", "72060202"],
            &["MC", "SP", "2", "99999999"],
        ],
        &[],
    );
    let letter = world
        .answer(&with_file(PELSA, "data-u", "data saya.xlsx", &bad))
        .await;
    says(
        &letter,
        "ada 3 kesalahan, jadi belum ada baris yang tersimpan",
    );
    says(&letter, "B2: \"SPI\" bukan spesies. Maksud Anda SP (sapi)");
    says(&letter, "D4: Kode lokasi 99999999 tidak ada");
    assert_eq!(letter.files[0].name, "data saya.xlsx");
    let (bytes, book) = attached(&letter);
    assert_eq!(commented(&bytes), ["B2", "C3", "D4"]);
    assert_eq!(book, common::workbook::read(&bad).expect("ours"));
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0);

    let good = xlsx(
        &[
            HEAD,
            &["MC,DM", "SP", "4"],
            &["DM", "KB (kambing)", "2", "72060202"],
        ],
        &[],
    );
    let mail = || with_file(PELSA, "data-u", "data saya.xlsx", &good);
    let letter = world.answer(&mail()).await;
    says(&letter, "2 baris tersimpan");
    says(&letter, "Baris 2: Terima kasih. [ID kasus ");
    assert!(letter.files.is_empty());
    let letter = world.answer(&mail()).await;
    says(&letter, "sudah tersimpan. Tidak ada yang disimpan dua kali");
    assert_eq!(
        world
            .number("SELECT count(*) FROM report WHERE code = 'U'")
            .await,
        2
    );
    assert_eq!(world.number("SELECT count(*) FROM disease_case").await, 2);
    let sent = "SELECT count(*) FROM message WHERE channel = 'email' AND outcome = 'stored'";
    assert_eq!(world.number(sent).await, 2);
    world.nothing_dead().await;
}

/// M30: whatever program wrote it.
#[tokio::test]
async fn every_format_is_read_and_given_back_as_xlsx() {
    let world = Build::new(Place::OneBox).with_daemons().await;
    for (name, bytes) in [("u.xls", XLS), ("u.ods", ODS), ("u.xlsx", XLSX)] {
        let letter = world.answer(&with_file(PELSA, "data-u", name, bytes)).await;
        says(&letter, "B4: \"SPI\" bukan spesies");
        says(&letter, "C4: \"banyak\" bukan jumlah hewan");
        says(&letter, "Lembar yang tidak dibaca: Catatan");
        assert_eq!(letter.files[0].name, "u.xlsx");
        let (marked, book) = attached(&letter);
        let comments = commented(&marked);
        assert!(
            ["B4", "C4"]
                .iter()
                .all(|c| comments.contains(&(*c).to_owned())),
            "{comments:?}"
        );
        assert_eq!(book.sheets[0].cells[&(3, 1)], Value::Text("SPI".into()));
    }
    let csv = b"tanda;spesies;jumlah hewan;lokasi\r\nMC,DM;SP;4;\r\ndemam;KB;3;72060202\r\n";
    let letter = world
        .answer(&with_file(PELSA, "data-u", "u.csv", csv))
        .await;
    says(&letter, "2 baris tersimpan");
    // Windows-1252 in the one language that has such letters.
    let csv = b"sign;species;number of animals;location\r\nMC;SP;4;\r\nfi\xe8vre;SP;1;\r\n";
    let letter = world
        .answer(&with_file(ENGLISH, "data-u", "u.csv", csv))
        .await;
    says(&letter, "A3: \"fi\u{e8}vre\" is not a value for: sign");
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
}

/// The parts of an xlsx, with a sheet and shared strings that are too much.
fn bomb(sheet: &str, strings: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let rels = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{rels}\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{rels}\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!("<sst xmlns=\"{main}\">{strings}</sst>"),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{sheet}</sheetData></worksheet>"),
        ),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default())
            .expect("a part");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a container").into_inner()
}

/// M20, M30: files of some kilobytes that unfold to gigabytes, or spread a sheet over them.
#[tokio::test]
async fn bombs_are_refused_by_their_names_and_the_daemon_lives() {
    let mut world = Build::new(Place::OneBox).with_daemons().await;
    let cell = |name| format!("<row><c r=\"{name}\"><v>1</v></c></row>");
    let far = cell("A1") + &cell("XFD1048576");
    let text = format!(
        "<row><c t=\"inlineStr\"><is><t>{}</t></is></c></row>",
        "x".repeat(66 << 20)
    );
    let cells = format!("<row>{}</row>", "<c/>".repeat(17 << 20));
    let strings = "<si/>".repeat(14 << 20);
    for (bytes, want) in [
        (bomb(&far, ""), "too_many_rows"),
        (bomb(&text, ""), "part_too_large"),
        (bomb(&cells, ""), "part_too_large"),
        (bomb(&cell("A1"), &strings), "part_too_large"),
        (
            b"PK\x03\x04 xl/workbook and nothing else".to_vec(),
            "damaged",
        ),
        (XLS[..3000].to_vec(), "not_a_workbook"),
        (
            b"<html><table><tr><td>U</td></tr></table>".to_vec(),
            "not_a_workbook",
        ),
    ] {
        assert!(bytes.len() < 400_000, "a small file");
        let fate = world
            .fate_of(&with_file(PELSA, "data-u", "bom.xlsx", &bytes))
            .await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("workbook_refused", want)
        );
        let letter = world.letter(fate.answer.expect("an answer")).await;
        says(&letter, "Yang dapat Anda lakukan:");
    }
    assert!(world.processes.iter_mut().all(|p| p.is_running()));
    // An attempt is over a moment after its answer was sent.
    world
        .until_true("SELECT NOT EXISTS (SELECT FROM attempt)")
        .await;
    says(
        &world.answer(&Mail::from(PELSA).body("PNEG")).await,
        "Terima kasih",
    );
    world.nothing_dead().await;
}

/// Its reader keeps whole sheets, and no look at the file tells beforehand how large they are.
#[tokio::test]
async fn m20_a_workbook_that_kills_its_reader_kills_nothing_else() {
    let mut world = Build::new(Place::OneBox).with_daemons().await;
    let fate = world
        .fate_of(&with_file(PELSA, "data-u", "u.xls", FAR))
        .await;
    let (outcome, reason) = (fate.outcome.as_str(), fate.reason.as_str());
    assert_eq!(
        (outcome, reason),
        ("workbook_refused", "too_big_or_damaged")
    );
    assert!(world.processes.iter_mut().all(|p| p.is_running()));
    says(
        &world.answer(&Mail::from(PELSA).body("PNEG")).await,
        "Terima kasih",
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_template_is_mailed_on_request_and_an_outdated_one_is_replaced() {
    let world = Build::new(Place::OneBox).with_daemons().await;
    for (mail, code) in [
        (Mail::from(PELSA).subject("templat data u"), "U"),
        (
            Mail::from(PELSA)
                .to(&["data-pneg@kentongan.example"])
                .subject("minta"),
            "PNEG",
        ),
    ] {
        let letter = world.answer(&mail).await;
        says(&letter, "terlampir");
        let (_, book) = attached(&letter);
        let mark = Mark::of(&book).expect("it is marked");
        assert_eq!(
            (mark.kind.as_str(), mark.code.as_deref()),
            ("rows", Some(code))
        );
    }
    let rows: &[&[&str]] = &[HEAD, &["MC", "SP", "4"]];
    let old = xlsx(rows, &["rows", "U", "00000000", "Data"]);
    let letter = world
        .answer(&with_file(PELSA, "lapor", "u.xlsx", &old))
        .await;
    says(&letter, "Templatnya sudah lama");
    let (_, book) = attached(&letter);
    let version = Mark::of(&book).expect("the current one").version;
    let now = xlsx(rows, &["rows", "U", &version, "Data"]);
    let letter = world
        .answer(&with_file(PELSA, "lapor", "u.xlsx", &now))
        .await;
    says(&letter, "1 baris tersimpan");
    let told = world
        .ctl(&["template", "rows", "--code", "U", "--output", "-"], b"")
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    // Not for everybody.
    let letter = world
        .answer(&Mail::from(PELSA).subject("template pengguna"))
        .await;
    says(&letter, "Anda tidak berhak mengirim ini (people)");
    let unknown = xlsx(rows, &[]);
    let letter = world
        .answer(&with_file(PELSA, "lapor", "apa.xlsx", &unknown).subject("Halo"))
        .await;
    says(&letter, "Kami tidak tahu ini buku kerja apa");
}

/// Two people who can be registered, and four who cannot; `names` are those of a village and above it.
fn registrations(names: &[&str]) -> Vec<u8> {
    let head: &[&str] = &[
        "Nama depan",
        "Nama belakang",
        "Telepon",
        "Kode lokasi",
        "Provinsi",
        "Kabupaten/kota",
        "Kecamatan",
        "Desa/kelurahan",
        "Jenis pengguna",
        "Kelompok",
    ];
    xlsx(
        &[
            head,
            &[
                "Siti",
                "Aminah",
                "081311112222",
                "72060202",
                "",
                "",
                "",
                "",
                "PLS (pelapor desa)",
                "kesmavet, RPH, laboratorium",
            ],
            &[
                "Budi",
                "",
                "0813 1111 3333",
                "",
                names[0],
                names[1],
                names[2],
                names[3],
                "pelsa",
            ],
            &["Ani", "", "081234567890", "72060202", "", "", "", "", "PLS"],
            &["Eko", "", "", "72060202", "", "", "", "", "PLS"],
            &["Tini", "", "081311114444", "", "", "", "", "", "XYZ"],
            &[
                "Rudi",
                "",
                "081311115555",
                "72060202",
                "",
                "",
                "",
                "",
                "KPV",
                "PUSAT XYZ",
            ],
        ],
        &[],
    )
}

#[tokio::test]
async fn people_are_registered_and_only_bad_rows_come_back() {
    let mut world = Build::new(Place::OneBox).with_daemons().await;
    let names = "SELECT string_agg(p.name, '|' ORDER BY p.level) FROM place v JOIN place p ON p.id = ANY(v.path)
                 JOIN place_code k ON k.place = v.id WHERE k.code = '72060202'";
    let names = world.texts(names).await.remove(0);
    let names: Vec<&str> = names.split('|').collect();
    // Laboratory staff may do what a coordinator may not, who registers them all the same; above is above.
    let above = "INSERT INTO user_group VALUES ('PUSAT', 'pusat', 'centre');
                 INSERT INTO user_group_permission VALUES ('PUSAT', 'can_register_kkb')";
    world.run(above).await;
    let book = registrations(&names);
    let letter = world
        .answer(&with_file(COORDINATOR, "pengguna", "p.xlsx", &book))
        .await;
    says(&letter, "2 baris tersimpan");
    says(&letter, "C4: \"081234567890\" sudah terdaftar");
    says(&letter, "4 baris belum tersimpan");
    says(&letter, "Anda tidak berhak mendaftarkan KPV");
    says(
        &letter,
        "Anda tidak berhak memasukkan orang ke kelompok PUSAT",
    );
    says(
        &letter,
        "Kelompok \"XYZ\" tidak ada. Yang ada: INSEMINASI, KARANTINA",
    );
    let groups = "SELECT string_agg(m.user_group, ' ' ORDER BY m.user_group) FROM person_group m
                  JOIN person p ON p.id = m.person WHERE p.name = 'Siti Aminah'";
    assert_eq!(world.texts(groups).await, ["KESMAVET LABORATORIUM RPH"]);
    let (_, back) = attached(&letter);
    let given: Vec<String> = (0..5)
        .map(|r| back.sheets[0].cells[&(r, 0)].shown())
        .collect();
    assert_eq!(given, ["Nama depan", "Ani", "Eko", "Tini", "Rudi"]);
    says(&letter, "Orang ini tidak punya alamat");
    assert!(
        world
            .text("081311113333", "PNEG")
            .await
            .contains("Terima kasih")
    );
    let by = "SELECT count(*)::text FROM person_change c JOIN contact k ON c.who = 'person ' || k.person
               WHERE k.address = 'koordinator@example.org' AND c.field = 'person' AND c.message IS NOT NULL";
    assert_eq!(
        world.texts(by).await,
        ["2"],
        "whoever sent the workbook is written down"
    );
    let refused = world
        .fate_of(&with_file(PELSA, "pengguna", "p.xlsx", &book))
        .await;
    assert_eq!(refused.reason, "not_allowed");
}

/// Whoever has no area of responsibility would answer for the whole country.
#[tokio::test]
async fn people_are_registered_only_where_the_sender_answers_for() {
    let world = Build::new(Place::OneBox).with_daemons().await;
    let head: &[&str] = &[
        "Nama depan",
        "Telepon",
        "Kode lokasi",
        "Wilayah tugas",
        "Jenis pengguna",
    ];
    let rows: &[&[&str]] = &[
        head,
        &["Siti", "081311112222", "72060202", "", "PLS"],
        &["Budi", "081311113333", "63020202", "", "PLS"],
        &["Ani", "081311114444", "72060202", "7204 63", "PLS"],
        &["Eko", "081311115555", "72060202", " ; ", "PLS"],
    ];
    let book = xlsx(rows, &[]);
    let letter = world
        .answer(&with_file(COORDINATOR, "pengguna", "p.xlsx", &book))
        .await;
    says(&letter, "2 baris tersimpan");
    says(&letter, "C3: Lokasi 63020202 di luar wilayah tugas Anda");
    says(&letter, "D4: Lokasi 63 di luar wilayah tugas Anda");
    let areas = "SELECT string_agg(p.name || ' ' || coalesce(a.place = p.home_place, false), ', ' ORDER BY p.name)
                   FROM person p LEFT JOIN person_area a ON a.person = p.id WHERE p.name IN ('Siti', 'Budi', 'Ani', 'Eko')";
    assert_eq!(world.texts(areas).await, ["Eko true, Siti true"]);
}

#[tokio::test]
async fn laboratory_results_bring_a_report_and_tell_the_officer() {
    let mut world = Build::new(Place::OneBox).with_daemons().await;
    world.text(people::PELSA, "U mc,dm sp 4").await;
    let head: &[&str] = &[
        "ID kasus",
        "nomor spesimen",
        "jenis spesimen",
        "bentuk spesimen",
        "seksi lab",
        "uji",
        "hasil uji",
        "penyakit",
        "tanggal uji",
    ];
    let rows: &[&[&str]] = &[
        head,
        &[
            "1",
            "1",
            "FES",
            "segar",
            "PAR",
            "APG (uji apung)",
            "POS",
            "koksidiosis",
            "2026-11-20",
        ],
        &["1", "2", "FES", "segar", "PAR", "APG", "NEG"],
    ];
    let letter = world
        .answer(&with_file(LAB, "lab", "hasil.xlsx", &xlsx(rows, &[])))
        .await;
    says(&letter, "Hasil laboratorium: 2 baris tersimpan");
    let (_, report) = attached(&letter);
    let shown: Vec<String> = report.sheets[0].cells.values().map(Value::shown).collect();
    assert!(shown.iter().any(|c| c == "koksidiosis") && shown.iter().any(|c| c == "uji apung"));
    let told = world.alert_to(people::PELSA).await;
    assert!(
        told.text
            .contains("[ID kasus 1] Hasil lab dari Petugas Lab Demo: uji apung positif (koksidiosis), uji apung negatif"),
        "{}",
        told.text
    );
    let told = "SELECT count(*) FROM alert WHERE code = 'HLAB'";
    assert_eq!(world.number(told).await, 0, "rows tell nobody one by one");
    let kept = "SELECT count(*) FROM report WHERE code = 'HLAB' AND case_id = 1";
    assert_eq!(world.number(kept).await, 2);
    let wrong: &[&[&str]] = &[head, &["99", "1", "FES", "segar", "PAR", "APG", "POS"]];
    let letter = world
        .answer(&with_file(LAB, "lab", "hasil.xlsx", &xlsx(wrong, &[])))
        .await;
    says(&letter, "A2: ID kasus 99 tidak ada");
    assert_eq!(world.number(kept).await, 2);
}

/// M25: what nobody vouches for is not even opened before the person says that it is theirs.
#[tokio::test]
async fn an_unproven_workbook_waits_for_its_person() {
    let world = Build::new(Place::OneBox).with_daemons().await;
    let good = xlsx(&[HEAD, &["MC", "SP", "4"]], &[]);
    let fate = world
        .fate_of(&with_file(PELSA, "data-u", "u.xlsx", &good).unproven())
        .await;
    assert_eq!(fate.outcome, "held");
    let asked = world.letter(fate.answer.expect("a question")).await;
    says(&asked, "BENAR DARI ANDA?");
    assert_eq!(world.number("SELECT count(*) FROM report").await, 0);
    let confirmed = world
        .fate_of(&Mail::from(PELSA).answers(&asked, "ya").unproven())
        .await;
    assert_eq!(confirmed.outcome, "confirmation");
    world.until_true("SELECT count(*) = 1 FROM report").await;
    world.mail_to(PELSA, "1 baris tersimpan").await;
    // A stranger's is not opened, and nobody is written to.
    let fate = world
        .fate_of(&with_file("siapa@example.org", "data-u", "u.xlsx", &good).unproven())
        .await;
    assert_eq!(
        (fate.outcome.as_str(), fate.answer),
        ("unknown_sender", None)
    );
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
}

/// A second processor and the same file handed in twice at once: one of both stores it.
#[tokio::test]
async fn the_same_workbook_at_the_same_moment_is_stored_once() {
    let mut world: World = Build::new(Place::OneBox).with_daemons().await;
    world.start("processor").await;
    let good = xlsx(&[HEAD, &["MC", "SP", "4"], &["DM", "SP", "5"]], &[]);
    let mails: Vec<Mail> = (0..4)
        .map(|_| with_file(PELSA, "data-u", "u.xlsx", &good))
        .collect();
    let mut ids = Vec::new();
    for mail in &mails {
        ids.push(world.post(mail).await);
    }
    let mut outcomes = Vec::new();
    for id in ids {
        outcomes.push(world.fate(id).await.outcome);
    }
    outcomes.sort();
    let again = "workbook_again";
    assert_eq!(outcomes, [again, again, again, "workbook_stored"]);
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
}
