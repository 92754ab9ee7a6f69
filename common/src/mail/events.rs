//! What SES tells on `mail-events` about mail that we sent.
//!
//! Two forms mean the same: notifications of an identity (`notificationType`) and published events
//! of a configuration set (`eventType`, with tags); either bare, in SNS or through EventBridge
//! (M23). See `testdata/ses/events.json` for the shapes.

use super::aws::{self, AwsError};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that happened to a mail of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEvent {
    /// The id that SES gave when it took the mail: what the delivery row keeps.
    pub provider_message_id: String,
    /// What happened.
    pub kind: EventKind,
    /// Whom it happened to; for a complaint everybody it may have been (SES cannot always tell).
    pub recipients: Vec<Recipient>,
    /// When it happened, as far as it is told.
    pub at: Option<Timestamp>,
    /// Tags of the sending call; only published events have them.
    pub tags: BTreeMap<String, Vec<String>>,
}

/// Whom something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address in lower case.
    pub address: String,
    /// What the other server said; empty if it is not told. May hold an address: never log it.
    pub diagnostic: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Given back. `Permanent` only: the address is to be suppressed; an `Undetermined` or
    /// `Transient` one is not.
    Bounce {
        /// The address will never work.
        permanent: bool,
        /// `General`, `NoEmail`, `Suppressed`, `OnAccountSuppressionList`, `MailboxFull`, ...
        sub_type: String,
    },
    /// The recipient called it spam: the address is to be suppressed.
    Complaint {
        /// `abuse`, `not-spam`, ...; empty if it is not told.
        feedback: String,
    },
    /// Taken by the recipient's server.
    Delivery,
    /// Still being tried.
    Delay {
        /// `MailboxFull`, `SpamDetected`, `TransientCommunicationFailure`, ...
        reason: String,
    },
    /// SES found a virus and did not send it.
    Reject {
        /// As SES puts it.
        reason: String,
    },
    /// Something that changes nothing for us (`Send`, `Open`, `Click`, ...).
    Other(String),
}

impl MailEvent {
    /// Whether these recipients are never to be written to again.
    pub fn suppresses(&self) -> bool {
        match &self.kind {
            EventKind::Bounce { permanent, .. } => *permanent,
            EventKind::Complaint { feedback } => feedback != "not-spam",
            _ => false,
        }
    }
}

/// Reads what came on `mail-events`; several where a wrapper carries a list, none where SNS only
/// talks about its subscription. The same event may come twice, before the sent row is there, and
/// in any order (Q24).
///
/// # Errors
/// [`AwsError`] for a body that is no such event: to the dead letters with it (Q26).
pub fn decode(body: &[u8]) -> Result<Vec<MailEvent>, AwsError> {
    let all = aws::open(body)?;
    all.iter()
        .filter(|value| !is_harmless(value))
        .map(one)
        .collect()
}

/// SNS about itself, and the text with which SES tries a topic out.
fn is_harmless(value: &Value) -> bool {
    let message = aws::text(value, &["Message"]).unwrap_or_default();
    aws::is_sns_control(value) || message.starts_with("Successfully validated SNS topic")
}

fn one(value: &Value) -> Result<MailEvent, AwsError> {
    let Some(name) = kind_name(value) else {
        return Err(aws::unknown(value));
    };
    if name == "Received" {
        return Err(aws::unknown(value));
    }
    let missing = AwsError::Missing {
        shape: "a SES mail event",
        field: "mail.messageId",
    };
    let kind = kind(value, &name);
    Ok(MailEvent {
        provider_message_id: aws::text(value, &["mail", "messageId"]).ok_or(missing)?,
        recipients: recipients(value, &kind),
        at: at(value),
        tags: tags(value),
        kind,
    })
}

/// Both names for one thing; EventBridge may leave it to the `detail-type` or to the object.
fn kind_name(value: &Value) -> Option<String> {
    let named = aws::text(value, &["eventType"])
        .or_else(|| aws::text(value, &["notificationType"]))
        .or_else(|| aws::text(value, &["event"]));
    named.or_else(|| {
        const OBJECTS: [(&str, &str); 5] = [
            ("bounce", "Bounce"),
            ("complaint", "Complaint"),
            ("delivery", "Delivery"),
            ("deliveryDelay", "DeliveryDelay"),
            ("reject", "Reject"),
        ];
        aws::field(value, "mail")?;
        let found = OBJECTS
            .iter()
            .find(|(object, _)| aws::field(value, object).is_some())?;
        Some(found.1.to_owned())
    })
}

