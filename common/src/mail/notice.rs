//! What AWS puts on `email-input` when a mail has arrived.
//!
//! SES can tell it directly (the S3 action's topic), S3 can tell it (an event of the bucket), and
//! each of them bare, wrapped in SNS, or through EventBridge. Fields may be missing or new; only
//! the bucket and the key of the object are needed. See `testdata/ses/notices.json` for the shapes.

use super::aws::{self, AwsError};
use jiff::Timestamp;
use serde_json::Value;

/// What a notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Mails arrived; an S3 event can name several.
    Arrived(Vec<Arrival>),
    /// S3 tries out whether it may write here. Nothing to do.
    Test,
    /// Something harmless that says nothing about a mail, by its short name.
    Ignored(&'static str),
}

/// A mail that lies in a bucket, with what its receiver found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The bucket.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
    /// The envelope's recipients that are ours; empty when S3 told it (take the header's then).
    pub recipients: Vec<String>,
    /// The envelope's sender; `Some("")` is the null return path of a bounce, `None` not told.
    pub sender: Option<String>,
    /// When it was received.
    pub received_at: Option<Timestamp>,
    /// SES's own id of the mail.
    pub provider_id: Option<String>,
    /// The mail's own `Message-ID` without angle brackets, if SES told it.
    pub message_id: Option<String>,
    /// What SES found out; `None` when S3 told it: then the mail has to be proven otherwise.
    pub verdicts: Option<Verdicts>,
}

/// What SES found out about a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdicts {
    /// Spam or not.
    pub spam: Verdict,
    /// Virus or not.
    pub virus: Verdict,
    /// SPF of the envelope's sender.
    pub spf: Verdict,
    /// Any DKIM signature; SES does not say of which domain.
    pub dkim: Verdict,
    /// DMARC of the `From` domain.
    pub dmarc: Verdict,
    /// What the `From` domain asks for when DMARC fails; SES tells it only then.
    pub dmarc_policy: Option<DmarcPolicy>,
}

/// One finding of SES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verdict {
    /// In order.
    Pass,
    /// Not in order.
    Fail,
    /// Could not be said: no policy, no signature, not sure.
    Gray,
    /// SES failed to find out.
    ProcessingFailed,
    /// The check is switched off for this receipt rule.
    Disabled,
    /// Not told, or a word that is new to us.
    #[default]
    Unknown,
}

/// What a domain asks receivers to do with mail that fails DMARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DmarcPolicy {
    /// Nothing.
    None,
    /// Distrust it.
    Quarantine,
    /// Refuse it.
    Reject,
}

/// What SES writes into the bucket when a receipt rule is made (M23): no mail.
const SETUP: &str = "AMAZON_SES_SETUP_NOTIFICATION";

impl Arrival {
    /// The key of the intake: the same object is the same mail, however often it is announced and
    /// by whomever (M4).
    pub fn id(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }
}

/// Reads a notice. The same notice may come twice, and SES and S3 may both announce one mail.
///
/// # Errors
/// [`AwsError`] for a body that no tolerance makes a notice of: to the dead letters with it (Q26).
pub fn decode(body: &[u8]) -> Result<Notice, AwsError> {
    let mut arrived = Vec::new();
    let mut other = None;
    for value in aws::open(body)? {
        match one(&value)? {
            Notice::Arrived(more) => arrived.extend(more),
            harmless => other = Some(harmless),
        }
    }
    match (arrived.is_empty(), other) {
        (true, other) => Ok(other.unwrap_or(Notice::Ignored("no_records"))),
        (false, _) => Ok(Notice::Arrived(arrived)),
    }
}

fn one(value: &Value) -> Result<Notice, AwsError> {
    if aws::is_sns_control(value) {
        return Ok(Notice::Ignored("sns_subscription"));
    }
    if aws::text(value, &["Event"]).is_some_and(|e| e.eq_ignore_ascii_case("s3:TestEvent")) {
        return Ok(Notice::Test);
    }
    if aws::field(value, "receipt").is_some() {
        return receipt(value);
    }
    if let Some(Value::Array(records)) = aws::field(value, "Records") {
        return s3(records);
    }
    if aws::path(value, &["object", "key"]).is_some() {
        return event_bridge(value);
    }
    Err(aws::unknown(value))
}

