use super::Message;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mail that arrived; the raw original lies in the blob store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailInput {
    /// Key of the raw mail in the blob store.
    pub blob: String,
    /// Envelope recipients, as the mail server or the receipt named them. May be empty.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// Envelope sender; empty for a null return path, absent when nobody knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// When it was received; the mail's own Date is only shown.
    pub received_at: Timestamp,
    /// What the receiving service found out; absent when the mail server did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<ReceiptVerdicts>,
    /// Address of the machine that handed the mail in, where known (for SPF).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<std::net::IpAddr>,
    /// What that machine called itself (for SPF).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Id of the mail that this is again, held for want of proof and now confirmed by the person
    /// whose name it bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<uuid::Uuid>,
}

/// The five verdicts of an SES receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptVerdicts {
    /// Is it spam?
    pub spam: VerdictStatus,
    /// Does it carry a virus?
    pub virus: VerdictStatus,
    /// Was the sending machine allowed to use the envelope sender's domain?
    pub spf: VerdictStatus,
    /// Is a signature valid?
    pub dkim: VerdictStatus,
    /// Does one of both align with the From domain, after that domain's policy?
    pub dmarc: VerdictStatus,
}

/// One verdict of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictStatus {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// The receiver could not say (no policy, no signature, undecided).
    Gray,
    /// The check itself failed.
    Failed,
    /// The check is switched off, or the verdict is missing or unknown.
    Absent,
}

impl Message for EmailInput {
    const KIND: &'static str = "email-input";
    const VERSION: u32 = 1;
}
