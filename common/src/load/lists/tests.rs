//! Faults of list files, and what must hold for the lists that ship.

use super::*;
use crate::load::roles::{self, read_permissions, read_user_types};

const FILES: &[&[u8]] = &[
    include_bytes!("../../../lists/animals.csv"),
    include_bytes!("../../../lists/health.csv"),
    include_bytes!("../../../lists/laboratory.csv"),
    include_bytes!("../../../lists/work.csv"),
];

/// Lists whose codes stand at the same place of some message, so that a code must tell which list it is from.
const APART: &[&[&str]] = &[
    &[
        "sign",
        "species",
        "breed",
        "diagnosis",
        "outcome",
        "response_mode",
    ],
    &["syndrome", "species", "breed", "diagnosis"],
    &["specimen_type", "specimen_form", "lab_section"],
    &["species", "breed", "population_animal"],
    &["species", "breed", "abattoir_animal"],
    &["rapid_test", "species", "diagnosis", "test_result"],
    &["slaughter_finding", "diagnosis", "abattoir_animal"],
    &["inspection_decision", "abattoir_animal"],
];

fn heads() -> Vec<PlacedList> {
    let (lists, faults) = read_lists(include_bytes!("../../../lists/lists.csv"), &[]);
    assert_eq!(faults, []);
    lists
}

fn shipped() -> Vec<Placed> {
    let mut all = Vec::new();
    for file in FILES {
        let (entries, faults) = read_entries(file, &heads(), &all);
        assert_eq!(faults, []);
        all.extend(entries);
    }
    let (permissions, faults) = read_permissions(include_bytes!("../../../lists/permissions.csv"));
    assert_eq!(faults, []);
    let types = include_bytes!("../../../lists/user_types.csv");
    let (types, faults) = read_user_types(types, &permissions);
    assert_eq!(faults, []);
    all.extend(types.into_iter().map(|t| t.1));
    all
}

fn codes<'a>(all: &'a [Placed], list: &str) -> Vec<&'a str> {
    all.iter()
        .filter(|p| p.entry.list == list)
        .map(|p| p.entry.code.as_str())
        .collect()
}

#[test]
fn each_fault_of_an_entry_is_told() {
    const HEADER: &str = "list,code,id,en,parent\nspecies,SP,sapi,cattle,\n";
    let unknown = "that this installation knows";
    for (row, fault) in [
        (
            "spesies,KB,kambing,goat,",
            format!(
                "list: \"spesies\" is not a list {unknown} (did you mean \"species\"?); load it first or correct it"
            ),
        ),
        (
            "species,K-B,kambing,goat,",
            "code: \"K-B\" is not a code: letters and digits only".into(),
        ),
        (
            "species,,kambing,goat,",
            "code: the cell is empty; fill it in".into(),
        ),
        (
            "species,KB,,goat,",
            "id: the cell is empty; fill it in".into(),
        ),
        (
            "species,sp,lembu,cow,",
            "code: \"sp\" stands already in line 2; keep one of the two".into(),
        ),
        (
            "breed,SPAC,sapi Aceh,Aceh cattle,SPP",
            format!(
                "parent: \"SPP\" is not a code of the parent list {unknown} (did you mean \"SP\"?); load it first or correct it"
            ),
        ),
        (
            "species,KB,kambing,goat,SP",
            "parent: \"SP\" is not needed here; this list has no parent list".into(),
        ),
    ] {
        let (_, faults) = read_entries(format!("{HEADER}{row}\n").as_bytes(), &heads(), &[]);
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [format!("line 3, {fault}")], "{row}");
    }
}

#[test]
fn a_file_of_lists_is_told_by_its_header() {
    assert!(is_file_of_lists(b"key,short,id,en\n"));
    assert!(is_file_of_lists(b"short;\"Key\";id;en\r\n"));
    assert!(!is_file_of_lists(b"list,code,id,en\nkey,a,b,c\n"));
    let (_, faults) = read_lists(b"key,short,id,en,parent\nAb c,S P,x,y,none\n", &[]);
    assert_eq!(
        faults.iter().map(|f| f.column.as_str()).collect::<Vec<_>>(),
        ["key", "short", "parent"]
    );
}

