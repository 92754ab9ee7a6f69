//! Who put a body that is not ours onto a queue, as far as the body tells (FAILURES Q26).

use super::aws;
use serde_json::Value;

/// Names the sender of a foreign body by what an operator can look up: the ARN of an SNS topic, the
/// source of an EventBridge event, S3 with its bucket, the identity that SES sent from. `None` where
/// the body names nobody: it is no JSON, or nothing that AWS sends. Whoever can write to a queue can
/// also claim a name, so this is a hint and never a proof.
///
/// The outermost wrapper counts: it is that which was sent to us.
pub fn producer(body: &[u8]) -> Option<String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(body).ok()?;
    let record = aws::field(&value, "Records").and_then(|all| all.get(0));
    let value = record.unwrap_or(&value);
    sns(value)
        .or_else(|| event_bridge(value))
        .or_else(|| s3(value))
        .or_else(|| ses(value))
}

fn sns(value: &Value) -> Option<String> {
    aws::text(value, &["TopicArn"]).or_else(|| aws::text(value, &["Sns", "TopicArn"]))
}

fn event_bridge(value: &Value) -> Option<String> {
    aws::field(value, "detail-type")?;
    let source = aws::text(value, &["source"])?;
    Some(named(source, value, &["detail", "bucket", "name"]))
}

/// An event of a bucket, or the test with which S3 tries out whether it may write here.
fn s3(value: &Value) -> Option<String> {
    match aws::text(value, &["Service"]) {
        Some(service) if aws::field(value, "Event").is_some() => {
            Some(named(service, value, &["Bucket"]))
        }
        _ => {
            let source = aws::text(value, &["eventSource"])?;
            Some(named(source, value, &["s3", "bucket", "name"]))
        }
    }
}

fn ses(value: &Value) -> Option<String> {
    aws::field(value, "mail")?;
    ["receipt", "eventType", "notificationType"]
        .iter()
        .find_map(|field| aws::field(value, field))?;
    Some(named("SES".to_owned(), value, &["mail", "sourceArn"]))
}

fn named(who: String, value: &Value, path: &[&str]) -> String {
    match aws::text(value, path) {
        Some(detail) => format!("{who} {detail}"),
        None => who,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q26: whoever can be told by the body is told.
    #[test]
    fn the_outermost_wrapper_names_who_sent_it() {
        let topic = "arn:aws:sns:ap-southeast-3:1:mails";
        for (body, who) in [
            (
                format!(r#"{{"Type":"Notification","TopicArn":"{topic}","Message":"hi"}}"#),
                topic,
            ),
            (
                format!(r#"{{"Records":[{{"Sns":{{"TopicArn":"{topic}"}}}}]}}"#),
                topic,
            ),
            (
                r#"{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"in"}}}]}"#.into(),
                "aws:s3 in",
            ),
            (
                r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"in"}"#.into(),
                "Amazon S3 in",
            ),
            (
                r#"{"detail-type":"x","source":"aws.s3","detail":{"bucket":{"name":"in"}}}"#.into(),
                "aws.s3 in",
            ),
            (
                r#"{"detail-type":"x","source":"com.example"}"#.into(),
                "com.example",
            ),
            (
                r#"{"eventType":"Open","mail":{"sourceArn":"arn:aws:ses:x"}}"#.into(),
                "SES arn:aws:ses:x",
            ),
            ("\u{feff}{\"receipt\":{},\"mail\":{}}".into(), "SES"),
        ] {
            assert_eq!(producer(body.as_bytes()).as_deref(), Some(who), "{body}");
        }
    }

    #[test]
    fn whoever_says_nothing_is_not_guessed() {
        for body in [
            "",
            "hello",
            "[]",
            "7",
            "{}",
            r#"{"Records":[]}"#,
            r#"{"source":"x"}"#,
            r#"{"mail":{}}"#,
            r#"{"TopicArn":""}"#,
            r#"{"Service":"x"}"#,
        ] {
            assert_eq!(producer(body.as_bytes()), None, "{body}");
        }
    }
}
