//! The wrappers in which AWS puts what it has to say, taken off one by one.

use serde_json::Value;

/// JSON from AWS that is not what was expected. The text names fields, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// Not JSON.
    #[error(
        "no JSON (line {line}, column {column}); remedy: nothing but AWS may send to this queue"
    )]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON of a shape that nobody here knows.
    #[error("looks like {looks_like}; remedy: let SES, S3 or SNS alone send to this queue")]
    Unknown {
        /// Its kind and the names of its fields.
        looks_like: String,
    },
    /// The right shape without a field that it cannot do without.
    #[error("{shape} without `{field}`; remedy: compare it with the AWS documentation")]
    Missing {
        /// What it is otherwise.
        shape: &'static str,
        /// The path of the field.
        field: &'static str,
    },
    /// A receipt whose action keeps no object: nothing to fetch (M22).
    #[error(
        "a receipt of the action `{action}`, which keeps no mail; remedy: give the receipt rule \
         an S3 action with this queue's topic (an SNS action carries 150 KB at most)"
    )]
    NoObject {
        /// The action's type as SES names it.
        action: String,
    },
}

/// SNS in SNS in EventBridge is the most that anybody sets up.
const MOST_WRAPPERS: usize = 4;

/// What is inside: one value, or several where a wrapper carries a list.
pub(crate) fn open(body: &[u8]) -> Result<Vec<Value>, AwsError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value = serde_json::from_slice(body).map_err(|e| AwsError::NotJson {
        line: e.line(),
        column: e.column(),
    })?;
    Ok(unwrap(value, MOST_WRAPPERS))
}

fn unwrap(value: Value, left: usize) -> Vec<Value> {
    if left == 0 {
        return vec![value];
    }
    match inner(&value) {
        Some(inner) => inner
            .into_iter()
            .flat_map(|v| unwrap(v, left - 1))
            .collect(),
        None => vec![value],
    }
}

/// One wrapper taken off: SNS (`Message`), EventBridge (`detail`), or the record lists that
/// Lambda would get (`Sns`, `body`, `ses`).
fn inner(value: &Value) -> Option<Vec<Value>> {
    let message = field(value, "Message").filter(|_| !is_sns_control(value));
    if let Some(message) = message.and_then(parsed) {
        return Some(vec![message]);
    }
    if field(value, "detail-type").is_some() {
        return field(value, "detail").map(|detail| vec![with_type(detail, value)]);
    }
    let records = field(value, "Records")?.as_array()?;
    let inner = |record: &Value| {
        let wrapped = field(record, "Sns")
            .or_else(|| field(record, "ses"))
            .cloned();
        wrapped.or_else(|| field(record, "body").and_then(parsed))
    };
    let all: Vec<Value> = records.iter().filter_map(inner).collect();
    (!all.is_empty() && all.len() == records.len()).then_some(all)
}

/// The kind of an EventBridge event stands outside of it.
fn with_type(detail: &Value, outside: &Value) -> Value {
    let mut detail = detail.clone();
    if let (Some(map), Some(kind)) = (detail.as_object_mut(), field(outside, "detail-type")) {
        map.entry("detail-type-outside")
            .or_insert_with(|| kind.clone());
        let time = field(outside, "time").cloned();
        map.entry("time-outside")
            .or_insert(time.unwrap_or(Value::Null));
    }
    detail
}

/// JSON in a string, as SNS and SQS carry it, or JSON as it is.
fn parsed(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        Value::Object(_) => Some(value.clone()),
        _ => None,
    }
}

/// SNS asking for a subscription to be confirmed, or telling that one ended.
pub(crate) fn is_sns_control(value: &Value) -> bool {
    matches!(
        text(value, &["Type"]).as_deref(),
        Some("SubscriptionConfirmation" | "UnsubscribeConfirmation")
    )
}

/// A field by its name; letter case does not count, since AWS itself uses both.
pub(crate) fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    map.get(name).or_else(|| {
        map.iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|f| f.1)
    })
}

pub(crate) fn path<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter()
        .try_fold(value, |value, name| field(value, name))
}

/// Text at a path; a number counts as text, blank text as none.
pub(crate) fn text(value: &Value, names: &[&str]) -> Option<String> {
    let text = match path(value, names)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A list of texts at a path; one text counts as a list of one.
pub(crate) fn texts(value: &Value, names: &[&str]) -> Vec<String> {
    match path(value, names) {
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(|v| v.as_str())
            .map(|t| t.trim().to_owned())
            .collect(),
        Some(Value::String(text)) => vec![text.trim().to_owned()],
        _ => Vec::new(),
    }
}

/// A time at a path; one that cannot be read counts as none.
pub(crate) fn time(value: &Value, names: &[&str]) -> Option<jiff::Timestamp> {
    text(value, names)?.parse().ok()
}

pub(crate) fn unknown(value: &Value) -> AwsError {
    let looks_like = match value {
        Value::Object(map) if map.is_empty() => "an empty object".to_owned(),
        Value::Object(map) => {
            let names: Vec<String> = map.keys().take(12).map(|k| shown(k)).collect();
            format!("an object with {}", names.join(", "))
        }
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) => "a text".to_owned(),
        _ => "a bare value".to_owned(),
    };
    AwsError::Unknown { looks_like }
}

/// The name of a field, if it looks like one: a stranger's key may be anything.
fn shown(key: &str) -> String {
    let plain = key.len() <= 40
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    if plain {
        key.to_owned()
    } else {
        "?".to_owned()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One body of a corpus of real shapes and what has to come of it.
    #[derive(serde::Deserialize)]
    pub(crate) struct Row {
        name: String,
        #[serde(deserialize_with = "body")]
        pub body: String,
        expect: Value,
    }

    /// Reads a corpus: bodies are JSON, or the text that they are.
    pub(crate) fn corpus(json: &str) -> Vec<Row> {
        serde_json::from_str(json).expect("corpus")
    }

    fn body<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        let value: Value = serde::Deserialize::deserialize(from)?;
        Ok(match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    impl Row {
        /// Fails unless it was understood as the corpus says, or refused with that and a remedy.
        pub fn holds(&self, decoded: Result<Value, AwsError>) {
            let name = &self.name;
            match decoded {
                Ok(value) => assert_eq!(value, self.expect, "{name}"),
                Err(error) => {
                    let wanted = self.expect["error"].as_str().unwrap_or("no error");
                    let said = error.to_string();
                    assert!(said.contains(wanted), "{name}: {said}");
                    assert!(said.contains("remedy: "), "{name}: {said}");
                }
            }
        }
    }
}
