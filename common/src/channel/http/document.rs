//! A body that was read, and places in it.

use serde::Deserialize;
use serde_json::Value;

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON; a place is a pointer: `/messages/0/status` (RFC 6901).
    #[default]
    Json,
    /// A form; a place is a field's name. A request by `GET` has it behind the `?`.
    Form,
    /// Plain text; a place is what stands before the word at a line's start: `ID: `.
    Text,
}

/// One place, or several of which the first that is there counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Places {
    /// One.
    One(String),
    /// In this order.
    Several(Vec<String>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Places {
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    /// A JSON place is a pointer.
    pub fn fault(&self, key: &str, format: Format) -> Option<String> {
        let odd = |p: &&String| format == Format::Json && !p.is_empty() && !p.starts_with('/');
        let odd = self.all().iter().find(odd)?;
        Some(format!("`{key}`: {odd:?} is no pointer: it begins with /"))
    }
}

/// A body.
#[derive(Debug)]
pub enum Document {
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// A body, or one of the things that it lists.
#[derive(Debug, Clone, Copy)]
pub enum View<'a> {
    Json(&'a Value),
    Form(&'a [(String, String)]),
    Text(&'a str),
}

impl Document {
    /// Reads a body; says why it cannot be read, without saying what it holds.
    pub fn read(format: Format, body: &[u8]) -> Result<Self, String> {
        match format {
            Format::Json => match serde_json::from_slice(body) {
                Ok(value) => Ok(Self::Json(value)),
                Err(e) => Err(format!("no JSON: line {}, column {}", e.line(), e.column())),
            },
            Format::Form => {
                let pairs = form_urlencoded::parse(body);
                Ok(Self::Form(pairs.into_owned().collect()))
            }
            Format::Text => Ok(Self::Text(String::from_utf8_lossy(body).into_owned())),
        }
    }

    pub fn whole(&self) -> View<'_> {
        match self {
            Self::Json(value) => View::Json(value),
            Self::Form(fields) => View::Form(fields),
            Self::Text(text) => View::Text(text),
        }
    }
}

impl<'a> View<'a> {
    /// What stands at a place; nothing and null are `None`.
    pub fn find(&self, place: &str) -> Option<String> {
        match self {
            Self::Json(value) => match value.pointer(place)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(is) => Some(is.to_string()),
                _ => None,
            },
            Self::Form(fields) => {
                let field = fields.iter().find(|(name, _)| name == place)?;
                Some(field.1.clone())
            }
            Self::Text(text) => {
                let rest = text.lines().find_map(|line| line.strip_prefix(place))?;
                let end = rest.find([' ', ',', ';', '\t', '|']).unwrap_or(rest.len());
                Some(rest[..end].to_owned())
            }
        }
    }

    /// What stands at the first of these places that is there.
    pub fn first(&self, places: &Places) -> Option<String> {
        places.all().iter().find_map(|p| self.find(p))
    }

    /// The things listed at a place; without one the body is the one thing.
    pub fn each(&self, place: Option<&str>) -> Vec<View<'a>> {
        match (self, place) {
            (Self::Json(value), Some(place)) => match value.pointer(place) {
                Some(Value::Array(items)) => items.iter().map(View::Json).collect(),
                Some(item @ Value::Object(_)) => vec![View::Json(item)],
                _ => Vec::new(),
            },
            _ => vec![*self],
        }
    }
}
