//! The engine as a whole, on the shipped files.

use super::spec::Example;
use super::*;
use crate::code::lexicon::{EntryRow, ListRow, sample};
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

const ANY: &(dyn Fn(&str) -> bool + Sync) = &|_| true;

fn reader(kind: &str) -> Reader<'_> {
    reader_in(Language::En, kind)
}

/// A reader who may do everything; only a Pelsa may give no diagnosis.
fn reader_in(language: Language, kind: &str) -> Reader<'_> {
    match kind {
        "pelsa" => Reader {
            language,
            kind: "PLS",
            may: &|p| p != "can_send_diagnosis",
        },
        "stranger" => Reader {
            language,
            kind: "",
            may: &|p| CODES.strangers_may(p),
        },
        kind => Reader {
            language,
            kind,
            may: ANY,
        },
    }
}

/// Whether people of a user type may do something, as shipped; `pelsa`, `vet` and the like name the type.
fn may(kind: &str, permission: &str) -> bool {
    type Row = std::collections::HashMap<String, String>;
    fn rows(file: &str) -> Vec<Row> {
        let rows = csv::Reader::from_reader(file.as_bytes()).into_deserialize();
        rows.collect::<Result<_, _>>().unwrap()
    }
    static ROLES: LazyLock<[Vec<Row>; 2]> = LazyLock::new(|| {
        let types = include_str!("../../lists/user_types.csv");
        let permissions = include_str!("../../lists/permissions.csv");
        [rows(types), rows(permissions)]
    });
    let [types, permissions] = &*ROLES;
    let given = permissions.iter().filter(|p| p["default"] == "yes");
    let mut given = given.map(|p| p["code"].as_str());
    let named = |t: &&Row| {
        let names = format!("{}|{}|{}", t["code"], t["en"], t["synonyms"]).to_lowercase();
        names
            .split(['|', ' '])
            .any(|name| name == kind.to_lowercase())
    };
    // A stranger is no user type; what becomes of what they send is for the database to say.
    let Some(role) = types.iter().find(named) else {
        return true;
    };
    given.any(|p| p == permission) || role["permissions"].split(' ').any(|p| p == permission)
}

/// The shipped lists, if they are there.
fn shipped_lists() -> Option<Arc<Lexicon>> {
    fn rows<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_path(path)
            .unwrap();
        reader
            .deserialize()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{path:?}: {e}"))
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lists");
    let lists: Vec<ListRow> = rows(
        Some(folder.join("lists.csv"))
            .filter(|p| p.exists())?
            .as_path(),
    );
    let mut entries: Vec<EntryRow> = Vec::new();
    for file in ["animals.csv", "health.csv", "laboratory.csv", "work.csv"] {
        entries.extend(rows::<EntryRow>(&folder.join(file)));
    }
    // This file has further columns and no list: it is one.
    let types: Vec<std::collections::HashMap<String, String>> =
        rows(&folder.join("user_types.csv"));
    entries.extend(types.iter().map(|t| {
        sample::entry(
            "user_type",
            &t["code"],
            [&t["id"], &t["en"]],
            &t["synonyms"],
        )
    }));
    Some(Arc::new(Lexicon::from_rows(lists, entries)))
}

fn load(lexicon: Arc<Lexicon>) -> Codes {
    let files = shipped::files();
    Codes::load(&files.codes, &files.texts, lexicon).unwrap_or_else(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    })
}

static CODES: LazyLock<Codes> =
    LazyLock::new(|| load(shipped_lists().unwrap_or_else(sample::lexicon)));

fn file(name: &str, toml: &str) -> CodeSource {
    CodeSource {
        name: name.into(),
        toml: toml.into(),
        sql: None,
    }
}

/// What the engine alone can know of an example's outcome; the rest is tested with the database.
fn check_example(codes: &Codes, spec: &Spec, example: &Example) {
    for language in Language::ALL {
        let allowed = |permission: &str| may(&example.from, permission);
        let reader = match example.from.as_str() {
            "stranger" => reader_in(language, "stranger"),
            kind => Reader {
                may: &allowed,
                ..reader_in(language, kind)
            },
        };
        let text = example.text.replace("{pin}", "959595");
        let reading = codes.read(&text, &reader);
        let known = texts::KEYS
            .iter()
            .any(|(key, _)| example.error.as_deref() == Some(*key));
        let want = match example.error.as_deref() {
            // Found in the database only.
            Some(_)
                if known
                    && !matches!(
                        reading,
                        Reading::Help
                            | Reading::UnknownCode { .. }
                            | Reading::Bare(_)
                            | Reading::Forbidden(_)
                    ) =>
            {
                "ok"
            }
            other => other.unwrap_or("ok"),
        };
        assert_eq!(
            reading.name(),
            want,
            "{}: {:?}: {reading:?}",
            spec.code,
            example.text
        );
        let looked_up = |f: &Arc<spec::Field>| {
            names::as_typed(f).is_some() || matches!(f.kind, kind::Kind::Case | kind::Kind::Place)
        };
        let in_database =
            spec.fields.iter().any(looked_up) || spec.alerts.len() + example.after.len() > 0;
        let answer = match &reading {
            // Every example is played on a database too, which knows what the words stand for.
            Reading::Parsed(..) if in_database => continue,
            Reading::Parsed(..) if example.error.is_some() || spec.query.is_some() => continue,
            // Who was registered and where they are is known to the database.
            Reading::Parsed(spec, _) if names_people(spec) => continue,
            Reading::Parsed(spec, values) => {
                codes.reply(spec, values, &reader, &extra(&example.text))
            }
            other => codes.answer(other, &reader).unwrap(),
        };
        if let Some(expected) = &example.reply {
            let expected = expected.get(language);
            assert!(
                Example::fits(expected, &answer),
                "{}\n{expected}\n{answer}",
                example.text
            );
        }
    }
}

