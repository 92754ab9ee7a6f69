//! Looking at queues and making them.

use super::{SqsQueue, count, is_missing, seconds};
use crate::failure::Dependency;
use crate::queue::{Created, Facts, Redrive, dead_name};
use crate::{Failure, Result, aws};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Dead letters are kept as long as SQS keeps anything. Their clock runs from the first send
/// (Q11), so the queue itself keeps messages for less.
const DEAD_RETENTION_S: u32 = 14 * 24 * 3600;

/// Long enough for a holiday with the database away; four days stay for a look at the dead.
const RETENTION_S: u32 = 10 * 24 * 3600;

/// A long poll by default, for who receives without naming a wait.
const POLL_S: u32 = 20;

/// SQS's longest name.
const LONGEST_NAME: usize = 80;

type Attributes = HashMap<Name, String>;

/// What is known of a queue; `None` when there is none.
pub async fn facts(queue: &SqsQueue, name: &str) -> Result<Option<Facts>> {
    let Some(told) = attributes(queue, name).await? else {
        return Ok(None);
    };
    let number = |name: Name| told.get(&name).and_then(|n| n.parse().ok()).unwrap_or(0);
    Ok(Some(Facts {
        waiting: number(Name::ApproximateNumberOfMessages),
        in_flight: number(Name::ApproximateNumberOfMessagesNotVisible),
        delayed: number(Name::ApproximateNumberOfMessagesDelayed),
        // Only CloudWatch knows, as ApproximateAgeOfOldestMessage.
        oldest_s: None,
        redrive: told
            .get(&Name::RedrivePolicy)
            .and_then(|p| redrive(queue, p)),
    }))
}

/// Names of this installation's queues.
pub async fn list(queue: &SqsQueue) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut from = None;
    loop {
        count("", "list_queues");
        let call = queue.calls.list_queues().queue_name_prefix(queue.full(""));
        let page = call.max_results(1000).set_next_token(from).send().await;
        let page = page.map_err(|e| aws::failure(Dependency::Queue, "listing queues", &e))?;
        let full = |url: &String| url.rsplit('/').next().map(str::to_owned);
        names.extend(page.queue_urls().iter().filter_map(full));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    names.sort();
    Ok(names
        .iter()
        .map(|full| queue.logical(full).to_owned())
        .collect())
}

/// Makes a queue and, before it, its dead letters. What exists is not changed, except that a
/// missing redrive policy is set; what is not as it would be made is told in the notes.
pub async fn create(queue: &SqsQueue, name: &str) -> Result<Created> {
    let mut notes = Vec::new();
    let letters = vec![(Name::MessageRetentionPeriod, DEAD_RETENTION_S.to_string())];
    if name.ends_with(&dead_name("")) {
        let made = make(queue, name, letters, &mut notes).await?;
        return Ok(created(queue, name, made, None, notes));
    }
    let dead = dead_name(name);
    let dead_made = make(queue, &dead, letters, &mut notes).await?;
    let made = make(queue, name, wanted(queue, &dead).await?, &mut notes).await?;
    Ok(created(queue, name, made, Some((dead, dead_made)), notes))
}

fn created(
    queue: &SqsQueue,
    name: &str,
    made: bool,
    dead: Option<(String, bool)>,
    notes: Vec<String>,
) -> Created {
    Created {
        name: queue.full(name),
        made,
        dead_made: dead.as_ref().is_some_and(|(_, made)| *made),
        dead: dead.map(|(name, _)| queue.full(&name)),
        notes,
    }
}

/// A queue's attributes as it would be made.
async fn wanted(queue: &SqsQueue, dead: &str) -> Result<Vec<(Name, String)>> {
    let told = attributes(queue, dead).await?;
    let arn = told.and_then(|mut told| told.remove(&Name::QueueArn));
    let arn = arn.ok_or_else(|| Failure::retry(format!("the dead letters {dead} have no ARN")))?;
    let redrive = json!({
        "deadLetterTargetArn": arn,
        "maxReceiveCount": queue.rules.max_receives,
    });
    let lease = seconds(queue.rules.lease, super::LONGEST_LEASE_S);
    Ok(vec![
        (Name::VisibilityTimeout, lease.to_string()),
        (Name::MessageRetentionPeriod, RETENTION_S.to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, POLL_S.to_string()),
        (Name::RedrivePolicy, redrive.to_string()),
    ])
}

