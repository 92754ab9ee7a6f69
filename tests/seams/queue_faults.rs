//! What SQS and the way to it do at times, and what the queue seam makes of it. A proxy before
//! the stand-in makes the faults.

use common::failure::Dependency;
use common::queue::{
    Ask, Entry, Facts, Queue, REQUESTS, Receipt, Received, Rules, SqsQueue, all_done, dead_name,
};
use common::{Failure, Verdict};
use kentongan_tests::servers::ministack::{self, Ministack};
use kentongan_tests::servers::proxy::{Fault, Proxy};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

const NAME: &str = "text-input";
const WAIT: Verdict = Verdict::Wait(Dependency::Queue);

/// Queues behind a proxy; the same queues without it.
struct Stage {
    proxy: Proxy,
    queue: SqsQueue,
    direct: SqsQueue,
}

async fn stage() -> Stage {
    let upstream = Ministack::shared().port;
    let proxy = Proxy::before(upstream).await;
    let prefix = format!("f{}", &Uuid::new_v4().simple().to_string()[..12]);
    let (queue, direct) = (
        open(proxy.port, &prefix).await,
        open(upstream, &prefix).await,
    );
    direct.create(NAME).await.expect("the queue is made");
    Stage {
        proxy,
        queue,
        direct,
    }
}

async fn open(port: u16, prefix: &str) -> SqsQueue {
    let rules = Rules {
        max_receives: 20,
        lease: Duration::from_secs(60),
    };
    SqsQueue::new(&ministack::sdk_config(port).await, prefix, rules)
}

fn entries(count: usize) -> Vec<Entry> {
    let entry = |n| Entry {
        id: Uuid::now_v7(),
        body: format!("{n}"),
        delay: Duration::ZERO,
    };
    (0..count).map(entry).collect()
}

fn ask(most: usize, wait_s: u64) -> Ask {
    Ask {
        most,
        wait: Duration::from_secs(wait_s),
        lease: Duration::from_secs(60),
    }
}

async fn send(queue: &SqsQueue, count: usize) {
    let sent = queue.send(NAME, &entries(count)).await.and_then(all_done);
    sent.expect("sent");
}

fn receipts(messages: &[Received]) -> Vec<Receipt> {
    messages.iter().map(|m| m.receipt.clone()).collect()
}

impl Stage {
    /// One message that the queue gave out.
    async fn take(&self) -> Vec<Received> {
        self.receive(1, 1).await
    }

    async fn receive(&self, most: usize, wait_s: u64) -> Vec<Received> {
        let got = self.queue.receive(NAME, ask(most, wait_s)).await;
        got.expect("messages")
    }

    async fn delete(&self, messages: &[Received]) {
        let deleted = self.queue.delete(NAME, &receipts(messages)).await;
        deleted.and_then(all_done).expect("deleted");
    }

    /// How much lies there, asked past the proxy.
    async fn facts(&self, name: &str) -> Facts {
        let facts = self.direct.facts(name).await.expect("facts");
        facts.expect("the queue")
    }

    /// Makes the queue's address known, so that the next call is the only one that a fault hits.
    async fn warm(&self) {
        let facts = self.queue.facts(NAME).await;
        facts.expect("the queue's address is known");
    }
}

/// The service as somebody uses it by hand.
async fn by_hand() -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&ministack::sdk_config(Ministack::shared().port).await)
}

#[track_caller]
fn waits<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    let failure = outcome.expect_err("it cannot work");
    assert_eq!(failure.verdict, WAIT, "{failure}");
    failure.cause
}

#[tokio::test]
async fn q17_entries_that_the_service_refused_are_sent_again_and_no_others() {
    let stage = stage().await;
    stage
        .proxy
        .fault("SendMessageBatch", 1, Fault::RefuseEntries(vec![0, 4, 9]));
    let outcomes = stage.queue.send(NAME, &entries(10)).await;
    assert_eq!(outcomes, Ok(vec![Ok(()); 10]));
    assert_eq!(stage.proxy.count("SendMessageBatch"), 2);
    let facts = stage.facts(NAME).await;
    assert_eq!(facts.waiting, 10, "each once");
}

