//! A provider of SMS with a form in and JSON out, that signs what it brings: strict where Twilio's
//! documentation ("Messages resource", "Webhooks", "Security", error dictionary) is.

use super::web::{Served, client};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

/// Name of the account.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// Its password, also the key of the signatures.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The address that the provider was told to call, as it signs it.
pub const CALLED: &str = "https://sms.example.id/twilio";

/// Characters of a text (error 21617).
const LONGEST: usize = 1600;

/// What it does with the next requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It takes the text and answers nothing.
    FallsSilent,
    /// Too many requests; the pause that it asks for, in seconds.
    Throttles(u64),
    /// Not now, without a reason.
    Overloaded,
    /// It does not know us any more.
    LocksOut,
}

/// A text that it took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its id.
    pub sid: String,
    /// To whom.
    pub to: String,
    /// What.
    pub body: String,
}

#[derive(Default)]
struct Kept {
    taken: Vec<Taken>,
    asked: usize,
    manners: Vec<Manner>,
    stopped: Vec<String>,
}

type Shared = Arc<Mutex<Kept>>;

/// The provider.
pub struct Provider {
    /// Where it listens.
    pub served: Served,
    state: Shared,
}

impl Provider {
    /// A provider that takes everything.
    pub fn start() -> Self {
        let state = Shared::default();
        let path = "/2010-04-01/Accounts/{account}/Messages.json";
        let app = Router::new()
            .route(path, post(take))
            .with_state(state.clone());
        Self {
            served: Served::start(app),
            state,
        }
    }

    /// The next requests are met so, one each.
    pub fn will(&self, manners: &[Manner]) {
        self.state().manners.extend(manners.iter().rev());
    }

    /// This receiver wants no texts (error 21610).
    pub fn stops(&self, to: &str) {
        self.state().stopped.push(to.to_owned());
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.state().taken.clone()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().expect("no panic while the state is held")
    }
}

/// Brings a form to this address, signed; the answer's status and body.
pub async fn bring(to: &str, fields: &[(&str, &str)]) -> (u16, String) {
    bring_signed(to, fields, &signature(fields)).await
}

/// The same with this signature.
pub async fn bring_signed(to: &str, fields: &[(&str, &str)], signature: &str) -> (u16, String) {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let asked = client()
        .post(to)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-signature", signature)
        .body(body.finish());
    let answer = asked.send().await.expect("the bridge answers");
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap_or_default())
}

/// HMAC-SHA1 over the address and the fields, sorted by name ("Validating requests").
pub fn signature(fields: &[(&str, &str)]) -> String {
    let sorted: BTreeMap<_, _> = fields.iter().copied().collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("any key does");
    mac.update(CALLED.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

async fn take(
    State(state): State<Shared>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manner = {
        let mut state = state.lock().expect("no panic while the state is held");
        state.asked += 1;
        state.manners.pop()
    };
    let known = format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"))
    );
    let shown = headers.get("authorization").and_then(|v| v.to_str().ok());
    if account != ACCOUNT || shown != Some(&known) || manner == Some(Manner::LocksOut) {
        return error(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    }
    match manner {
        Some(Manner::Throttles(pause)) => {
            let throttled = error(StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests");
            return ([("retry-after", pause.to_string())], throttled).into_response();
        }
        Some(Manner::Overloaded) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => {}
    }
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok());
    if kind != Some("application/x-www-form-urlencoded") {
        return error(StatusCode::BAD_REQUEST, 12300, "Invalid Content-Type");
    }
    let fields: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    let answer = judge(&state, &fields);
    if manner == Some(Manner::FallsSilent) {
        std::future::pending().await
    }
    answer
}

fn judge(state: &Shared, fields: &HashMap<String, String>) -> Response {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let (to, text) = (field("To"), field("Body"));
    let bad = |code, message| error(StatusCode::BAD_REQUEST, code, message);
    let mut state = state.lock().expect("no panic while the state is held");
    if !to.starts_with('+') || !to[1..].bytes().all(|b| b.is_ascii_digit()) || to.len() < 9 {
        return bad(21211, "Invalid 'To' Phone Number");
    }
    if field("From").is_empty() {
        return bad(21603, "A 'From' phone number is required");
    }
    if text.is_empty() {
        return bad(21602, "Message body is required");
    }
    if text.chars().count() > LONGEST {
        return bad(
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    if state.stopped.iter().any(|stopped| stopped == to) {
        return bad(21610, "Attempt to send to unsubscribed recipient");
    }
    let sid = format!("SM{:032x}", state.taken.len() + 1);
    let told = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": text, "sid": sid, "to": to,
        "direction": "outbound-api", "error_code": null, "error_message": null,
        "from": field("From"), "num_segments": "1", "status": "queued",
    });
    state.taken.push(Taken {
        sid,
        to: to.to_owned(),
        body: text.to_owned(),
    });
    (StatusCode::CREATED, json_of(&told)).into_response()
}

fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let told =
        json!({ "code": code, "message": message, "more_info": more, "status": status.as_u16() });
    (status, json_of(&told)).into_response()
}

/// As JSON is answered.
pub(super) fn json_of(told: &serde_json::Value) -> impl IntoResponse + use<> {
    ([("content-type", "application/json")], told.to_string())
}
