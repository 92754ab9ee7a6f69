use super::page::{Mark, Role};
use super::*;
use crate::Verdict;
use crate::language::Both;
use jiff::civil::date;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn place(code: &str, names: [&str; 4]) -> PermitPlace {
    PermitPlace {
        code: code.into(),
        names: names.map(str::to_owned).into(),
    }
}

fn animals(number: i64, id: &str, en: &str) -> PermitAnimals {
    let (id, en) = (id.to_owned(), en.to_owned());
    PermitAnimals {
        number,
        kind: Both { id, en },
    }
}

fn signer() -> Signer {
    Signer::new(&[[7; 32]]).unwrap()
}

fn page() -> PermitPage {
    let names = [
        "Kalimantan Selatan",
        "Kotabaru",
        "Pulau Laut Barat",
        "Tanjung Tengah",
    ];
    let to = [
        "Sulawesi Barat",
        "Polewali Mandar",
        "Balanipa",
        "Tammangalle",
    ];
    PermitPage {
        number: 208,
        issued: date(2026, 11, 20),
        owner: "Ketut Sudiarta".into(),
        owner_id: "1234567890123456".into(),
        owner_phone: "081234567890".into(),
        origin: place("63020202", names),
        destination: place("76020202", to),
        animals: vec![
            animals(10, "sapi aceh", "Aceh cattle"),
            animals(15, "sapi bali", "Bali cattle"),
        ],
        officer: "drh. Wayan Demo".into(),
        office: "Dinas Peternakan dan Kesehatan Hewan Kabupaten Kotabaru".into(),
        gateway: String::new(),
        training: false,
        seal: Some(Seal::of(208, false, &signer())),
    }
}

fn asked() -> Document {
    page().document(Language::Id)
}

#[test]
fn a_mail_has_all_that_its_words_want_and_the_document_beside_it() {
    use crate::compose::Mails;
    use crate::messages::{EmailOutput, Origin, Purpose};
    let mails = Mails::shipped().unwrap();
    for (language, subject, file) in [
        (
            Language::Id,
            "SKKH nomor 208: 10 sapi aceh, 15 sapi bali, Ketut Sudiarta",
            "SKKH-208.pdf",
        ),
        (
            Language::En,
            "Movement permit number 208: 10 Aceh cattle, 15 Bali cattle, Ketut Sudiarta",
            "permit-208.pdf",
        ),
    ] {
        let mail = EmailOutput {
            to: "dinas@example.org".into(),
            template: PERMIT.into(),
            language: language.tag().into(),
            values: page().mail(language),
            purpose: Purpose::Alert,
            thread: None,
            attachments: Vec::new(),
            documents: vec![page().document(language)],
            reply_token: None,
            origin: Origin::Generated,
        };
        let said = mails.render(&mail).unwrap();
        assert_eq!(said.subject, subject);
        let origin = "Tanjung Tengah, Pulau Laut Barat, Kotabaru, Kalimantan Selatan";
        assert!(said.text.contains(origin), "{}", said.text);
        assert_eq!(mail.documents[0].name, file);
        assert!(made(&mail.documents[0], &signer()).is_ok());
    }
}