#[tokio::test]
async fn q17_an_entry_that_stays_refused_fails_alone() {
    let stage = stage().await;
    // Whatever remains of the batch, its first entry is refused: three tries are made.
    stage
        .proxy
        .fault("SendMessageBatch", 3, Fault::RefuseEntries(vec![0]));
    let outcomes = stage
        .queue
        .send(NAME, &entries(3))
        .await
        .expect("the call itself works");
    assert_eq!(outcomes[0].as_ref().map_err(|f| &f.verdict), Err(&WAIT));
    assert_eq!(outcomes[1..], [Ok(()), Ok(())]);
    assert_eq!(stage.proxy.count("SendMessageBatch"), 3);
}

#[tokio::test]
async fn q17_a_delete_refused_in_part_is_repeated_for_that_part() {
    let stage = stage().await;
    send(&stage.direct, 5).await;
    let got = stage.receive(5, 1).await;
    stage
        .proxy
        .fault("DeleteMessageBatch", 1, Fault::RefuseEntries(vec![1, 2]));
    stage.proxy.fault(
        "ChangeMessageVisibilityBatch",
        1,
        Fault::RefuseEntries(vec![0]),
    );
    let extended = stage
        .queue
        .extend(NAME, &receipts(&got), Duration::from_secs(90))
        .await;
    extended.and_then(all_done).expect("extended");
    stage.delete(&got).await;
    let facts = stage.facts(NAME).await;
    assert_eq!((facts.waiting, facts.in_flight), (0, 0));
}

#[tokio::test]
async fn q16_one_bad_entry_does_not_fail_its_batch() {
    let stage = stage().await;
    let mut mixed = entries(4);
    mixed[1].body = "raw \u{0}".into();
    mixed[3].body = "x".repeat(1024 * 1024 + 1);
    let outcomes = stage
        .queue
        .send(NAME, &mixed)
        .await
        .expect("the call itself works");
    assert_eq!((&outcomes[0], &outcomes[2]), (&Ok(()), &Ok(())));
    for bad in [&outcomes[1], &outcomes[3]] {
        assert_eq!(
            bad.as_ref().map_err(|f| &f.verdict),
            Err(&Verdict::Quarantine)
        );
    }
}

#[tokio::test]
async fn bodies_that_exceed_a_mebibyte_together_go_in_several_requests() {
    let stage = stage().await;
    let mut large = entries(5);
    large.iter_mut().for_each(|e| e.body = "x".repeat(400_000));
    let sent = stage.queue.send(NAME, &large).await.and_then(all_done);
    sent.expect("sent");
    assert_eq!(stage.proxy.count("SendMessageBatch"), 3);
}

#[tokio::test]
async fn q21_a_poll_that_never_returns_is_cut() {
    let stage = stage().await;
    stage.proxy.fault("ReceiveMessage", 1, Fault::Silence);
    let began = Instant::now();
    let cause = waits(stage.queue.receive(NAME, ask(10, 1)).await);
    assert!(cause.contains("did not return"), "{cause}");
    let took = began.elapsed();
    assert!((5..9).contains(&took.as_secs()), "{took:?}");
    assert_eq!(
        stage.proxy.count("ReceiveMessage"),
        1,
        "not repeated inside"
    );
    // The next poll is as good as ever.
    send(&stage.direct, 1).await;
    assert_eq!(
        stage.queue.receive(NAME, ask(10, 5)).await.map(|m| m.len()),
        Ok(1)
    );
}

