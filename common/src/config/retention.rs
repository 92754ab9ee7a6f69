//! How long what we know of people is kept.

use serde::Deserialize;

/// `[retention]`: days; 0 is for ever. Deliveries have `mailer.keep_days`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The words and addresses of messages, and the answers.
    pub message_days: u32,
    /// The rows of incoming mails, with what is left of them.
    pub mail_days: u32,
    /// Raw mails.
    pub blob_days: u32,
    /// Files that went back with the answers to workbooks.
    pub workbook_days: u32,
    /// Who changed what about people.
    pub change_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            message_days: 1825,
            mail_days: 1825,
            blob_days: 730,
            workbook_days: 90,
            change_days: 3650,
        }
    }
}
