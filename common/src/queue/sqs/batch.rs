//! Batch calls, read entry by entry (Q16, Q17). The call returns 200 although entries failed;
//! those that failed through no fault of ours are repeated, and each entry has its own outcome.

use super::seconds;
use crate::queue::{BATCH, Entry, Receipt};
use crate::{Failure, Result, Verdict};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry,
};
use std::borrow::Cow;
use std::time::Duration;

/// SQS takes no more in one request, bodies and attributes together, nor in one message.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MOST_BYTES: usize = 1024 * 1024;

/// Pauses before each try of the entries that are left. Short: the frame waits, and an outage is
/// its matter, not ours.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
];

/// What a call said of its entries. Entries are named by their place.
pub struct Said {
    done: Vec<String>,
    refused: Vec<BatchResultErrorEntry>,
}

impl Said {
    /// From the two lists of an answer.
    pub fn new(done: Vec<String>, refused: Vec<BatchResultErrorEntry>) -> Self {
        Self { done, refused }
    }
}

/// What a refused entry means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// What was wanted is so already.
    Done,
    /// May work at once; with this failure when it does not.
    Again(Failure),
    /// Will not work now.
    Never(Failure),
}

impl Judged {
    /// Repeating helps only where the service is at fault.
    pub fn by_fault(failure: Failure, senders_fault: bool) -> Self {
        if senders_fault {
            Self::Never(failure)
        } else {
            Self::Again(failure)
        }
    }
}

/// Judges a refused entry by code, text and whether it is the sender's fault.
pub type Judge = fn(&str, &str, bool) -> Judged;

/// Plays a batch call for entries of these sizes until each has its outcome: in requests that SQS
/// takes, repeating what may work at once. `call` is given the places of the entries to send.
///
/// `Err` only when the service refused the whole and nothing was done. After a "wait" the rest is
/// not tried: it fails the same way, without ten seconds for each request.
pub async fn settle<F, Fut>(sizes: &[usize], judge: Judge, call: F) -> Result<Vec<Result>>
where
    F: Fn(Vec<usize>) -> Fut,
    Fut: Future<Output = Result<Said>>,
{
    let mut outcomes: Vec<Option<Result>> = vec![None; sizes.len()];
    let mut broken = None;
    for request in requests(sizes) {
        match settle_one(request, judge, &call, &mut outcomes).await {
            Err(f) if matches!(f.verdict, Verdict::Wait(_)) => {
                broken = Some(f);
                break;
            }
            Err(f) => broken = Some(f),
            Ok(()) => {}
        }
    }
    match broken {
        Some(f) if outcomes.iter().all(Option::is_none) => Err(f),
        broken => Ok(outcomes
            .into_iter()
            .map(|o| told(o, broken.as_ref()))
            .collect()),
    }
}

/// An entry's own outcome, else that of the call that should have carried it.
fn told(own: Option<Result>, broken: Option<&Failure>) -> Result {
    let unheard = || Failure::retry("a batch call said nothing of an entry");
    own.unwrap_or_else(|| Err(broken.cloned().unwrap_or_else(unheard)))
}

