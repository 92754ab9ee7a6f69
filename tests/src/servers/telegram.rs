//! A stand-in for the Telegram Bot API with one bot: strict where core.telegram.org/bots/api is.

use super::provider::json_of;
use super::web::{Served, bring_json};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The bot's token.
pub const TOKEN: &str = "123456:AAtestAAtestAAtestAAtestAAtestAA";

/// Characters of a text.
const LONGEST: usize = 4096;

/// A text that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The chat.
    pub chat: i64,
    /// What.
    pub text: String,
}

#[derive(Default)]
struct Kept {
    /// Not confirmed yet.
    updates: Vec<(i64, Value)>,
    last_update: i64,
    last_message: i64,
    said: Vec<Said>,
    chats: BTreeSet<i64>,
    blocked: BTreeSet<i64>,
    throttled: Vec<u64>,
    webhook: Option<(String, String)>,
    /// Which long question is the newest: the older ones end.
    asking: u64,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    news: Notify,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the state is held")
    }
}

/// The API.
pub struct Telegram {
    /// Where it listens.
    pub served: Served,
    shared: Arc<Shared>,
}

impl Telegram {
    /// Starts it; nobody has written yet.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .route("/{bot}/{method}", post(call))
            .with_state(shared.clone());
        Self {
            served: Served::start(app),
            shared,
        }
    }

    /// Somebody writes to the bot alone. The number of the update.
    pub fn write(&self, chat: i64, text: &str) -> i64 {
        let person = json!({ "id": chat, "is_bot": false, "first_name": "A" });
        let place = json!({ "id": chat, "type": "private", "first_name": "A" });
        self.shared.kept().chats.insert(chat);
        self.update(|id| json!({ "message_id": id, "date": now(), "chat": place, "from": person, "text": text }))
    }

    /// Something else happens: the rest of a message.
    pub fn happen(&self, message: &Value) -> i64 {
        self.update(|id| {
            let mut message = message.clone();
            message["message_id"] = id.into();
            message["date"] = now().into();
            message
        })
    }

    fn update(&self, message: impl FnOnce(i64) -> Value) -> i64 {
        let mut kept = self.shared.kept();
        kept.last_update += 1;
        kept.last_message += 1;
        let (id, number) = (kept.last_update, kept.last_message);
        let update = json!({ "update_id": id, "message": message(number) });
        kept.updates.push((id, update));
        drop(kept);
        self.shared.news.notify_waiters();
        id
    }

    /// The bot's words to this chat, in order.
    pub fn said_to(&self, chat: i64) -> Vec<String> {
        let kept = self.shared.kept();
        let of = kept.said.iter().filter(|said| said.chat == chat);
        of.map(|said| said.text.clone()).collect()
    }

    /// This person blocks the bot.
    pub fn block(&self, chat: i64) {
        self.shared.kept().blocked.insert(chat);
    }

    /// The next text is too many; the pause that it asks for, in seconds.
    pub fn throttle(&self, pause: u64) {
        self.shared.kept().throttled.push(pause);
    }

    /// Updates that nobody has confirmed.
    pub fn waiting(&self) -> usize {
        self.shared.kept().updates.len()
    }

    /// Address and secret that the bot asked to be called with.
    pub fn webhook(&self) -> Option<(String, String)> {
        self.shared.kept().webhook.clone()
    }

    /// Brings the oldest update to `to` as to a webhook, and keeps it unless it is taken. The answer's
    /// status.
    pub async fn bring(&self, to: &str) -> u16 {
        let (secret, (id, update)) = {
            let kept = self.shared.kept();
            let hook = kept.webhook.clone().expect("the bot asked for it");
            (hook.1, kept.updates.first().cloned().expect("an update"))
        };
        let status = bring(to, &update, &secret).await;
        if (200..300).contains(&status) {
            self.shared.kept().updates.retain(|(other, _)| *other != id);
        }
        status
    }
}