/// A SES receipt notification.
fn receipt(value: &Value) -> Result<Notice, AwsError> {
    let provider_id = aws::text(value, &["mail", "messageId"]);
    if provider_id.as_deref() == Some(SETUP) {
        return Ok(Notice::Ignored("ses_setup"));
    }
    let at = |field: &str| aws::text(value, &["receipt", "action", field]);
    let shape = "a SES receipt";
    let action = at("type").unwrap_or_default();
    if !action.eq_ignore_ascii_case("S3") && at("objectKey").is_none() {
        return Err(AwsError::NoObject { action });
    }
    let missing = |field| move || AwsError::Missing { shape, field };
    Ok(Notice::Arrived(vec![Arrival {
        bucket: at("bucketName").ok_or_else(missing("receipt.action.bucketName"))?,
        key: at("objectKey").ok_or_else(missing("receipt.action.objectKey"))?,
        recipients: recipients(value),
        sender: sender(value),
        received_at: aws::time(value, &["receipt", "timestamp"])
            .or_else(|| aws::time(value, &["mail", "timestamp"])),
        provider_id,
        message_id: message_id(value),
        verdicts: Some(verdicts(value)),
    }]))
}

/// `receipt.recipients` are those that the rule matched; `mail.destination` is everybody.
fn recipients(value: &Value) -> Vec<String> {
    let matched = aws::texts(value, &["receipt", "recipients"]);
    if matched.is_empty() {
        aws::texts(value, &["mail", "destination"])
    } else {
        matched
    }
}

fn sender(value: &Value) -> Option<String> {
    let source = aws::path(value, &["mail", "source"])?.as_str()?.trim();
    Some(source.trim_matches(['<', '>']).to_owned())
}

fn message_id(value: &Value) -> Option<String> {
    let common = aws::text(value, &["mail", "commonHeaders", "messageId"]);
    let id = common.or_else(|| {
        let headers = aws::path(value, &["mail", "headers"])?.as_array()?;
        let is_id = |h: &&Value| {
            aws::text(h, &["name"]).is_some_and(|n| n.eq_ignore_ascii_case("message-id"))
        };
        aws::text(headers.iter().find(is_id)?, &["value"])
    })?;
    let id = id.trim_matches(['<', '>', ' ']).to_owned();
    (!id.is_empty()).then_some(id)
}

fn verdicts(value: &Value) -> Verdicts {
    let verdict = |name: &str| {
        let status = aws::text(value, &["receipt", name, "status"]);
        status
            .or_else(|| aws::text(value, &["receipt", name]))
            .map_or(Verdict::Unknown, parse)
    };
    Verdicts {
        spam: verdict("spamVerdict"),
        virus: verdict("virusVerdict"),
        spf: verdict("spfVerdict"),
        dkim: verdict("dkimVerdict"),
        dmarc: verdict("dmarcVerdict"),
        dmarc_policy: dmarc_policy(value),
    }
}

fn parse(status: String) -> Verdict {
    match status.to_ascii_uppercase().as_str() {
        "PASS" => Verdict::Pass,
        "FAIL" => Verdict::Fail,
        "GRAY" | "GREY" => Verdict::Gray,
        "PROCESSING_FAILED" => Verdict::ProcessingFailed,
        "DISABLED" => Verdict::Disabled,
        _ => Verdict::Unknown,
    }
}

fn dmarc_policy(value: &Value) -> Option<DmarcPolicy> {
    let text = aws::text(value, &["receipt", "dmarcPolicy"])
        .or_else(|| aws::text(value, &["receipt", "dmarcPolicy", "status"]))?;
    match text.to_ascii_lowercase().as_str() {
        "none" => Some(DmarcPolicy::None),
        "quarantine" => Some(DmarcPolicy::Quarantine),
        "reject" => Some(DmarcPolicy::Reject),
        _ => None,
    }
}

