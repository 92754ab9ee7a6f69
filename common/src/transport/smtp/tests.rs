//! A small server that speaks SMTP and misbehaves at the stage that a test names.

use super::*;
use crate::Verdict;
use crate::transport::suite;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does when it reads a command that begins so.
#[derive(Clone, Copy)]
enum Quirk {
    None,
    /// Answers this instead.
    Says(&'static str, &'static str),
    /// Closes the connection.
    Cuts(&'static str),
    /// Never answers.
    Sleeps(&'static str),
}

#[derive(Default)]
struct Log {
    mails: Vec<String>,
    commands: Vec<String>,
    connections: usize,
}

struct Fake {
    port: u16,
    log: Arc<Mutex<Log>>,
}

impl Fake {
    async fn start(quirk: Quirk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Log::default()));
        let seen = log.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, quirk, seen.clone()));
            }
        });
        Self { port, log }
    }

    fn smtp(&self, tls: SmtpTls) -> Smtp {
        let server = Server {
            host: "127.0.0.1".into(),
            port: self.port,
            tls,
            login: None,
            connections: 2,
            timeout: Duration::from_millis(400),
        };
        Smtp::open(server, "kentongan.example", "lapor@kentongan.example").unwrap()
    }

    fn mails(&self) -> usize {
        self.log.lock().unwrap().mails.len()
    }
}

async fn serve(stream: TcpStream, quirk: Quirk, log: Arc<Mutex<Log>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 fake ESMTP\r\n").await?;
    let mut mail = None::<String>;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = match (&mut mail, line.trim_end()) {
            (Some(_), ".") => {
                log.lock().unwrap().mails.extend(mail.take());
                "."
            }
            (Some(text), _) => {
                text.push_str(&line);
                continue;
            }
            (None, word) => word,
        };
        log.lock().unwrap().commands.push(word.to_owned());
        let says = match quirk {
            Quirk::Says(at, says) if word.starts_with(at) => says,
            Quirk::Cuts(at) if word.starts_with(at) => return Ok(()),
            Quirk::Sleeps(at) if word.starts_with(at) => std::future::pending().await,
            _ if word == "." => "250 2.0.0 Ok: queued as 4F2A",
            _ if word.starts_with("EHLO") => "250-fake\r\n250 8BITMIME",
            _ if word == "DATA" => {
                mail = Some(String::new());
                "354 go on"
            }
            _ if word == "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{says}\r\n").as_bytes()).await?;
    }
}

fn mail() -> Finished {
    Finished {
        raw: b"Subject: x\r\n\r\nHalo\r\n.titik\r\n".to_vec(),
        ..suite::mail(1)
    }
}

/// Nobody listens there any more.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn passes_the_suite_of_all_transports() {
    let fake = Fake::start(Quirk::None).await;
    let (port, log) = (free_port().await, Arc::default());
    let away = Fake { port, log }.smtp(SmtpTls::None);
    // lettre ends a mail with one more line end; RFC 5321 lets it.
    let mail = |text: &String| text.trim_end().to_owned() + "\r\n";
    let arrived = || {
        let log = fake.log.lock().unwrap();
        log.mails.iter().map(mail).map(String::into_bytes).collect()
    };
    suite::passes(&fake.smtp(SmtpTls::None), arrived, &away).await;
}

async fn outcome(quirk: Quirk) -> Outcome {
    let fake = Fake::start(quirk).await;
    fake.smtp(SmtpTls::None)
        .deliver(&mail(), suite::time())
        .await
}

#[tokio::test]
async fn a_mail_is_handed_over_whole_and_the_connection_is_used_again() {
    let fake = Fake::start(Quirk::None).await;
    let smtp = fake.smtp(SmtpTls::None);
    smtp.probe().await.unwrap();
    for _ in 0..3 {
        let sent = Outcome::Sent {
            provider_id: Some("4F2A".into()),
        };
        assert_eq!(smtp.deliver(&mail(), suite::time()).await, sent);
    }
    let log = fake.log.lock().unwrap();
    assert_eq!(log.connections, 1);
    // A line that begins with a dot is doubled on the way (RFC 5321, section 4.5.2).
    assert!(log.mails[2].starts_with("Subject: x\r\n\r\nHalo\r\n..titik\r\n"));
    assert!(log.commands.contains(&"EHLO kentongan.example".to_owned()));
    assert!(
        log.commands
            .contains(&"MAIL FROM:<lapor@kentongan.example>".to_owned())
    );
    assert!(
        log.commands
            .contains(&"RCPT TO:<siti@dinas.example>".to_owned())
    );
}

