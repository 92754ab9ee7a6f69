//! The queue seam on AWS: SQS standard queues. One request carries up to ten messages, each with
//! its own outcome; every request is counted, so that requests per message can be measured.

mod admin;
mod batch;
mod body;
mod letters;

use super::{Ask, BATCH, Created, Entry, Facts, Queue, Receipt, Received};
use crate::aws::{self, Sdk};
use crate::config;
use crate::failure::Dependency;
use crate::{Failure, Result};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use batch::{Judged, Said, settle};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counter of requests, labelled `queue` (logical name) and `call`.
pub const REQUESTS: &str = "kentongan_queue_requests_total";

/// How much longer than its wait a poll may take. AWS answers a long poll within some hundred
/// milliseconds of its end; what is later never comes (Q21).
const POLL_SLACK: Duration = Duration::from_secs(5);

/// SQS waits no longer than this.
const LONGEST_WAIT_S: u64 = 20;

/// SQS leases no longer than this, counted from the first receive (Q4).
const LONGEST_LEASE_S: u64 = 12 * 3600;

/// SQS delays no longer than this (Q6).
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// What SQS says of a receipt that is malformed, too old, or whose message is gone.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const NO_LONGER_OURS: &[&str] = &[
    "ReceiptHandleIsInvalid",
    "InvalidReceiptHandle",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
    "AWS.SimpleQueueService.ReceiptHandleIsInvalid",
];

/// SQS queues of one installation: `<prefix>-<name>`, dead letters `<prefix>-<name>-dead`.
#[derive(Debug)]
pub struct SqsQueue {
    calls: Client,
    /// For receives, which wait on purpose: no attempt timeout of its own, no repetition inside.
    polls: Client,
    prefix: String,
    rules: Rules,
    urls: Mutex<HashMap<String, String>>,
}

/// How queues are made.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// After so many receives a message goes to the dead letters.
    pub max_receives: u32,
    /// The queue's own visibility timeout, for who receives without naming one.
    pub lease: Duration,
}

impl SqsQueue {
    /// Opens the queues that the settings name. Nothing is sent yet.
    pub async fn open(settings: &config::Settings, place: &config::Aws, sdk: &Sdk) -> Self {
        let rules = Rules {
            max_receives: settings.frame.max_receives,
            lease: settings.frame.lease(),
        };
        Self::new(&sdk.config(place).await, &settings.prefix, rules)
    }

    /// The queues with this prefix. Nothing is sent yet.
    pub fn new(config: &SdkConfig, prefix: &str, rules: Rules) -> Self {
        let quiet = TimeoutConfig::builder()
            .disable_operation_attempt_timeout()
            .disable_operation_timeout()
            .build();
        let polls = Builder::from(config)
            .timeout_config(quiet)
            .retry_config(RetryConfig::disabled());
        Self {
            calls: Client::new(config),
            polls: Client::from_conf(polls.build()),
            prefix: prefix.to_owned(),
            rules,
            urls: Mutex::default(),
        }
    }

