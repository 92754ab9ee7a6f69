//! Loading into a true database: what is there afterwards, and that a second time changes nothing.

use super::*;
use crate::db::testing::{TestDb, begin};

const OWN: &[&str] = &["isikhnas", "kemendagri"];
const SMALL: &str = "system,code,parent,level,name\n\
    kemendagri,72,,1,Sulawesi Tengah\n\
    kemendagri,7204,72,2,Tolitoli\n\
    kemendagri,720402,7204,3,Dampal Utara\n\
    kemendagri,7204022003,720402,4,Ogotua\n";

async fn load(tx: &Tx<'_>, csv: &str, retire_vanished: bool) -> LoadReport {
    let options = LoadOptions {
        retire_vanished,
        ..LoadOptions::default()
    };
    places(tx, csv.as_bytes(), &options)
        .await
        .expect("the file is right")
}

fn counts(report: &LoadReport) -> (u64, u64, u64) {
    (report.added, report.changed, report.unchanged)
}

async fn names(tx: &Tx<'_>, code: &str) -> Option<Vec<String>> {
    db::places::by_code(tx, OWN, code)
        .await
        .unwrap()
        .map(|p| p.names)
}

#[tokio::test]
async fn what_ships_goes_in_once_and_is_found() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    let reports = shipped(&tx).await.unwrap();
    let added = |file| reports.iter().find(|r| r.0 == file).map(|r| r.1.added);
    assert_eq!(added("places/indonesia.csv.gz"), Some(91_599));
    assert_eq!(added("lists/user_types.csv"), Some(27));
    assert!(
        reports
            .iter()
            .all(|r| counts(&r.1).1 == 0 && counts(&r.1).2 == 0),
        "all is new"
    );
    assert_eq!(
        shipped(&tx).await.unwrap(),
        vec![],
        "a second start loads nothing"
    );
    tx.batch("DELETE FROM shipped").await.unwrap();
    for (file, report) in shipped(&tx).await.unwrap() {
        assert_eq!(
            (counts(&report).0, counts(&report).1),
            (0, 0),
            "{file} again changes nothing"
        );
        assert!(
            report.vanished.is_empty() || file.starts_with("lists/"),
            "{file}"
        );
    }
    let demo = demo_people(&tx).await.unwrap();
    assert_eq!(counts(&demo), (7, 0, 0));
    assert_eq!(counts(&demo_people(&tx).await.unwrap()), (0, 0, 7));
    found_by_name(&tx).await;
    found_by_code(&tx).await;
}

async fn found_by_code(tx: &Tx<'_>) {
    let path = [
        "Tanjung Tengah",
        "Pulau Laut Tanjung Selayar",
        "Kotabaru",
        "Kalimantan Selatan",
    ];
    for code in ["63020202", "6302212003", "63.02.21.2003"] {
        assert_eq!(
            names(tx, code).await.as_deref(),
            Some(&path.map(String::from)[..]),
            "{code}"
        );
    }
    assert_eq!(names(tx, "63020299").await, None);
    let none = db::places::by_code(tx, &["bps"], "6302212003")
        .await
        .unwrap();
    assert_eq!(
        none, None,
        "only in the systems that the installation names"
    );
    let village = db::places::by_code(tx, OWN, "63020202")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        village.code.as_deref(),
        Some("63020202"),
        "shown in the preferred system"
    );
    assert_eq!(
        db::places::path(tx, village.id).await.unwrap(),
        village.names
    );
    let regency = db::places::by_code(tx, OWN, "6302").await.unwrap().unwrap();
    assert!(village.is_within(regency.id) && !regency.is_within(village.id));
    let below = db::places::children(tx, OWN, Some(regency.id))
        .await
        .unwrap();
    assert!(
        below.len() > 15 && below.iter().all(|p| p.level == 3),
        "{}",
        below.len()
    );
    assert_eq!(db::places::children(tx, OWN, None).await.unwrap().len(), 38);
    let both = db::places::by_ids(tx, OWN, &[village.id, -1, regency.id])
        .await
        .unwrap();
    assert_eq!(both, [village, regency]);
}

