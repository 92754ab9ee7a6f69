//! What every home of the queue does. Conditions are waited for, with limits far above what they
//! need, since the machine may be busy.

use crate::homes::{Home, MAX_RECEIVES};
use common::queue::{Ask, Entry, Queue, Receipt, Received, all_done, dead_name};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

const NAME: &str = "text-input";

/// Long enough for any server to answer, short enough for a test that fails.
const SOON: Duration = Duration::from_secs(10);

fn entry(body: impl Into<String>) -> Entry {
    Entry {
        id: Uuid::now_v7(),
        body: body.into(),
        delay: Duration::ZERO,
    }
}

fn ask(most: usize, wait_s: u64, lease_s: u64) -> Ask {
    Ask {
        most,
        wait: Duration::from_secs(wait_s),
        lease: Duration::from_secs(lease_s),
    }
}

async fn made(home: &Home) -> &dyn Queue {
    home.queue.create(NAME).await.expect("the queue is made");
    &*home.queue
}

async fn send(queue: &dyn Queue, entries: &[Entry]) {
    let sent = queue.send(NAME, entries).await.and_then(all_done);
    sent.expect("the entries are sent");
}

/// The next message, waited for.
async fn next(queue: &dyn Queue, name: &str, lease_s: u64) -> Received {
    let until = Instant::now() + SOON;
    loop {
        let found = queue
            .receive(name, ask(1, 1, lease_s))
            .await
            .expect("a receive");
        if let Some(message) = found.into_iter().next() {
            return message;
        }
        assert!(Instant::now() < until, "no message came on {name}");
    }
}

async fn nothing(queue: &dyn Queue, name: &str) {
    let found = queue
        .receive(name, ask(10, 1, 30))
        .await
        .expect("a receive");
    assert!(found.is_empty(), "{} messages came on {name}", found.len());
}

async fn delete(queue: &dyn Queue, message: &Received) {
    let receipt = std::slice::from_ref(&message.receipt);
    let deleted = queue.delete(NAME, receipt).await.and_then(all_done);
    deleted.expect("deleted");
}

/// Everything that is on the queue, deleted on the way.
async fn drain(queue: &dyn Queue) -> Vec<Received> {
    let mut all = Vec::new();
    loop {
        let found = queue
            .receive(NAME, ask(10, 1, 60))
            .await
            .expect("a receive");
        if found.is_empty() {
            return all;
        }
        let receipts: Vec<Receipt> = found.iter().map(|m| m.receipt.clone()).collect();
        let deleted = queue.delete(NAME, &receipts).await.and_then(all_done);
        deleted.expect("deleted");
        all.extend(found);
    }
}

pub async fn a_message_arrives_with_its_body_and_its_age(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry(r#"{"text":"U mc,dm sp 4"}"#)]).await;
    let got = next(queue, NAME, 30).await;
    assert_eq!(got.body, r#"{"text":"U mc,dm sp 4"}"#);
    assert_eq!((got.receives, got.reason.as_deref()), (1, None));
    let age = jiff::Timestamp::now().duration_since(got.sent_at.expect("its time of sending"));
    assert!(age.as_secs().abs() < 60, "{age:?}");
    delete(queue, &got).await;
    nothing(queue, NAME).await;
}

pub async fn a_large_send_has_an_outcome_for_each_entry(home: &Home) {
    let queue = made(home).await;
    let entries: Vec<Entry> = (0..25).map(|n| entry(format!("{n}"))).collect();
    let outcomes = queue.send(NAME, &entries).await.expect("sent");
    assert_eq!(outcomes, vec![Ok(()); 25]);
    let bodies: HashSet<String> = drain(queue).await.into_iter().map(|m| m.body).collect();
    assert_eq!(bodies, (0..25).map(|n| n.to_string()).collect());
}

pub async fn q2_no_more_than_asked_for(home: &Home) {
    let queue = made(home).await;
    send(
        queue,
        &(0..8).map(|n| entry(format!("{n}"))).collect::<Vec<_>>(),
    )
    .await;
    let none = queue.receive(NAME, ask(0, 1, 30)).await.expect("a receive");
    assert!(none.is_empty());
    let some = queue.receive(NAME, ask(3, 1, 30)).await.expect("a receive");
    assert!((1..=3).contains(&some.len()), "{}", some.len());
}

pub async fn q1_a_leased_message_is_hidden_until_its_lease_ends(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("{}")]).await;
    let first = next(queue, NAME, 3).await;
    nothing(queue, NAME).await;
    let again = next(queue, NAME, 30).await;
    assert_eq!((again.id, again.receives), (first.id, 2));
    assert_ne!(again.receipt, first.receipt);
}

