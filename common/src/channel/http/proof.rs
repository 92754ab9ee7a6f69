//! Who sent a request: proven before anything of it is read.

use super::Secrets;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;
use std::collections::BTreeMap;

/// A request that came in.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// What stands behind the `?`, as it came.
    pub query: &'a str,
    /// By their names in small letters.
    pub headers: &'a BTreeMap<String, String>,
    /// As it came.
    pub body: &'a [u8],
}

impl Asked<'_> {
    /// A header, by its name in any letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_lowercase()).map(String::as_str)
    }

    /// A field behind the `?`.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.query.as_bytes());
        fields
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// Whether the provider sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// Yes.
    Yes,
    /// It says nothing about that.
    Missing,
    /// No.
    Wrong,
}

/// `[settings.webhook.check]`: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A secret in a header or behind the `?` of the address that the provider was given.
    Token {
        /// The header's name.
        header: Option<String>,
        /// Or the field's.
        query: Option<String>,
        /// The secret's name.
        secret: String,
    },
    /// RFC 7617; the secret is `user:password`.
    Basic {
        /// The secret's name.
        secret: String,
    },
    /// A keyed digest of the request in a header.
    Hmac(Mac),
}

/// A keyed digest (RFC 2104) in a header.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mac {
    /// The header's name.
    pub header: String,
    /// The name of the secret that is the key.
    pub secret: String,
    /// Which digest.
    #[serde(default)]
    pub digest: Digest,
    /// How its bytes are written.
    #[serde(default)]
    pub coding: Coding,
    /// What stands before it: `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// The address that the provider calls, where it signs that with the sorted fields of the form
    /// behind it, and not the body.
    pub url_and_fields: Option<String>,
}

/// Digests that providers use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-1: weak in other uses, sound here, and what some still sign with.
    Sha1,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// In small letters; both are read.
    #[default]
    Hex,
    /// With padding.
    Base64,
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn constant_eq(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    std::hint::black_box(differ) == 0 && a.len() == b.len()
}

impl Check {
    /// Whether the provider sent this.
    pub fn proves(&self, asked: &Asked<'_>, secrets: &Secrets) -> Proven {
        // All were read at the start, and none is empty.
        let secret = secrets.get(self.secret()).map_or("", String::as_str);
        let (said, want) = match self {
            Self::Token { header, query, .. } => {
                let header = header
                    .as_ref()
                    .and_then(|h| asked.header(h).map(str::to_owned));
                let said = header.or_else(|| query.as_ref().and_then(|q| asked.field(q)));
                (said, secret.to_owned())
            }
            Self::Basic { .. } => {
                let want = format!("Basic {}", BASE64_STANDARD.encode(secret));
                (asked.header("authorization").map(str::to_owned), want)
            }
            Self::Hmac(mac) => {
                let want = mac.of(secret, &mac.signed(asked));
                (asked.header(&mac.header).map(|h| mac.normal(h)), want)
            }
        };
        match said {
            None => Proven::Missing,
            Some(said) if constant_eq(said.as_bytes(), want.as_bytes()) => Proven::Yes,
            Some(_) => Proven::Wrong,
        }
    }

    pub(super) fn secret(&self) -> &str {
        match self {
            Self::Token { secret, .. } | Self::Basic { secret } => secret,
            Self::Hmac(mac) => &mac.secret,
        }
    }

    pub(super) fn fault(&self) -> Option<String> {
        let Self::Token { header, query, .. } = self else {
            return None;
        };
        let fault = "`settings.webhook.check.token`: wants `header` or `query`, one of them";
        (header.is_some() == query.is_some()).then(|| fault.to_owned())
    }
}

impl Mac {
    /// The header's value.
    pub fn of(&self, key: &str, signed: &[u8]) -> String {
        let key = key.as_bytes();
        let bytes = match self.digest {
            Digest::Sha256 => digest::<Hmac<Sha256>>(key, signed),
            Digest::Sha1 => digest::<Hmac<Sha1>>(key, signed),
        };
        let written = match self.coding {
            Coding::Hex => bytes.iter().map(|b| format!("{b:02x}")).collect(),
            Coding::Base64 => BASE64_STANDARD.encode(bytes),
        };
        format!("{}{written}", self.prefix)
    }

    fn signed(&self, asked: &Asked<'_>) -> Vec<u8> {
        let Some(url) = &self.url_and_fields else {
            return match asked.body.is_empty() {
                true => asked.query.as_bytes().to_vec(),
                false => asked.body.to_vec(),
            };
        };
        let mut fields: Vec<_> = form_urlencoded::parse(asked.body).collect();
        fields.sort();
        let mut signed = url.clone();
        for (name, value) in fields {
            signed.push_str(&name);
            signed.push_str(&value);
        }
        signed.into_bytes()
    }

    fn normal(&self, said: &str) -> String {
        match self.coding {
            Coding::Hex => said.to_ascii_lowercase(),
            Coding::Base64 => said.to_owned(),
        }
    }
}

fn digest<M: KeyInit + hmac::Mac>(key: &[u8], signed: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.chain_update(signed).finalize().into_bytes().to_vec()
}
