//! How a text is handed over.

use super::template::{Fill, Template};
use super::{Mac, Secrets};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[settings.request]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `GET`, `POST`, `PUT`.
    #[serde(default = "post")]
    pub method: Method,
    /// Where to; `{secret:NAME}` may stand in it.
    pub url: Template,
    /// Header lines.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// Fields behind the `?`.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Fields of a form.
    pub form: Option<BTreeMap<String, Template>>,
    /// A JSON document; each of its strings is a template.
    pub json: Option<toml::Value>,
    /// Who we are.
    pub authorization: Option<Authorization>,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// All in the address.
    Get,
    /// With a body.
    Post,
    /// With a body.
    Put,
}

/// How we prove who we are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authorization {
    /// RFC 7617.
    Basic {
        /// Name.
        user: Template,
        /// Password.
        password: Template,
    },
    /// RFC 6750.
    Bearer(Template),
    /// A keyed digest of the body (of the query where there is no body) in a header.
    Hmac(Mac),
}

/// A request as it is sent. Never to be logged: it has secrets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `GET`, `POST`, `PUT`.
    pub method: &'static str,
    /// Whole.
    pub url: String,
    /// All but those that the connection needs.
    pub headers: Vec<(String, String)>,
    /// None for `GET`.
    pub body: Option<Vec<u8>>,
}

fn post() -> Method {
    Method::Post
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl Request {
    /// The request that hands a text over.
    pub fn write(&self, with: &Fill<'_>) -> Written {
        let query = form(&self.query, with);
        let body = self.body(with);
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.fill(with)))
            .collect();
        if let Some((kind, _)) = &body {
            headers.push(("content-type".to_owned(), (*kind).to_owned()));
        }
        let body = body.map(|(_, body)| body.into_bytes());
        let signed = body.as_deref().unwrap_or(query.as_bytes());
        headers.extend(self.authorization.as_ref().map(|a| a.header(signed, with)));
        Written {
            method: self.method.name(),
            url: with_query(self.url.fill_url(with), &query),
            headers,
            body,
        }
    }

    fn body(&self, with: &Fill<'_>) -> Option<(&'static str, String)> {
        if let Some(fields) = &self.form {
            return Some(("application/x-www-form-urlencoded", form(fields, with)));
        }
        let json = self.json.as_ref()?;
        Some(("application/json", filled(json, with).to_string()))
    }

    fn templates(&self) -> Vec<Template> {
        let fields = self
            .form
            .iter()
            .flatten()
            .chain(&self.query)
            .chain(&self.headers);
        let mut all: Vec<Template> = fields.map(|(_, t)| t.clone()).collect();
        all.push(self.url.clone());
        all.extend(self.authorization.iter().flat_map(Authorization::templates));
        if let Some(json) = &self.json {
            strings(json, &mut |text| all.extend(Template::read(text)));
        }
        all
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .templates()
            .iter()
            .flat_map(Template::secrets)
            .collect();
        if let Some(Authorization::Hmac(mac)) = &self.authorization {
            names.push(mac.secret.clone());
        }
        names
    }

    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(json) = &self.json {
            strings(json, &mut |text| {
                faults.extend(
                    Template::read(text)
                        .err()
                        .map(|e| format!("`settings.request.json`: {e}")),
                );
            });
        }
        if self.form.is_some() && self.json.is_some() {
            faults.push(
                "`settings.request`: has `form` and `json`; a body is one of them".to_owned(),
            );
        }
        let body = self.form.is_some() || self.json.is_some();
        if body && self.method == Method::Get {
            faults.push("`settings.request.method`: GET has no body; use `query`".to_owned());
        }
        let all = self.templates();
        if !all.iter().any(Template::says_text) || !all.iter().any(Template::says_to) {
            let fault = "`settings.request`: says nowhere {text}, or neither {to} nor {digits}";
            faults.push(fault.to_owned());
        }
        faults
    }
}

impl Authorization {
    fn header(&self, signed: &[u8], with: &Fill<'_>) -> (String, String) {
        let authorization = |value| ("authorization".to_owned(), value);
        match self {
            Self::Basic { user, password } => {
                let both = format!("{}:{}", user.fill(with), password.fill(with));
                authorization(format!("Basic {}", BASE64_STANDARD.encode(both)))
            }
            Self::Bearer(token) => authorization(format!("Bearer {}", token.fill(with))),
            Self::Hmac(mac) => (mac.header.clone(), mac.of(key(mac, with.secrets), signed)),
        }
    }

    fn templates(&self) -> Vec<Template> {
        match self {
            Self::Basic { user, password } => vec![user.clone(), password.clone()],
            Self::Bearer(token) => vec![token.clone()],
            Self::Hmac(_) => Vec::new(),
        }
    }
}

fn key<'a>(mac: &Mac, secrets: &'a Secrets) -> &'a str {
    // All were read at the start.
    secrets.get(&mac.secret).map_or("", String::as_str)
}

fn form(fields: &BTreeMap<String, Template>, with: &Fill<'_>) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        out.append_pair(name, &value.fill(with));
    }
    out.finish()
}

fn with_query(url: String, query: &str) -> String {
    match (query.is_empty(), url.contains('?')) {
        (true, _) => url,
        (false, false) => format!("{url}?{query}"),
        (false, true) => format!("{url}&{query}"),
    }
}

/// The document with its strings filled. A string that is no template was refused at the start.
fn filled(value: &toml::Value, with: &Fill<'_>) -> serde_json::Value {
    match value {
        toml::Value::String(text) => Template::read(text)
            .map_or_else(|_| text.clone(), |t| t.fill(with))
            .into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(is) => (*is).into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(items) => items.iter().map(|i| filled(i, with)).collect(),
        toml::Value::Table(fields) => {
            let field = |(name, value): (&String, _)| (name.clone(), filled(value, with));
            serde_json::Value::Object(fields.iter().map(field).collect())
        }
    }
}

fn strings(value: &toml::Value, seen: &mut impl FnMut(&str)) {
    match value {
        toml::Value::String(text) => seen(text),
        toml::Value::Array(items) => items.iter().for_each(|i| strings(i, seen)),
        toml::Value::Table(fields) => fields.values().for_each(|f| strings(f, seen)),
        _ => {}
    }
}