/// The records of an S3 event notification. Its keys are URL-encoded, a blank as `+`.
fn s3(records: &[Value]) -> Result<Notice, AwsError> {
    let mut arrived = Vec::new();
    let mut ignored = "no_records";
    for record in records {
        let Some(s3) = aws::field(record, "s3") else {
            return Err(aws::unknown(record));
        };
        let event = aws::text(record, &["eventName"]).unwrap_or_default();
        let event = event.trim_start_matches("s3:");
        if !event.is_empty() && !event.starts_with("ObjectCreated") {
            ignored = "s3_not_created";
            continue;
        }
        let arrival = object(s3, aws::time(record, &["eventTime"]), url_decoded)?;
        match arrival {
            Some(arrival) => arrived.push(arrival),
            None => ignored = "ses_setup",
        }
    }
    Ok(if arrived.is_empty() {
        Notice::Ignored(ignored)
    } else {
        Notice::Arrived(arrived)
    })
}

/// An S3 event through EventBridge. Its key is not encoded.
fn event_bridge(value: &Value) -> Result<Notice, AwsError> {
    let kind = aws::text(value, &["detail-type-outside"]).unwrap_or_default();
    if !kind.is_empty() && !kind.eq_ignore_ascii_case("Object Created") {
        return Ok(Notice::Ignored("s3_not_created"));
    }
    match object(value, aws::time(value, &["time-outside"]), |key| {
        key.to_owned()
    })? {
        Some(arrival) => Ok(Notice::Arrived(vec![arrival])),
        None => Ok(Notice::Ignored("ses_setup")),
    }
}

fn object(
    value: &Value,
    received_at: Option<Timestamp>,
    decode: impl Fn(&str) -> String,
) -> Result<Option<Arrival>, AwsError> {
    let missing = |field| {
        move || AwsError::Missing {
            shape: "an S3 event",
            field,
        }
    };
    let bucket = aws::text(value, &["bucket", "name"]).ok_or_else(missing("bucket.name"))?;
    let key = aws::text(value, &["object", "key"]).ok_or_else(missing("object.key"))?;
    let key = decode(&key);
    Ok((!key.ends_with(SETUP)).then(|| Arrival {
        bucket,
        key,
        recipients: Vec::new(),
        sender: None,
        received_at,
        provider_id: None,
        message_id: None,
        verdicts: None,
    }))
}

/// `application/x-www-form-urlencoded`, as S3 writes keys; a `%` that encodes nothing stays.
fn url_decoded(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let encoded = after.get(..2).and_then(|d| super::words::hex(d[0], d[1]));
        match (byte, encoded) {
            (b'+', _) => out.push(b' '),
            (b'%', Some(value)) => {
                out.push(value);
                rest = &after[2..];
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::aws::tests::corpus;
    use serde_json::json;

    fn letter(verdict: Verdict) -> char {
        match verdict {
            Verdict::Pass => 'P',
            Verdict::Fail => 'F',
            Verdict::Gray => 'G',
            Verdict::ProcessingFailed => 'X',
            Verdict::Disabled => 'D',
            Verdict::Unknown => '?',
        }
    }

    fn shown(arrival: &Arrival) -> Value {
        let verdicts = arrival.verdicts.map(|v| {
            [v.spam, v.virus, v.spf, v.dkim, v.dmarc]
                .map(letter)
                .iter()
                .collect::<String>()
        });
        let mut value = json!({
            "bucket": arrival.bucket, "key": arrival.key, "recipients": arrival.recipients,
            "sender": arrival.sender, "received_at": arrival.received_at,
            "provider_id": arrival.provider_id, "message_id": arrival.message_id,
            "verdicts": verdicts,
        });
        if let Some(policy) = arrival.verdicts.and_then(|v| v.dmarc_policy) {
            value["dmarc_policy"] = json!(format!("{policy:?}"));
        }
        value
    }

    /// Q25, M22, M23: every shape of the corpus gives what stands beside it.
    #[test]
    fn notices_are_understood_or_refused_with_a_remedy() {
        let rows = corpus(include_str!("../../testdata/ses/notices.json"));
        assert!(rows.len() >= 40, "{}", rows.len());
        for row in rows {
            row.holds(decode(row.body.as_bytes()).map(|notice| match notice {
                Notice::Arrived(all) => {
                    json!({ "arrived": all.iter().map(shown).collect::<Vec<_>>() })
                }
                Notice::Test => json!("test"),
                Notice::Ignored(why) => json!({ "ignored": why }),
            }));
        }
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        let body = "\u{feff}{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\"}";
        assert_eq!(decode(body.as_bytes()), Ok(Notice::Test));
    }
}