pub async fn q1_a_renewed_lease_keeps_it_hidden(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("{}")]).await;
    let held = next(queue, NAME, 2).await;
    let receipts = [held.receipt.clone()];
    let extended = queue.extend(NAME, &receipts, Duration::from_secs(60)).await;
    extended.and_then(all_done).expect("a longer lease");
    let found = queue
        .receive(NAME, ask(10, 4, 30))
        .await
        .expect("a receive");
    assert!(found.is_empty(), "it came although its lease was renewed");
    delete(queue, &held).await;
}

pub async fn q3_a_renewal_after_the_end_does_no_harm(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("gone"), entry("held")]).await;
    let (one, other) = (next(queue, NAME, 60).await, next(queue, NAME, 60).await);
    delete(queue, &one).await;
    let receipts = [one.receipt, other.receipt.clone()];
    let outcomes = queue.extend(NAME, &receipts, Duration::from_secs(60)).await;
    let outcomes = outcomes.expect("the call itself works");
    assert_eq!(outcomes.len(), 2);
    assert_eq!(
        outcomes[1],
        Ok(()),
        "the other's lease is renewed all the same"
    );
    nothing(queue, NAME).await;
    delete(queue, &other).await;
}

pub async fn q5_a_receipt_out_of_date_counts_as_done(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("{}")]).await;
    let old = next(queue, NAME, 1).await;
    let new = next(queue, NAME, 60).await;
    assert_eq!(old.id, new.id);
    delete(queue, &old).await;
    delete(queue, &new).await;
    delete(queue, &new).await;
    let back = queue.give_back(NAME, &[new.receipt], Duration::ZERO).await;
    back.and_then(all_done)
        .expect("handing back what is gone is done");
    nothing(queue, NAME).await;
}

pub async fn q14_handed_back_is_there_at_once(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("{}")]).await;
    let held = next(queue, NAME, 600).await;
    let back = queue
        .give_back(NAME, std::slice::from_ref(&held.receipt), Duration::ZERO)
        .await;
    back.and_then(all_done).expect("handed back");
    let again = next(queue, NAME, 30).await;
    assert_eq!(again.id, held.id);
}

pub async fn q7_a_retry_counts_and_waits(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("{}")]).await;
    let first = next(queue, NAME, 60).await;
    let receipts = [first.receipt];
    let put_off = queue.extend(NAME, &receipts, Duration::from_secs(3)).await;
    put_off.and_then(all_done).expect("put off");
    nothing(queue, NAME).await;
    let second = next(queue, NAME, 30).await;
    assert_eq!((second.id, second.receives), (first.id, 2));
    assert_eq!(
        second.sent_at, first.sent_at,
        "a retry is not a younger copy"
    );
}

pub async fn q8_received_too_often_goes_to_the_dead_letters(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("poison")]).await;
    for expected in 1..=MAX_RECEIVES {
        let got = next(queue, NAME, 30).await;
        assert_eq!(got.receives, expected);
        let handed = queue.extend(NAME, &[got.receipt], Duration::ZERO).await;
        handed.and_then(all_done).expect("handed back, counted");
    }
    nothing(queue, NAME).await;
    let dead = next(queue, &dead_name(NAME), 30).await;
    assert_eq!(dead.body, "poison");
    assert!(
        dead.reason
            .is_some_and(|reason| reason.contains("received"))
    );
}

pub async fn q26_buried_with_its_reason_and_its_body(home: &Home) {
    let queue = made(home).await;
    send(queue, &[entry("not an envelope")]).await;
    let got = next(queue, NAME, 30).await;
    queue
        .bury(NAME, &got, "unknown kind")
        .await
        .expect("buried");
    let dead = next(queue, &dead_name(NAME), 30).await;
    assert_eq!(dead.body, "not an envelope");
    assert_eq!(dead.reason.as_deref(), Some("unknown kind"));
    let since = dead
        .sent_at
        .expect("its age")
        .duration_since(got.sent_at.expect("its age"));
    assert_eq!(
        since.as_secs(),
        0,
        "a dead letter is as old as the message was"
    );
    nothing(queue, NAME).await;
}

pub async fn q6_a_delay_is_kept_by_the_queue(home: &Home) {
    let queue = made(home).await;
    let mut late = entry("late");
    late.delay = Duration::from_secs(3);
    send(queue, &[late, entry("now")]).await;
    assert_eq!(next(queue, NAME, 60).await.body, "now");
    nothing(queue, NAME).await;
    assert_eq!(next(queue, NAME, 60).await.body, "late");
}

pub async fn the_same_id_twice_is_two_messages(home: &Home) {
    let queue = made(home).await;
    let twice = entry("{}");
    send(queue, &[twice.clone(), twice]).await;
    assert_eq!(drain(queue).await.len(), 2);
}

pub async fn many_hands_never_share_a_message(home: &Home) {
    let queue = made(home).await;
    send(
        queue,
        &(0..60).map(|n| entry(format!("{n}"))).collect::<Vec<_>>(),
    )
    .await;
    let (a, b, c) = futures_util::join!(drain(queue), drain(queue), drain(queue));
    let all = [a, b, c].concat();
    let ids: HashSet<String> = all.iter().map(|m| m.id.clone()).collect();
    assert_eq!((all.len(), ids.len()), (60, 60));
}