async fn found_by_name(tx: &Tx<'_>) {
    let search = async |text, limit| db::places::search(tx, OWN, text, limit).await.unwrap();
    let found = search("tanjung  TENGAH", 20).await;
    let first: Vec<_> = found
        .iter()
        .take(2)
        .filter_map(|p| p.code.as_deref())
        .collect();
    assert_eq!(
        first,
        ["63020202", "6409011001"],
        "the very name first, in order of code"
    );
    assert_eq!(
        found,
        search("tanjung tengah", 20).await,
        "always in one order"
    );
    assert_eq!(
        search("jaan", 1).await[0].name(),
        "Ja'an",
        "an apostrophe is not typed"
    );
    assert!(
        search("ragunann", 3)
            .await
            .iter()
            .any(|p| p.name() == "Ragunan"),
        "near matches"
    );
    let words = search("laut tanjung", 1).await;
    assert!(
        words[0].name().contains("Laut Tanjung"),
        "whole words before look-alikes"
    );
    for nothing in ["ta", "  t a ", "%%%", "___", "", "qqqqq"] {
        assert_eq!(search(nothing, 5).await, vec![], "{nothing:?}");
    }
}

#[tokio::test]
async fn places_change_move_vanish_and_come_back() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    assert_eq!(counts(&load(&tx, SMALL, false).await), (4, 0, 0));
    let village = db::places::by_code(&tx, OWN, "7204022003")
        .await
        .unwrap()
        .unwrap();

    let renamed = SMALL.replace("Dampal Utara", "Dampal Selatan");
    assert_eq!(counts(&load(&tx, &renamed, false).await), (0, 1, 3));
    assert_eq!(names(&tx, "7204022003").await.unwrap()[1], "Dampal Selatan");

    let moved = "system,code,parent,level,name\nkemendagri,76,,1,Sulawesi Barat\nkemendagri,7204,76,2,Tolitoli\n";
    let report = load(&tx, moved, false).await;
    assert_eq!((counts(&report), report.retired), ((1, 1, 0), 0));
    assert_eq!(
        report.vanished,
        [
            "kemendagri:72",
            "kemendagri:720402",
            "kemendagri:7204022003"
        ]
    );
    let below = names(&tx, "7204022003").await.unwrap();
    assert_eq!(
        below,
        ["Ogotua", "Dampal Selatan", "Tolitoli", "Sulawesi Barat"],
        "paths follow"
    );

    assert_eq!(load(&tx, moved, true).await.retired, 3);
    assert_eq!(names(&tx, "7204022003").await, None);
    assert_eq!(
        db::places::search(&tx, OWN, "ogotua", 5).await.unwrap(),
        vec![]
    );
    let back = load(&tx, SMALL, false).await;
    assert_eq!(
        counts(&back),
        (0, 4, 0),
        "a wrong file with --retire can be undone"
    );
    let again = db::places::by_code(&tx, OWN, "7204022003").await.unwrap();
    assert_eq!(
        again.map(|p| p.id),
        Some(village.id),
        "old reports still point to it"
    );
}

#[tokio::test]
async fn one_more_code_is_laid_on_a_place_and_can_move() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    load(&tx, SMALL, false).await;
    let same =
        |code| format!("system,code,parent,level,name,same_as\nown,7,,,,kemendagri:{code}\n");
    assert_eq!(
        counts(&load(&tx, &same("7204022003"), false).await),
        (1, 0, 0)
    );
    assert_eq!(
        counts(&load(&tx, &same("7204022003"), false).await),
        (0, 0, 1)
    );
    assert_eq!(counts(&load(&tx, &same("720402"), false).await), (0, 1, 0));
    let now = db::places::by_code(&tx, &["own"], "7")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.name(), "Dampal Utara");
    let closed = "SELECT count(*) FROM place_code WHERE system = 'own' AND valid_to IS NOT NULL";
    assert_eq!(
        tx.query_one(closed, &[]).await.unwrap().get::<_, i64>(0),
        1,
        "what was is remembered"
    );
}

