use super::*;
use crate::spool::Spool;
use crate::testing::{channel, place};
use common::db::testing::TestHome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Believes who says `x-right: yes`; each line is a text.
struct Lines;

impl Webhook for Lines {
    fn greets(&self, asked: &Asked<'_>) -> Greeting {
        match (asked.method, asked.field("who").as_deref()) {
            ("GET", Some("us")) => Greeting::Known(Thanks {
                body: "it is us".into(),
                ..Thanks::default()
            }),
            ("GET", _) => Greeting::Stranger,
            _ => Greeting::None,
        }
    }

    fn proves(&self, asked: &Asked<'_>) -> Proven {
        match asked.header("X-Right") {
            Some("yes") => Proven::Yes,
            Some(_) => Proven::Wrong,
            None => Proven::Missing,
        }
    }

    fn read(&self, asked: &Asked<'_>) -> std::result::Result<Came, String> {
        let all = std::str::from_utf8(asked.body).map_err(|_| "no UTF-8")?;
        let text = |line: &str| CameText {
            from: "+6281234567890".into(),
            text: line.into(),
            id: Some(line.into()),
            at: None,
            part: None,
        };
        Ok(Came {
            texts: all.lines().map(text).collect(),
            ..Came::default()
        })
    }

    fn thanks(&self) -> Thanks {
        Thanks {
            body: "<Thanks/>".into(),
            content_type: "text/xml".into(),
        }
    }
}

struct World {
    place: TestHome,
    at: SocketAddr,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl World {
    /// With room for so many in the spool.
    async fn new(room: usize) -> Self {
        let channel = channel("lines", "");
        let place = place(&[&channel]).await;
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), room).unwrap();
        let port = Arc::new(Port::new(channel, place.home.clone(), spool, "62"));
        let hook = Arc::new(Lines);
        let mut webhooks = Webhooks::new([("lines".to_owned(), Route { hook, port })].into());
        webhooks.slowest = Duration::from_millis(500);
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (at, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(webhooks.serve(listener, stop.clone()));
        Self {
            place,
            at,
            stop,
            _folder: folder,
        }
    }

    /// Status and body of the answer.
    async fn ask(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // It may answer before it has read all, and close.
        let _ = stream.write_all(body).await;
        answer(stream).await
    }

    async fn bring(&self, body: &str) -> u16 {
        self.ask("POST /lines", "x-right: yes\r\n", body.as_bytes())
            .await
            .0
    }

    async fn queued(&self) -> i64 {
        let mut conn = self.place.db.client().await;
        let sql = "SELECT count(DISTINCT id) FROM queue WHERE name LIKE '%-text-input'";
        conn.client().query_one(sql, &[]).await.unwrap().get(0)
    }
}

async fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap_or(0), body.unwrap_or_default())
}

#[tokio::test]
async fn a_request_is_answered_by_what_became_of_it() {
    let world = World::new(10).await;
    let right = "x-right: yes\r\n";
    for (line, headers, body, want) in [
        ("GET /health", "", "", (200, "ok\n")),
        ("POST /lines", right, "satu\ndua", (200, "<Thanks/>")),
        ("POST /lines/", right, "tiga", (200, "<Thanks/>")),
        ("POST /lines", "", "hush", (401, "")),
        ("POST /lines", "x-right: no\r\n", "hush", (403, "")),
        ("POST /lines", right, "\u{fffd}", (200, "<Thanks/>")),
        ("POST /other", right, "hush", (404, "")),
        ("DELETE /lines", right, "hush", (405, "")),
        ("GET /lines?who=us", "", "", (200, "it is us")),
        ("GET /lines?who=me", "", "", (403, "")),
    ] {
        let (status, body) = world.ask(line, headers, body.as_bytes()).await;
        assert_eq!((status, body.as_str()), want, "{line} {headers}");
    }
    let (status, _) = world.ask("POST /lines", right, b"\xff").await;
    assert_eq!(status, 400);
    assert_eq!(world.queued().await, 4);
    assert_eq!(world.bring("satu").await, 200);
    assert_eq!(world.queued().await, 4, "brought again: the same message");
    world.stop.cancel();
}

#[tokio::test]
async fn what_is_too_large_or_too_slow_is_refused() {
    let world = World::new(10).await;
    let large = vec![b'a'; MOST * 10];
    let (status, _) = world.ask("POST /lines", "x-right: yes\r\n", &large).await;
    // The connection may be cut before its answer is read: it is refused all the same.
    assert!([413, 0].contains(&status), "{status}");
    let (status, _) = world
        .ask("POST /lines", "x-right: yes\r\n", &large[..MOST])
        .await;
    assert_eq!(status, 200);
    let mut slow = TcpStream::connect(world.at).await.unwrap();
    let head = b"POST /lines HTTP/1.1\r\nhost: x\r\nx-right: yes\r\nconnection: close\r\ncontent-length: 9\r\n\r\nhal";
    slow.write_all(head).await.unwrap();
    assert_eq!(answer(slow).await.0, 408);
    assert_eq!(world.queued().await, 1);
}

#[tokio::test]
async fn q13_what_cannot_be_taken_must_be_brought_again() {
    let world = World::new(1).await;
    world
        .place
        .db
        .run("ALTER TABLE queue RENAME TO queue_away")
        .await;
    assert_eq!(world.bring("satu").await, 200, "the spool has it");
    assert_eq!(world.bring("dua").await, 503);
    world
        .place
        .db
        .run("ALTER TABLE queue_away RENAME TO queue")
        .await;
    assert_eq!(world.queued().await, 0);
}

#[tokio::test]
async fn a_refusal_is_told_once_in_a_while() {
    let world = Webhooks::new(BTreeMap::new());
    assert!(world.may_tell("a", "forged"));
    assert!(!world.may_tell("a", "forged"));
    assert!(world.may_tell("a", "slow") && world.may_tell("b", "forged"));
}