pub async fn a_long_poll_ends_when_something_comes(home: &Home) {
    let queue = made(home).await;
    let began = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        send(queue, &[entry("{}")]).await;
    };
    let (found, ()) = futures_util::join!(queue.receive(NAME, ask(1, 20, 30)), later);
    assert_eq!(found.expect("a receive").len(), 1);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

pub async fn a_long_poll_ends_when_nothing_comes(home: &Home) {
    let queue = made(home).await;
    let began = Instant::now();
    let found = queue
        .receive(NAME, ask(10, 2, 30))
        .await
        .expect("a receive");
    assert!(found.is_empty());
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(1500),
        "it did not wait: {took:?}"
    );
    assert!(
        took < Duration::from_secs(7),
        "it waited too long: {took:?}"
    );
}

pub async fn odd_bodies_travel_unchanged(home: &Home) {
    let queue = made(home).await;
    let odd = "tab\t nul\u{0} bell\u{7} \u{FFFE}\u{FFFF} sapi \u{1F404} \u{2028} \u{202E} é";
    let texts = [odd.to_owned(), "x".repeat(900_000), String::new()];
    let json = |text: &String| serde_json::to_string(text).expect("JSON");
    send(
        queue,
        &texts.iter().map(|t| entry(json(t))).collect::<Vec<_>>(),
    )
    .await;
    let read = |m: Received| serde_json::from_str::<String>(&m.body).expect("JSON");
    let arrived: HashSet<String> = drain(queue).await.into_iter().map(read).collect();
    assert!(arrived == texts.into_iter().collect());
}

pub async fn nothing_to_do_is_done(home: &Home) {
    let queue = made(home).await;
    assert_eq!(queue.send(NAME, &[]).await, Ok(vec![]));
    assert_eq!(queue.delete(NAME, &[]).await, Ok(vec![]));
    assert_eq!(queue.extend(NAME, &[], Duration::ZERO).await, Ok(vec![]));
    assert_eq!(queue.give_back(NAME, &[], Duration::ZERO).await, Ok(vec![]));
}

pub async fn facts_count_and_name_the_dead_letters(home: &Home) {
    let queue = made(home).await;
    let mut late = entry("late");
    late.delay = Duration::from_secs(600);
    send(queue, &[entry("1"), entry("2"), late]).await;
    next(queue, NAME, 60).await;
    let facts = queue
        .facts(NAME)
        .await
        .expect("facts")
        .expect("the queue exists");
    assert_eq!((facts.waiting, facts.in_flight, facts.delayed), (1, 1, 1));
    let redrive = facts.redrive.expect("a rule for dead letters");
    assert_eq!(
        (redrive.dead, redrive.max_receives),
        (dead_name(NAME), MAX_RECEIVES)
    );
    let dead = queue
        .facts(&dead_name(NAME))
        .await
        .expect("facts")
        .expect("dead letters exist");
    assert_eq!((dead.waiting, dead.redrive), (0, None));
}

pub async fn a_missing_queue_has_no_facts(home: &Home) {
    assert_eq!(home.queue.facts("never-made").await, Ok(None));
    assert_eq!(home.queue.list().await, Ok(vec![]));
}

pub async fn making_a_queue_twice_makes_it_once(home: &Home) {
    let first = home.queue.create(NAME).await.expect("made");
    assert!(first.made && first.dead_made, "{first:?}");
    let second = home.queue.create(NAME).await.expect("found");
    assert!(!second.made && !second.dead_made, "{second:?}");
    assert_eq!((&second.name, &second.dead), (&first.name, &first.dead));
    assert_eq!(
        second.notes,
        Vec::<String>::new(),
        "it is as it would be made"
    );
    let mut names = home.queue.list().await.expect("names");
    names.sort();
    assert_eq!(names, [NAME.to_owned(), dead_name(NAME)]);
}

pub async fn installations_do_not_see_each_other(home: &Home) {
    let queue = made(home).await;
    home.neighbour
        .create(NAME)
        .await
        .expect("the neighbour's queue");
    home.neighbour
        .create("email-input")
        .await
        .expect("another one");
    send(queue, &[entry("ours")]).await;
    nothing(&*home.neighbour, NAME).await;
    assert_eq!(queue.list().await.expect("names").len(), 2);
    assert_eq!(home.neighbour.list().await.expect("names").len(), 4);
}

pub async fn a_look_takes_nothing(home: &Home) {
    let queue = made(home).await;
    send(
        queue,
        &(0..12).map(|n| entry(format!("{n}"))).collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(queue.peek(NAME, 5).await.expect("a look").len(), 5);
    assert_eq!(queue.peek(NAME, 50).await.expect("a look").len(), 12);
    assert_eq!(drain(queue).await.len(), 12);
}