#[tokio::test]
async fn a_file_with_a_fault_changes_nothing() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    let torn = format!("{SMALL}kemendagri,73,,1,\nkemendagri,7401,74,2,Buton\n");
    let error = places(&tx, torn.as_bytes(), &LoadOptions::default())
        .await
        .unwrap_err();
    let LoadError::Faults(faults) = error else {
        panic!("{error}")
    };
    assert_eq!(
        faults
            .iter()
            .map(|f| (f.line, &*f.column))
            .collect::<Vec<_>>(),
        [(6, "name"), (7, "parent")]
    );
    assert_eq!(names(&tx, "72").await, None);
}

#[tokio::test]
async fn groups_are_loaded_whole_or_refused_with_every_fault() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    shipped_lists(&tx).await.unwrap();
    let all = async || db::people::groups::groups(&tx).await.unwrap();
    let shipped = all().await;
    let group = |code: &str| {
        let found = shipped.iter().find(|g| g.code == code);
        found.expect("a shipped group").clone()
    };
    assert_eq!(group("PELSAPK").permissions, ["can_send_pk"]);
    let own =
        "code;id;en;permissions\ntim1;tim cepat;response team;can_send_u|can_send_p\nTIM2;x;y;\n";
    let report = groups(&tx, own.as_bytes()).await.unwrap();
    assert_eq!(counts(&report), (2, 0, 0));
    assert_eq!(
        counts(&groups(&tx, own.as_bytes()).await.unwrap()),
        (0, 0, 2)
    );
    let now = all().await;
    assert_eq!(now.len(), shipped.len() + 2, "the others stay");
    let team = now.iter().find(|g| g.code == "TIM1").unwrap();
    assert_eq!(team.permissions, ["can_send_p", "can_send_u"]);

    let wrong = "code,id,en,permissions\nTIM1,a,b,can_send_kp\nT-3,a,,\ntim1,a,b,\n";
    let error = groups(&tx, wrong.as_bytes()).await.unwrap_err();
    let LoadError::Faults(faults) = error else {
        panic!("{error}")
    };
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let known = "is not a permission that this installation knows";
    assert_eq!(
        told,
        [
            format!(
                "line 2, permissions: \"can_send_kp\" {known} (did you mean \"can_send_kdp\"?); load it first or correct it"
            ),
            "line 3, code: \"T-3\" is not a code: letters and digits only".into(),
            "line 3, en: the cell is empty; fill it in".into(),
            "line 4, code: \"TIM1\" stands already in line 2; keep one of the two".into(),
        ]
    );
    assert_eq!(all().await, now, "nothing of it is loaded");
}

#[tokio::test]
async fn lists_are_searched_in_both_languages() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    shipped_lists(&tx).await.unwrap();
    let codes = async |text| {
        let found = db::lists::search(&tx, "sign", text, 3).await.unwrap();
        found.into_iter().map(|e| e.code).collect::<Vec<_>>()
    };
    for (text, code) in [
        ("kembung", "KBG"),
        ("bloat", "KBG"),
        ("diare", "MC"),
        ("dm", "DM"),
        ("mencrt", "MC"),
    ] {
        assert_eq!(
            codes(text).await.first().map(String::as_str),
            Some(code),
            "{text}"
        );
    }
    assert_eq!(codes("zzz").await, Vec::<String>::new());
    let (lists, entries) = db::lists::all(&tx).await.unwrap();
    assert_eq!(
        (&*lists[0].key, lists[0].short.as_deref()),
        ("species", Some("SP"))
    );
    assert_eq!((&*entries[0].code, &*entries[0].name_id), ("AY", "ayam"));

    let own = "list;code;id;en\nsign;MC;diare;diarrhoea\nsign;XX;baru;new\n";
    let report = super::lists(&tx, own.as_bytes(), &LoadOptions::default())
        .await
        .unwrap();
    assert_eq!((counts(&report), report.retired), ((1, 1, 0), 0));
    assert!(report.vanished.contains(&"sign:DM".to_owned()));
    let retire = LoadOptions {
        retire_vanished: true,
        ..LoadOptions::default()
    };
    let report = super::lists(&tx, own.as_bytes(), &retire).await.unwrap();
    assert_eq!(report.retired, report.vanished.len() as u64);
    let (_, entries) = db::lists::all(&tx).await.unwrap();
    assert!(
        entries.iter().any(|e| e.code == "DM" && e.retired),
        "old reports still show it"
    );
}
