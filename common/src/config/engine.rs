//! How answers are made.

use crate::phone::Numbering;
use serde::Deserialize;
use std::path::PathBuf;

/// `[engine]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Folder whose code files add to the shipped ones or replace them.
    pub codes: Option<PathBuf>,
    /// Systems in which a place code of a message is looked up, in this order.
    pub place_systems: Vec<String>,
    /// The same message of the same person within this time gets the first answer again.
    pub repeat_window_s: u32,
    /// Two people's reports of one village and species, with a sign in common, within so many days may be of one
    /// event, which the answer says; 0: never.
    pub alike_days: u32,
    /// Language for those whom we do not know.
    pub language: String,
    /// In front of every text that goes out.
    pub signature: String,
    /// Most parts of an SMS that an answer may take.
    pub max_parts: u32,
    /// Country calling code of numbers that are written without one.
    pub country_code: String,
    /// What mobile numbers begin with behind it; empty: nothing tells them apart.
    pub mobile_prefix: String,
    /// An answer to a text is not worth sending after this.
    pub answer_ttl_s: u32,
    /// For how many days a movement permit holds, the day of issue not counted.
    pub permit_days: u16,
    /// The answer to a text ends with its trace (`#1a2b3c4d`) where that takes no further part.
    pub trace_in_answers: bool,
    /// Number to which texts are sent, printed on documents; empty: none.
    pub sms_number: String,
    /// The whole installation is for training: everything that anybody sends is kept apart.
    pub training: bool,
    /// So long a PIN is good that confirms a new user or a new number.
    pub registration_hours: u32,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            codes: None,
            place_systems: vec!["kemendagri".into()],
            repeat_window_s: 600,
            alike_days: 3,
            language: "id".into(),
            signature: "[Kentongan] ".into(),
            max_parts: 3,
            country_code: "62".into(),
            mobile_prefix: "8".into(),
            answer_ttl_s: 6 * 3600,
            permit_days: 30,
            trace_in_answers: true,
            sms_number: String::new(),
            training: false,
            registration_hours: 24,
        }
    }
}

impl Engine {
    /// How telephone numbers are written here.
    pub fn numbering(&self) -> Numbering {
        Numbering {
            country: self.country_code.clone(),
            mobile: self.mobile_prefix.clone(),
        }
    }
}