    fn full(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// A queue's logical name; another installation's queue keeps its full one.
    fn logical<'a>(&self, full: &'a str) -> &'a str {
        full.strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_prefix('-'))
            .unwrap_or(full)
    }

    /// The queue's URL, asked for once.
    async fn url(&self, name: &str) -> Result<String> {
        match self.find(name).await? {
            Some(url) => Ok(url),
            None => Err(self.missing(name)),
        }
    }

    /// The queue's URL, or `None` when there is no such queue.
    async fn find(&self, name: &str) -> Result<Option<String>> {
        if let Some(url) = self.known().get(name) {
            return Ok(Some(url.clone()));
        }
        count(name, "get_queue_url");
        let asked = self.calls.get_queue_url().queue_name(self.full(name));
        match asked.send().await {
            Ok(answer) => {
                let url = answer.queue_url.unwrap_or_default();
                self.known().insert(name.to_owned(), url.clone());
                Ok(Some(url))
            }
            Err(e) if is_missing(&e) => Ok(None),
            Err(e) => Err(aws::failure(Dependency::Queue, "looking up a queue", &e)),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        // A map of names and addresses is whole whatever panicked beside it.
        self.urls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, name: &str) -> Failure {
        let full = self.full(name);
        Failure::retry(format!(
            "queue {full} does not exist; make it with `kentongan queues create`"
        ))
    }

    /// An SQS error as a verdict. A queue that is gone is looked up afresh next time.
    fn failure<E>(&self, name: &str, doing: &str, error: &SdkError<E>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if is_missing(error) {
            self.known().remove(name);
            return self.missing(name);
        }
        aws::failure(Dependency::Queue, doing, error).while_doing(format_args!("queue {name}"))
    }

    async fn set_visibility(
        &self,
        name: &str,
        receipts: &[Receipt],
        lease: Duration,
        judge: batch::Judge,
    ) -> Result<Vec<Result>> {
        let url = &self.url(name).await?;
        let seconds = seconds(lease, LONGEST_LEASE_S);
        settle(&vec![0; receipts.len()], judge, |wanted| async move {
            count(name, "change_message_visibility_batch");
            let call = self.calls.change_message_visibility_batch().queue_url(url);
            let entries = batch::visibility_entries(receipts, &wanted, seconds);
            let answer = call.set_entries(Some(entries)).send().await;
            let answer = answer.map_err(|e| self.failure(name, "changing a lease", &e))?;
            let done = answer.successful.into_iter().map(|e| e.id).collect();
            Ok(Said::new(done, answer.failed))
        })
        .await
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(&self, name: &str, ask: Ask) -> Result<Vec<Received>> {
        // Nobody has a free hand: SQS would refuse the call.
        if ask.most == 0 {
            return Ok(Vec::new());
        }
        let url = self.url(name).await?;
        let limit = ask.wait + POLL_SLACK;
        count(name, "receive_message");
        let poll = letters::poll(&self.polls, &url, ask).send();
        let answer = tokio::time::timeout(limit, poll).await;
        let answer = answer.map_err(|_| {
            let cause = format!("queue {name}: a poll did not return within {limit:?}");
            Failure::wait(Dependency::Queue, cause)
        })?;
        let answer = answer.map_err(|e| self.failure(name, "receiving", &e))?;
        let messages = answer.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(letters::received).collect())
    }

    async fn send(&self, name: &str, entries: &[Entry]) -> Result<Vec<Result>> {
        let url = &self.url(name).await?;
        let bodies: Vec<_> = entries.iter().map(body::checked).collect();
        let (fit, mut outcomes) = body::apart(&bodies);
        let sizes: Vec<usize> = fit.iter().map(|(_, body)| body.len()).collect();
        let fit = &fit;
        let sent = settle(&sizes, judge_send, |wanted| async move {
            count(name, "send_message_batch");
            let requests = batch::send_entries(entries, fit, &wanted);
            let call = self.calls.send_message_batch().queue_url(url);
            let answer = call.set_entries(Some(requests)).send().await;
            let answer = answer.map_err(|e| self.failure(name, "sending", &e))?;
            let done = answer.successful.into_iter().map(|e| e.id).collect();
            Ok(Said::new(done, answer.failed))
        })
        .await?;
        for ((place, _), outcome) in fit.iter().zip(sent) {
            outcomes[*place] = outcome;
        }
        Ok(outcomes)
    }

    async fn delete(&self, name: &str, receipts: &[Receipt]) -> Result<Vec<Result>> {
        let url = &self.url(name).await?;
        settle(
            &vec![0; receipts.len()],
            judge_gone_is_done,
            |wanted| async move {
                count(name, "delete_message_batch");
                let call = self.calls.delete_message_batch().queue_url(url);
                let entries = batch::delete_entries(receipts, &wanted);
                let answer = call.set_entries(Some(entries)).send().await;
                let answer = answer.map_err(|e| self.failure(name, "deleting", &e))?;
                let done = answer.successful.into_iter().map(|e| e.id).collect();
                Ok(Said::new(done, answer.failed))
            },
        )
        .await
    }

    async fn extend(
        &self,
        name: &str,
        receipts: &[Receipt],
        lease: Duration,
    ) -> Result<Vec<Result>> {
        self.set_visibility(name, receipts, lease, judge_extend)
            .await
    }

    async fn give_back(
        &self,
        name: &str,
        receipts: &[Receipt],
        after: Duration,
    ) -> Result<Vec<Result>> {
        self.set_visibility(name, receipts, after, judge_gone_is_done)
            .await
    }

    async fn bury(&self, name: &str, message: &Received, reason: &str) -> Result {
        let dead = super::dead_name(name);
        let url = self.url(&dead).await?;
        count(&dead, "send_message");
        letters::burial(&self.calls, &url, name, message, reason)
            .send()
            .await
            .map_err(|e| self.failure(&dead, "burying a message", &e))?;
        // Twice among the dead letters is better than not at all: the copy is sent first.
        let receipt = std::slice::from_ref(&message.receipt);
        super::all_done(self.delete(name, receipt).await?)
    }

    async fn facts(&self, name: &str) -> Result<Option<Facts>> {
        admin::facts(self, name).await
    }

    async fn create(&self, name: &str) -> Result<Created> {
        admin::create(self, name).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        admin::list(self).await
    }

    async fn peek(&self, name: &str, most: usize) -> Result<Vec<Received>> {
        let (mut seen, mut known) = (Vec::new(), HashSet::new());
        let mut receipts: Vec<Receipt> = Vec::new();
        let mut failed = None;
        while seen.len() < most {
            let ask = Ask {
                most: BATCH.min(most - seen.len()),
                // A poll without a wait asks only some of the servers that hold the queue.
                wait: Duration::from_secs(1),
                lease: Duration::from_secs(120),
            };
            let found = match self.receive(name, ask).await {
                Ok(found) => found,
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            };
            receipts.extend(found.iter().map(|m| m.receipt.clone()));
            let before = seen.len();
            // What was looked at long ago comes again; when nothing else comes, that was all.
            seen.extend(found.into_iter().filter(|m| known.insert(m.id.clone())));
            if seen.len() == before {
                break;
            }
        }
        self.give_back(name, &receipts, Duration::ZERO).await?;
        failed.map_or(Ok(seen), Err)
    }
}

