//! What the proxy does to SQS's batches and receives.

use super::http::{self, Request, Response};
use serde_json::{Value, json};

/// Hands on the entries that are not refused, and adds the refused ones to the answer.
pub async fn refuse_entries(
    mut request: Request,
    places: &[usize],
    upstream: u16,
) -> std::io::Result<Response> {
    let mut asked: Value = serde_json::from_slice(&request.body)?;
    let entries = asked["Entries"].as_array().cloned().unwrap_or_default();
    let (refused, kept): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .enumerate()
        .partition(|(place, _)| places.contains(place));
    let kept: Vec<Value> = kept.into_iter().map(|(_, entry)| entry).collect();
    let mut answer = json!({ "Successful": [], "Failed": [] });
    if !kept.is_empty() {
        asked["Entries"] = Value::Array(kept);
        request.body = serde_json::to_vec(&asked)?;
        answer = serde_json::from_slice(&http::forward(&request, upstream).await?.body)?;
    }
    let refusals = refused.into_iter().map(
        |(_, entry)| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }),
    );
    let failed = answer["Failed"].as_array().cloned().unwrap_or_default();
    answer["Failed"] = failed.into_iter().chain(refusals).collect();
    Ok(Response::json(&answer))
}

/// Says that all entries of a batch are done.
pub fn all_done(request: &Request) -> Response {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let entries = asked["Entries"].as_array().cloned().unwrap_or_default();
    let done: Vec<Value> = entries.iter().map(|e| json!({ "Id": e["Id"] })).collect();
    Response::json(&json!({ "Successful": done, "Failed": [] }))
}

/// The messages of a receive's answer.
pub fn messages(response: &Response) -> Vec<Value> {
    let told: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    told["Messages"].as_array().cloned().unwrap_or_default()
}

/// A receive's answer with further messages.
pub fn with_messages(response: Response, more: Vec<Value>) -> Response {
    if more.is_empty() || response.status != 200 {
        return response;
    }
    let all: Vec<Value> = messages(&response).into_iter().chain(more).collect();
    Response::json(&json!({ "Messages": all }))
}
