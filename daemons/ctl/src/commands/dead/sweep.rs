//! Going through dead letters one by one: each is received, done something to, and deleted last, so
//! that breaking off at any moment loses nothing (FAILURES Q12).

use super::filter::Filter;
use crate::exit::Result;
use crate::letter::Letter;
use common::envelope::derived_id;
use common::queue::{Ask, BATCH, Entry, Queue, Receipt, all_done, dead_name};
use jiff::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// How long dead letters are ours while we go through them. Should we be killed, they are there
/// again after this.
const LEASE: Duration = Duration::from_secs(300);

/// What is done to the letters that the filter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Back onto the queue that they came from.
    Redrive,
    /// Gone for good.
    Discard,
}

/// One run over the dead letters of one queue.
pub struct Sweep<'a> {
    /// The installation's queues.
    pub queue: &'a dyn Queue,
    /// The queue whose dead letters are meant.
    pub name: &'a str,
    /// Which of them.
    pub filter: &'a Filter,
    /// What to do.
    pub deed: Deed,
    /// At most so many in a second; a sick service that just came back should not fall again.
    pub rate: f64,
    /// How long to wait for a message before there are none.
    pub wait: Duration,
}

impl Sweep<'_> {
    /// Goes through all that lie there now. `first` is asked about every letter before anything is
    /// done to it (to save it, to put it on record); false stops before this one. However it ends,
    /// what nothing was done to is handed back. How many it was.
    pub async fn run(&self, mut first: impl AsyncFnMut(&Letter) -> Result<bool>) -> Result<u64> {
        let dead = dead_name(self.name);
        let mut passed = Passed::default();
        let mut done = 0;
        let ended = self.go(&dead, &mut passed, &mut done, &mut first).await;
        self.hand_back(&dead, &passed.receipts).await?;
        ended.map(|()| done)
    }

    async fn go(
        &self,
        dead: &str,
        passed: &mut Passed,
        done: &mut u64,
        first: &mut impl AsyncFnMut(&Letter) -> Result<bool>,
    ) -> Result<()> {
        let mut due = Instant::now();
        loop {
            let received = self.receive(dead).await?;
            let before = passed.ids.len();
            let mut meant = passed.sift(received, |letter| {
                self.filter.takes(letter, Timestamp::now())
            });
            if meant.is_empty() && passed.ids.len() == before {
                // Nothing left, or only what was passed over before and whose lease ran out.
                return Ok(());
            }
            while let Some(letter) = meant.pop_front() {
                sleep_until(due).await;
                due = Instant::now() + Duration::from_secs_f64(1.0 / self.rate);
                let on = match first(&letter).await {
                    Ok(true) => self.deal(dead, &letter).await.map(|()| true),
                    on => on,
                };
                if !matches!(on, Ok(true)) {
                    meant.push_front(letter);
                    passed.keep(&meant);
                    return on.map(drop);
                }
                *done += 1;
            }
        }
    }

    async fn receive(&self, dead: &str) -> Result<Vec<Letter>> {
        let ask = Ask {
            most: BATCH,
            wait: self.wait,
            lease: LEASE,
        };
        let found = self.queue.receive(dead, ask).await?;
        Ok(found.into_iter().map(|r| Letter::new(dead, r)).collect())
    }

    /// Sent first, deleted after: broken off between both it is there twice, which its id undoes.
    async fn deal(&self, dead: &str, letter: &Letter) -> Result<()> {
        if self.deed == Deed::Redrive {
            let entry = Entry {
                id: id(letter),
                body: letter.received.body.clone(),
                delay: Duration::ZERO,
            };
            all_done(self.queue.send(self.name, &[entry]).await?)?;
        }
        let receipt = std::slice::from_ref(&letter.received.receipt);
        Ok(all_done(self.queue.delete(dead, receipt).await?)?)
    }

    async fn hand_back(&self, dead: &str, receipts: &[Receipt]) -> Result<()> {
        for some in receipts.chunks(BATCH) {
            self.queue.give_back(dead, some, Duration::ZERO).await?;
        }
        Ok(())
    }
}

/// What nothing is done to: held until the end, so that it does not come again and again.
#[derive(Default)]
struct Passed {
    ids: HashSet<String>,
    receipts: Vec<Receipt>,
}