async fn settle_one<F, Fut>(
    request: Vec<usize>,
    judge: Judge,
    call: &F,
    outcomes: &mut [Option<Result>],
) -> Result
where
    F: Fn(Vec<usize>) -> Fut,
    Fut: Future<Output = Result<Said>>,
{
    let mut left = request;
    for pause in PAUSES {
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
        let said = call(left.clone()).await?;
        left = read(said, left, judge, outcomes);
        if left.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Notes each entry's outcome; returns those to be repeated. An entry of which nothing is said
/// counts as not done.
fn read(
    said: Said,
    asked: Vec<usize>,
    judge: Judge,
    outcomes: &mut [Option<Result>],
) -> Vec<usize> {
    let mut again = Vec::new();
    for place in asked {
        let name = place.to_string();
        let judged = if said.done.contains(&name) {
            Judged::Done
        } else {
            match said.refused.iter().find(|e| e.id == name) {
                Some(e) => judge(&e.code, e.message.as_deref().unwrap_or(""), e.sender_fault),
                None => Judged::Again(Failure::retry("a batch call said nothing of an entry")),
            }
        };
        outcomes[place] = Some(match judged {
            Judged::Done => Ok(()),
            Judged::Never(failure) => Err(failure),
            Judged::Again(failure) => {
                again.push(place);
                Err(failure)
            }
        });
    }
    again
}

/// Cuts entries of these sizes into requests, in order: ten each at most and 1 MiB together.
fn requests(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut requests: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (place, size) in sizes.iter().enumerate() {
        match requests.last_mut() {
            Some(last) if last.len() < BATCH && bytes + size <= MOST_BYTES => last.push(place),
            _ => {
                requests.push(vec![place]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    requests
}

/// Request entries for sending; `fit` holds each entry's place in the input and its body.
pub fn send_entries(
    entries: &[Entry],
    fit: &[(usize, Cow<'_, str>)],
    wanted: &[usize],
) -> Vec<SendMessageBatchRequestEntry> {
    let build = |&place: &usize| {
        let (origin, body) = &fit[place];
        SendMessageBatchRequestEntry::builder()
            .id(place.to_string())
            .message_body(body.as_ref())
            .delay_seconds(seconds(
                entries[*origin].delay,
                super::LONGEST_DELAY.as_secs(),
            ))
            .build()
            // The builder fails only without id or body, and both are set above.
            .expect("id and body are set")
    };
    wanted.iter().map(build).collect()
}

/// Request entries for deleting.
pub fn delete_entries(
    receipts: &[Receipt],
    wanted: &[usize],
) -> Vec<DeleteMessageBatchRequestEntry> {
    let build = |&place: &usize| {
        DeleteMessageBatchRequestEntry::builder()
            .id(place.to_string())
            .receipt_handle(&receipts[place].0)
            .build()
            // The builder fails only without id or receipt, and both are set above.
            .expect("id and receipt are set")
    };
    wanted.iter().map(build).collect()
}

/// Request entries for a new lease.
pub fn visibility_entries(
    receipts: &[Receipt],
    wanted: &[usize],
    seconds: i32,
) -> Vec<ChangeMessageVisibilityBatchRequestEntry> {
    let build = |&place: &usize| {
        ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(place.to_string())
            .receipt_handle(&receipts[place].0)
            .visibility_timeout(seconds)
            .build()
            // The builder fails only without id or receipt, and both are set above.
            .expect("id and receipt are set")
    };
    wanted.iter().map(build).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Dependency;
    use proptest::prelude::*;
    use std::sync::Mutex;

    fn refused(place: usize, code: &str, senders_fault: bool) -> BatchResultErrorEntry {
        BatchResultErrorEntry::builder()
            .id(place.to_string())
            .code(code)
            .sender_fault(senders_fault)
            .build()
            .unwrap()
    }

    fn judge(code: &str, _: &str, senders_fault: bool) -> Judged {
        match code {
            "Gone" => Judged::Done,
            _ => Judged::by_fault(Failure::retry(code), senders_fault),
        }
    }

    /// Plays answers one after the other; returns the outcomes and what was asked.
    async fn play(
        entries: usize,
        answers: Vec<Result<Said>>,
    ) -> (Result<Vec<Result>>, Vec<Vec<usize>>) {
        let answers = Mutex::new(answers.into_iter());
        let asked = Mutex::new(Vec::new());
        let outcomes = settle(&vec![0; entries], judge, |wanted| {
            asked.lock().unwrap().push(wanted);
            let answer = answers.lock().unwrap().next().unwrap();
            async move { answer }
        })
        .await;
        (outcomes, asked.into_inner().unwrap())
    }

    fn names(places: &[usize]) -> Vec<String> {
        places.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn q17_only_failed_entries_are_repeated_and_order_is_kept() {
        let first = Said::new(names(&[2, 0]), vec![refused(1, "Busy", false)]);
        let second = Said::new(names(&[1]), vec![]);
        let (outcomes, asked) = play(3, vec![Ok(first), Ok(second)]).await;
        assert_eq!(outcomes, Ok(vec![Ok(()), Ok(()), Ok(())]));
        assert_eq!(asked, [vec![0, 1, 2], vec![1]]);
    }

    #[tokio::test]
    async fn q17_the_senders_fault_is_not_repeated() {
        let said = Said::new(
            names(&[0]),
            vec![refused(1, "Bad", true), refused(2, "Gone", true)],
        );
        let (outcomes, asked) = play(3, vec![Ok(said)]).await;
        assert_eq!(
            outcomes,
            Ok(vec![Ok(()), Err(Failure::retry("Bad")), Ok(())])
        );
        assert_eq!(asked.len(), 1);
    }

    #[tokio::test]
    async fn q17_repetition_ends_and_silence_is_no_success() {
        let silent = || Ok(Said::new(names(&[0]), vec![]));
        let (outcomes, asked) = play(2, vec![silent(), silent(), silent()]).await;
        let outcomes = outcomes.unwrap();
        assert_eq!(outcomes[0], Ok(()));
        assert!(outcomes[1].is_err());
        assert_eq!(asked, [vec![0, 1], vec![1], vec![1]]);
    }

    #[tokio::test]
    async fn an_outage_stops_the_rest_but_keeps_what_was_done() {
        let away = Failure::wait(Dependency::Queue, "away");
        let first = Said::new(names(&(0..10).collect::<Vec<_>>()), vec![]);
        let (outcomes, asked) = play(25, vec![Ok(first), Err(away.clone())]).await;
        let outcomes = outcomes.unwrap();
        assert!(outcomes[..10].iter().all(Result::is_ok));
        assert!(outcomes[10..].iter().all(|o| *o == Err(away.clone())));
        assert_eq!(asked.len(), 2, "the third request was not tried");
    }

    #[tokio::test]
    async fn an_outage_from_the_start_is_one_failure() {
        let away = Failure::wait(Dependency::Queue, "away");
        let (outcomes, _) = play(5, vec![Err(away.clone())]).await;
        assert_eq!(outcomes, Err(away));
    }

    #[tokio::test]
    async fn nothing_to_do_sends_nothing() {
        let (outcomes, asked) = play(0, vec![]).await;
        assert_eq!(outcomes, Ok(vec![]));
        assert!(asked.is_empty());
    }

    proptest! {
        #[test]
        fn requests_hold_ten_entries_and_a_mebibyte_and_lose_none(
            sizes in proptest::collection::vec(0..=MOST_BYTES, 0..40)
        ) {
            let requests = requests(&sizes);
            for request in &requests {
                prop_assert!(request.len() <= BATCH);
                prop_assert!(request.iter().map(|&p| sizes[p]).sum::<usize>() <= MOST_BYTES);
            }
            let places: Vec<usize> = requests.concat();
            prop_assert_eq!(places, (0..sizes.len()).collect::<Vec<_>>());
        }
    }
}
