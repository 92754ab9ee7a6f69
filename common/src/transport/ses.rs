//! SES v2: raw MIME in one call. SES puts its own Message-ID and Date on what it sends, so the
//! reference to the trace also stands in `References`.

use super::{Finished, Outcome, Quota, Time, Transport, within};
use crate::aws::{self, Sdk};
use crate::config::Aws;
use crate::failure::Dependency;
use crate::{Failure, Result};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, MessageTag, RawMessage};
use std::time::Duration;

/// SES takes 40 MB with everything, before it encodes what it must.
/// <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>
const MOST_BYTES: usize = 40 * 1024 * 1024;

/// Codes that refuse this one mail: its content, or an address in it. All else concerns all mail.
const ABOUT_THIS_MAIL: &[&str] = &["MessageRejected", "BadRequestException"];

/// Codes that someone must repair in the account; mail waits meanwhile.
const ABOUT_THE_ACCOUNT: &[&str] = &[
    "AccountSuspendedException",
    "SendingPausedException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
    "LimitExceededException",
];

/// SES as a transport.
pub struct Ses {
    client: Client,
    configuration_set: Option<String>,
    /// How long a mail's call may take; `None` after its size. Tests cannot wait.
    patience: Option<Duration>,
}

impl Ses {
    /// A transport at this place. Asks nobody yet.
    pub async fn open(sdk: &Sdk, place: &Aws, configuration_set: Option<String>) -> Self {
        Self::new(&sdk.config(place).await, configuration_set)
    }

    /// A transport with these AWS settings.
    pub fn new(config: &SdkConfig, configuration_set: Option<String>) -> Self {
        // A call that got no answer may have sent the mail: whether to send it again is the
        // delivery's policy and nothing that happens in here.
        let config = aws_sdk_sesv2::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(config),
            configuration_set,
            patience: None,
        }
    }

    async fn send(
        &self,
        mail: &Finished,
        raw: RawMessage,
    ) -> std::result::Result<Option<String>, SdkError<SendEmailError>> {
        let patience = self.patience;
        let patience = patience.unwrap_or_else(|| aws::patience(mail.raw.len() as u64));
        let patience = aws_sdk_sesv2::Config::builder().timeout_config(aws::timeouts(patience));
        self.client
            .send_email()
            .from_email_address(&mail.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(self.configuration_set.clone())
            .set_email_tags(tag(mail).map(|tag| vec![tag]))
            .customize()
            .config_override(patience)
            .send()
            .await
            .map(|sent| sent.message_id)
    }
}

#[async_trait]
impl Transport for Ses {
    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome {
        if mail.raw.len() > MOST_BYTES {
            let (size, most) = (mail.raw.len(), MOST_BYTES);
            return Outcome::Refused {
                reason: format!("{size} bytes are more than the {most} that SES takes"),
            };
        }
        let raw = RawMessage::builder().data(Blob::new(mail.raw.clone()));
        let raw = match raw.build() {
            Ok(raw) => raw,
            Err(e) => return Outcome::NotSent(Failure::retry(e)),
        };
        within(time.limit, async {
            match self.send(mail, raw).await {
                Ok(provider_id) => Outcome::Sent { provider_id },
                Err(e) => outcome(&e),
            }
        })
        .await
    }

    async fn probe(&self) -> Result {
        self.quota().await.map(drop)
    }

    async fn quota(&self) -> Result<Option<Quota>> {
        let account = match self.client.get_account().send().await {
            Ok(account) => account,
            // Emulators do not have it, and a role may be allowed to send and nothing else.
            Err(e) if cannot_tell(&e) => return Ok(None),
            Err(e) => {
                return Err(aws::failure(
                    Dependency::Mail,
                    "asking SES for the quota",
                    &e,
                ));
            }
        };
        if !account.sending_enabled() {
            let cause = "SES has paused this account's sending; see the account's reputation page";
            return Err(Failure::wait(Dependency::Mail, cause));
        }
        Ok(account.send_quota().map(|quota| Quota {
            per_second: quota.max_send_rate(),
            // -1 means without limit.
            per_day: quota.max24_hour_send().max(0.0),
            sent_today: quota.sent_last24_hours(),
        }))
    }
}

/// The envelope's id as a tag, so that events name it. Tags take letters, digits, `_` and `-`.
fn tag(mail: &Finished) -> Option<MessageTag> {
    let id = mail.message_id.split('.').next()?;
    let fits = id.len() <= 256 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let tag = MessageTag::builder().name("kentongan").value(id);
    fits.then(|| tag.build().ok()).flatten()
}

/// Emulators do not have it, and a role may be allowed to send and nothing else.
fn cannot_tell<E>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|r| r.status().as_u16());
    status.is_some_and(|s| [403, 404, 501].contains(&s))
}

/// What a failed call means for the mail.
fn outcome(error: &SdkError<SendEmailError>) -> Outcome {
    let mut failed = aws::failure(Dependency::Mail, "sending by SES", error);
    failed.cause = without_addresses(&failed.cause);
    match error {
        SdkError::ServiceError(context) => {
            let code = aws::code(error).unwrap_or_default();
            refused(code, context.raw().status().as_u16(), failed)
        }
        // Never left this machine.
        SdkError::ConstructionFailure(_) => Outcome::NotSent(failed),
        SdkError::DispatchFailure(_) if never_connected(error) => Outcome::NotSent(failed),
        _ => Outcome::Unknown {
            reason: failed.cause,
        },
    }
}

/// What SES's answer means, by code and status.
fn refused(code: &str, status: u16, failed: Failure) -> Outcome {
    let reason = failed.cause.clone();
    if code == "MessageRejected" && reason.contains("not verified") {
        // The sandbox, or our own address: somebody must repair it. Only this mail waits for that
        // among the retries, since it may be its receiver that is not verified.
        return Outcome::NotSent(Failure::retry(reason));
    }
    if ABOUT_THIS_MAIL.contains(&code) {
        return Outcome::Refused { reason };
    }
    if ABOUT_THE_ACCOUNT.contains(&code) {
        return Outcome::NotSent(Failure::wait(Dependency::Mail, reason));
    }
    // SES may have taken the mail before it failed, and certainly has where only its answer cannot
    // be read; "try later" says that it has not.
    if status < 300 || status >= 500 && status != 503 {
        return Outcome::Unknown { reason };
    }
    Outcome::NotSent(failed)
}

/// A connection that could not be made carried nothing; one that broke may have. hyper says which
/// in its words only; what is worded otherwise counts as broken.
fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        let words = cause.to_string();
        if words.contains("(Connect)") || words.contains("connect timeout") {
            return true;
        }
        next = cause.source();
    }
    false
}

/// SES repeats addresses in what it refuses ("Email address is not verified: ...").
fn without_addresses(text: &str) -> String {
    let kept = text.split_whitespace().filter(|word| !word.contains('@'));
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
