//! The AWS home: calls on SQS, counted by a proxy before the stand-in. Its speed says nothing, as the
//! stand-in is far slower than our daemons.

use super::Size;
use super::figures::Figures;
use super::officers;
use super::stage::Stage;
use crate::servers::ministack::Ministack;
use crate::servers::proxy::Proxy;
use common::envelope::Envelope;
use common::queue::{BATCH, Entry, Queue, all_done};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Queues that the processor takes from.
const QUEUES: f64 = 2.0;

/// Calls for a text and hop, under load and without work.
pub async fn calls(stage: &Stage, size: &Size, figures: &mut Figures) {
    stage.sweep().await;
    let server = Ministack::start();
    let proxy = Proxy::before(server.port).await;
    let (queue, daemon) = stage.start_on_sqs(&server, &proxy).await;
    fill(&queue, 0..20, size.officers).await;
    until_decided(stage, 20).await;
    proxy.forget();
    let cpu = daemon.cpu();
    fill(&queue, 20..20 + size.sqs, size.officers).await;
    until_decided(stage, 20 + size.sqs).await;
    while stage.number("SELECT count(*) FROM outbox").await > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_secs(1)).await;
    let count = size.sqs as f64;
    let each = |calls: usize| calls as f64 / count;
    figures.add(
        "SQS: calls for a text and hop",
        each(proxy.count("")),
        "",
        "0.35 or fewer",
    );
    for call in ["ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"] {
        figures.add(
            format!("SQS: of these {call}"),
            each(proxy.count(call)),
            "",
            "0.10",
        );
    }
    figures.add(
        "SQS: processor's CPU for a text",
        (daemon.cpu() - cpu) * 1e6 / count,
        "us",
        "",
    );
    figures.add(
        "SQS: processor's memory under load",
        daemon.memory().0,
        "MB",
        "under 60",
    );
    if size.idle_s > 0 {
        // The polls that are under way end first.
        sleep(Duration::from_secs(21)).await;
        proxy.forget();
        sleep(Duration::from_secs(size.idle_s)).await;
        let calls = proxy.count("") as f64 / QUEUES * 60.0 / size.idle_s as f64;
        figures.add(
            "SQS: idle calls for a queue",
            calls,
            "per minute",
            "3 or fewer",
        );
    }
}

/// Straight to the stand-in, so that our own calls are not counted.
async fn fill(queue: &dyn Queue, texts: std::ops::Range<usize>, officers: usize) {
    let entry = |n: usize| {
        let text = officers::quiet_text(n, officers);
        let envelope = Envelope::first(Uuid::now_v7(), &text, Timestamp::now());
        Entry {
            id: envelope.id,
            body: envelope.to_json(),
            delay: Duration::ZERO,
        }
    };
    let entries: Vec<Entry> = texts.map(entry).collect();
    for batch in entries.chunks(BATCH) {
        let sent = queue.send("text-input", batch).await.and_then(all_done);
        sent.expect("the texts are sent");
    }
}

async fn until_decided(stage: &Stage, count: usize) {
    while stage.decided().await < count {
        sleep(Duration::from_millis(50)).await;
    }
}
