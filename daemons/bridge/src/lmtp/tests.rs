use super::*;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Keeps in memory, but for those who are refused.
#[derive(Default)]
struct Kept {
    mails: Mutex<Vec<Arrival>>,
    refuses: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Keeper for Kept {
    async fn keep(&self, arrival: &Arrival) -> Result {
        let refuses = self.refuses.lock().unwrap().clone();
        let to = &arrival.message.recipients;
        if to.iter().any(|to| refuses.contains(&to.as_str())) {
            return Err(Failure::retry("the disk is full"));
        }
        self.mails.lock().unwrap().push(arrival.clone());
        Ok(())
    }
}

struct Talk {
    kept: Arc<Kept>,
    client: DuplexStream,
    stop: CancellationToken,
}

impl Talk {
    fn begin() -> Self {
        Self::with(1000)
    }

    fn with(most: u64) -> Self {
        let kept = Arc::new(Kept::default());
        let desk = Arc::new(Desk::new(kept.clone(), most));
        let (client, server) = tokio::io::duplex(100_000);
        let stop = CancellationToken::new();
        tokio::spawn(serve(server, desk, stop.clone()));
        Self { kept, client, stop }
    }

    /// Says all this at once and gives the codes of the answers until the connection ended.
    async fn says(mut self, lines: &str) -> (Vec<String>, Arc<Kept>) {
        self.client.write_all(lines.as_bytes()).await.unwrap();
        let mut said = String::new();
        self.client.read_to_string(&mut said).await.unwrap();
        let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
        let codes = said.lines().filter(last).map(|line| {
            let words: Vec<&str> = line.split(' ').take(2).collect();
            words.join(" ")
        });
        (codes.collect(), self.kept)
    }
}

const BEGIN: &str = "LHLO mail.example.org\r\nMAIL FROM:<pelsa@example.org>\r\n";
const OURS: &str = "RCPT TO:<lapor@kentongan.example>\r\n";

#[tokio::test]
async fn a_mail_for_two_is_two_messages_with_an_answer_each() {
    let talk = Talk::begin();
    *talk.kept.refuses.lock().unwrap() = vec!["later@kentongan.example"];
    let both = format!("{OURS}RCPT TO:<later@kentongan.example>\r\n");
    let forward = "XFORWARD ADDR=192.0.2.7 HELO=mail.example.org\r\n";
    let mail = "DATA\r\nSubject: a\r\n\r\nU MC SP 4\r\n..\r\n.\r\n";
    let lines = format!("LHLO a\r\n{forward}MAIL FROM:<pelsa@example.org>\r\n{both}{mail}QUIT\r\n");
    let (codes, kept) = talk.says(&lines).await;
    let want = "220 kentongan|250 SMTPUTF8|250 2.0.0|250 2.1.0|250 2.1.5|250 2.1.5|354 end|\
                250 2.0.0|451 4.3.0|221 2.0.0";
    assert_eq!(codes.join("|"), want);
    let mails = kept.mails.lock().unwrap();
    assert_eq!(mails.len(), 1);
    let message = &mails[0].message;
    assert_eq!(mails[0].raw, b"Subject: a\r\n\r\nU MC SP 4\r\n.\r\n");
    assert_eq!(message.recipients, ["lapor@kentongan.example"]);
    assert_eq!(message.sender.as_deref(), Some("pelsa@example.org"));
    assert_eq!(message.client_ip, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(message.client_name.as_deref(), Some("mail.example.org"));
}

#[tokio::test]
async fn the_same_mail_again_is_the_same_message_and_the_client_of_another_is_forgotten() {
    let talk = Talk::begin();
    let mail = format!("MAIL FROM:<>\r\n{OURS}DATA\r\nSubject: a\r\n\r\nU\r\n.\r\n");
    let lines = format!("LHLO a\r\nXFORWARD ADDR=192.0.2.7\r\n{mail}{mail}QUIT\r\n");
    let (_, kept) = talk.says(&lines).await;
    let mails = kept.mails.lock().unwrap();
    assert_eq!(mails[0].id, mails[1].id);
    assert_eq!(mails[0].message.sender.as_deref(), Some(""));
    assert!(mails[0].message.client_ip.is_some());
    assert_eq!(mails[1].message.client_ip, None);
}

#[tokio::test]
async fn what_is_too_large_or_empty_is_refused_for_good_and_the_next_mail_taken() {
    let large = "a".repeat(2000);
    let lines = format!(
        "LHLO a\r\nMAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b>\r\n{OURS}DATA\r\n{large}\r\n.\r\n\
         MAIL FROM:<a@b>\r\n{OURS}DATA\r\n\r\n.\r\n\
         MAIL FROM:<a@b>\r\n{OURS}DATA\r\nSubject: a\r\n\r\nU\r\n.\r\nQUIT\r\n"
    );
    let (codes, kept) = Talk::begin().says(&lines).await;
    let of = |code: &str| codes.iter().filter(|c| *c == code).count();
    assert_eq!((of("552 5.3.4"), of("554 5.6.0")), (2, 1), "{codes:?}");
    assert_eq!(kept.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let lines = format!(
        "MAIL FROM:<a@b>\r\nDATA\r\nLHLO a\r\n{OURS}DATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n\
         XFORWARD ADDR=192.0.2.7\r\nDATA\r\nRSET\r\n{OURS}QUIT\r\n"
    );
    let (codes, _) = Talk::begin().says(&lines).await;
    let want = "220 kentongan|503 5.5.1|503 5.5.1|250 SMTPUTF8|503 5.5.1|503 5.5.1|250 2.1.0|\
                503 5.5.1|503 5.5.1|503 5.5.1|250 2.0.0|503 5.5.1|221 2.0.0";
    assert_eq!(codes.join("|"), want);
}

#[tokio::test]
async fn a_bare_line_feed_ends_the_connection_so_that_nothing_behind_it_is_obeyed() {
    let lines = format!("{BEGIN}{OURS}NOOP\nDATA\r\nSubject: a\r\n\r\nU\r\n.\r\nQUIT\r\n");
    let (codes, kept) = Talk::begin().says(&lines).await;
    assert_eq!(codes.last().unwrap(), "500 5.5.2");
    assert!(kept.mails.lock().unwrap().is_empty());
    // Within a mail it is a byte like others.
    let mail = "DATA\r\nSubject: a\r\n\r\nU\n.\nMAIL FROM:<x@y>\n.\r\n\r\n.\r\nQUIT\r\n";
    let (codes, kept) = Talk::begin().says(&format!("{BEGIN}{OURS}{mail}")).await;
    assert_eq!(codes.last().unwrap(), "221 2.0.0");
    let mails = kept.mails.lock().unwrap();
    let raw = b"Subject: a\r\n\r\nU\n.\nMAIL FROM:<x@y>\n.\r\n\r\n";
    assert_eq!((mails.len(), mails[0].raw.as_slice()), (1, raw.as_slice()));
}

#[tokio::test]
async fn rubbish_is_answered_for_a_while() {
    let long = "A".repeat(5000);
    let (codes, _) = Talk::begin().says(&format!("{long}\r\nQUIT\r\n")).await;
    assert_eq!(codes, ["220 kentongan", "500 5.5.2", "221 2.0.0"]);
    let (codes, _) = Talk::begin().says(&"GET / HTTP/1.1\r\n".repeat(100)).await;
    assert_eq!(codes.last().unwrap(), "421 4.7.0");
    assert!(codes.len() < 30);
    let many = OURS.repeat(101);
    let (codes, _) = Talk::begin().says(&format!("{BEGIN}{many}QUIT\r\n")).await;
    assert_eq!(codes[codes.len() - 2], "452 4.5.3");
}

#[tokio::test]
async fn a_mail_that_breaks_off_is_not_kept() {
    let mut talk = Talk::begin();
    let lines = format!("{BEGIN}{OURS}DATA\r\nSubject: a\r\n\r\nU MC");
    talk.client.write_all(lines.as_bytes()).await.unwrap();
    talk.client.shutdown().await.unwrap();
    let mut said = String::new();
    talk.client.read_to_string(&mut said).await.unwrap();
    assert!(said.ends_with("354 end with a lone dot\r\n"), "{said}");
    assert!(talk.kept.mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whoever_waits_is_told_of_the_stop() {
    let talk = Talk::begin();
    talk.stop.cancel();
    let (codes, _) = talk.says("").await;
    assert_eq!(codes, ["220 kentongan", "421 4.3.2"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_silent_is_left() {
    let (codes, _) = Talk::begin().says("LHLO a\r\n").await;
    assert_eq!(codes.last().unwrap(), "421 4.4.2");
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let desk = Arc::new(Desk {
        connections: Arc::new(Semaphore::new(0)),
        ..Desk::new(Arc::new(Kept::default()), 1000)
    });
    let (mut client, server) = tokio::io::duplex(1000);
    serve(server, desk, CancellationToken::new()).await;
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("421 4.3.2"), "{said}");
}
