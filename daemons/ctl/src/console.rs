//! The channel `console`, which this program speaks until there is a bridge: answers and alerts
//! wait on `text-output-console` until somebody prints them.
//!
//! Looking does not take: a message is deleted after it was printed, so what others wait for stays.
//! (On SQS a look counts as a receive; the channel is for trying out.)

use crate::exit::Result;
use common::envelope::Envelope;
use common::messages::TextOutput;
use common::queue::{Queue, Receipt};
use jiff::Timestamp;
use uuid::Uuid;

/// The channel's name.
pub const CHANNEL: &str = "console";

/// Its queue.
pub const QUEUE: &str = "text-output-console";

/// Messages in one look.
const LOOK: usize = 1_000;

/// A text that waits to be printed.
pub struct Waiting {
    /// Its envelope's id.
    pub id: Uuid,
    /// The trace it belongs to.
    pub trace: Uuid,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
    /// The text.
    pub text: TextOutput,
    receipt: Receipt,
}

/// Everything that waits. What is no text of ours is passed over and stays.
pub async fn waiting(queue: &dyn Queue) -> Result<Vec<Waiting>> {
    let found = queue.peek(QUEUE, LOOK).await?;
    let read = found.into_iter().filter_map(|received| {
        let envelope = Envelope::open(received.body.as_bytes()).ok()?;
        Some(Waiting {
            text: envelope.message().ok()?,
            id: envelope.id,
            trace: envelope.trace,
            sent_at: envelope.sent_at,
            receipt: received.receipt,
        })
    });
    Ok(read.collect())
}

/// Takes what was printed off the queue.
pub async fn taken(queue: &dyn Queue, printed: &[Waiting]) -> Result<()> {
    for some in printed.chunks(common::queue::BATCH) {
        let receipts: Vec<Receipt> = some.iter().map(|w| w.receipt.clone()).collect();
        common::queue::all_done(queue.delete(QUEUE, &receipts).await?)?;
    }
    Ok(())
}

/// The answer to this message, if it is there; taken off the queue.
pub async fn answer(queue: &dyn Queue, to: Uuid) -> Result<Option<Waiting>> {
    let waiting = waiting(queue).await?;
    let answer = waiting.into_iter().find(|w| w.text.in_reply_to == Some(to));
    if let Some(answer) = &answer {
        taken(queue, std::slice::from_ref(answer)).await?;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes;
    use common::messages::Purpose;

    fn text(in_reply_to: Option<Uuid>) -> String {
        let text = TextOutput {
            channel: CHANNEL.into(),
            to: "+6281234567890".into(),
            text: "Terima kasih.".into(),
            purpose: Purpose::Answer,
            in_reply_to,
            parts: 1,
            expires_at: Timestamp::MAX,
            tried: Vec::new(),
        };
        Envelope::first(Uuid::now_v7(), &text, Timestamp::now()).to_json()
    }

    #[tokio::test]
    async fn only_the_own_answer_is_taken_and_others_are_left_untouched() {
        let (mine, theirs) = (Uuid::now_v7(), Uuid::now_v7());
        let queue = fakes::Queue::with(&[QUEUE]);
        let others = [text(Some(theirs)), text(None), "not an envelope".to_owned()];
        others.iter().for_each(|body| queue.put(QUEUE, body, None));
        assert!(answer(&queue, mine).await.unwrap().is_none());
        queue.put(QUEUE, &text(Some(mine)), None);
        let found = answer(&queue, mine).await.unwrap().unwrap();
        assert_eq!(found.text.text, "Terima kasih.");
        assert_eq!(queue.bodies(QUEUE), others);
        assert_eq!(queue.leased(QUEUE), 0);
        let counts = queue.peek(QUEUE, 9).await.unwrap();
        assert!(counts.iter().all(|m| m.receives == 0), "not counted");
        assert!(answer(&queue, mine).await.unwrap().is_none(), "taken once");
    }
}