fn names_people(spec: &Spec) -> bool {
    let effect = spec.effect.as_deref();
    effect.is_some_and(|effect| names::CHANGE_PEOPLE.contains(&effect))
}

/// What the database would add.
fn extra(text: &str) -> Vec<(&'static str, Var)> {
    let texts = [
        ("place", "Sulawesi Selatan, Sinjai"),
        ("sender", "Siti"),
        ("phone", "+62811"),
        ("trace", "t"),
    ];
    let texts = texts
        .into_iter()
        .map(|(name, text)| (name, Var::from(text)));
    let effects = [
        ("subject", "4 sapi"),
        ("withdrawn", "U"),
        ("sent", "10/10/2014"),
        ("reporter", "Siti"),
        ("reporter_phone", "+62811"),
        ("cases", "1"),
    ];
    let effects = effects
        .into_iter()
        .map(|(name, text)| (name, Var::from(text)));
    texts
        .chain(effects)
        .chain([
            ("case", Var::from(1)),
            ("closed", Var::from(!text.to_uppercase().ends_with("MS"))),
        ])
        .collect()
}

#[test]
fn every_shipped_example_holds() {
    for spec in CODES.specs() {
        for example in &spec.examples {
            check_example(&CODES, spec, example);
        }
        assert!(
            spec.examples.len() >= 6,
            "{} has {} examples",
            spec.code,
            spec.examples.len()
        );
    }
}

#[test]
fn the_shipped_files_fit_the_shipped_lists() {
    if let Some(lexicon) = shipped_lists() {
        let codes = load(Arc::clone(&lexicon));
        for spec in codes.specs() {
            spec.examples
                .iter()
                .for_each(|example| check_example(&codes, spec, example));
        }
        for list in lexicon.lists() {
            for entry in list.entries() {
                assert!(
                    sms::is_gsm7(&entry.name.id) && sms::is_gsm7(&entry.name.en),
                    "{entry:?}"
                );
            }
        }
    }
}

