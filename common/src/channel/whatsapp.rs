//! The WhatsApp Cloud API, as far as texts need it. Pure; the bridge does the talking.
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api>: "Webhooks: messages", "Text
//! messages", "Template messages", "Error codes".

use super::came::{Answered, Came, CameReceipt, CameText, time};
use super::http::{Coding, Digest, Mac};
use super::{Sign, Signs};
use crate::code::sms;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// `[settings]` of a channel whose adapter is `whatsapp`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whatsapp {
    /// The API with its version.
    pub endpoint: String,
    /// The id of our number, which is not the number.
    pub phone_number_id: String,
    /// The name of the secret that is the system user's access token.
    pub token: String,
    /// The name of the secret that is the app's secret: requests to us are signed with it.
    pub app_secret: String,
    /// The name of the secret that Meta shows when it asks whether the address is ours.
    pub verify_token: String,
    /// What goes to people who have not written for a day; absent: nothing does, and their next
    /// address is tried.
    pub template: Option<Template>,
    /// Longest wait for an answer.
    #[serde(default = "half_a_minute")]
    pub timeout_s: u64,
}

/// `[settings.template]`: a message that Meta approved, whose body has one place: `{{1}}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language, as Meta writes it: `id`, `en_US`.
    pub language: String,
    /// Characters that fit into its place; the whole body has 1024.
    #[serde(default = "nine_hundred")]
    pub most: usize,
}

/// People who wrote less than this ago may be written to as one likes. Meta says a day; a text must
/// also arrive within it.
pub const WINDOW: Duration = Duration::from_secs(24 * 3600 - 300);

/// The error that says that somebody has not written for a day.
pub const OUTSIDE: &str = "131047";

fn half_a_minute() -> u64 {
    30
}

fn nine_hundred() -> usize {
    900
}

impl Whatsapp {
    /// What cannot work, with its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.timeout_s == 0 {
            faults.push("`settings.timeout_s`: must be 1 or more".to_owned());
        }
        if self.endpoint.ends_with('/') {
            faults.push("`settings.endpoint`: without / at its end".to_owned());
        }
        if self
            .template
            .as_ref()
            .is_some_and(|t| !(1..=1024).contains(&t.most))
        {
            faults.push("`settings.template.most`: must be from 1 to 1024".to_owned());
        }
        faults
    }

    /// How Meta signs what it brings.
    pub fn signature(&self) -> Mac {
        Mac {
            header: "x-hub-signature-256".to_owned(),
            secret: self.app_secret.clone(),
            digest: Digest::Sha256,
            coding: Coding::Hex,
            prefix: "sha256=".to_owned(),
            url_and_fields: None,
        }
    }

    /// What a request brings. What is for another number of the same account, and what is no plain
    /// text, counts as other.
    pub fn read(&self, body: &[u8]) -> Result<Came, String> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|e| format!("no JSON: line {}, column {}", e.line(), e.column()))?;
        let entries = body.get("entry").and_then(Value::as_array);
        let entries = entries.ok_or("no notification: it has no entry")?;
        let mut came = Came::default();
        for change in entries.iter().flat_map(|e| list(e, "changes")) {
            match change.get("value").filter(|value| self.is_ours(value)) {
                Some(value) => read(value, &mut came),
                None => came.others += 1,
            }
        }
        Ok(came)
    }

    fn is_ours(&self, value: &Value) -> bool {
        let number = value.pointer("/metadata/phone_number_id");
        number.and_then(Value::as_str) == Some(&self.phone_number_id)
    }
}

fn read(value: &Value, came: &mut Came) {
    for message in list(value, "messages") {
        match text(message) {
            Some(text) => came.texts.push(text),
            None => came.others += 1,
        }
    }
    for status in list(value, "statuses") {
        match receipt(status) {
            Some(receipt) => came.receipts.push(receipt),
            None => came.others += 1,
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(message: &Value) -> Option<CameText> {
    let text = |place: &str| message.pointer(place).and_then(Value::as_str);
    Some(CameText {
        // WhatsApp writes numbers with their country code and without the sign.
        from: super::http::with_plus(text("/from")?),
        text: text("/text/body")
            .filter(|_| text("/type") == Some("text"))?
            .to_owned(),
        id: Some(text("/id")?.to_owned()),
        at: text("/timestamp").and_then(time),
        part: None,
    })
}

fn receipt(status: &Value) -> Option<CameReceipt> {
    let text = |place: &str| status.pointer(place).and_then(Value::as_str);
    let code = status.pointer("/errors/0/code").and_then(Value::as_i64);
    Some(CameReceipt {
        id: text("/id")?.to_owned(),
        state: text("/status")?.to_owned(),
        reason: code.map(|code| code.to_string()),
        at: text("/timestamp").and_then(time),
    })
}

/// What the answer to a message says; the error's code is the word that decides.
pub fn answer(signs: &Signs, (http, pause): (u16, Option<Duration>), body: &[u8]) -> Answered {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = value.pointer("/messages/0/id").and_then(Value::as_str);
    if let (200..=299, Some(id)) = (http, id) {
        return Answered {
            means: Sign::Sent,
            status: "ok".to_owned(),
            id: Some(id.to_owned()),
            pause: None,
        };
    }
    let code = value.pointer("/error/code").and_then(Value::as_i64);
    let words: Vec<String> = code.iter().map(ToString::to_string).collect();
    let (means, status) = signs.of_http(http, &words);
    Answered {
        means,
        status,
        id: None,
        pause,
    }
}

/// A plain text.
pub fn message(to: &str, text: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to.trim_start_matches('+'),
        "type": "text",
        "text": { "preview_url": false, "body": text },
    })
}

impl Template {
    /// The template with this text in its place. A place takes neither line ends nor tabs nor more
    /// than four blanks in a row, and only so many characters.
    pub fn message(&self, to: &str, text: &str) -> Value {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = sms::cut(&words.join(" "), self.most);
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to.trim_start_matches('+'),
            "type": "template",
            "template": {
                "name": self.name,
                "language": { "code": self.language },
                "components": [
                    { "type": "body", "parameters": [{ "type": "text", "text": text }] },
                ],
            },
        })
    }
}

/// Whether somebody who wrote last at this time may be written to as one likes.
pub fn is_open(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_some_and(|last| {
        let since = Duration::try_from(now.duration_since(last));
        // A phone's clock may be ahead.
        since.is_ok_and(|since| since < WINDOW) || last > now
    })
}

#[cfg(test)]
mod tests;