#[tokio::test]
async fn q21_an_idle_long_poll_is_not_cut() {
    let stage = stage().await;
    let began = Instant::now();
    let found = stage.receive(10, 20).await;
    assert!(found.is_empty());
    assert!(
        began.elapsed() > Duration::from_secs(18),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(stage.proxy.count("ReceiveMessage"), 1);
}

#[tokio::test]
async fn q21_a_call_that_is_never_answered_is_cut() {
    let stage = stage().await;
    stage.warm().await;
    stage.proxy.fault("SendMessageBatch", 9, Fault::Silence);
    let began = Instant::now();
    waits(stage.queue.send(NAME, &entries(1)).await);
    let took = began.elapsed();
    assert!((9..25).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn q13_an_ill_service_is_waited_for() {
    let stage = stage().await;
    stage.warm().await;
    for (status, code) in [
        (503, "ServiceUnavailable"),
        (500, "InternalFailure"),
        (400, "RequestThrottled"),
        (400, "ThrottlingException"),
        (403, "OverLimit"),
    ] {
        stage.proxy.heal();
        stage
            .proxy
            .fault("Message", 99, Fault::Refuse(status, code));
        waits(stage.queue.receive(NAME, ask(1, 0)).await);
        waits(stage.queue.send(NAME, &entries(1)).await);
        waits(stage.queue.delete(NAME, &[Receipt("r".into())]).await);
    }
}

#[tokio::test]
async fn q22_refused_credentials_are_waited_for_and_named() {
    let stage = stage().await;
    for code in [
        "ExpiredToken",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    ] {
        stage.proxy.heal();
        stage.proxy.fault("", 99, Fault::Refuse(403, code));
        let cause = waits(stage.queue.receive(NAME, ask(1, 0)).await);
        assert!(
            cause.contains("credentials") && cause.contains(code),
            "{cause}"
        );
    }
}

#[tokio::test]
async fn one_lost_answer_is_healed_on_the_spot() {
    let stage = stage().await;
    stage.proxy.fault("SendMessageBatch", 1, Fault::Cut);
    let sent = stage.queue.send(NAME, &entries(2)).await.and_then(all_done);
    sent.expect("sent at the second try");
    stage.proxy.fault(
        "SendMessageBatch",
        1,
        Fault::Refuse(503, "ServiceUnavailable"),
    );
    let sent = stage.queue.send(NAME, &entries(2)).await.and_then(all_done);
    sent.expect("sent at the second try");
    let facts = stage.facts(NAME).await;
    assert_eq!(facts.waiting, 4);
}

#[tokio::test]
async fn a_send_whose_answer_was_lost_may_arrive_twice_but_never_not() {
    let stage = stage().await;
    stage.proxy.fault("SendMessageBatch", 1, Fault::LoseAnswer);
    let sent = stage.queue.send(NAME, &entries(1)).await.and_then(all_done);
    sent.expect("sent at the second try");
    let facts = stage.facts(NAME).await;
    assert_eq!(facts.waiting, 2, "the inbox makes one effect of both");
}

#[tokio::test]
async fn a_service_that_is_away_is_noticed_at_once() {
    let free = kentongan_tests::servers::free_port();
    let queue = open(free, "away").await;
    let began = Instant::now();
    waits(queue.receive(NAME, ask(10, 20)).await);
    waits(queue.facts(NAME).await);
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_message_delivered_twice_is_the_same_message() {
    let stage = stage().await;
    send(&stage.direct, 1).await;
    stage.proxy.fault("ReceiveMessage", 1, Fault::Twice);
    let first = stage.receive(10, 1).await;
    let second = stage.receive(10, 1).await;
    assert_eq!(
        (&first[0].id, &first[0].body),
        (&second[0].id, &second[0].body)
    );
    // The second delete counts as done.
    for outcome in [&first, &second] {
        stage.delete(outcome).await;
    }
}

#[tokio::test]
async fn late_visibility_is_no_lost_message() {
    let stage = stage().await;
    send(&stage.direct, 1).await;
    let got = stage.take().await;
    let late = Fault::Late(Duration::from_secs(2));
    stage.proxy.fault("ChangeMessageVisibilityBatch", 1, late);
    let back = stage
        .queue
        .give_back(NAME, &receipts(&got), Duration::ZERO)
        .await;
    back.and_then(all_done).expect("handed back");
    let again = stage.receive(1, 10).await;
    assert_eq!(again[0].id, got[0].id);
}

#[tokio::test]
async fn q12_a_burial_whose_delete_fails_is_told() {
    let stage = stage().await;
    send(&stage.direct, 1).await;
    let got = stage.take().await;
    stage.proxy.fault(
        "DeleteMessageBatch",
        9,
        Fault::Refuse(503, "ServiceUnavailable"),
    );
    waits(stage.queue.bury(NAME, &got[0], "unknown kind").await);
    stage.proxy.heal();
    stage
        .queue
        .bury(NAME, &got[0], "unknown kind")
        .await
        .expect("buried at last");
    let dead = stage.facts(&dead_name(NAME)).await;
    assert_eq!(
        dead.waiting, 2,
        "twice among the dead rather than not at all"
    );
}

#[tokio::test]
async fn a_missing_queue_is_named_with_its_remedy() {
    let stage = stage().await;
    for failure in [
        stage
            .queue
            .receive("no-such", ask(1, 0))
            .await
            .expect_err("missing"),
        stage
            .queue
            .send("no-such", &entries(1))
            .await
            .expect_err("missing"),
    ] {
        assert!(failure.cause.contains("no-such"), "{failure}");
        assert!(
            failure.cause.contains("kentongan queues create"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn a_queue_removed_while_running_is_noticed_and_found_again() {
    let stage = stage().await;
    send(&stage.queue, 1).await;
    let client = by_hand().await;
    let full = stage.queue.create(NAME).await.expect("found").name;
    let url = client
        .get_queue_url()
        .queue_name(full)
        .send()
        .await
        .expect("its address");
    let url = url.queue_url.expect("its address");
    client
        .delete_queue()
        .queue_url(url)
        .send()
        .await
        .expect("removed");
    let failure = stage
        .queue
        .receive(NAME, ask(1, 0))
        .await
        .expect_err("it is gone");
    assert!(failure.cause.contains("does not exist"), "{failure}");
    assert_eq!(stage.queue.facts(NAME).await, Ok(None));
    stage.direct.create(NAME).await.expect("made again");
    send(&stage.queue, 1).await;
}

#[tokio::test]
async fn q8_a_queue_without_redrive_policy_gets_one_and_it_is_told() {
    let stage = stage().await;
    let client = by_hand().await;
    let full = stage
        .queue
        .create(NAME)
        .await
        .expect("found")
        .name
        .replace(NAME, "bare");
    client
        .create_queue()
        .queue_name(full)
        .send()
        .await
        .expect("a queue made by hand");
    let facts = stage.facts("bare").await;
    assert_eq!(facts.redrive, None);
    let created = stage.queue.create("bare").await.expect("looked at");
    assert!(!created.made && created.dead_made);
    let notes = created.notes.join("\n");
    assert!(
        notes.contains("redrive policy") && notes.contains("VisibilityTimeout"),
        "{notes}"
    );
    let facts = stage.facts("bare").await;
    assert_eq!(facts.redrive.map(|r| r.max_receives), Some(20));
}

#[tokio::test]
async fn a_message_costs_three_requests_for_ten() {
    let stage = stage().await;
    let mut seen = HashSet::new();
    send(&stage.queue, 100).await;
    while seen.len() < 100 {
        let got = stage.receive(10, 1).await;
        stage.delete(&got).await;
        seen.extend(got.into_iter().map(|m| m.id));
    }
    let requests = stage.proxy.count("");
    assert!(requests <= 35, "{requests} requests for 100 messages");
}

/// One thread, so that the recorder of this test hears this test only.
#[tokio::test(flavor = "current_thread")]
async fn requests_are_counted_by_queue_and_call() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let heard = recorder.handle();
    let _listening = metrics::set_default_local_recorder(&recorder);
    let stage = stage().await;
    stage
        .proxy
        .fault("SendMessageBatch", 1, Fault::RefuseEntries(vec![0]));
    send(&stage.queue, 11).await;
    let told = heard.render();
    let line = |call: &str, n: usize| format!("{REQUESTS}{{queue=\"{NAME}\",call=\"{call}\"}} {n}");
    assert!(
        told.contains(&line("send_message_batch", 3)),
        "two requests and a repetition:\n{told}"
    );
}
