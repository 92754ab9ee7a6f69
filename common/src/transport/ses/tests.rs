//! A small server that answers as SES does, or does not answer.

use super::*;
use crate::Verdict;
use crate::transport::suite;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sesv2::config::{Credentials, SharedCredentialsProvider};
use base64::Engine;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Does {
    /// Answers with status, error code (empty: none) and body.
    Says(u16, &'static str, &'static str),
    /// Takes the request and closes.
    Cuts,
    /// Takes the request and never answers.
    Sleeps,
}

struct Fake {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, does, seen.clone()));
            }
        });
        Self { port, requests }
    }

    fn ses(&self) -> Ses {
        let timeouts = aws_config::timeout::TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_millis(500))
            .build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-southeast-3"))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "key", "secret", None, None, "test",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .timeout_config(timeouts)
            .build();
        Ses::new(&config, Some("kentongan".into()))
    }

    fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, does: Does, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
            _ => return,
        }
    }
    seen.lock()
        .unwrap()
        .push(String::from_utf8_lossy(&request).into_owned());
    match does {
        Does::Cuts => {}
        Does::Sleeps => std::future::pending().await,
        Does::Says(status, code, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} x\r\nx-amzn-errortype: {code}\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
    let length = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn mail() -> Finished {
    Finished {
        message_id: "0123abc.token@kentongan.example".into(),
        raw: b"Subject: x\r\n\r\nHalo\r\n".to_vec(),
        ..suite::mail(1)
    }
}

/// The raw mail of a call that sends one; the suite's probe asks for the account instead.
fn raw(request: &str) -> Option<Vec<u8>> {
    let (_, body) = request.split_once("\r\n\r\n")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let raw = body["Content"]["Raw"]["Data"].as_str()?;
    base64::engine::general_purpose::STANDARD.decode(raw).ok()
}

#[tokio::test]
async fn passes_the_suite_of_all_transports() {
    // One body that answers both calls.
    let both = r#"{"MessageId":"0102-abc","SendingEnabled":true}"#;
    let fake = Fake::start(Does::Says(200, "", both)).await;
    let mut away = Fake::start(Does::Cuts).await;
    away.port = free_port().await;
    let arrived = || {
        fake.requests
            .lock()
            .unwrap()
            .iter()
            .filter_map(|r| raw(r))
            .collect()
    };
    suite::passes(&fake.ses(), arrived, &away.ses()).await;
}

/// Nobody listens there any more.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_mail_is_sent_raw_with_its_set_and_tag() {
    let fake = Fake::start(Does::Says(200, "", r#"{"MessageId":"0102-abc"}"#)).await;
    let sent = Outcome::Sent {
        provider_id: Some("0102-abc".into()),
    };
    assert_eq!(fake.ses().deliver(&mail(), suite::time()).await, sent);
    let request = fake.requests.lock().unwrap()[0].clone();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    // Base64 of the bytes above.
    assert_eq!(
        body["Content"]["Raw"]["Data"],
        "U3ViamVjdDogeA0KDQpIYWxvDQo="
    );
    assert_eq!(body["ConfigurationSetName"], "kentongan");
    assert_eq!(body["EmailTags"][0]["Value"], "0123abc");
    assert_eq!(body["Destination"]["ToAddresses"][0], "siti@dinas.example");
}

#[tokio::test]
async fn what_ses_refuses_is_refused_waited_for_or_tried_again() {
    let wait = Some(Verdict::Wait(Dependency::Mail));
    let retry = Some(Verdict::Retry { after: None });
    for (status, code, message, verdict) in [
        (400, "MessageRejected", "has a virus", None),
        (400, "BadRequestException", "no such header", None),
        (
            400,
            "MessageRejected",
            "Email address is not verified: siti@dinas.example",
            retry,
        ),
        (400, "MailFromDomainNotVerifiedException", "", wait.clone()),
        (400, "SendingPausedException", "", wait.clone()),
        (400, "AccountSuspendedException", "", wait.clone()),
        (400, "LimitExceededException", "", wait.clone()),
        (404, "NotFoundException", "no such set", wait.clone()),
        (429, "TooManyRequestsException", "", wait.clone()),
        (403, "AccessDeniedException", "", wait.clone()),
        (403, "ExpiredTokenException", "", wait.clone()),
        (503, "ServiceUnavailable", "", wait.clone()),
    ] {
        let body: &'static str = Box::leak(format!(r#"{{"message":"{message}"}}"#).into());
        let fake = Fake::start(Does::Says(status, code, body)).await;
        match (fake.ses().deliver(&mail(), suite::time()).await, verdict) {
            (Outcome::Refused { reason }, None) => assert!(!reason.contains('@'), "{reason}"),
            (Outcome::NotSent(failure), Some(verdict)) => {
                assert_eq!(failure.verdict, verdict, "{code}");
                assert!(!failure.cause.contains('@'), "{failure}");
            }
            (outcome, _) => panic!("{code}: {outcome:?}"),
        }
        assert_eq!(fake.count(), 1, "{code}: sent once, whatever came of it");
    }
}

#[tokio::test]
async fn q30_silence_after_the_request_is_unknown_and_is_not_repeated_here() {
    for does in [
        Does::Cuts,
        Does::Sleeps,
        Does::Says(500, "InternalFailure", "{}"),
        Does::Says(200, "", "no json"),
    ] {
        let fake = Fake::start(does).await;
        let mut ses = fake.ses();
        ses.patience = Some(Duration::from_millis(500));
        let outcome = ses.deliver(&mail(), suite::time()).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        assert_eq!(fake.count(), 1);
    }
}

#[tokio::test]
async fn q30_a_call_that_takes_too_long_is_unknown() {
    let fake = Fake::start(Does::Sleeps).await;
    let time = Time {
        limit: Duration::from_millis(100),
        ..suite::time()
    };
    let outcome = fake.ses().deliver(&mail(), time).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn m22_a_mail_that_ses_would_not_take_is_refused_before_it_is_sent() {
    let fake = Fake::start(Does::Cuts).await;
    let mut mail = mail();
    mail.raw = vec![b'x'; MOST_BYTES + 1];
    let outcome = fake.ses().deliver(&mail, suite::time()).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn the_quota_comes_from_the_account_where_it_tells() {
    let account = r#"{"SendingEnabled":true,
        "SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":17}}"#;
    let fake = Fake::start(Does::Says(200, "", account)).await;
    let quota = Quota {
        per_second: 14.0,
        per_day: 50000.0,
        sent_today: 17.0,
    };
    assert_eq!(fake.ses().quota().await, Ok(Some(quota)));
    assert_eq!(fake.ses().probe().await, Ok(()));
    for (status, code) in [(404, "NotFound"), (403, "AccessDeniedException")] {
        let fake = Fake::start(Does::Says(status, code, "{}")).await;
        assert_eq!(fake.ses().quota().await, Ok(None), "{code}");
    }
    let paused = Fake::start(Does::Says(200, "", r#"{"SendingEnabled":false}"#)).await;
    let failure = paused.ses().probe().await.unwrap_err();
    assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail));
}
