//! How the provider's answer to a text is read.

use super::document::{Document, Format, Places};
use crate::channel::came::{Answered, pause};
use crate::channel::{Sign, Signs};
use jiff::Timestamp;
use serde::Deserialize;

/// `[settings.answer]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// How it is written.
    pub format: Format,
    /// Where the provider's own statuses stand; the first that `signs.status` names decides, then
    /// `http 429` and the like.
    pub status: Places,
    /// Where its id of the text stands.
    pub id: Places,
}

impl Answer {
    /// What an answer says. One that cannot be read is its HTTP status alone, and a good one then
    /// means nothing: it may come from something in between.
    pub fn read(
        &self,
        signs: &Signs,
        (http, retry_after): (u16, Option<&str>),
        body: &[u8],
    ) -> Answered {
        let document = Document::read(self.format, body);
        let view = document.as_ref().ok().map(Document::whole);
        let words: Vec<String> = view
            .iter()
            .flat_map(|v| self.status.all().iter().filter_map(|p| v.find(p)))
            .collect();
        let (mut means, status) = signs.of_http(http, &words);
        if document.is_err() && means == Sign::Sent {
            means = Sign::Unknown;
        }
        let id = view
            .and_then(|v| v.first(&self.id))
            .filter(|id| !id.is_empty());
        Answered {
            means,
            status,
            id: id.filter(|_| means == Sign::Sent),
            pause: retry_after.and_then(|r| pause(r, Timestamp::now())),
        }
    }

    pub(super) fn faults(&self) -> Vec<String> {
        let status = self.status.fault("settings.answer.status", self.format);
        let id = self.id.fault("settings.answer.id", self.format);
        status.into_iter().chain(id).collect()
    }
}