/// A body that SQS refuses will be refused again; everything else may work later.
fn judge_send(code: &str, text: &str, senders_fault: bool) -> Judged {
    if code == "InvalidMessageContents" || code == "MessageTooLong" {
        return Judged::Never(Failure::quarantine(format!("sending: {code} {text}")));
    }
    Judged::by_fault(judge_other("sending", code, text), senders_fault)
}

/// For delete and hand-back: a message that is no longer ours needs neither (Q5).
fn judge_gone_is_done(code: &str, text: &str, senders_fault: bool) -> Judged {
    if is_no_longer_ours(code, text) {
        return Judged::Done;
    }
    Judged::by_fault(judge_other("deleting", code, text), senders_fault)
}

/// For a renewal: the lease is lost, and whoever holds it learns so (Q3, Q4).
fn judge_extend(code: &str, text: &str, senders_fault: bool) -> Judged {
    if is_no_longer_ours(code, text) {
        let cause = "the lease is lost: the message is gone or somebody else's";
        return Judged::Never(Failure::retry(cause));
    }
    Judged::by_fault(judge_other("renewing a lease", code, text), senders_fault)
}

fn judge_other(doing: &str, code: &str, text: &str) -> Failure {
    aws::refused_entry(Dependency::Queue, doing, code, text)
}

fn is_no_longer_ours(code: &str, text: &str) -> bool {
    // Some refusals of an old receipt come as "invalid value" and differ only in their text.
    let told = text.contains("receipt handle has expired") || text.contains("does not exist");
    NO_LONGER_OURS.contains(&code) || (code == "InvalidParameterValue" && told)
}

fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(
        aws::code(error),
        Some("AWS.SimpleQueueService.NonExistentQueue" | "QueueDoesNotExist")
    )
}

/// Whole seconds, rounded up, in SQS's type.
fn seconds(time: Duration, most: u64) -> i32 {
    let up = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(up.min(most)).unwrap_or(i32::MAX)
}

fn count(queue: &str, call: &'static str) {
    metrics::counter!(REQUESTS, "queue" => queue.to_owned(), "call" => call).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[test]
    fn an_old_receipt_is_done_for_delete_and_lost_for_extend() {
        for (code, text) in [
            (
                "ReceiptHandleIsInvalid",
                "The input receipt handle is invalid.",
            ),
            (
                "InvalidParameterValue",
                "Reason: The receipt handle has expired.",
            ),
            ("AWS.SimpleQueueService.MessageNotInflight", ""),
        ] {
            assert_eq!(judge_gone_is_done(code, text, true), Judged::Done, "{code}");
            let lost = judge_extend(code, text, true);
            assert!(matches!(lost, Judged::Never(_)), "{code}");
        }
    }

    #[test]
    fn what_is_not_the_senders_fault_is_repeated() {
        let judged = judge_send("InternalError", "", false);
        assert!(
            matches!(judged, Judged::Again(f) if f.verdict == Verdict::Wait(Dependency::Queue))
        );
        let judged = judge_send("InvalidParameterValue", "", true);
        assert!(matches!(judged, Judged::Never(_)));
    }

    #[test]
    fn a_refused_body_is_never_sent_again() {
        let judged = judge_send("InvalidMessageContents", "", true);
        assert!(matches!(judged, Judged::Never(f) if f.verdict == Verdict::Quarantine));
    }

    #[test]
    fn times_are_whole_seconds_and_never_shorter_than_asked() {
        assert_eq!(seconds(Duration::from_millis(1), 20), 1);
        assert_eq!(seconds(Duration::ZERO, 20), 0);
        assert_eq!(seconds(Duration::from_secs(99), 20), 20);
    }
}