fn kind(value: &Value, name: &str) -> EventKind {
    let text = |path: &[&str]| aws::text(value, path).unwrap_or_default();
    match name.replace([' ', '_'], "").to_ascii_lowercase().as_str() {
        "bounce" => EventKind::Bounce {
            permanent: text(&["bounce", "bounceType"]).eq_ignore_ascii_case("Permanent"),
            sub_type: text(&["bounce", "bounceSubType"]),
        },
        "complaint" => EventKind::Complaint {
            feedback: text(&["complaint", "complaintFeedbackType"]),
        },
        "delivery" => EventKind::Delivery,
        "deliverydelay" => EventKind::Delay {
            reason: text(&["deliveryDelay", "delayType"]),
        },
        "reject" => EventKind::Reject {
            reason: text(&["reject", "reason"]),
        },
        _ => EventKind::Other(name.to_owned()),
    }
}

fn recipients(value: &Value, kind: &EventKind) -> Vec<Recipient> {
    let listed = match kind {
        EventKind::Bounce { .. } => objects(value, &["bounce", "bouncedRecipients"]),
        EventKind::Complaint { .. } => objects(value, &["complaint", "complainedRecipients"]),
        EventKind::Delay { .. } => objects(value, &["deliveryDelay", "delayedRecipients"]),
        EventKind::Delivery => {
            let said = aws::text(value, &["delivery", "smtpResponse"]).unwrap_or_default();
            plain(aws::texts(value, &["delivery", "recipients"]), &said)
        }
        EventKind::Reject { .. } | EventKind::Other(_) => Vec::new(),
    };
    // A bounce without its list is not a bounce of everybody.
    let guess = matches!(kind, EventKind::Delivery | EventKind::Reject { .. });
    match listed.is_empty() && guess {
        true => plain(aws::texts(value, &["mail", "destination"]), ""),
        false => listed,
    }
}

fn plain(addresses: Vec<String>, said: &str) -> Vec<Recipient> {
    let recipient = |address: String| Recipient {
        address: bare(&address),
        diagnostic: said.into(),
    };
    addresses.into_iter().map(recipient).collect()
}

fn objects(value: &Value, path: &[&str]) -> Vec<Recipient> {
    let list = aws::path(value, path)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let recipient = |object: &Value| {
        Some(Recipient {
            address: bare(&aws::text(object, &["emailAddress"])?),
            diagnostic: aws::text(object, &["diagnosticCode"])
                .or_else(|| aws::text(object, &["status"]))
                .unwrap_or_default(),
        })
    };
    list.iter().filter_map(recipient).collect()
}

/// `Name <a@b>` is `a@b`.
fn bare(address: &str) -> String {
    let inside = address.rsplit_once('<').map_or(address, |(_, rest)| rest);
    inside.trim_end_matches('>').trim().to_lowercase()
}

fn at(value: &Value) -> Option<Timestamp> {
    const OBJECTS: [&str; 4] = ["bounce", "complaint", "delivery", "deliveryDelay"];
    let found = OBJECTS
        .iter()
        .find_map(|object| aws::time(value, &[object, "timestamp"]));
    found.or_else(|| aws::time(value, &["mail", "timestamp"]))
}

fn tags(value: &Value) -> BTreeMap<String, Vec<String>> {
    let Some(Value::Object(map)) = aws::path(value, &["mail", "tags"]) else {
        return BTreeMap::new();
    };
    map.keys()
        .map(|name| (name.clone(), aws::texts(value, &["mail", "tags", name])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::aws::tests::corpus;
    use serde_json::json;

    fn shown(event: &MailEvent) -> Value {
        let kind = match &event.kind {
            EventKind::Bounce {
                permanent,
                sub_type,
            } => format!("bounce {permanent} {sub_type}"),
            EventKind::Complaint { feedback } => format!("complaint {feedback}"),
            EventKind::Delivery => "delivery".to_owned(),
            EventKind::Delay { reason } => format!("delay {reason}"),
            EventKind::Reject { reason } => format!("reject {reason}"),
            EventKind::Other(name) => format!("other {name}"),
        };
        let to: Vec<_> = event
            .recipients
            .iter()
            .map(|r| json!([r.address, r.diagnostic]))
            .collect();
        let mut value = json!({
            "id": event.provider_message_id, "kind": kind, "to": to, "at": event.at,
            "suppresses": event.suppresses(),
        });
        if !event.tags.is_empty() {
            value["tags"] = json!(event.tags);
        }
        value
    }

    /// M23, Q25, Q26: every shape of the corpus gives what stands beside it.
    #[test]
    fn events_are_understood_or_refused_with_a_remedy() {
        let rows = corpus(include_str!("../../testdata/ses/events.json"));
        assert!(rows.len() >= 20, "{}", rows.len());
        for row in rows {
            let decoded = decode(row.body.as_bytes());
            row.holds(decoded.map(|all| json!(all.iter().map(shown).collect::<Vec<_>>())));
        }
    }
}
