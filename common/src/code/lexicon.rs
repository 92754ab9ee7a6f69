//! All code lists at one moment: what a word that somebody typed can mean.
//!
//! A `Lexicon` never changes. When rows of a list change, a new one is built and the codes are
//! loaded again with it: a format that was unambiguous with the old words need not be so with
//! the new ones.

use crate::language::{Both, Language};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// One list as a row: its key, the short name that `KODE` knows it by, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// What code files say: `species`.
    pub key: String,
    /// What people type after `KODE`: `SP`. Empty for a list that is not printed.
    #[serde(default)]
    pub short: String,
    /// Indonesian name.
    pub id: String,
    /// English name.
    pub en: String,
}

/// One entry of a list as a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// Key of its list.
    pub list: String,
    /// What people type, in any letter case.
    pub code: String,
    /// Indonesian name.
    pub id: String,
    /// English name.
    pub en: String,
    /// Other words people use for it, separated by `|` or `;`.
    #[serde(default)]
    pub synonyms: String,
    /// Code of what it belongs to: a breed's species. Empty for none.
    #[serde(default)]
    pub parent: String,
}

/// One word of a list with its names.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code in capitals.
    pub code: String,
    /// What it means.
    pub name: Both,
    /// Other words for it, as people write them.
    pub synonyms: Vec<String>,
    /// Code of what it belongs to, in capitals.
    pub parent: Option<String>,
}

/// One code list.
#[derive(Debug)]
pub struct List {
    /// What code files say: `species`.
    pub key: String,
    /// What `KODE` knows it by, in capitals; `None` when it is not printed.
    pub short: Option<String>,
    /// What it is called.
    pub name: Both,
    entries: Vec<Arc<Entry>>,
    by_code: HashMap<String, Arc<Entry>>,
}

impl List {
    /// The entry of a code in any letter case.
    pub fn find(&self, code: &str) -> Option<&Arc<Entry>> {
        self.by_code
            .get(code)
            .or_else(|| self.by_code.get(&code.to_ascii_uppercase()))
    }

    /// The entry of a code that is in capitals already: no allocation.
    pub(crate) fn find_upper(&self, code: &str) -> Option<&Arc<Entry>> {
        self.by_code.get(code)
    }

    /// The entry that a person means by a word: its code, its name in either language or one of
    /// its synonyms, in any letter case. For settings and data files, where words are kinder than
    /// codes; looks through the whole list.
    pub fn meant(&self, word: &str) -> Option<&Arc<Entry>> {
        let same = |text: &String| text.to_lowercase() == word.to_lowercase();
        let named =
            |e: &&Arc<Entry>| same(&e.name.id) || same(&e.name.en) || e.synonyms.iter().any(same);
        self.find(word).or_else(|| self.entries.iter().find(named))
    }

    /// The list itself as something that people type: its short name. `None` for one that they are not shown.
    pub(crate) fn as_entry(&self) -> Option<Entry> {
        Some(Entry {
            code: self.short.clone()?,
            name: self.name.clone(),
            synonyms: Vec::new(),
            parent: None,
        })
    }

    /// All entries in the order of their rows.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }
}

/// All lists at one moment; shared by `Arc`, never changed.
#[derive(Debug, Default)]
pub struct Lexicon {
    lists: Vec<Arc<List>>,
    by_key: HashMap<String, Arc<List>>,
    by_short: HashMap<String, Arc<List>>,
}

impl Lexicon {
    /// Builds the snapshot. Rows were checked when they were loaded, so nothing fails here: of two
    /// entries with one code the later wins, and a list that only entries name goes by its key.
    pub fn from_rows(
        lists: impl IntoIterator<Item = ListRow>,
        entries: impl IntoIterator<Item = EntryRow>,
    ) -> Self {
        let mut building: Vec<List> = lists.into_iter().map(List::empty).collect();
        let mut index: HashMap<String, usize> = building
            .iter()
            .enumerate()
            .map(|(i, l)| (l.key.clone(), i))
            .collect();
        for row in entries {
            let at = *index.entry(row.list.clone()).or_insert_with(|| {
                building.push(List::unnamed(&row.list));
                building.len() - 1
            });
            building[at].add(row);
        }
        Self::of(building)
    }

    fn of(building: Vec<List>) -> Self {
        let lists: Vec<Arc<List>> = building.into_iter().map(Arc::new).collect();
        let by_key = lists
            .iter()
            .map(|l| (l.key.clone(), Arc::clone(l)))
            .collect();
        let by_short = lists
            .iter()
            .filter_map(|l| Some((l.short.clone()?, Arc::clone(l))))
            .collect();
        Self {
            lists,
            by_key,
            by_short,
        }
    }

    /// The list of a key such as `species`.
    pub fn list(&self, key: &str) -> Option<&Arc<List>> {
        self.by_key.get(key)
    }

    /// The list that `KODE` prints under this name, in any letter case.
    pub fn by_short(&self, short: &str) -> Option<&Arc<List>> {
        self.by_short
            .get(short)
            .or_else(|| self.by_short.get(&short.to_ascii_uppercase()))
    }

