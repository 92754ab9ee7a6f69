//! Requests to providers: one client for all adapters, and what its errors mean.

use crate::adapter::Handed;
use common::channel::http::Written;
use common::channel::{Answered, Sign};
use common::{Failure, Result};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, Request, redirect};
use std::error::Error as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Until a provider's server must have taken the connection: then nothing was handed over.
const CONNECT: Duration = Duration::from_secs(10);

/// An open connection that nobody used for so long is closed; providers close them after a minute.
const IDLE: Duration = Duration::from_secs(50);

/// No provider's answer is nearly as long.
const LONGEST: usize = 1 << 20;

/// First pause after a provider could not be used; doubles up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(30);

/// What a provider answered.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub http: u16,
    /// As it came.
    pub retry_after: Option<String>,
    /// Whole.
    pub body: Vec<u8>,
}

/// The client that all adapters share. TLS is rustls with ring, roots are the machine's.
pub fn client() -> Result<Client> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    // Somebody may have installed it before: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        // A secret must not follow to wherever an answer points; a text must not go twice.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("kentongan/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| Failure::quarantine(format!("no HTTP client: {}", told(&e))))?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

/// Sends a request that hands a text over. An `Err` says what is certain: connections that never came
/// to be hand nothing over, all else may have.
pub async fn exchange(written: Written, limit: Duration) -> std::result::Result<Reply, Handed> {
    let (client, request) = match client().and_then(|c| Ok((c, request(written, limit)?))) {
        Ok(both) => both,
        Err(e) => return Err(Handed::Later(e.cause)),
    };
    let broke = |e: reqwest::Error| match e.is_connect() || e.is_builder() {
        true => Handed::Away(told(&e)),
        false => Handed::Unknown(told(&e)),
    };
    let answer = client.execute(request).await.map_err(broke)?;
    let http = answer.status().as_u16();
    let retry_after = answer.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|v| v.to_str().ok()).map(str::to_owned);
    Ok(Reply {
        http,
        retry_after,
        body: whole(answer).await.map_err(broke)?,
    })
}

async fn whole(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            // Rubbish: what was read of it cannot be read as an answer.
            return Ok(Vec::new());
        }
    }
    Ok(body)
}

fn request(written: Written, limit: Duration) -> Result<Request> {
    let fault =
        |what: &str| Failure::quarantine(format!("the channel file's {what} cannot be used"));
    let url = written.url.parse().map_err(|_| fault("`url`"))?;
    let method = written.method.parse().unwrap_or(Method::POST);
    let mut request = Request::new(method, url);
    for (name, value) in written.headers {
        let name: reqwest::header::HeaderName =
            name.parse().map_err(|_| fault("name of a header"))?;
        let value = value
            .parse()
            .map_err(|_| fault(&format!("header {name}")))?;
        request.headers_mut().insert(name, value);
    }
    *request.body_mut() = written.body.map(Into::into);
    *request.timeout_mut() = Some(limit);
    Ok(request)
}

/// A JSON document to an address, with more header lines.
pub fn json(url: String, document: &serde_json::Value, more: &[(&str, String)]) -> Written {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    Written {
        method: "POST",
        url,
        headers,
        body: Some(document.to_string().into_bytes()),
    }
}

/// What an answer comes to.
pub fn handed(answered: Answered) -> Handed {
    match (answered.means, answered.pause) {
        // Not taken, and told when to come again.
        (Sign::Slow | Sign::Later, Some(pause)) => Handed::Slow(Some(pause)),
        (means, _) => Handed::by(means, &answered.status, answered.id),
    }
}

/// An error with all that lies behind it, and without the address: secrets stand in some.
pub fn told(e: &reqwest::Error) -> String {
    let mut told = match (e.is_timeout(), e.is_connect()) {
        (true, true) => "no connection in time".to_owned(),
        (true, false) => "no answer in time".to_owned(),
        (false, true) => "no connection".to_owned(),
        (false, false) => "the connection broke".to_owned(),
    };
    let mut cause = e.source();
    while let Some(e) = cause {
        told.push_str(": ");
        told.push_str(&e.to_string());
        cause = e.source();
    }
    told
}

/// Whether a provider can be used that one only learns of by using it.
#[derive(Default)]
pub struct Standing(Mutex<Fallen>);

#[derive(Default)]
struct Fallen {
    until: Option<Instant>,
    pause: Duration,
}

