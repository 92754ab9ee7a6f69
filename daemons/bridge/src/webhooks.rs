//! Where providers bring texts and receipts: one listener for all channels, at `/<channel>`, behind
//! nginx or a load balancer, which asks `/health`.
//!
//! A request is answered 2xx once a port has taken all that it brings; 503, and the provider brings
//! it again, when it could not; 401 and 403 when the provider did not prove itself, which is looked
//! at before anything is read; 400 for what cannot be read; 413 and 408 for what is too large or slow.

use crate::port::{Arrived, Part, Port, Receipt};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use common::channel::http::{Asked, Proven, Thanks};
use common::channel::{Came, CameReceipt, CameText};
use common::{Failure, Result};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Counts requests, by channel and outcome.
const ASKED: &str = "kentongan_webhooks_total";

/// The largest body: Meta brings up to 3 MB at once, others far less.
const MOST: usize = 3 << 20;

/// Until a body must be here.
const SLOWEST: Duration = Duration::from_secs(10);

/// Until what it brings must be taken: each text has its own limit at the port, and providers wait
/// for half a minute at most.
const PATIENCE: Duration = Duration::from_secs(25);

/// Requests that are held in memory at once; others wait for as long as for a slow body.
const AT_ONCE: usize = 32;

/// A refusal is logged once in so long for each channel and reason: the internet knocks at every door.
const QUIET: Duration = Duration::from_secs(60);

/// One channel's part: pure, so that it can be tested without a network.
pub trait Webhook: Send + Sync + 'static {
    /// Answers a provider that only asks whether the address is ours.
    fn greets(&self, _: &Asked<'_>) -> Greeting {
        Greeting::None
    }

    /// Whether the provider sent this. Nothing of it was read before.
    fn proves(&self, asked: &Asked<'_>) -> Proven;

    /// What it brings; says why it cannot be read, without saying what it holds.
    fn read(&self, asked: &Asked<'_>) -> std::result::Result<Came, String>;

    /// What the provider is told when all of it was taken.
    fn thanks(&self) -> Thanks {
        Thanks::default()
    }
}

/// What becomes of a request that brings nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It is none.
    None,
    /// From the provider: this is the answer.
    Known(Thanks),
    /// From somebody else.
    Stranger,
}

/// One channel's way in.
pub struct Route {
    /// What reads it.
    pub hook: Arc<dyn Webhook>,
    /// What takes it.
    pub port: Arc<Port>,
}

