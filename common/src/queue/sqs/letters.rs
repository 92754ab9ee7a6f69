//! Messages as SQS hands them over, and as they go to the dead letters.

use super::batch::MOST_BYTES;
use super::{LONGEST_LEASE_S, LONGEST_WAIT_S, body, seconds};
use crate::queue::{Ask, BATCH, Receipt, Received};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName as System};
use jiff::Timestamp;

/// Why a dead letter is one.
const REASON: &str = "reason";
/// The queue that it comes from.
const ORIGIN: &str = "origin_queue";
/// The id that it had there.
const ORIGINAL_ID: &str = "original_id";
/// When it was put there, in milliseconds: its copy among the dead letters is younger (Q7, Q11).
const FIRST_SENT: &str = "first_sent_ms";

/// Reason of a dead letter that SQS itself moved there by its redrive policy.
pub const RECEIVED_TOO_OFTEN: &str = "received too often";

/// Longest reason kept, in characters; it shares the message's 1 MiB with the body.
const LONGEST_REASON: usize = 1_000;

/// A poll for what is asked.
pub fn poll(client: &Client, url: &str, ask: Ask) -> ReceiveMessageFluentBuilder {
    client
        .receive_message()
        .queue_url(url)
        // Ten at most, so it fits.
        .max_number_of_messages(ask.most.min(BATCH) as i32)
        .wait_time_seconds(seconds(ask.wait, LONGEST_WAIT_S))
        .visibility_timeout(seconds(ask.lease, LONGEST_LEASE_S))
        .message_system_attribute_names(System::ApproximateReceiveCount)
        .message_system_attribute_names(System::SentTimestamp)
        .message_system_attribute_names(System::DeadLetterQueueSourceArn)
        .message_attribute_names(REASON)
        .message_attribute_names(FIRST_SENT)
}

/// A message in hand; `None` for one that came without receipt, which nobody could delete.
pub fn received(message: Message) -> Option<Received> {
    let told = |name: System| message.attributes.as_ref()?.get(&name).cloned();
    let noted = |name: &str| {
        let value = message.message_attributes.as_ref()?.get(name)?;
        value.string_value.clone()
    };
    let moved = told(System::DeadLetterQueueSourceArn).map(|_| RECEIVED_TOO_OFTEN.to_owned());
    let sent_ms = noted(FIRST_SENT).or_else(|| told(System::SentTimestamp));
    let receives = told(System::ApproximateReceiveCount).and_then(|n| n.parse().ok());
    let (reason, sent_at) = (
        noted(REASON).or(moved),
        sent_ms.as_deref().and_then(instant),
    );
    Some(Received {
        id: message.message_id?,
        receipt: Receipt(message.receipt_handle?),
        body: message.body.unwrap_or_default(),
        receives: receives.unwrap_or(1),
        sent_at,
        reason,
    })
}

/// The copy of a message for the dead letters, with why and whence.
pub fn burial(
    client: &Client,
    url: &str,
    origin: &str,
    message: &Received,
    reason: &str,
) -> SendMessageFluentBuilder {
    let mut notes = vec![
        (REASON, "String", cleaned(reason)),
        (ORIGIN, "String", origin.to_owned()),
        (ORIGINAL_ID, "String", message.id.clone()),
    ];
    if let Some(at) = message.sent_at {
        notes.push((FIRST_SENT, "Number", at.as_millisecond().to_string()));
    }
    let mut burial = client
        .send_message()
        .queue_url(url)
        .message_body(&message.body);
    let mut room = MOST_BYTES.saturating_sub(message.body.len());
    for (name, kind, value) in notes {
        let size = name.len() + kind.len() + value.len();
        // A body that fills its mebibyte is worth more than what we know about it.
        if size <= room {
            room -= size;
            burial = burial.message_attributes(name, attribute(kind, value));
        }
    }
    burial
}

fn attribute(kind: &str, value: String) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value)
        .build()
        // The builder fails only without a type, and it is set above.
        .expect("the type is set")
}

/// A reason that SQS takes: short, of allowed characters, not empty.
fn cleaned(reason: &str) -> String {
    let shown = |c| if body::allowed(c) { c } else { '\u{FFFD}' };
    let text: String = reason.chars().take(LONGEST_REASON).map(shown).collect();
    if text.is_empty() {
        return "none given".to_owned();
    }
    text
}

fn instant(ms: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(ms.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_its_age_and_its_receives() {
        let message = Message::builder()
            .message_id("m1")
            .receipt_handle("r1")
            .body("{}")
            .attributes(System::ApproximateReceiveCount, "3")
            .attributes(System::SentTimestamp, "1700000000123")
            .build();
        let got = received(message).unwrap();
        assert_eq!((got.receives, got.reason), (3, None));
        assert_eq!(got.sent_at.unwrap().as_millisecond(), 1_700_000_000_123);
    }

    #[test]
    fn q7_a_buried_message_keeps_its_first_age() {
        let message = Message::builder()
            .message_id("m1")
            .receipt_handle("r1")
            .attributes(System::SentTimestamp, "1800000000000")
            .message_attributes(FIRST_SENT, attribute("Number", "1700000000000".into()))
            .message_attributes(REASON, attribute("String", "unknown kind".into()))
            .build();
        let got = received(message).unwrap();
        assert_eq!(got.sent_at.unwrap().as_millisecond(), 1_700_000_000_000);
        assert_eq!(got.reason.as_deref(), Some("unknown kind"));
    }

    #[test]
    fn what_sqs_moved_says_so() {
        let message = Message::builder()
            .message_id("m1")
            .receipt_handle("r1")
            .attributes(
                System::DeadLetterQueueSourceArn,
                "arn:aws:sqs:x:1:k-text-input",
            )
            .build();
        assert_eq!(
            received(message).unwrap().reason.as_deref(),
            Some(RECEIVED_TOO_OFTEN)
        );
    }

    #[test]
    fn nobody_can_delete_what_has_no_receipt() {
        assert!(received(Message::builder().message_id("m1").build()).is_none());
    }

    #[test]
    fn reasons_are_made_of_allowed_characters() {
        assert_eq!(cleaned(""), "none given");
        assert_eq!(cleaned("a\u{0}b"), "a\u{FFFD}b");
        assert_eq!(cleaned(&"é".repeat(5_000)).chars().count(), LONGEST_REASON);
    }
}