/// Makes a queue with these attributes; `false` when it exists.
async fn make(
    queue: &SqsQueue,
    name: &str,
    wanted: Vec<(Name, String)>,
    notes: &mut Vec<String>,
) -> Result<bool> {
    let full = queue.full(name);
    check_name(&full)?;
    if let Some(told) = attributes(queue, name).await? {
        compare(queue, name, &told, &wanted, notes).await?;
        return Ok(false);
    }
    count(name, "create_queue");
    let call = queue.calls.create_queue().queue_name(&full);
    match call
        .set_attributes(Some(wanted.into_iter().collect()))
        .send()
        .await
    {
        Ok(_) => Ok(true),
        // Somebody else made it in this moment.
        Err(e)
            if matches!(
                aws::code(&e),
                Some("QueueAlreadyExists" | "QueueNameExists")
            ) =>
        {
            Ok(false)
        }
        Err(e) => Err(aws::failure(Dependency::Queue, "making a queue", &e)),
    }
}

/// Notes where an existing queue is not as it would be made; sets a redrive policy that is missing,
/// since daemons refuse to run without.
async fn compare(
    queue: &SqsQueue,
    name: &str,
    told: &Attributes,
    wanted: &[(Name, String)],
    notes: &mut Vec<String>,
) -> Result {
    let full = queue.full(name);
    for (attribute, value) in wanted {
        match told.get(attribute) {
            Some(has) if same(has, value) => {}
            None if *attribute == Name::RedrivePolicy => {
                set_redrive(queue, name, value).await?;
                notes.push(format!("{full} had no redrive policy; it is {value} now"));
            }
            has => {
                let (has, what) = (has.map_or("absent", String::as_str), attribute.as_str());
                notes.push(format!(
                    "{full} has {what} {has}; a new one would have {value}"
                ));
            }
        }
    }
    Ok(())
}

async fn set_redrive(queue: &SqsQueue, name: &str, policy: &str) -> Result {
    count(name, "set_queue_attributes");
    let call = queue
        .calls
        .set_queue_attributes()
        .queue_url(queue.url(name).await?);
    let set = call.attributes(Name::RedrivePolicy, policy).send().await;
    set.map(drop)
        .map_err(|e| queue.failure(name, "setting a redrive policy", &e))
}

/// All attributes of a queue; `None` when there is no such queue.
async fn attributes(queue: &SqsQueue, name: &str) -> Result<Option<Attributes>> {
    let Some(url) = queue.find(name).await? else {
        return Ok(None);
    };
    count(name, "get_queue_attributes");
    let call = queue.calls.get_queue_attributes().queue_url(url);
    match call.attribute_names(Name::All).send().await {
        Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
        Err(e) if is_missing(&e) => {
            queue.known().remove(name);
            Ok(None)
        }
        Err(e) => Err(queue.failure(name, "looking at a queue", &e)),
    }
}

/// A redrive policy, whose number some write as text.
fn redrive(queue: &SqsQueue, policy: &str) -> Option<Redrive> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let dead = policy
        .get("deadLetterTargetArn")?
        .as_str()?
        .rsplit(':')
        .next()?;
    Some(Redrive {
        dead: queue.logical(dead).to_owned(),
        max_receives: number(policy.get("maxReceiveCount")?)?,
    })
}

fn number(value: &Value) -> Option<u32> {
    let read = value.as_u64().and_then(|n| u32::try_from(n).ok());
    read.or_else(|| value.as_str()?.parse().ok())
}

/// Equal as numbers and texts, or as redrive policies however they are written.
fn same(has: &str, wanted: &str) -> bool {
    let rule = |text: &str| {
        let policy: Value = serde_json::from_str(text).ok()?;
        let target = policy.get("deadLetterTargetArn")?.as_str()?.to_owned();
        Some((target, number(policy.get("maxReceiveCount")?)?))
    };
    has == wanted || (rule(has).is_some() && rule(has) == rule(wanted))
}

fn check_name(full: &str) -> Result {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if full.len() <= LONGEST_NAME && full.chars().all(allowed) {
        return Ok(());
    }
    Err(Failure::quarantine(format!(
        "queue name {full}: SQS takes up to {LONGEST_NAME} letters, digits, - and _"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redrive_policies_are_equal_however_they_are_written() {
        let ours = r#"{"deadLetterTargetArn":"a:b","maxReceiveCount":20}"#;
        let theirs = r#"{ "maxReceiveCount": "20", "deadLetterTargetArn": "a:b" }"#;
        assert!(same(theirs, ours));
        assert!(!same(&theirs.replace("20", "5"), ours));
        assert!(same("60", "60") && !same("30", "60"));
    }

    #[test]
    fn names_that_sqs_refuses_are_refused_with_the_rule() {
        assert_eq!(check_name("kentongan-text-output-wa_2"), Ok(()));
        for name in ["kentongan-text.input", &"x".repeat(81), "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