impl Standing {
    /// Whether it is worth trying.
    pub fn is_up(&self) -> bool {
        self.is_up_at(Instant::now())
    }

    fn is_up_at(&self, now: Instant) -> bool {
        self.fallen().until.is_none_or(|until| now >= until)
    }

    /// Learns from what a hand-over came to.
    pub fn learn(&self, handed: &Handed) {
        self.learn_at(handed, Instant::now());
    }

    fn learn_at(&self, handed: &Handed, now: Instant) {
        match handed {
            Handed::Sent(_) | Handed::Refused(_) | Handed::Slow(_) => {
                *self.fallen() = Fallen::default()
            }
            Handed::Away(_) => {
                let mut fallen = self.fallen();
                // What was in flight then says it again.
                if fallen.until.is_none_or(|until| now >= until) {
                    fallen.pause = (fallen.pause * 2).clamp(FIRST, LAST);
                    fallen.until = Some(now + fallen.pause);
                }
            }
            Handed::Later(_) | Handed::Unknown(_) => {}
        }
    }

    fn fallen(&self) -> MutexGuard<'_, Fallen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_is_away_is_asked_less_and_less_often() {
        let (standing, mut now) = (Standing::default(), Instant::now());
        assert!(standing.is_up());
        let away = Handed::Away("x".into());
        let mut waited = Vec::new();
        for _ in 0..9 {
            // Ten at once say the same.
            (0..10).for_each(|_| standing.learn_at(&away, now));
            let begin = now;
            while !standing.is_up_at(now) {
                now += Duration::from_millis(100);
            }
            waited.push((now - begin).as_millis());
        }
        assert_eq!(waited[..4], [500, 1000, 2000, 4000]);
        assert_eq!(waited[8], 30_000);
        standing.learn_at(&Handed::Sent(None), now);
        assert!(standing.is_up_at(now));
        standing.learn_at(&away, now);
        assert!(standing.is_up_at(now + FIRST), "it begins anew");
    }

    #[test]
    fn a_pause_that_is_told_is_kept() {
        let answered = |means, pause: Option<u64>| Answered {
            means,
            status: "http 503".into(),
            id: Some("7".into()),
            pause: pause.map(Duration::from_secs),
        };
        let slow = |s| Handed::Slow(Some(Duration::from_secs(s)));
        assert_eq!(handed(answered(Sign::Slow, Some(3))), slow(3));
        assert_eq!(handed(answered(Sign::Later, Some(3))), slow(3));
        assert_eq!(handed(answered(Sign::Slow, None)), Handed::Slow(None));
        assert_eq!(
            handed(answered(Sign::Sent, Some(3))),
            Handed::Sent(Some("7".into()))
        );
        assert!(matches!(
            handed(answered(Sign::Later, None)),
            Handed::Later(_)
        ));
    }

    fn written(url: &str) -> Written {
        json(url.to_owned(), &serde_json::json!({}), &[])
    }

    #[tokio::test]
    async fn what_was_never_connected_was_never_handed_over_and_its_address_is_not_told() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let limit = Duration::from_secs(5);
        let url = format!("http://{free}/hush");
        let Err(Handed::Away(why)) = exchange(written(&url), limit).await else {
            panic!("nobody listens there");
        };
        assert!(why.contains("refused") && !why.contains("hush"), "{why}");
        let Err(Handed::Later(why)) = exchange(written("hush"), limit).await else {
            panic!("that is no address");
        };
        assert!(!why.contains("hush"), "{why}");
    }

    #[tokio::test]
    async fn a_server_that_takes_and_never_answers_leaves_us_unknowing() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hush", server.local_addr().unwrap());
        let limit = Duration::from_millis(300);
        let Err(Handed::Unknown(why)) = exchange(written(&url), limit).await else {
            panic!("it never answers");
        };
        assert!(
            why.starts_with("no answer in time") && !why.contains("hush"),
            "{why}"
        );
        let url = format!("https://{}/hush", server.local_addr().unwrap());
        let asked = tokio::spawn(exchange(written(&url), Duration::from_secs(5)));
        for _ in 0..2 {
            drop(server.accept().await.unwrap());
        }
        let Err(Handed::Away(why)) = asked.await.unwrap() else {
            panic!("no TLS, no hand-over");
        };
        assert!(why.starts_with("no connection"), "{why}");
    }
}