impl Passed {
    /// Keeps what is not meant, hands on what is.
    fn sift(&mut self, letters: Vec<Letter>, meant: impl Fn(&Letter) -> bool) -> VecDeque<Letter> {
        let (meant, other): (VecDeque<_>, VecDeque<_>) = letters.into_iter().partition(meant);
        self.ids.extend(other.iter().map(|l| l.received.id.clone()));
        self.keep(&other);
        meant
    }

    fn keep(&mut self, letters: &VecDeque<Letter>) {
        let receipts = letters.iter().map(|l| l.received.receipt.clone());
        self.receipts.extend(receipts);
    }
}

/// The envelope's id; a foreign body has one that follows from what it is.
fn id(letter: &Letter) -> Uuid {
    match &letter.envelope {
        Some(envelope) => envelope.id,
        None => derived_id(&[b"foreign", letter.received.body.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Fault;
    use crate::fakes;
    use common::Failure;

    const DEAD: &str = "text-input-dead";

    fn queue(count: usize) -> fakes::Queue {
        let queue = fakes::Queue::with(&["text-input", DEAD]);
        for n in 0..count {
            let reason = if n % 2 == 0 { "no place" } else { "timeout" };
            queue.put(DEAD, &format!("body {n}"), Some(reason));
        }
        queue
    }

    fn sweep<'a>(queue: &'a fakes::Queue, filter: &'a Filter, deed: Deed) -> Sweep<'a> {
        Sweep {
            queue,
            name: "text-input",
            filter,
            deed,
            rate: 1e6,
            wait: Duration::ZERO,
        }
    }

    fn because(text: &str) -> Filter {
        Filter::because(text)
    }

    #[tokio::test]
    async fn what_is_meant_goes_back_and_the_rest_stays_uncounted() {
        let (queue, filter) = (queue(25), because("timeout"));
        let done = sweep(&queue, &filter, Deed::Redrive)
            .run(async |_| Ok(true))
            .await;
        assert_eq!(done, Ok(12));
        assert_eq!(queue.bodies("text-input").len(), 12);
        assert_eq!(queue.bodies(DEAD).len(), 13);
        assert_eq!(queue.leased(DEAD), 0, "the rest is handed back");
    }

    #[tokio::test]
    async fn stopping_halfway_leaves_every_letter_on_one_side() {
        let (queue, filter) = (queue(25), Filter::default());
        let mut asked = 0;
        let sweep = sweep(&queue, &filter, Deed::Redrive);
        let done = sweep.run(async |_| {
            asked += 1;
            Ok(asked <= 7)
        });
        assert_eq!(done.await, Ok(7));
        assert_eq!(queue.bodies("text-input").len(), 7);
        assert_eq!(queue.bodies(DEAD).len(), 18);
        assert_eq!(queue.leased(DEAD), 0);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_not_deleted() {
        let queue = fakes::Queue::refusing(&["text-input"], Failure::retry("throttled"));
        queue.put(DEAD, "body", None);
        let filter = Filter::default();
        let sweep = sweep(&queue, &filter, Deed::Redrive);
        let done = sweep.run(async |_| Ok(true));
        assert_eq!(done.await, Err(Fault::new("throttled")), "Q12");
        assert_eq!(queue.bodies(DEAD), ["body"]);
        assert_eq!(queue.leased(DEAD), 0);
    }

    #[tokio::test]
    async fn what_could_not_be_saved_first_is_not_thrown_away() {
        let (queue, filter) = (queue(3), Filter::default());
        let full = || Fault::new("no space left on the device");
        let sweep = sweep(&queue, &filter, Deed::Discard);
        let done = sweep.run(async |_| Err(full()));
        assert_eq!(done.await, Err(full()));
        assert_eq!(queue.bodies(DEAD).len(), 3);
        assert_eq!(queue.leased(DEAD), 0);
    }

    #[tokio::test]
    async fn discarding_sends_nothing() {
        let (queue, filter) = (queue(3), because("no place"));
        let sweep = sweep(&queue, &filter, Deed::Discard);
        let done = sweep.run(async |_| Ok(true));
        assert_eq!(done.await, Ok(2));
        assert!(queue.bodies("text-input").is_empty());
        assert_eq!(queue.bodies(DEAD), ["body 1"]);
    }
}