/// Brings an update with this secret; the answer's status.
pub async fn bring(to: &str, update: &Value, secret: &str) -> u16 {
    let header = ("X-Telegram-Bot-Api-Secret-Token", secret);
    bring_json(to, update.to_string(), header).await
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if bot != format!("bot{TOKEN}") {
        return error(401, "Unauthorized", None);
    }
    let Ok(with) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "Bad Request: can't parse JSON object", None);
    };
    match method.as_str() {
        "getMe" => good(&json!({
            "id": 123_456, "is_bot": true, "first_name": "Kentongan", "username": "kentongan_bot",
        })),
        "setWebhook" => set_webhook(&shared, &with),
        "deleteWebhook" => {
            shared.kept().webhook = None;
            good(&true.into())
        }
        "getUpdates" => updates(&shared, &with).await,
        "sendMessage" => send(&shared, &with),
        _ => error(404, "Not Found", None),
    }
}

fn set_webhook(shared: &Shared, with: &Value) -> Response {
    let secret = with["secret_token"].as_str().unwrap_or_default();
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let Some(url) = with["url"]
        .as_str()
        .filter(|url| url.starts_with("https://"))
    else {
        return error(
            400,
            "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
            None,
        );
    };
    if secret.len() > 256 || !secret.bytes().all(letters) {
        return error(
            400,
            "Bad Request: secret token contains unallowed characters",
            None,
        );
    }
    shared.kept().webhook = Some((url.to_owned(), secret.to_owned()));
    good(&true.into())
}

async fn updates(shared: &Shared, with: &Value) -> Response {
    let offset = with["offset"].as_i64().unwrap_or(0);
    let limit = usize::try_from(with["limit"].as_u64().unwrap_or(100)).unwrap_or(100);
    let until = Instant::now() + Duration::from_secs(with["timeout"].as_u64().unwrap_or(0));
    let mine = {
        let mut kept = shared.kept();
        if kept.webhook.is_some() {
            let told = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook \
                        to delete the webhook first";
            return error(409, told, None);
        }
        // What stands before the offset is confirmed and comes never again.
        kept.updates.retain(|(id, _)| *id >= offset);
        kept.asking += 1;
        kept.asking
    };
    shared.news.notify_waiters();
    loop {
        let news = shared.news.notified();
        {
            let kept = shared.kept();
            if kept.asking != mine {
                let told = "Conflict: terminated by other getUpdates request; make sure that only one \
                            bot instance is running";
                return error(409, told, None);
            }
            if !kept.updates.is_empty() || Instant::now() >= until {
                let found = kept
                    .updates
                    .iter()
                    .take(limit)
                    .map(|(_, update)| update.clone());
                return good(&found.collect());
            }
        }
        // Looked at again at the end of the time.
        let _ = timeout_at(until, news).await;
    }
}

fn send(shared: &Shared, with: &Value) -> Response {
    let mut kept = shared.kept();
    if let Some(pause) = kept.throttled.pop() {
        let told = format!("Too Many Requests: retry after {pause}");
        return error(429, &told, Some(pause));
    }
    let id = &with["chat_id"];
    let chat = id
        .as_i64()
        .or_else(|| id.as_str().and_then(|id| id.parse().ok()));
    let text = with["text"].as_str().unwrap_or_default().trim();
    if text.is_empty() {
        return error(400, "Bad Request: message text is empty", None);
    }
    if text.chars().count() > LONGEST {
        return error(400, "Bad Request: message is too long", None);
    }
    // A bot cannot write to who never wrote to it.
    let Some(chat) = chat.filter(|chat| kept.chats.contains(chat)) else {
        return error(400, "Bad Request: chat not found", None);
    };
    if kept.blocked.contains(&chat) {
        return error(403, "Forbidden: bot was blocked by the user", None);
    }
    kept.last_message += 1;
    kept.said.push(Said {
        chat,
        text: text.to_owned(),
    });
    good(&json!({
        "message_id": kept.last_message, "date": now(), "text": text,
        "chat": { "id": chat, "type": "private", "first_name": "A" },
        "from": { "id": 123_456, "is_bot": true, "first_name": "Kentongan", "username": "kentongan_bot" },
    }))
}

fn good(result: &Value) -> Response {
    json_of(&json!({ "ok": true, "result": result })).into_response()
}

fn error(code: u16, told: &str, retry_after: Option<u64>) -> Response {
    let mut body = json!({ "ok": false, "error_code": code, "description": told });
    if let Some(pause) = retry_after {
        body["parameters"] = json!({ "retry_after": pause });
    }
    let status = StatusCode::from_u16(code).expect("a status");
    (status, json_of(&body)).into_response()
}