/// With `KENTONGAN_SHOW=DIR`, what was made is left there for somebody to look at.
fn shown(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("KENTONGAN_SHOW") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

#[test]
fn everything_that_was_asked_for_stands_on_the_page() {
    for language in Language::ALL {
        let sheets = permit::sheets(&page(), language);
        assert_eq!(sheets.pages.len(), 1);
        let text = sheets.pages[0].text();
        for want in [
            "208",
            "Ketut Sudiarta",
            "1234567890123456",
            "081234567890",
            "63020202",
            "76020202",
            "Kalimantan Selatan",
            "Tammangalle",
            "sapi aceh",
            "Bali cattle",
            "25",
            "drh. Wayan Demo",
            "Dinas Peternakan",
            "SURAT KETERANGAN",
            "MOVEMENT PERMIT",
            &page().seal.unwrap().check,
        ] {
            assert!(text.contains(want), "{want} in {language:?}: {text}");
        }
        assert!(!text.contains("LATIHAN"));
        shown(
            &format!("permit-{}.pdf", language.tag()),
            &permit(&page(), language).unwrap(),
        );
    }
}

#[test]
fn the_same_permit_is_the_same_bytes_and_another_is_not() {
    let first = made(&asked(), &signer()).unwrap();
    assert!(first.starts_with(b"%PDF-"));
    assert!(first.len() < 200_000, "{}", first.len());
    assert_eq!(first, made(&asked(), &signer()).unwrap());
    let mut other = asked();
    other.values.insert("number".into(), 209.into());
    assert_ne!(first, made(&other, &signer()).unwrap());
}

#[test]
fn the_code_says_what_the_letters_below_it_say() {
    let squares = |page: &PermitPage| {
        let sheets = permit::sheets(page, Language::Id);
        let mut marks = sheets.pages.into_iter().flat_map(|p| p.marks);
        marks.find_map(|m| match m {
            Mark::Squares { says, .. } => Some(says),
            _ => None,
        })
    };
    let mut page = page();
    let says = squares(&page).unwrap();
    let (ask, token) = says.rsplit_once(' ').unwrap();
    assert_eq!(ask, "VSK 208");
    assert!(Seal::fits(208, false, token, &signer()));
    page.gateway = "+6281290090009".into();
    assert!(
        squares(&page)
            .unwrap()
            .starts_with("SMSTO:+6281290090009:VSK 208 ")
    );
    page.seal = None;
    assert_eq!(squares(&page), None);
}

#[test]
fn a_permit_made_in_training_says_so_on_every_page() {
    let mut page = page();
    page.training = true;
    page.animals = vec![animals(3, "sapi bali", "Bali cattle"); 60];
    let sheets = permit::sheets(&page, Language::Id);
    assert!(sheets.pages.len() > 1);
    for sheet in &sheets.pages {
        let text = sheet.text();
        assert!(
            text.contains("LATIHAN") && text.contains("TRAINING"),
            "{text}"
        );
        assert!(text.contains("208"), "the number stands on every page");
    }
    shown("permit-long.pdf", &permit(&page, Language::Id).unwrap());
}

#[test]
fn what_cannot_be_made_is_wrong_for_ever_and_quotes_nothing() {
    let mut kind = asked();
    kind.kind = "poster".into();
    let mut language = asked();
    language.language = "fr".into();
    let mut values = asked();
    values
        .values
        .insert("owner_id".into(), 1_234_567_i64.into());
    for (wrong, says) in [
        (kind, "poster"),
        (language, "language"),
        (values, "owner_id"),
    ] {
        let failure = made(&wrong, &signer()).unwrap_err();
        assert_eq!(failure.verdict, Verdict::Quarantine);
        assert!(failure.cause.contains(says), "{failure}");
        assert!(!failure.cause.contains("1234567"), "{failure}");
    }
}

#[test]
fn every_word_of_ours_can_be_printed() {
    let files = ["permit.toml", "manual.toml"].map(|f| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/documents/");
        std::fs::read_to_string(format!("{folder}{f}")).unwrap()
    });
    let letters: BTreeSet<char> = files.iter().flat_map(|t| t.chars()).collect();
    for c in letters.into_iter().filter(|c| *c != '\n') {
        assert!(
            font::Face::Regular.has(c) && font::Face::Bold.has(c),
            "{c:?}"
        );
    }
}

/// Whether every letter stands on the paper, and nothing but the foot where the foot is.
fn kept_in(sheet: &page::Page) -> std::result::Result<(), TestCaseError> {
    for mark in &sheet.marks {
        let Mark::Text { role, runs } = mark else {
            continue;
        };
        for run in runs {
            let right = run.x + run.style.width(&run.text);
            prop_assert!(run.x >= 0.0 && right <= sheet.width - 10.0, "{run:?}");
            let lowest = if *role == Role::Aside { 30.0 } else { 36.0 };
            prop_assert!(
                run.y > 0.0 && run.y < sheet.height - lowest + 20.0,
                "{run:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_is_cut_off_whatever_people_are_called(
        owner in ".{0,90}", office in ".{1,120}", village in "[A-Za-z ]{1,70}", rows in 0_usize..40,
    ) {
        let mut page = page();
        page.owner = owner;
        page.office = office;
        page.origin.names[3] = village;
        page.animals = vec![animals(7, "kambing peranakan etawa", "Etawa crossbred goat"); rows];
        for sheet in permit::sheets(&page, Language::Id).pages {
            kept_in(&sheet)?;
        }
        prop_assert!(permit(&page, Language::Id).is_ok());
    }
}
