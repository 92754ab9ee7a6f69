//! A stand-in for the WhatsApp Cloud API with one number: strict where Meta's documentation is.

use super::provider::json_of;
use super::web::{Served, bring_json, client};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

/// The id of our number, as in the shipped channel file.
pub const NUMBER: &str = "106540352242922";

/// The access token.
pub const TOKEN: &str = "EAAtest";

/// The app's secret.
pub const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What Meta shows when it asks whether the address is ours.
pub const VERIFY_TOKEN: &str = "verify-me";

/// Name and language of the one approved template, as in the shipped channel file.
const TEMPLATE: (&str, &str) = ("kentongan_pesan", "id");

/// A message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id.
    pub id: String,
    /// Digits.
    pub to: String,
    /// What, in a text or in the place of the template.
    pub text: String,
    /// By the template.
    pub template: bool,
}

#[derive(Default)]
struct Kept {
    said: Vec<Said>,
    asked: usize,
    /// Who has written within a day.
    open: BTreeSet<String>,
    errors: Vec<(u16, i64)>,
}

type Shared = Arc<Mutex<Kept>>;

/// The API.
pub struct Whatsapp {
    /// Where it listens.
    pub served: Served,
    kept: Shared,
}

impl Whatsapp {
    /// Starts it; nobody has written yet.
    pub fn start() -> Self {
        let kept = Shared::default();
        let app = Router::new()
            .route("/v23.0/{number}/messages", post(send))
            .with_state(kept.clone());
        Self {
            served: Served::start(app),
            kept,
        }
    }

    /// The next message is answered with this HTTP status and error.
    pub fn fail(&self, http: u16, code: i64) {
        self.kept().errors.push((http, code));
    }

    /// What it took so far.
    pub fn said(&self) -> Vec<Said> {
        self.kept().said.clone()
    }

    /// How often it was asked to send.
    pub fn asked(&self) -> usize {
        self.kept().asked
    }

    /// For this person a day has passed.
    pub fn close(&self, digits: &str) {
        self.kept().open.remove(digits);
    }

    /// Somebody writes: what is brought for it. Their window opens.
    pub fn text(&self, digits: &str, id: &str, text: &str) -> Value {
        self.kept().open.insert(digits.to_owned());
        let now = jiff::Timestamp::now().as_second().to_string();
        notification(
            NUMBER,
            &json!({
                "contacts": [{ "profile": { "name": "A" }, "wa_id": digits }],
                "messages": [{ "from": digits, "id": id, "timestamp": now, "type": "text", "text": { "body": text } }],
            }),
        )
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the state is held")
    }
}

/// What is brought when a message of ours changes its state.
pub fn status(id: &str, status: &str, error: Option<i64>) -> Value {
    let now = jiff::Timestamp::now().as_second().to_string();
    let mut told = json!({ "id": id, "status": status, "timestamp": now, "recipient_id": "62" });
    if let Some(code) = error {
        told["errors"] = json!([{ "code": code, "title": "Message undeliverable" }]);
    }
    notification(NUMBER, &json!({ "statuses": [told] }))
}

/// A notification about this number.
pub fn notification(number: &str, what: &Value) -> Value {
    let mut value = what.clone();
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] =
        json!({ "display_phone_number": "6281100000000", "phone_number_id": number });
    let change = json!({ "field": "messages", "value": value });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1022", "changes": [change] }] })
}

/// Brings a notification, signed; the answer's status.
pub async fn bring(to: &str, notification: &Value) -> u16 {
    let body = notification.to_string();
    bring_raw(to, &body, &signature(&body)).await
}

/// The same with any body and signature.
pub async fn bring_raw(to: &str, body: &str, signature: &str) -> u16 {
    bring_json(to, body.to_owned(), ("X-Hub-Signature-256", signature)).await
}

/// `X-Hub-Signature-256`.
pub fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).expect("any key does");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

/// Asks whether the address is ours, as when it is entered in the dashboard: status and body.
pub async fn verify(to: &str, token: &str) -> (u16, String) {
    let url = format!("{to}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let answer = client().get(url).send().await.expect("the bridge answers");
    (
        answer.status().as_u16(),
        answer.text().await.unwrap_or_default(),
    )
}

async fn send(
    State(kept): State<Shared>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = kept.lock().expect("no panic while the state is held");
    kept.asked += 1;
    let shown = headers.get("authorization").and_then(|v| v.to_str().ok());
    if shown != Some(&format!("Bearer {TOKEN}")) {
        return error(401, 190, "Error validating access token");
    }
    if let Some((http, code)) = kept.errors.pop() {
        return error(http, code, "As it was told");
    }
    let Ok(with) = serde_json::from_slice::<Value>(&body) else {
        return error(400, 100, "Invalid parameter");
    };
    let to = with["to"].as_str().unwrap_or_default();
    let digits = !to.is_empty() && to.bytes().all(|b| b.is_ascii_digit());
    if number != NUMBER || with["messaging_product"] != "whatsapp" || !digits {
        return error(400, 100, "Invalid parameter");
    }
    let text = match judge(&kept, to, &with) {
        Ok(text) => text,
        Err(told) => return *told,
    };
    let id = format!("wamid.{:08}", kept.said.len() + 1);
    kept.said.push(Said {
        id: id.clone(),
        to: to.to_owned(),
        text,
        template: with["type"] == "template",
    });
    let contact = json!({ "input": to, "wa_id": to });
    let told = json!({
        "messaging_product": "whatsapp", "contacts": [contact], "messages": [{ "id": id }],
    });
    json_of(&told).into_response()
}

/// What is said, if it may be.
fn judge(kept: &Kept, to: &str, with: &Value) -> Result<String, Box<Response>> {
    let refuse = |http, code, told| Err(Box::new(error(http, code, told)));
    if with["type"] == "text" {
        let body = with["text"]["body"].as_str().unwrap_or_default();
        if body.is_empty() || body.chars().count() > 4096 {
            return refuse(400, 100, "Invalid parameter");
        }
        if !kept.open.contains(to) {
            return refuse(400, 131_047, "Re-engagement message");
        }
        return Ok(body.to_owned());
    }
    let template = &with["template"];
    let named = (
        template["name"].as_str(),
        template["language"]["code"].as_str(),
    );
    if named != (Some(TEMPLATE.0), Some(TEMPLATE.1)) {
        return refuse(
            404,
            132_001,
            "Template name does not exist in the translation",
        );
    }
    let parameters = template["components"][0]["parameters"].as_array();
    let [parameter] = parameters.map_or(&[][..], Vec::as_slice) else {
        return refuse(400, 132_000, "Number of parameters does not match");
    };
    let text = parameter["text"].as_str().unwrap_or_default();
    if text.is_empty() || text.contains(['\n', '\t']) || text.contains("     ") {
        return refuse(
            400,
            132_018,
            "There is an issue with the parameters in your template",
        );
    }
    Ok(text.to_owned())
}

fn error(http: u16, code: i64, told: &str) -> Response {
    let message = format!("(#{code}) {told}");
    let body = json!({ "error": {
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8or2yhqkZ",
        "error_data": { "messaging_product": "whatsapp", "details": told },
    } });
    let status = StatusCode::from_u16(http).expect("a status");
    (status, json_of(&body)).into_response()
}