#[tokio::test]
async fn a_refusal_of_the_receiver_or_the_mail_is_final() {
    for (at, says) in [
        ("RCPT", "550 5.1.1 <siti@dinas.example>: no such user"),
        ("DATA", "554 5.7.1 no"),
        (".", "552 5.3.4 too big"),
    ] {
        let Outcome::Refused { reason } = outcome(Quirk::Says(at, says)).await else {
            panic!("{at}: not refused");
        };
        assert!(!reason.contains("siti"), "{reason}");
        assert!(reason.contains(&says[..3]), "{reason}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_concerns_all_mail_is_waited_for() {
    let retry = Verdict::Retry { after: None };
    let wait = Verdict::Wait(Dependency::Mail);
    for (at, says, verdict) in [
        ("RCPT", "450 4.2.0 greylisted", &retry),
        ("DATA", "451 4.3.0 later", &retry),
        (".", "452 4.3.1 full", &retry),
        ("RCPT", "421 4.3.2 going down", &wait),
        ("MAIL", "451 4.3.0 later", &wait),
        ("MAIL", "550 5.7.1 not from you", &wait),
        ("RCPT", "530 5.7.0 log in first", &wait),
        ("EHLO", "554 5.7.1 go away", &wait),
    ] {
        let Outcome::NotSent(failure) = outcome(Quirk::Says(at, says)).await else {
            panic!("{at} {says}: not held back");
        };
        assert_eq!(&failure.verdict, verdict, "{at} {says}");
    }
}

#[tokio::test]
async fn q30_only_silence_after_the_mail_is_unknown() {
    for at in ["EHLO", "MAIL", "RCPT", "DATA"] {
        for quirk in [Quirk::Cuts(at), Quirk::Sleeps(at)] {
            let Outcome::NotSent(failure) = outcome(quirk).await else {
                panic!("{at}: nothing was sent before the mail");
            };
            assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail), "{at}");
        }
    }
    for quirk in [
        Quirk::Cuts("."),
        Quirk::Sleeps("."),
        Quirk::Says(".", "strange"),
    ] {
        let outcome = outcome(quirk).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn q30_time_that_ends_before_the_mail_means_not_sent_and_after_it_unknown() {
    let short = Duration::from_millis(50);
    let fake = Fake::start(Quirk::Sleeps("RCPT")).await;
    let time = Time {
        begin_by: tokio::time::Instant::now() + short,
        ..suite::time()
    };
    let Outcome::NotSent(failure) = fake.smtp(SmtpTls::None).deliver(&mail(), time).await else {
        panic!("nothing was sent");
    };
    assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail));
    let fake = Fake::start(Quirk::Sleeps(".")).await;
    let time = Time {
        limit: short,
        ..suite::time()
    };
    let Outcome::Unknown { reason } = fake.smtp(SmtpTls::None).deliver(&mail(), time).await else {
        panic!("nobody knows");
    };
    assert!(reason.contains("50ms"), "{reason}");
}

#[tokio::test]
async fn there_are_as_many_turns_as_connections() {
    let fake = Fake::start(Quirk::None).await;
    let smtp = fake.smtp(SmtpTls::None);
    let (first, _second) = (smtp.turn().await, smtp.turn().await);
    let third = tokio::time::timeout(Duration::from_millis(20), smtp.turn());
    assert!(third.await.is_err());
    drop(first);
    smtp.turn().await;
}

#[tokio::test]
async fn a_probe_finds_out_whether_our_mail_is_taken() {
    for says in ["451 4.3.0 later", "550 5.7.1 not from you"] {
        let fake = Fake::start(Quirk::Says("MAIL", says)).await;
        let failure = fake.smtp(SmtpTls::None).probe().await.unwrap_err();
        assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail), "{says}");
    }
    let fake = Fake::start(Quirk::None).await;
    fake.smtp(SmtpTls::None).probe().await.unwrap();
    let log = fake.log.lock().unwrap();
    let asked: Vec<&str> = log.commands.iter().map(String::as_str).collect();
    let begun = "MAIL FROM:<lapor@kentongan.example>";
    assert_eq!(asked, ["EHLO kentongan.example", begun, "RSET"]);
}

#[tokio::test]
async fn nothing_goes_in_the_clear_where_starttls_is_asked_for() {
    let fake = Fake::start(Quirk::None).await;
    let smtp = fake.smtp(SmtpTls::Starttls);
    let Outcome::NotSent(failure) = smtp.deliver(&mail(), suite::time()).await else {
        panic!("sent in the clear");
    };
    assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail));
    assert!(failure.cause.contains("STARTTLS"), "{failure}");
    assert!(smtp.probe().await.is_err());
    assert_eq!(fake.mails(), 0);
    let log = fake.log.lock().unwrap();
    assert!(!log.commands.iter().any(|c| c.starts_with("MAIL")));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let fake = Fake::start(Quirk::Cuts("NOOP")).await;
    let smtp = fake.smtp(SmtpTls::None);
    for _ in 0..3 {
        assert!(matches!(
            smtp.deliver(&mail(), suite::time()).await,
            Outcome::Sent { .. }
        ));
    }
    assert_eq!(fake.mails(), 3);
    assert_eq!(fake.log.lock().unwrap().connections, 3);
}

#[test]
fn a_password_never_goes_to_another_machine_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    for (host, tls, fine) in [
        ("mail.example", SmtpTls::None, false),
        ("mail.example", SmtpTls::Starttls, true),
        ("127.0.0.1", SmtpTls::None, true),
    ] {
        let server = Server {
            host: host.into(),
            port: 25,
            tls,
            login: Some(("user".into(), file.clone())),
            connections: 1,
            timeout: Duration::from_secs(1),
        };
        assert_eq!(
            Smtp::open(server, "x.example", "us@x.example").is_ok(),
            fine,
            "{host}"
        );
    }
}
