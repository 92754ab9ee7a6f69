//! The languages that people may choose, and texts that exist in both.

use serde::{Deserialize, Serialize};

/// The language a person reads. Indonesian is the default: it is what the field manuals use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Indonesian (`id`).
    #[default]
    Id,
    /// English (`en`).
    En,
}

impl Language {
    /// Both, in the order in which documents show them.
    pub const ALL: [Self; 2] = [Self::Id, Self::En];

    /// The two letters that stand in data files and in the database.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }

    /// The language of a tag (`id`, `en`, in any case, also `en-GB`); `None` for all others, so
    /// that a caller decides whether the default will do.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|l| l.tag().eq_ignore_ascii_case(primary))
    }
}

/// One text in both languages. Reading one from a data file fails when a translation is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// Indonesian.
    pub id: String,
    /// English.
    pub en: String,
}

impl Both {
    /// The same text for readers of both languages: codes, numbers, names.
    pub fn same(text: &str) -> Self {
        Self {
            id: text.to_owned(),
            en: text.to_owned(),
        }
    }

    /// The text for a reader of this language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Id => &self.id,
            Language::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_any_case_and_with_a_region() {
        for (tag, want) in [
            ("id", Some(Language::Id)),
            ("EN", Some(Language::En)),
            ("en-GB", Some(Language::En)),
            ("id_ID", Some(Language::Id)),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Language::from_tag(tag), want, "{tag}");
        }
    }

    #[test]
    fn a_missing_translation_is_refused() {
        assert!(serde_json::from_str::<Both>(r#"{"id":"sapi"}"#).is_err());
        let both: Both = serde_json::from_str(r#"{"id":"sapi","en":"cattle"}"#).unwrap();
        assert_eq!(both.get(Language::En), "cattle");
        assert_eq!(both.get(Language::Id), "sapi");
    }
}
