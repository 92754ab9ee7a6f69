//! Texts end to end on one box: how many, how fast, at what cost.

use super::Size;
use super::figures::{Figures, quantile};
use super::officers;
use super::process::Daemon;
use super::stage::Stage;
use common::db::notices::{self, Notice};
use common::envelope::Envelope;
use common::messages::{TextInput, TextOutput};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use uuid::Uuid;

/// Texts that may wait on the queue; more would measure the queue's length.
const AHEAD: usize = 3_000;

/// Texts that the load generator hands over at once.
const CHUNK: usize = 250;

/// A run's texts per second and what each cost.
pub(super) struct Run {
    pub per_second: f64,
    pub processor_us: f64,
    pub database_us: f64,
}

/// As fast as it goes.
pub async fn speed(stage: &Stage, size: &Size, figures: &mut Figures) {
    let daemon = stage.start("processor");
    // Plans, caches and connections are there after this.
    run(stage, &daemon, size, 0..2_000).await;
    stage.sweep().await;
    let run = run(stage, &daemon, size, 2_000..2_000 + size.texts).await;
    figures.add(
        "texts end to end",
        run.per_second,
        "per second",
        "1500, better 5400",
    );
    figures.add("processor's CPU for a text", run.processor_us, "us", "");
    figures.add("PostgreSQL's CPU for a text", run.database_us, "us", "");
    let (now, most) = daemon.memory();
    figures.add("processor's memory under load", now, "MB", "under 60");
    figures.add("processor's memory at most", most, "MB", "under 60");
    let outcomes =
        "SELECT outcome || ' ' || count(*) FROM message GROUP BY outcome ORDER BY count(*) DESC";
    figures.machine.push((
        "texts decided as".into(),
        stage.texts(outcomes).await.join(", "),
    ));
    figures
        .machine
        .push(("texts are".into(), officers::MIX.into()));
    let told = stage.number("SELECT count(*) FROM alert").await;
    figures.add(
        "texts to others for a text",
        told as f64 / size.texts as f64,
        "",
        "",
    );
    if size.long > 0 {
        long(stage, &daemon, size, figures).await;
    }
}

/// Memory after very many texts.
async fn long(stage: &Stage, daemon: &Daemon, size: &Size, figures: &mut Figures) {
    let from = 2_000 + size.texts;
    let half = size.long / 2;
    let first = run(stage, daemon, size, from..from + half).await;
    figures.add(
        format!("texts end to end, after {half} more"),
        first.per_second,
        "per second",
        "",
    );
    figures.add(
        format!("processor's memory after {half} more"),
        daemon.memory().0,
        "MB",
        "flat",
    );
    run(stage, daemon, size, from + half..from + size.long).await;
    figures.add(
        format!("processor's memory after {} more", size.long),
        daemon.memory().0,
        "MB",
        "flat",
    );
}

async fn run(stage: &Stage, daemon: &Daemon, size: &Size, texts: std::ops::Range<usize>) -> Run {
    drive(stage, daemon, texts, &|n| officers::text(n, size.officers)).await
}

/// Sends texts as fast as they are decided; `text` writes the `n`th of them.
pub(super) async fn drive(
    stage: &Stage,
    daemon: &Daemon,
    texts: std::ops::Range<usize>,
    text: &dyn Fn(usize) -> TextInput,
) -> Run {
    let count = texts.len();
    let before = stage.decided().await;
    let (processor, database) = (daemon.cpu(), stage.database_cpu());
    let since = Instant::now();
    let mut sent = 0;
    for first in texts.clone().step_by(CHUNK) {
        let last = texts.end.min(first + CHUNK);
        let chunk: Vec<TextInput> = (first..last).map(text).collect();
        stage.send(&chunk).await;
        sent += chunk.len();
        while sent > AHEAD && stage.on_queue("text-input").await > AHEAD - CHUNK {
            sleep(Duration::from_millis(100)).await;
        }
    }
    while stage.on_queue("text-input").await > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    let took = since.elapsed().as_secs_f64();
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    let decided = stage.decided().await - before;
    assert_eq!(decided, count, "every text was decided once");
    Run {
        per_second: count as f64 / took,
        processor_us: each(daemon.cpu() - processor),
        database_us: each(stage.database_cpu() - database),
    }
}

/// From handing a text over to seeing that its answer is on the queue, at 50 in a second.
pub async fn latency(stage: &Stage, size: &Size, figures: &mut Figures) {
    stage.sweep().await;
    let daemon = stage.start("processor");
    let notices = notices::listen(&stage.db);
    let mut heard = notices.subscribe();
    let mut every = tokio::time::interval(Duration::from_millis(20));
    let (mut sent, mut took, mut seen) = (HashMap::new(), Vec::new(), 0);
    let (processor, database) = (daemon.cpu(), stage.database_cpu());
    let count = usize::try_from(size.latency_s * 50).unwrap_or(0);
    let mut n = 0;
    let until = Instant::now() + Duration::from_secs(size.latency_s + 10);
    while took.len() < count && Instant::now() < until {
        tokio::select! {
            _ = every.tick(), if n < count => {
                let text = officers::text(n, size.officers);
                let envelope = Envelope::first(Uuid::now_v7(), &text, jiff::Timestamp::now());
                sent.insert(envelope.id, Instant::now());
                stage.put("text-input", &[envelope]).await;
                n += 1;
            }
            notice = heard.recv() => if let Ok(Notice::Queue(name)) = notice && name.contains("-text-output-") {
                seen = answers(stage, seen, &mut sent, &mut took).await;
            }
        }
    }
    let unanswered = count - took.len();
    let cpu = (daemon.cpu() - processor + stage.database_cpu() - database) / size.latency_s as f64;
    figures.add(
        "answer to a text at 50/s, median",
        quantile(&mut took, 0.5),
        "ms",
        "under 20",
    );
    figures.add(
        "answer to a text at 50/s, 99 of 100",
        quantile(&mut took, 0.99),
        "ms",
        "under 150",
    );
    figures.add("not answered", unanswered as f64, "texts", "0");
    figures.add(
        "CPU of processor and PostgreSQL at 50/s",
        cpu * 100.0,
        "% of a core",
        "",
    );
}

/// Notes how long the texts took whose answers appeared after row `seen`; the last row.
async fn answers(
    stage: &Stage,
    seen: i64,
    sent: &mut HashMap<Uuid, Instant>,
    took: &mut Vec<f64>,
) -> i64 {
    let mut conn = stage.db.connect().await.expect("a connection");
    let sql = "SELECT seq, body FROM queue WHERE seq > $1 AND name LIKE '%-text-output-console' ORDER BY seq";
    let rows = conn.client().query(sql, &[&seen]).await.expect(sql);
    let mut last = seen;
    for row in rows {
        last = row.get(0);
        let envelope = Envelope::open(row.get::<_, &str>(1).as_bytes()).expect("an envelope");
        let text: TextOutput = envelope.message().expect("a text");
        let since = text.in_reply_to.and_then(|id| sent.remove(&id));
        took.extend(since.map(|since| since.elapsed().as_secs_f64() * 1e3));
    }
    last
}