#[test]
fn what_vanished_is_reported_and_retired_only_when_asked() {
    let known = shipped();
    let left: Vec<Placed> = known
        .iter()
        .filter(|p| p.entry.code != "MS" && p.entry.list == "outcome")
        .cloned()
        .collect();
    let quiet = plan(left.clone(), &known, &LoadOptions::default());
    assert_eq!(
        (quiet.report.vanished, quiet.retire),
        (vec!["outcome:MS".to_owned()], vec![])
    );
    assert_eq!((quiet.put, quiet.report.unchanged), (vec![], 2));
    let options = LoadOptions {
        retire_vanished: true,
        ..LoadOptions::default()
    };
    assert_eq!(
        plan(left, &known, &options).retire,
        [("outcome".to_owned(), "MS".to_owned())]
    );
}

#[test]
fn codes_that_may_stand_in_one_place_are_different() {
    let all = shipped();
    for lists in APART {
        let mut owner: HashMap<&str, &str> = HashMap::new();
        for list in *lists {
            for code in codes(&all, list) {
                let before = owner.insert(code, list);
                assert_eq!(before, None, "{code} is in {list} too");
            }
        }
    }
}

#[test]
fn no_code_looks_like_a_number_or_a_place() {
    for placed in shipped().iter().filter(|p| p.entry.list != "place_level") {
        let code = &placed.entry.code;
        assert!(code.starts_with(|c: char| c.is_ascii_uppercase()), "{code}");
    }
}

#[test]
fn names_fit_into_the_cheap_kind_of_text_message() {
    // The letters and signs of GSM-7 that ASCII has, without those that count twice.
    let fits = |c: char| c.is_ascii_alphanumeric() || " @!\"#%&'()*+,-./:;<=>?_$".contains(c);
    for Placed { entry, .. } in shipped() {
        for name in [&entry.name_id, &entry.name_en]
            .into_iter()
            .chain(&entry.synonyms)
        {
            assert!(name.chars().all(fits), "{name}");
        }
    }
}

#[test]
fn the_lists_are_full() {
    let all = shipped();
    let at_least = [
        ("species", 16),
        ("sign", 60),
        ("diagnosis", 60),
        ("syndrome", 7),
        ("outcome", 3),
        ("fate", 3),
    ];
    for (list, count) in at_least {
        assert!(
            codes(&all, list).len() >= count,
            "{list}: {}",
            codes(&all, list).len()
        );
    }
    for (list, _) in heads() {
        assert!(!codes(&all, &list.key).is_empty(), "{} is empty", list.key);
    }
    let known: [(&str, &[&str]); 6] = [
        (
            "species",
            &[
                "AY", "IT", "AG", "EG", "UL", "MP", "PY", "SP", "KR", "KB", "DB", "KD", "KL", "AJ",
                "KC", "BB",
            ],
        ),
        ("sign", &["MC", "DM", "KBG"]),
        ("diagnosis", &["COC", "SAL", "RA"]),
        ("outcome", &["SB", "MS", "MT"]),
        ("fate", &["M", "U", "D"]),
        ("breed", &["SPAC", "SPBA"]),
    ];
    for (list, expected) in known {
        let theirs = all
            .iter()
            .filter(|p| p.entry.list == list && p.entry.source == "isikhnas");
        assert_eq!(
            theirs.map(|p| p.entry.code.as_str()).collect::<Vec<_>>(),
            expected,
            "{list}"
        );
    }
}

#[test]
fn breeds_are_named_after_their_species() {
    for placed in shipped().iter().filter(|p| p.entry.list == "breed") {
        let species = placed.entry.parent.as_deref().unwrap_or("none");
        assert!(
            placed.entry.code.starts_with(species),
            "{}",
            placed.entry.code
        );
    }
}

#[test]
fn a_village_reporter_may_do_what_the_field_manual_says() {
    let (permissions, _) = read_permissions(include_bytes!("../../../lists/permissions.csv"));
    let types = include_bytes!("../../../lists/user_types.csv");
    let (types, _) = read_user_types(types, &permissions);
    let may = |code: &str, what: &str| {
        let all = permissions.iter().any(|p| p.by_default && p.code == what);
        all || types
            .iter()
            .any(|t| t.0.code == code && t.0.may.iter().any(|m| m == what))
    };
    for code in [
        "u", "p", "pneg", "pop", "q", "ckt", "ckl", "dkl", "kode", "h",
    ] {
        assert!(may("PLS", &format!("can_send_{code}")), "{code}");
    }
    for what in ["can_send_pk", "can_send_r", "can_send_diagnosis"] {
        assert!(!may("PLS", what), "{what}");
        assert!(may("VET", what), "{what}");
    }
    assert_eq!(roles::LIST, "user_type");
}