    /// All lists in the order of their rows.
    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
    }

    /// The lists that hold this code, in any letter case: "SP is a species; here a sign is
    /// expected".
    pub fn holders<'a>(&'a self, code: &'a str) -> impl Iterator<Item = (&'a List, &'a Entry)> {
        self.lists
            .iter()
            .filter_map(move |l| Some((l.as_ref(), l.find(code)?.as_ref())))
    }

    /// The lists that people may ask for, as the bare `KODE` prints them:
    /// `SP (spesies), TAN (tanda)`.
    pub fn index(&self, language: Language) -> String {
        let one = |l: &Arc<List>| Some(format!("{} ({})", l.short.as_ref()?, l.name.get(language)));
        self.lists
            .iter()
            .filter_map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl List {
    fn empty(row: ListRow) -> Self {
        let short = row.short.trim().to_ascii_uppercase();
        Self {
            key: row.key,
            short: (!short.is_empty()).then_some(short),
            name: Both {
                id: row.id,
                en: row.en,
            },
            entries: Vec::new(),
            by_code: HashMap::new(),
        }
    }

    fn unnamed(key: &str) -> Self {
        let (key, short) = (key.to_owned(), String::new());
        Self::empty(ListRow {
            id: key.clone(),
            en: key.clone(),
            key,
            short,
        })
    }

    fn add(&mut self, row: EntryRow) {
        let code = row.code.trim().to_ascii_uppercase();
        let parent = row.parent.trim().to_ascii_uppercase();
        let synonyms = row
            .synonyms
            .split(['|', ';'])
            .map(str::trim)
            .filter(|s| !s.is_empty());
        let entry = Arc::new(Entry {
            name: Both {
                id: row.id,
                en: row.en,
            },
            synonyms: synonyms.map(str::to_owned).collect(),
            parent: (!parent.is_empty()).then_some(parent),
            code: code.clone(),
        });
        if self
            .by_code
            .insert(code.clone(), Arc::clone(&entry))
            .is_some()
        {
            self.entries.retain(|e| e.code != code);
        }
        self.entries.push(entry);
    }
}

#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    /// A small lexicon for unit tests: `list code indonesian english [synonyms]` per row.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub(crate) fn lexicon() -> Arc<Lexicon> {
        let lists = [
            ("species", "SP", "spesies", "species"),
            ("sign", "TAN", "tanda klinis", "clinical signs"),
            ("diagnosis", "PNY", "penyakit", "diseases"),
            ("syndrome", "SIN", "sindrom prioritas", "priority syndromes"),
            ("outcome", "PK", "perkembangan kasus", "case outcomes"),
            ("fate", "AH", "akhir hewan", "animal fate"),
            ("response_mode", "", "cara respons", "response modes"),
            ("breed", "BGS", "bangsa hewan", "breeds"),
            ("sex", "JK", "jenis kelamin hewan", "sexes of animals"),
            ("user_type", "JP", "jenis pengguna", "user types"),
        ];
        let entries = [
            ("species", "SP", "sapi", "cattle", "lembu|cow"),
            ("species", "KB", "kambing", "goat", ""),
            ("species", "AY", "ayam", "chicken", ""),
            ("species", "AJ", "anjing", "dog", ""),
            ("sign", "MC", "mencret", "diarrhoea", "diare"),
            ("sign", "DM", "demam", "fever", "panas"),
            ("sign", "KBG", "kembung", "bloat", ""),
            ("sign", "MTM", "mati mendadak", "sudden death", ""),
            ("diagnosis", "COC", "koksidiosis", "coccidiosis", ""),
            ("diagnosis", "SAL", "salmonellosis", "salmonellosis", ""),
            ("diagnosis", "RA", "rabies", "rabies", ""),
            (
                "syndrome",
                "GG",
                "gila galak pada anjing",
                "furious dog",
                "",
            ),
            (
                "syndrome",
                "AIU",
                "unggas mati mendadak (AI)",
                "sudden death of poultry (AI)",
                "flu burung",
            ),
            (
                "syndrome",
                "MPD",
                "mati mendadak dengan perdarahan",
                "sudden death with bleeding",
                "antraks",
            ),
            ("outcome", "SB", "sembuh", "recovered", ""),
            ("outcome", "MS", "masih sakit", "still sick", ""),
            ("outcome", "MT", "mati", "dead", ""),
            ("fate", "M", "mati", "dead", ""),
            ("fate", "D", "dipotong", "slaughtered", ""),
            ("fate", "U", "dicuri", "stolen", ""),
            ("breed", "SPBA", "sapi Bali", "Bali cattle", ""),
            ("breed", "SPAC", "sapi Aceh", "Aceh cattle", ""),
            ("sex", "J", "jantan", "male", "pejantan"),
            ("sex", "B", "betina", "female", "induk"),
            ("response_mode", "TLP", "telepon", "telephone", ""),
            ("response_mode", "BKJ", "berkunjung", "visit", ""),
            (
                "user_type",
                "PLS",
                "pelapor desa (Pelsa)",
                "village reporter",
                "pelsa",
            ),
            (
                "user_type",
                "PMD",
                "paramedik veteriner",
                "veterinary paramedic",
                "paravet",
            ),
            ("user_type", "VET", "dokter hewan", "veterinarian", "vet"),
            ("user_type", "INS", "inseminator", "inseminator", ""),
            ("user_type", "PTR", "peternak", "farmer", ""),
            ("user_type", "PBI", "petugas BIB", "semen officer", ""),
            ("user_type", "PVT", "pengamat", "viewer", ""),
            (
                "user_type",
                "PKR",
                "pengamat karantina",
                "viewer, quarantine",
                "",
            ),
            (
                "user_type",
                "PKM",
                "pengamat kesehatan",
                "viewer, health",
                "",
            ),
            (
                "user_type",
                "PRP",
                "pengamat rumah potong",
                "viewer, abattoirs",
                "",
            ),
            (
                "user_type",
                "PEP",
                "pengamat epidemiologi",
                "viewer, epi",
                "",
            ),
            ("user_type", "PPY", "pengamat proyek", "viewer, project", ""),
        ];
        let (mut more, mut further) = shipped();
        more.retain(|l| !lists.iter().any(|(key, ..)| *key == l.key));
        further.retain(|e| !lists.iter().any(|(key, ..)| *key == e.list));
        let lists = lists.map(|(key, short, id, en)| ListRow {
            key: key.into(),
            short: short.into(),
            id: id.into(),
            en: en.into(),
        });
        let entries =
            entries.map(|(list, code, id, en, synonyms)| entry(list, code, [id, en], synonyms));
        Arc::new(Lexicon::from_rows(
            lists.into_iter().chain(more),
            entries.into_iter().chain(further),
        ))
    }

    /// All lists that ship, for those that the sample does not make smaller; user types are not among the entries.
    pub(crate) fn shipped() -> (Vec<ListRow>, Vec<EntryRow>) {
        fn rows<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
            let rows = csv::Reader::from_reader(file.as_bytes()).into_deserialize();
            rows.collect::<Result<_, _>>().expect("a shipped list")
        }
        let entries = [
            include_str!("../../lists/animals.csv"),
            include_str!("../../lists/health.csv"),
            include_str!("../../lists/laboratory.csv"),
            include_str!("../../lists/work.csv"),
        ];
        let entries = entries.into_iter().flat_map(rows);
        (
            rows(include_str!("../../lists/lists.csv")),
            entries.collect(),
        )
    }

    pub(crate) fn entry(list: &str, code: &str, names: [&str; 2], synonyms: &str) -> EntryRow {
        EntryRow {
            list: list.into(),
            code: code.into(),
            id: names[0].into(),
            en: names[1].into(),
            synonyms: synonyms.into(),
            parent: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_any_letter_case() {
        let lexicon = sample::lexicon();
        let species = lexicon.list("species").unwrap();
        assert_eq!(species.find("sp").unwrap().name.id, "sapi");
        assert_eq!(species.find("Sp").unwrap().synonyms, ["lembu", "cow"]);
        assert!(species.find("MC").is_none());
        assert_eq!(lexicon.by_short("tan").unwrap().key, "sign");
        assert!(lexicon.by_short("").is_none());
    }

    #[test]
    fn a_word_of_a_data_file_means_an_entry() {
        let lexicon = sample::lexicon();
        let types = lexicon.list("user_type").unwrap();
        for word in ["PLS", "pls", "Pelsa", "village reporter"] {
            assert_eq!(types.meant(word).unwrap().code, "PLS", "{word}");
        }
        assert!(types.meant("").is_none());
    }

    #[test]
    fn one_word_may_stand_in_several_lists() {
        let lexicon = sample::lexicon();
        let holders: Vec<_> = lexicon.holders("sp").map(|(l, _)| l.key.as_str()).collect();
        assert_eq!(holders, ["species"]);
        assert_eq!(lexicon.holders("nothing").count(), 0);
    }

    #[test]
    fn the_later_of_two_equal_codes_wins_and_unnamed_lists_exist() {
        let lexicon = Lexicon::from_rows(
            [],
            [
                sample::entry("x", "a", ["lama", "old"], ""),
                sample::entry("x", "A", ["baru", "new"], ""),
            ],
        );
        let list = lexicon.list("x").unwrap();
        assert_eq!(
            (
                list.entries().len(),
                list.find("a").unwrap().name.en.as_str()
            ),
            (1, "new")
        );
        assert_eq!(list.name, Both::same("x"));
    }

    #[test]
    fn the_index_names_only_printable_lists() {
        let index = sample::lexicon().index(Language::Id);
        assert!(
            index.starts_with("SP (spesies), TAN (tanda klinis), PNY (penyakit)"),
            "{index}"
        );
        assert!(!index.contains("cara respons"));
    }
}