/// All ways in.
pub struct Webhooks {
    routes: BTreeMap<String, Route>,
    hands: Semaphore,
    slowest: Duration,
    told: Mutex<HashMap<(String, &'static str), Instant>>,
}

/// What became of a request.
struct Outcome(StatusCode, &'static str, Thanks);

impl Outcome {
    fn refused(status: StatusCode, name: &'static str) -> Self {
        Self(status, name, Thanks::default())
    }
}

/// Begins to listen. `at` that cannot be had stops the start.
pub async fn bind(at: SocketAddr) -> Result<TcpListener> {
    let fault = |e| Failure::quarantine(format!("key `bridge.listen`: {at}: {e}"));
    TcpListener::bind(at).await.map_err(fault)
}

impl Webhooks {
    /// With these routes, by channel.
    pub fn new(routes: BTreeMap<String, Route>) -> Self {
        Self {
            routes,
            hands: Semaphore::new(AT_ONCE),
            slowest: SLOWEST,
            told: Mutex::default(),
        }
    }

    /// Answers until told to stop, then what was begun.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let channels: Vec<_> = self.routes.keys().cloned().collect();
        if let Ok(at) = listener.local_addr() {
            info!(%at, channels = channels.join(", "), "Listens for providers");
        }
        let app = Router::new()
            .route("/health", get(async || "ok\n"))
            .fallback(answer)
            .with_state(Arc::new(self));
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(e) = served.await {
            warn!(error = %e, "Providers are not listened to any more");
        }
    }

    async fn outcome(&self, channel: &str, request: Request) -> Outcome {
        let Some(route) = self.routes.get(channel) else {
            return Outcome::refused(StatusCode::NOT_FOUND, "no_channel");
        };
        if request.method() != Method::GET && request.method() != Method::POST {
            return Outcome::refused(StatusCode::METHOD_NOT_ALLOWED, "method");
        }
        let (head, body) = request.into_parts();
        let read = async {
            let hand = self.hands.acquire().await;
            (hand, body_of(body).await)
        };
        let Ok((_hand, body)) = timeout(self.slowest, read).await else {
            return Outcome::refused(StatusCode::REQUEST_TIMEOUT, "slow");
        };
        let Some(body) = body else {
            return Outcome::refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large");
        };
        let headers = headers(&head.headers);
        let asked = Asked {
            method: head.method.as_str(),
            query: head.uri.query().unwrap_or_default(),
            headers: &headers,
            body: &body,
        };
        self.taken(channel, route, &asked).await
    }

    async fn taken(&self, channel: &str, route: &Route, asked: &Asked<'_>) -> Outcome {
        match route.hook.greets(asked) {
            Greeting::Known(thanks) => return Outcome(StatusCode::OK, "greeted", thanks),
            Greeting::Stranger => return Outcome::refused(StatusCode::FORBIDDEN, "forged"),
            Greeting::None => {}
        }
        match route.hook.proves(asked) {
            Proven::Yes => {}
            Proven::Missing => return Outcome::refused(StatusCode::UNAUTHORIZED, "unsigned"),
            Proven::Wrong => return Outcome::refused(StatusCode::FORBIDDEN, "forged"),
        }
        let came = match route.hook.read(asked) {
            Ok(came) => came,
            Err(fault) => {
                if self.may_tell(channel, "unread") {
                    warn!(channel, fault, "Cannot read what a provider brought");
                }
                return Outcome::refused(StatusCode::BAD_REQUEST, "unread");
            }
        };
        match timeout(PATIENCE, take(channel, &route.port, came)).await {
            Ok(Ok(())) => Outcome(StatusCode::OK, "taken", route.hook.thanks()),
            Ok(Err(e)) => {
                warn!(channel, error = %e, "A provider must bring it again");
                Outcome::refused(StatusCode::SERVICE_UNAVAILABLE, "not_taken")
            }
            Err(_) => Outcome::refused(StatusCode::SERVICE_UNAVAILABLE, "not_taken"),
        }
    }

    fn may_tell(&self, channel: &str, outcome: &'static str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = told.get(&(channel.to_owned(), outcome));
        let may = last.is_none_or(|at| now - *at > QUIET);
        if may {
            told.insert((channel.to_owned(), outcome), now);
        }
        may
    }
}

async fn answer(State(all): State<Arc<Webhooks>>, request: Request) -> Response {
    let path = request.uri().path().trim_matches('/').to_owned();
    let Outcome(status, outcome, thanks) = all.outcome(&path, request).await;
    // Whoever asks for other paths must not fill the counters with them.
    let channel = if all.routes.contains_key(&path) {
        path
    } else {
        "none".to_owned()
    };
    metrics::counter!(ASKED, "channel" => channel.clone(), "outcome" => outcome).increment(1);
    if matches!(outcome, "unsigned" | "forged" | "too_large" | "slow")
        && all.may_tell(&channel, outcome)
    {
        warn!(
            channel,
            outcome,
            status = status.as_u16(),
            "Refused a request at a channel's address"
        );
    }
    (
        status,
        [(header::CONTENT_TYPE, thanks.content_type)],
        thanks.body,
    )
        .into_response()
}

/// `None`: it is too large.
async fn body_of(body: Body) -> Option<axum::body::Bytes> {
    to_bytes(body, MOST).await.ok()
}

fn headers(all: &HeaderMap) -> BTreeMap<String, String> {
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    all.iter().filter_map(text).collect()
}

/// Gives everything to the port, in order. The first that is not taken ends it: the provider brings
/// all of it again, and what was taken before is known by its id.
pub async fn take(channel: &str, port: &Port, came: Came) -> Result {
    let now = Timestamp::now();
    if came.others > 0 {
        let others = u64::try_from(came.others).unwrap_or(u64::MAX);
        metrics::counter!("kentongan_texts_in_total", "channel" => channel.to_owned(), "outcome" => "other")
            .increment(others);
    }
    for text in came.texts {
        port.text(arrived(text, now)).await?;
    }
    for receipt in came.receipts {
        port.receipt(heard(receipt, now)).await?;
    }
    Ok(())
}

fn arrived(text: CameText, now: Timestamp) -> Arrived {
    Arrived {
        from: text.from,
        text: text.text,
        id: text.id,
        sent_at: text.at.unwrap_or(now),
        part: text
            .part
            .and_then(|(reference, number, of)| Part::new(reference, number, of)),
    }
}

fn heard(receipt: CameReceipt, now: Timestamp) -> Receipt {
    Receipt {
        provider_id: receipt.id,
        state: receipt.state,
        reason: receipt.reason,
        at: receipt.at.unwrap_or(now),
    }
}

#[cfg(test)]
mod tests;
