//! Strings with places that a text fills: `{to}`.

use super::Secrets;
use crate::code::sms;
use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

/// Text with `{to}` (canonical address), `{digits}` (the same without its `+`), `{text}`, `{id}` (the
/// same in every try of one text), `{secret:NAME}` and `{coding:A|B}` (A for a text that the GSM
/// alphabet holds, else B); `{{` is a brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Bit>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bit {
    Plain(String),
    To,
    Digits,
    Text,
    Id,
    Secret(String),
    Coding(String, String),
}

/// What fills a template.
#[derive(Debug, Clone, Copy)]
pub struct Fill<'a> {
    /// Canonical address.
    pub to: &'a str,
    /// What to say.
    pub text: &'a str,
    /// The text's id, the same in every try.
    pub id: Uuid,
    /// All secrets that the description names.
    pub secrets: &'a Secrets,
}

impl Template {
    /// Reads it; says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let (mut bits, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find('{') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                plain.push('{');
                rest = after;
                continue;
            }
            let end = rest.find('}').ok_or_else(|| {
                format!("{text:?}: a brace is not closed; write {{{{ for a brace")
            })?;
            if !plain.is_empty() {
                bits.push(Bit::Plain(std::mem::take(&mut plain)));
            }
            bits.push(bit(&rest[..end]).ok_or_else(|| unknown(&rest[..end]))?);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            bits.push(Bit::Plain(plain));
        }
        Ok(Self(bits))
    }

    /// The text.
    pub fn fill(&self, with: &Fill<'_>) -> String {
        self.filled(with, str::to_owned)
    }

    /// The text as part of an address on the web: what fills it is escaped.
    pub fn fill_url(&self, with: &Fill<'_>) -> String {
        self.filled(with, |value| {
            form_urlencoded::byte_serialize(value.as_bytes()).collect()
        })
    }

    fn filled(&self, with: &Fill<'_>, escaped: impl Fn(&str) -> String) -> String {
        let one = |bit: &Bit| match bit {
            Bit::Plain(text) => text.clone(),
            Bit::To => escaped(with.to),
            Bit::Digits => escaped(with.to.trim_start_matches('+')),
            Bit::Text => escaped(with.text),
            Bit::Id => with.id.to_string(),
            // All were read at the start; an empty one is refused by the provider.
            Bit::Secret(name) => with
                .secrets
                .get(name)
                .map(|s| escaped(s))
                .unwrap_or_default(),
            Bit::Coding(gsm, other) if sms::is_gsm7(with.text) => gsm.clone(),
            Bit::Coding(_, other) => other.clone(),
        };
        self.0.iter().map(one).collect()
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> Vec<String> {
        let name = |bit: &Bit| match bit {
            Bit::Secret(name) => Some(name.clone()),
            _ => None,
        };
        self.0.iter().filter_map(name).collect()
    }

    /// Whether something of the text's own stands in it.
    pub(super) fn says_text(&self) -> bool {
        self.0.contains(&Bit::Text)
    }

    /// Whether it says to whom.
    pub(super) fn says_to(&self) -> bool {
        self.0.contains(&Bit::To) || self.0.contains(&Bit::Digits)
    }
}

fn bit(name: &str) -> Option<Bit> {
    match name.split_once(':') {
        Some(("secret", name)) if !name.is_empty() => Some(Bit::Secret(name.to_owned())),
        Some(("coding", both)) => {
            let (gsm, other) = both.split_once('|')?;
            Some(Bit::Coding(gsm.to_owned(), other.to_owned()))
        }
        Some(_) => None,
        None => match name {
            "to" => Some(Bit::To),
            "digits" => Some(Bit::Digits),
            "text" => Some(Bit::Text),
            "id" => Some(Bit::Id),
            _ => None,
        },
    }
}

fn unknown(name: &str) -> String {
    format!(
        "{{{name}}} is none of {{to}}, {{digits}}, {{text}}, {{id}}, {{secret:NAME}}, \
         {{coding:GSM|OTHER}}"
    )
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_and_escaped_where_it_must_be() {
        let secrets = [("key".to_owned(), "a/b".to_owned())].into();
        let fill = Fill {
            to: "+6281234567890",
            text: "a & b",
            id: Uuid::nil(),
            secrets: &secrets,
        };
        let filled = |text: &str| Template::read(text).unwrap().fill(&fill);
        assert_eq!(
            filled("{to} {digits} {text}"),
            "+6281234567890 6281234567890 a & b"
        );
        assert_eq!(
            filled("{{x} {secret:key} {coding:text|unicode}"),
            "{x} a/b text"
        );
        assert_eq!(filled("{id}"), "00000000-0000-0000-0000-000000000000");
        let url = Template::read("https://x.example/{to}/{secret:key}?t={text}").unwrap();
        assert_eq!(
            url.fill_url(&fill),
            "https://x.example/%2B6281234567890/a%2Fb?t=a+%26+b"
        );
        let arabic = Fill {
            text: "مرحبا",
            ..fill
        };
        assert_eq!(Template::read("{coding:0|8}").unwrap().fill(&arabic), "8");
        for odd in ["{", "{nobody}", "{secret:}", "{coding:x}", "{secrets:a}"] {
            assert!(Template::read(odd).is_err(), "{odd}");
        }
    }
}
