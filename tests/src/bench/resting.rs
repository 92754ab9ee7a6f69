//! Daemons at their start and without work; mails.

use super::Size;
use super::figures::Figures;
use super::stage::Stage;
use common::envelope::Envelope;
use common::messages::EmailInput;
use jiff::Timestamp;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use uuid::Uuid;

/// Long enough for everything that a daemon does at its start.
const SETTLED: Duration = Duration::from_secs(3);

/// From start to ready, and memory while there is nothing to do.
pub async fn start(stage: &Stage, figures: &mut Figures) {
    for name in ["processor", "mailer"] {
        // The first start reads the program from the disk.
        drop(stage.start(name));
        let daemon = stage.start(name);
        let ready = daemon.ready.as_secs_f64() * 1e3;
        figures.add(format!("{name}: start to ready"), ready, "ms", "under 300");
        sleep(SETTLED).await;
        figures.add(
            format!("{name}: memory, idle"),
            daemon.memory().0,
            "MB",
            "under 15",
        );
        let private = format!("{name}: of it private, not pages of the program");
        figures.add(private, daemon.private(), "MB", "");
    }
}

/// Mails of 20 kB with two commands each.
pub async fn mails(stage: &Stage, size: &Size, figures: &mut Figures) {
    stage.sweep().await;
    let daemon = stage.start("processor");
    let mut envelopes = Vec::new();
    for n in 0..size.mails {
        let blob = format!("bench/{n}");
        let file = stage.blobs().join(&blob);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, mail(n)).expect("a mail");
        let arrived = EmailInput {
            blob,
            recipients: vec!["lapor@kentongan.example".into()],
            sender: Some("vet@example.org".into()),
            received_at: Timestamp::now(),
            verdicts: None,
            client_ip: None,
            client_name: None,
            confirmed: None,
        };
        envelopes.push(Envelope::first(Uuid::now_v7(), &arrived, Timestamp::now()));
    }
    let (processor, database) = (daemon.cpu(), stage.database_cpu());
    let since = Instant::now();
    stage.put("email-input", &envelopes).await;
    while stage.on_queue("email-input").await > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    let count = size.mails as f64;
    let took = since.elapsed().as_secs_f64();
    figures.add("mails of 20 kB end to end", count / took, "per second", "");
    figures.add(
        "processor's CPU for a mail of 20 kB",
        (daemon.cpu() - processor) * 1e6 / count,
        "us",
        "",
    );
    figures.add(
        "PostgreSQL's CPU for such a mail",
        (stage.database_cpu() - database) * 1e6 / count,
        "us",
        "",
    );
    figures.add(
        "processor's memory after mails",
        daemon.memory().0,
        "MB",
        "under 60",
    );
    let done = stage
        .texts("SELECT outcome || ' ' || count(*) FROM mail GROUP BY outcome")
        .await;
    figures
        .machine
        .push(("mails decided as".into(), done.join(", ")));
}

/// A mail with two commands and a long tail, as phones and offices write them.
fn mail(n: usize) -> String {
    let mut mail = format!(
        "Authentication-Results: mail.kentongan.example;\r\n dmarc=pass (p=none) header.from=example.org;\r\n \
         dkim=pass header.d=example.org header.s=s1\r\n\
         From: Dokter Hewan <vet@example.org>\r\nTo: lapor@kentongan.example\r\nSubject: Laporan {n}\r\n\
         Date: Fri, 20 Nov 2026 08:14:07 +0700\r\nMessage-ID: <{n}.bench@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         U MC,DM SP {}\r\nCKT kembung\r\n\r\n",
        n + 1
    );
    while mail.len() < 20_000 {
        // Writing to a string cannot fail.
        let _ = write!(
            mail,
            "Sapi itu mencret sejak kemarin =E2=80=93 dua demam; rumahnya di samping balai desa.\r\n"
        );
    }
    mail
}
