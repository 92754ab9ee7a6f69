//! The Telegram Bot API, as far as texts need it: what updates and answers say. Pure; the bridge does
//! the talking. Source: <https://core.telegram.org/bots/api>, version 9.

use super::came::{Answered, Came, CameText};
use super::{Sign, Signs};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// `[settings]` of a channel whose adapter is `telegram`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// The API, without the token.
    pub endpoint: String,
    /// The name of the secret that is the bot's token.
    pub token: String,
    /// Texts are brought to us; absent: they are fetched, by one bridge at a time.
    pub webhook: Option<Hook>,
    /// A question for new texts waits for so long.
    #[serde(default = "half_a_minute")]
    pub poll_s: u64,
    /// Longest wait for an answer to a text.
    #[serde(default = "half_a_minute")]
    pub timeout_s: u64,
}

/// `[settings.webhook]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The address by which Telegram reaches `bridge.listen` and this channel.
    pub url: String,
    /// The name of the secret that Telegram shows with each update: 1 to 256 letters, digits, `_`, `-`.
    pub secret: String,
}

fn half_a_minute() -> u64 {
    30
}

/// The header in which Telegram shows the secret.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// What we ask Telegram to tell us of: all else never comes.
pub const UPDATES: [&str; 1] = ["message"];

/// One update.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its number; what is asked for behind it is confirmed and comes never again.
    pub id: i64,
    /// What it brings.
    pub came: Came,
}

impl Telegram {
    /// What cannot work, with its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.poll_s == 0 || self.timeout_s == 0 {
            faults.push("`settings.poll_s`, `settings.timeout_s`: must be 1 or more".to_owned());
        }
        if self.endpoint.ends_with('/') {
            faults.push("`settings.endpoint`: without / at its end".to_owned());
        }
        faults
    }
}

/// What an update says. Only what a person writes to the bot alone is a text: a bot that answered in
/// a group would tell all its members.
pub fn update(update: &Value) -> Result<Update, String> {
    let id = update.get("update_id").and_then(Value::as_i64);
    let mut came = Came::default();
    match update.get("message").and_then(text) {
        Some(text) => came.texts.push(text),
        None => came.others = 1,
    }
    Ok(Update {
        id: id.ok_or("no update: it has no update_id")?,
        came,
    })
}

fn text(message: &Value) -> Option<CameText> {
    let chat = message.get("chat")?;
    let robot = message.pointer("/from/is_bot").and_then(Value::as_bool);
    if chat.get("type")?.as_str()? != "private" || robot == Some(true) {
        return None;
    }
    let chat = chat.get("id")?.as_i64()?;
    let at = message.get("date").and_then(Value::as_i64);
    Some(CameText {
        from: chat.to_string(),
        text: message.get("text")?.as_str()?.to_owned(),
        id: Some(message.get("message_id")?.as_i64()?.to_string()),
        at: at.and_then(|s| Timestamp::from_second(s).ok()),
        part: None,
    })
}

/// The updates that an answer to `getUpdates` holds, oldest first.
pub fn updates(answer: &[u8]) -> Result<Vec<Update>, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|e| no_json(&e))?;
    let result = answer.get("result").and_then(Value::as_array);
    let result = result.ok_or("the answer holds no updates")?;
    result.iter().map(update).collect()
}

/// What a body brings: one update, or an answer to `getUpdates`.
pub fn read(body: &[u8]) -> Result<Came, String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| no_json(&e))?;
    if value.get("result").is_none() {
        return update(&value).map(|u| u.came);
    }
    let mut all = Came::default();
    for update in updates(body)? {
        all.texts.extend(update.came.texts);
        all.others += update.came.others;
    }
    Ok(all)
}

/// What the answer to a method says: the words are `403 Forbidden: bot was blocked by the user` and
/// `403`, of which the first that is named decides.
pub fn answer(signs: &Signs, http: u16, body: &[u8]) -> Answered {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let taken = value.get("ok").and_then(Value::as_bool) == Some(true);
    let number = |place: &str| value.pointer(place).and_then(Value::as_i64);
    if taken && let Some(id) = number("/result/message_id") {
        return Answered {
            means: Sign::Sent,
            status: "ok".to_owned(),
            id: Some(id.to_string()),
            pause: None,
        };
    }
    let mut words = Vec::new();
    if let Some(code) = number("/error_code") {
        let said = value.get("description").and_then(Value::as_str);
        words.extend(said.map(|said| format!("{code} {said}")));
        words.push(code.to_string());
    }
    let (means, word) = signs.of_http(http, &words);
    let pause = number("/parameters/retry_after").and_then(|s| u64::try_from(s).ok());
    Answered {
        means,
        // The whole words tell operators more than the code that decided.
        status: words.into_iter().next().unwrap_or(word),
        id: None,
        pause: pause.map(Duration::from_secs),
    }
}

/// `sendMessage`: plain text, so that no letter of it is taken for markup.
pub fn message(to: &str, text: &str) -> Value {
    json!({ "chat_id": to, "text": text, "link_preview_options": { "is_disabled": true } })
}

fn no_json(e: &serde_json::Error) -> String {
    format!("no JSON: line {}, column {}", e.line(), e.column())
}

#[cfg(test)]
mod tests;
