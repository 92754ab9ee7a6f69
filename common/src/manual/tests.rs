use super::*;
use crate::code::CodeSource;
use crate::config;
use crate::document::page::{Mark, Page, Role};
use crate::engine::compile_offline;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn shipped() -> (Codes, Roles) {
    let codes = compile_offline(&config::Engine::default());
    (
        codes.expect("the shipped codes"),
        Roles::shipped().expect("the shipped roles"),
    )
}

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

/// Everything that is made of the codes, with its path from the project's folder.
fn made() -> Vec<(String, Vec<u8>)> {
    let (codes, roles) = shipped();
    let page = markdown(&codes, &roles);
    let mut files = vec![("docs/CODES.md".to_owned(), page.into_bytes())];
    for kind in roles.types() {
        for language in Language::ALL {
            let card = card(&codes, &roles, kind, language).expect("a card");
            files.push((format!("docs/cards/{}", card_name(kind, language)), card));
        }
    }
    files
}

#[test]
fn the_generated_manual_is_as_the_codes_are() {
    let made = made();
    let cards = folder("docs/cards");
    if std::env::var_os("KENTONGAN_RENEW").is_some() {
        fs::create_dir_all(&cards).unwrap();
        for (path, bytes) in &made {
            fs::write(folder(path), bytes).unwrap();
        }
    }
    let stale =
        |(path, bytes): &&(String, Vec<u8>)| fs::read(folder(path)).unwrap_or_default() != **bytes;
    let stale: Vec<_> = made.iter().filter(stale).map(|(path, _)| path).collect();
    assert!(
        stale.is_empty(),
        "{stale:?} are stale; renew them: make docs"
    );
    let known: BTreeSet<PathBuf> = made.iter().map(|(path, _)| folder(path)).collect();
    for file in fs::read_dir(cards).unwrap() {
        let file = file.unwrap().path();
        assert!(
            known.contains(&file),
            "{} is nobody's card; remove it",
            file.display()
        );
    }
    let cards = made.iter().filter(|(path, _)| path.ends_with(".pdf"));
    let all: usize = cards.map(|(_, bytes)| bytes.len()).sum();
    assert!(all < 3_000_000, "{all} bytes are too many for a repository");
}

#[test]
fn every_shipped_code_has_its_chapter() {
    let (codes, _) = shipped();
    let lost: Vec<_> = codes
        .specs()
        .filter(|s| s.chapter.is_none())
        .map(|s| &s.code)
        .collect();
    assert!(
        lost.is_empty(),
        "add chapter = \"...\" to the files of {lost:?}"
    );
}

#[test]
fn the_page_says_all_that_a_file_says() {
    let (codes, roles) = shipped();
    let page = markdown(&codes, &roles);
    for spec in codes.specs() {
        assert!(page.contains(&format!("\n### {}: {}", spec.code, spec.name.en)));
        for text in [&spec.help.id, &spec.help.en] {
            assert!(page.contains(text), "{text}");
        }
        for example in &spec.examples {
            assert!(
                page.contains(&format!("`{}`", example.text.trim())),
                "{}",
                example.text
            );
        }
    }
    assert!(
        page.contains("| format, id | `U [tanda,tanda...] ([spesies] [jumlah hewan]...) {lokasi}")
    );
    assert!(page.contains("responders (VET PMD) when sent by PLS"));
    assert!(page.contains("`KODE SP` (species)"));
    assert!(page.contains("| 1 to 1000000 |"));
}

#[test]
fn a_card_has_all_that_its_holder_may_send_and_nothing_else() {
    let (codes, roles) = shipped();
    for (kind, language) in roles.types().flat_map(|k| Language::ALL.map(|l| (k, l))) {
        let holder = Holder::of(&codes, &roles, kind, language);
        let sheets = card::sheets(&holder);
        let headings: BTreeSet<String> = sheets.pages.iter().flat_map(first_words).collect();
        for spec in codes.specs() {
            let may = roles.may(kind, &spec.permission);
            assert_eq!(
                headings.contains(&spec.code),
                may,
                "{} on the card of {kind}",
                spec.code
            );
        }
        sheets.pages.iter().for_each(legible);
    }
}

/// The codes: first words of the headings of entries.
fn first_words(page: &Page) -> Vec<String> {
    let first = |mark: &Mark| match mark {
        Mark::Text {
            role: Role::Heading(3),
            runs,
        } => Some(runs.first()?.text.clone()),
        _ => None,
    };
    page.marks.iter().filter_map(first).collect()
}

/// Nothing is cut off, nothing lies in the fold, and what is to be read has 8 points or more.
fn legible(page: &Page) {
    let (fold, rim) = (page.width / 2.0, 15.0);
    for mark in &page.marks {
        let Mark::Text { role, runs } = mark else {
            continue;
        };
        for run in runs {
            let (left, right) = (run.x, run.x + run.style.width(&run.text));
            assert!(left > rim && right < page.width - rim, "{run:?}");
            assert!(right < fold - rim || left > fold + rim, "{run:?}");
            assert!(run.y > rim && run.y < page.height - 12.0, "{run:?}");
            assert!(run.style.size >= 8.0 || *role == Role::Aside, "{run:?}");
        }
    }
}

#[test]
fn examples_are_those_that_the_holder_may_send() {
    let (codes, roles) = shipped();
    let example = |kind, code: &str| {
        let holder = Holder::of(&codes, &roles, kind, Language::Id);
        let spec = codes.spec(code).unwrap();
        holder.example(spec)
    };
    assert_eq!(example("PLS", "U"), Some("U mc,dm sp 4"));
    assert_eq!(example("VET", "U"), Some("U MC,DM SP 5 COC,SAL"));
    assert_eq!(example("PLS", "R"), None, "they may not send it");
}

/// More codes than are shipped, as an installation may add them.
fn many() -> Codes {
    let mut files = crate::code::shipped::files();
    let u = files
        .codes
        .iter()
        .find(|f| f.name == "u.toml")
        .unwrap()
        .toml
        .clone();
    for at in 0..15 {
        let code = format!("WW{}", char::from(b'A' + at % 26)) + &"X".repeat(usize::from(at / 26));
        let toml = u
            .replace("\"U\"", &format!("\"{code}\""))
            .replace("\"U ", &format!("\"{code} "));
        let (head, _) = toml.split_once("[[example]]").unwrap();
        let name = format!("{}.toml", code.to_lowercase());
        let example = format!(
            "[[example]]\ntext = \"{code} mc,dm sp 4\"\nreply = {{ id = \"...\", en = \"...\" }}\n"
        );
        files.codes.push(CodeSource {
            name,
            toml: format!("{head}{example}"),
            sql: None,
        });
    }
    let (shipped, _) = shipped();
    Codes::load(&files.codes, &files.texts, Arc::clone(shipped.lexicon())).unwrap()
}

#[test]
fn eighty_codes_have_room_and_stay_legible() {
    let (codes, roles) = (many(), Roles::shipped().unwrap());
    let sheets = card::sheets(&Holder::of(&codes, &roles, "KKB", Language::Id));
    let all: Vec<String> = sheets.pages.iter().flat_map(first_words).collect();
    assert!(all.len() >= 80, "{}", all.len());
    assert!(sheets.pages.len() <= 6, "{} sides", sheets.pages.len());
    sheets.pages.iter().for_each(legible);
    if let Some(folder) = std::env::var_os("KENTONGAN_SHOW") {
        let bytes = card(&codes, &roles, "KKB", Language::Id).unwrap();
        fs::write(PathBuf::from(folder).join("many.pdf"), bytes).unwrap();
    }
}