#[test]
fn every_alert_and_reply_is_made_in_both_languages_and_in_gsm_characters() {
    for spec in CODES.specs() {
        for text in spec.examples.iter().map(|e| &e.text) {
            for language in Language::ALL {
                let reader = reader_in(language, "vet");
                let answers = match CODES.read(text, &reader) {
                    Reading::Parsed(spec, values) => {
                        let alerts = (0..spec.alerts.len())
                            .map(|at| CODES.alert((&spec, at), &values, &reader, &extra(text)));
                        alerts
                            .chain([CODES.reply(&spec, &values, &reader, &extra(text))])
                            .collect()
                    }
                    other => vec![CODES.answer(&other, &reader).unwrap()],
                };
                for answer in answers {
                    assert!(spec.query.is_some() || !answer.is_empty(), "{text}");
                    assert!(sms::is_gsm7(&answer), "{answer}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_message_is_told_apart() {
    let vet = reader("vet");
    for (text, name) in [
        ("", "nothing"),
        (" \n", "nothing"),
        ("?", "help"),
        ("...", "help"),
        ("HALO", "unknown_code"),
        ("u", "bare"),
        ("U ?", "bare"),
        ("U?", "bare"),
        ("U mc sp 4", "ok"),
        ("U mc sp 4 72060202 coc", "ok"),
        ("U mc", "missing"),
        ("U mc sp", "missing"),
        ("U mc sp 4 coc coc", "left_over"),
        ("U mc sp 0", "range"),
        ("U mc,xx sp 4", "word"),
    ] {
        let reading = CODES.read(text, &vet);
        assert_eq!(reading.name(), name, "{text:?}: {reading:?}");
    }
    let long = format!("U mc sp 4 {}", "x ".repeat(5_000));
    assert_eq!(CODES.read(&long, &vet).name(), "long");
}

#[test]
fn values_come_typed_and_in_the_order_of_the_format() {
    let reading = CODES.read("u DM,mc sp 4 kb 2 72.06.02.02 sal", &reader("vet"));
    let Reading::Parsed(spec, values) = reading else {
        panic!("{reading:?}")
    };
    assert_eq!(spec.code, "U");
    let want = concat!(
        r#"{"sign":["DM","MC"],"animals":[{"species":"SP","number":4},"#,
        r#"{"species":"KB","number":2}],"place":"72060202","diagnosis":["SAL"]}"#
    );
    assert_eq!(serde_json::to_string(&values).unwrap(), want);
}

#[test]
fn the_word_at_fault_is_the_furthest_one_and_its_neighbours_are_named() {
    let codes = load(sample::lexicon());
    for (text, word, number, expected, near, elsewhere) in [
        ("U MC SPI 4", "SPI", 3, "species", "SP", ""),
        ("U mencert SP 4", "mencert", 2, "sign", "MC", ""),
        ("U MC,DN SP 4", "DN", 2, "sign", "DM", ""),
        ("U SP SP 4", "SP", 2, "sign", "", "species"),
        (
            "U MC SP 4 CCO",
            "CCO",
            5,
            "species|location|differential diagnosis",
            "COC",
            "",
        ),
        ("U MC 4", "4", 3, "species", "", ""),
        ("U MC sapi 4", "sapi", 3, "species", "SP", ""),
        ("U MC,SAL SP 4", "SAL", 2, "sign", "", "diseases"),
    ] {
        let Reading::Faulty(_, fault) = codes.read(text, &reader("vet")) else {
            panic!("{text}")
        };
        let labels: Vec<_> = fault.expected.iter().map(|l| l.en.as_str()).collect();
        assert_eq!(
            (fault.word.as_str(), fault.number),
            (word, number),
            "{text}: {fault:?}"
        );
        assert_eq!(labels.join("|"), expected, "{text}");
        assert_eq!(
            fault.near.first().map_or("", |e| e.code.as_str()),
            near,
            "{text}: {fault:?}"
        );
        assert_eq!(
            fault.elsewhere.as_ref().map_or("", |(l, _)| l.en.as_str()),
            elsewhere,
            "{text}"
        );
    }
}

#[test]
fn codes_are_listed_and_suggested_only_to_those_who_may_send_them() {
    let none = Reader {
        language: Language::En,
        kind: "pelsa",
        may: &|_| false,
    };
    assert!(CODES.permitted(none.may).is_empty());
    assert_eq!(CODES.read("U mc sp 4", &none).name(), "no_permission");
    assert!(
        CODES
            .answer(&CODES.read("U", &none), &none)
            .unwrap()
            .contains("not permitted")
    );
    assert!(CODES.permitted(ANY).contains(&"U"));
}

#[test]
fn the_format_hides_what_a_sender_may_not_give() {
    let u = CODES.spec("u").unwrap();
    assert_eq!(
        u.format_line(&reader("pelsa")),
        "U [sign,sign...] ([species] [number of animals]...) {location}"
    );
    assert!(
        u.format_line(&reader_in(Language::Id, "Vet"))
            .ends_with("{diagnosis banding,diagnosis banding...}")
    );
}

const SOUND: &str = r#"
code = "X"
name = { id = "x", en = "x" }
help = { id = "x", en = "x" }
permission = "can_send_x"
format = "X [number]"
reply = { id = "{number}", en = "{number}" }
[field.number]
type = "number"
label = { id = "n", en = "n" }
"#;

fn faults(files: &[CodeSource]) -> Vec<String> {
    let texts = shipped::files().texts;
    match Codes::load(files, &texts, sample::lexicon()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn each_thing_wrong_with_a_file_is_told_with_its_line() {
    assert_eq!(faults(&[file("x.toml", SOUND)]), Vec::<String>::new());
    for (from, to, line, what) in [
        ("code = \"X\"", "", 0, "\"code\" is missing"),
        ("code = \"X\"", "code = 3", 2, "invalid type"),
        (
            "name = { id = \"x\", en = \"x\" }",
            "name = { id = \"x\" }",
            3,
            "missing field `en`",
        ),
        ("[number]\"", "[number\"", 6, "column 10"),
        ("X [number]", "Y [number]", 6, "not with the code"),
        ("X [number]", "X [number] {more}", 6, "has no [field.more]"),
        ("X [number]", "X", 8, "does not name"),
        ("X [number]", "X ([number]...)", 6, "group without a name"),
        ("permission", "group = \"g\"\npermission", 5, "no group"),
        (
            "permission",
            "effect = \"explode\"\npermission",
            5,
            "there is no effect",
        ),
        (
            "permission",
            "colour = \"red\"\npermission",
            5,
            "has no \"colour\"",
        ),
        (
            "id = \"{number}\"",
            "id = \"{nummer}\"",
            7,
            "there is no nummer",
        ),
        ("id = \"{number}\"", "id = \"{number\"", 7, "X/reply.id"),
        ("reply = ", "bare = ", 0, "a code that stores must answer"),
        ("type = \"number\"", "type = \"nummer\"", 8, "no type"),
        ("type = \"number\"", "type = \"list:nothing\"", 8, "no list"),
        (
            "type = \"number\"",
            "type = \"number\"\nsmallest = 1",
            8,
            "no \"smallest\" here",
        ),
        ("code =", "code ", 2, ""),
    ] {
        let toml = SOUND.replacen(from, to, 1);
        assert_ne!(toml, SOUND, "{from}");
        let found = faults(&[file("x.toml", &toml)]);
        let at = if line == 0 {
            "x.toml: ".to_owned()
        } else {
            format!("x.toml:{line}: ")
        };
        assert!(
            found.iter().any(|f| f.starts_with(&at) && f.contains(what)),
            "{to}: {found:#?}"
        );
    }
}

#[test]
fn all_faults_of_all_files_come_in_one_pass() {
    let bad = SOUND
        .replace("[number]\"", "[number] {place}\"")
        .replace("help", "hilfe")
        .replace("{number}", "{nix}");
    let bad = format!("{bad}\n[field.place]\ntype = \"nix\"\nlabel = {{ id = \"x\", en = \"x\" }}");
    let found = faults(&[
        file("a.toml", "code ="),
        file("b.toml", &bad),
        file("c.toml", SOUND),
        file("d.toml", SOUND),
    ]);
    for what in [
        "a.toml:1",
        "\"help\" is missing",
        "no \"hilfe\"",
        "no type \"nix\"",
        "d.toml: X is a code or alias",
    ] {
        assert!(found.iter().any(|f| f.contains(what)), "{what}: {found:#?}");
    }
}

#[test]
fn all_faults_of_all_sections_of_one_file_come_in_one_pass() {
    let bad = r#"
type = 7
smallest = 1
min = "many"
[field.more]
type = "number"
[query]
column = ["x"]
limit = "many"
[[alert]]
to = "responders"
when = ["nobody"]
text = { id = "x", en = "x" }
[[alert]]
when = "everybody"
[[example]]
text = "X 1"
[[example]]
text = "X 2"
replies = "x"
[[example]]
error = "format"
"#;
    let bad = SOUND.split_once("type = ").unwrap().0.to_owned() + bad;
    let found = faults(&[file(
        "x.toml",
        &bad.replace("permission", "effect = \"nix\"\npermission"),
    )]);
    for what in [
        "[field.number]: type: invalid type",
        "[field.number]: there is no \"smallest\" here",
        "[field.number]: min: invalid type",
        "[field.number] has no \"label\"",
        "does not name \"more\"",
        "[query]: there is no \"column\" here",
        "[query] has no \"columns\"",
        "[query] has no \"empty\"",
        "[query]: limit: invalid type",
        "no user type \"nobody\"",
        "[[alert]] has no \"to\"",
        "[[alert]] has no \"text\"",
        "[[alert]]: when: invalid type",
        "\"X 1\" expects nothing",
        "[[example]]: unknown field `replies`",
        "[[example]]: missing field `text`",
        "there is no effect \"nix\"",
    ] {
        let told = |f: &String| f.starts_with("x.toml") && f.contains(what);
        assert!(found.iter().any(told), "{what}: {found:#?}");
    }
}

#[test]
fn an_ambiguous_format_is_refused_with_both_readings() {
    let toml = SOUND.replace("X [number]", "X {number} {case}");
    let toml =
        format!("{toml}\n[field.case]\ntype = \"case\"\nlabel = {{ id = \"k\", en = \"c\" }}");
    let found = faults(&[file("x.toml", &toml)]);
    assert!(
        found[0].contains("can be read as number=3 or as case=3"),
        "{found:?}"
    );
}

#[test]
fn old_names_lead_to_their_successors() {
    let files = shipped::files();
    let old = |by: &str| {
        file(
            "old.toml",
            &format!("code = \"OLD\"\nreplaced_by = \"{by}\""),
        )
    };
    let mut codes = files.codes.clone();
    codes.push(old("U"));
    let codes = Codes::load(&codes, &files.texts, sample::lexicon())
        .ok()
        .unwrap();
    let vet = reader("vet");
    let reading = codes.read("old mc sp 4", &vet);
    assert_eq!(reading.name(), "replaced");
    assert!(
        codes
            .answer(&reading, &vet)
            .unwrap()
            .starts_with("The code OLD was replaced by U.")
    );
    assert!(!codes.permitted(ANY).contains(&"OLD"));
    assert!(faults(&[old("NIX")])[0].contains("NIX, which does not exist"));
}

#[test]
fn aliases_are_other_spellings_of_a_code() {
    let toml = SOUND.replace("permission", "aliases = [\"xx\"]\npermission");
    let codes = Codes::load(
        &[file("x.toml", &toml)],
        &shipped::files().texts,
        sample::lexicon(),
    )
    .ok()
    .unwrap();
    let Reading::Parsed(spec, _) = codes.read("Xx 4", &reader("vet")) else {
        panic!()
    };
    assert_eq!(spec.code, "X");
}

#[test]
fn the_engines_texts_are_checked() {
    let texts = shipped::files().texts;
    for (from, to, what) in [
        ("[or]", "[oder]", "the text \"or\" is missing"),
        ("[or]", "[oder]", "nothing named \"oder\""),
        ("en = \"or\"", "", "missing field `en`"),
        ("{codes}", "{kodes}", "there is no kodes"),
    ] {
        let found = Codes::load(&[], &texts.replacen(from, to, 1), sample::lexicon())
            .err()
            .unwrap();
        assert!(
            found.iter().any(|f| f.to_string().contains(what)),
            "{what}: {found:?}"
        );
    }
}

/// Makes messages that follow a format, and what each says.
struct Writer<'a> {
    /// Decides everything; when used up, as little as possible is written.
    dice: std::slice::Iter<'a, u8>,
    words: Vec<String>,
}

impl Writer<'_> {
    fn roll(&mut self, below: usize) -> usize {
        self.dice.next().map_or(0, |die| usize::from(*die) % below)
    }

    fn message(&mut self, spec: &Spec) -> serde_json::Value {
        let mut said = serde_json::Map::new();
        for part in &spec.format.parts {
            match part {
                format::Part::Slot(slot) => self.slot(spec, slot, &mut said),
                format::Part::Group(slots) => {
                    let mut turns: Vec<serde_json::Value> = Vec::new();
                    for _ in 0..=self.roll(3) {
                        let mut turn = serde_json::Map::new();
                        slots
                            .iter()
                            .for_each(|slot| self.slot(spec, slot, &mut turn));
                        turns.push(turn.into());
                    }
                    said.insert(spec.group.as_deref().unwrap().to_owned(), turns.into());
                }
            }
        }
        said.into()
    }

    fn slot(
        &mut self,
        spec: &Spec,
        slot: &format::Slot,
        said: &mut serde_json::Map<String, serde_json::Value>,
    ) {
        if !slot.mandatory && self.roll(2) == 0 {
            return;
        }
        let field = spec.field(&slot.field).unwrap();
        let count = if slot.list { 1 + self.roll(4) } else { 1 };
        let (words, mut values): (Vec<_>, Vec<_>) = (0..count).map(|_| self.word(field)).unzip();
        // Said twice is said once.
        let mut seen = Vec::new();
        values.retain(|value| {
            let new = !seen.contains(value);
            seen.push(value.clone());
            new
        });
        let comma = [",", " , ", ", "][self.roll(3)];
        self.words.push(words.join(comma));
        let value = if slot.list {
            values.into()
        } else {
            values[0].clone()
        };
        said.insert(slot.field.clone(), value);
    }

    fn word(&mut self, field: &spec::Field) -> (String, serde_json::Value) {
        let n = 100 + self.roll(200);
        // Within the field's limits, where there are such.
        let most = field.rules.max.unwrap_or(f64::MAX) as usize;
        let least = field.rules.min.unwrap_or_default().ceil() as usize;
        let n = if most <= n {
            least + n % (most - least)
        } else {
            n.max(least)
        };
        match &field.kind {
            kind::Kind::List(lists) => {
                let entries = lists[0].entries();
                let code = &entries[self.roll(entries.len())].code;
                let typed = if n.is_multiple_of(2) {
                    code.to_lowercase()
                } else {
                    code.clone()
                };
                (typed, code.as_str().into())
            }
            kind::Kind::ListName(_) => ("tan".into(), "sign".into()),
            kind::Kind::Place => (format!("72{n:06}"), format!("72{n:06}").into()),
            kind::Kind::Case | kind::Kind::Number | kind::Kind::Program | kind::Kind::Permit => {
                (n.to_string(), n.into())
            }
            kind::Kind::Decimal => (format!("{n},5"), (n as f64 + 0.5).into()),
            kind::Kind::Date => ("3/4/15".into(), "2015-04-03".into()),
            kind::Kind::Phone(_) => (format!("0812345{n}"), format!("+62812345{n}").into()),
            kind::Kind::Identity => {
                let digits = format!("7204012345678{n}");
                (digits.clone(), digits.into())
            }
            kind::Kind::Coordinate => {
                // A half more must still be within the limits, below zero too.
                let least = field.rules.min.unwrap_or_default().ceil() + 1.0;
                (
                    format!("{least},5"),
                    format!("{least}.5").parse::<f64>().unwrap().into(),
                )
            }
            kind::Kind::Seal => (format!("ab-{n} c1"), format!("ab-{n} c1").into()),
            kind::Kind::Owner | kind::Kind::NewOwner | kind::Kind::Infrastructure => {
                (format!("730{n}"), format!("730{n}").into())
            }
            kind::Kind::Animal | kind::Kind::NewAnimal | kind::Kind::Word => {
                (format!("a{n}"), format!("A{n}").into())
            }
            kind::Kind::Name => ("Siti  Aminah".into(), "Siti Aminah".into()),
            kind::Kind::Text => (format!("kata {n}"), format!("kata {n}").into()),
        }
    }
}

#[test]
fn digits_behind_a_prefix_are_the_code_that_says_so() {
    let none = Reader {
        language: Language::En,
        kind: "",
        may: &|p| p == "can_send_pin",
    };
    for (text, who, read) in [
        ("D959595", &reader("vet"), Some(959_595)),
        ("\u{201c}d959595.\u{201d}", &reader("vet"), Some(959_595)),
        ("PIN 959595", &reader("vet"), Some(959_595)),
        ("D 959595", &none, Some(959_595)),
        // Whoever may register people meant that, and is told what is missing.
        ("D 959595", &reader("vet"), None),
        ("D9595", &none, None),
        ("D959595 959595", &none, None),
        ("DX959595", &none, None),
    ] {
        let found = match CODES.read(text, who) {
            Reading::Parsed(spec, values) if spec.code == "PIN" => values.get("pin").cloned(),
            _ => None,
        };
        assert_eq!(found, read.map(Value::Number), "{text}");
    }
    for (text, open) in [
        ("d959595", true),
        ("D 959595", true),
        ("pin", true),
        ("D Siti 31 PLS", false),
        ("U", false),
    ] {
        assert_eq!(CODES.open_to_strangers(text), open, "{text}");
    }
    assert!(CODES.knows("d959595") && !CODES.knows("X959595"));
    assert!(
        !CODES.permitted(ANY).contains(&"PIN"),
        "it is told with the number"
    );
    assert!(CODES.strangers_may("can_send_pin") && !CODES.strangers_may("can_send_d"));
}

#[test]
fn a_prefix_that_something_else_reads_like_is_refused() {
    let pin = |code: &str, attached: &str, more: &str| {
        let toml = format!(
            "code = \"{code}\"\nname = {{ id = \"a\", en = \"a\" }}\nhelp = {{ id = \"a\", en = \"a\" }}\n\
             permission = \"can_send_x\"\nformat = \"{code} [pin]\"\nattached = \"{attached}\"\n{more}\
             reply = {{ id = \"a\", en = \"a\" }}\n[field.pin]\ntype = \"number\"\n\
             label = {{ id = \"p\", en = \"p\" }}\n"
        );
        file(&format!("{}.toml", code.to_lowercase()), &toml)
    };
    let faults = |files: &[CodeSource]| -> String {
        let texts = shipped::files().texts;
        let loaded = Codes::load(files, &texts, sample::lexicon());
        let faults = loaded.err().unwrap_or_default();
        faults.iter().map(|f| format!("{f}\n")).collect()
    };
    assert_eq!(faults(&[pin("PA", "D", "")]), "");
    let clash = faults(&[pin("PA", "D", "aliases = [\"D7\"]\n")]);
    assert!(
        clash.contains("pa.toml: D7 reads as PA 7, whose prefix is \"D\""),
        "{clash}"
    );
    let twice = faults(&[pin("PA", "D", ""), pin("PB", "d", "")]);
    assert!(
        twice.contains("pb.toml: attached \"D\" is that of PA too"),
        "{twice}"
    );
    let letters = faults(&[pin("PA", "D1", "")]);
    assert!(
        letters.contains("pa.toml:6: attached wants letters"),
        "{letters}"
    );
    for does in ["", "effect = \"change_number\"\n"] {
        let rowless = faults(&[pin("PA", "D", &format!("strangers = true\n{does}"))]);
        assert!(
            rowless.contains("only what uses a PIN can be open to strangers"),
            "{rowless}"
        );
    }
    let alert = "effect = \"confirm_person\"\n[[alert]]\nto = \"responders\"\n\
                 text = { id = \"a\", en = \"a\" }\n";
    // The table ends the top of the file, so the reply stands in the alert: one fault more.
    let told = faults(&[pin("PA", "D", alert)]);
    assert!(
        told.contains("a code that changes people cannot have alerts"),
        "{told}"
    );
}

proptest! {
    /// Every message that follows a shipped format is read, and as what it says.
    #[test]
    fn messages_made_from_a_format_are_read_as_they_were_meant(
        dice in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        for spec in CODES.specs() {
            let mut writer = Writer { dice: dice.iter(), words: vec![spec.code.clone()] };
            let said = writer.message(spec);
            let text = writer.words.join(" ");
            match CODES.read(&text, &reader("vet")) {
                Reading::Parsed(_, values) => prop_assert_eq!(values.to_json(), said, "{}", text),
                Reading::Bare(_) => prop_assert!(spec.bare && writer.words.len() == 1),
                other => prop_assert!(false, "{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn random_texts_are_always_answered(
        text in "\\PC{0,80}|(?i)(u|p|r|pk|h|kode|ckl)[ ,a-z0-9?.]{0,60}|(?s).{0,60}",
    ) {
        let vet = reader("vet");
        match CODES.read(&text, &vet) {
            Reading::Parsed(spec, values) => {
                serde_json::to_string(&values).unwrap();
                CODES.reply(&spec, &values, &vet, &extra(&text));
            }
            other => prop_assert!(!CODES.answer(&other, &vet).unwrap().is_empty()),
        }
    }
}

/// A text of a vet and the same without units.
#[test]
fn units_behind_numbers_are_left_out() {
    let reader = reader_in(Language::Id, "vet");
    let read = |text: &str| CODES.read(text, &reader);
    for (with, without) in [
        ("U MC SP 10 ekor", "U MC SP 10"),
        ("u mc,dm sp 4ekor 72060202", "U MC,DM SP 4 72060202"),
        ("P GG AJ 1 ekr", "P GG AJ 1"),
        ("DH 7890 ID1 SPBA B 3 thn", "DH 7890 ID1 SPBA B 3"),
        (
            "DH 7890 ID1 SPBA B 2,5th ID2 SPBA J 1 tahun",
            "DH 7890 ID1 SPBA B 2,5 ID2 SPBA J 1",
        ),
        ("BB 7890 ID1 312,5 Kg.", "BB 7890 ID1 312,5"),
        ("PKB 7890 ID1 3 bln", "PKB 7890 ID1 3"),
        ("OB 1 OXY 5 ml", "OB 1 OXY 5"),
        ("OB 1 OXY 2 tablet", "OB 1 OXY 2"),
        // An ear tag that ends like a unit is an ear tag.
        ("DH 7890 12L SPBA B 3 th", "DH 7890 12L SPBA B 3"),
        ("BB 7890 12L 300 kg", "BB 7890 12L 300"),
        ("BB 7890 12KG 300kg", "BB 7890 12KG 300"),
        (
            "LH 7890 12L J 13L 01/02/2026 28 kg",
            "LH 7890 12L J 13L 01/02/2026 28",
        ),
    ] {
        let (Reading::Parsed(_, with_units), Reading::Parsed(_, plain)) =
            (read(with), read(without))
        else {
            panic!(
                "{with}: {:?}, {without}: {:?}",
                read(with).name(),
                read(without).name()
            );
        };
        assert_eq!(with_units.to_json(), plain.to_json(), "{with}");
    }
    // What can be read as it stands is: an animal may be called after a unit, and words are words.
    let Reading::Parsed(_, values) = read("BB 7890 KG 300") else {
        panic!("an animal")
    };
    assert_eq!(
        values
            .get("animal")
            .map(|v| v.shown(Language::Id))
            .as_deref(),
        Some("KG")
    );
    assert!(matches!(read("U ekor SP 4"), Reading::Faulty(..)));
    // Another slip is still told, without the unit.
    let Reading::Faulty(_, fault) = read("U MC SPX 10 ekor") else {
        panic!("SPX")
    };
    assert_eq!(fault.word, "SPX");
}

/// A number says something else in another unit, and an id is no number.
#[test]
fn a_unit_that_the_field_does_not_have_is_a_fault() {
    let reader = reader_in(Language::Id, "vet");
    let answer = |text: &str| {
        let read = CODES.read(text, &reader);
        let said = CODES.answer(&read, &reader).unwrap_or_default();
        (read.name(), said)
    };
    for (text, told) in [
        (
            "DH 7890 ID1 SPBA B 6 bulan",
            "6 bulan salah satuan: harus dalam tahun",
        ),
        (
            "DH 7890 12L SPBA B 6bln",
            "6bln salah satuan: harus dalam tahun",
        ),
        (
            "PKB 7890 ID1 8 minggu",
            "8 minggu salah satuan: harus dalam bulan",
        ),
        (
            "BB 7890 ID1 5000 gr",
            "5000 gr salah satuan: harus dalam kilogram",
        ),
        ("U MC SP 10 kg", "10 kg salah satuan: harus dalam ekor"),
        (
            "OB 1 OXY 1 liter",
            "1 liter salah satuan: harus dalam mililiter, tablet atau dosis",
        ),
    ] {
        let (name, said) = answer(text);
        assert_eq!(name, "unit", "{text}: {said}");
        assert!(said.contains(told), "{said}");
    }
    for text in [
        "IB 7890 ID1 B1 5G ekor",
        "AH 7890 5 ekor M",
        "HK 7890 5 ekor SB",
        "KGG 7890 ID1 2 bln",
        "PIN 123456 ekor",
    ] {
        let (name, said) = answer(text);
        assert!(!["ok", "unit"].contains(&name), "{text}: {said}");
    }
    // The right unit and a number that cannot be: that is told.
    assert_eq!(answer("DH 7890 ID1 SPBA B 90 thn").0, "range");
    // Nor is another order proposed with an id that lost its end.
    let (_, said) = answer("DH 7890 SPBA 12L B 4 thn");
    assert!(!said.contains("Maksud Anda: DH 7890 12 "), "{said}");
}

#[test]
fn another_order_is_asked_about_when_it_is_the_only_one() {
    let reader = reader_in(Language::Id, "vet");
    let said = |text: &str| {
        CODES
            .answer(&CODES.read(text, &reader), &reader)
            .unwrap_or_default()
    };
    for (text, meant) in [
        ("U SP MC 4", "U MC SP 4"),
        ("u sp 4 mc,dm", "U mc,dm sp 4"),
        ("DH 7890 SPBA ID1 B 4", "DH 7890 ID1 SPBA B 4"),
        ("DH 7890 ID1 B SPBA 4 thn", "DH 7890 ID1 SPBA B 4"),
        ("PK SB 1", "PK 1 SB"),
    ] {
        let answer = said(text);
        assert!(
            answer.contains(&format!("Maksud Anda: {meant}?")),
            "{answer}"
        );
    }
    assert!(
        !said("U SP XX 4").contains("Urutan"),
        "a wrong word is no matter of order"
    );
}

#[test]
fn what_is_no_list_or_no_kind_leads_to_one() {
    let reader = reader_in(Language::Id, "vet");
    for (text, near) in [
        ("KODE TK", "TAN (tanda klinis)"),
        ("KODE TANN", "TAN (tanda klinis)"),
        ("POP SP 10", "PSPT (sapi potong)"),
    ] {
        let answer = CODES
            .answer(&CODES.read(text, &reader), &reader)
            .unwrap_or_default();
        assert!(answer.contains(&format!("Maksud Anda {near}")), "{answer}");
    }
}

#[test]
fn a_question_keeps_its_mark() {
    let reader = reader_in(Language::Id, "vet");
    for (text, question) in [
        ("Q kapan vaksin datang?", "kapan vaksin datang?"),
        ("Q kapan vaksin datang ?! ", "kapan vaksin datang ?!"),
        ("Q vaksin habis", "vaksin habis"),
    ] {
        let Reading::Parsed(_, values) = CODES.read(text, &reader) else {
            panic!("{text}")
        };
        let said = values.get("question").map(|v| v.shown(Language::Id));
        assert_eq!(said.as_deref(), Some(question));
    }
    assert!(matches!(CODES.read("Q ?", &reader), Reading::Bare(_)));
}

/// Sixty codes are found by what they are about; few are named as ever, in one SMS.
#[test]
fn help_sorts_many_codes_into_chapters_within_two_sms() {
    let signature = crate::config::Engine::default().signature;
    let codes = load(shipped_lists().unwrap_or_else(sample::lexicon)).signed(&signature);
    for language in Language::ALL {
        for (kind, sorted) in [("PLS", false), ("VET", true), ("KKB", true)] {
            let allowed = |permission: &str| may(kind, permission);
            let reader = Reader {
                language,
                kind,
                may: &allowed,
            };
            let help = codes.answer(&Reading::Help, &reader).unwrap();
            let size = sms::size(&format!("{signature}{help}"));
            assert!(size.parts <= 2, "{kind} {}: {help}", size.parts);
            assert!(help.contains(" U"), "{help}");
            assert_eq!(help.matches(": ").count() > 2, sorted, "{kind}: {help}");
        }
    }
}

/// However long the signature is that goes out with it, until the codes alone are longer than two SMS.
#[test]
fn help_leaves_room_for_the_signature() {
    for length in 0..60 {
        let signature = "x".repeat(length);
        let codes = load(shipped_lists().unwrap_or_else(sample::lexicon)).signed(&signature);
        for kind in ["PLS", "VET", "KKB"] {
            let allowed = |permission: &str| may(kind, permission);
            let reader = Reader {
                language: Language::Id,
                kind,
                may: &allowed,
            };
            let help = codes.answer(&Reading::Help, &reader).unwrap();
            let parts = sms::size(&format!("{signature}{help}")).parts;
            let names = codes.permitted(&allowed).join(" ").len();
            assert!(
                parts <= 2 || length + names > 250,
                "{length} {kind}: {help}"
            );
        }
    }
}
