//! AWS's errors as verdicts.

use crate::failure::{Dependency, Failure};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt::Write;

/// Codes that say who we are was refused. Nothing works until that is repaired, and no message is
/// to blame. <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "InvalidToken",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestTimeTooSkewed",
    "OptInRequired",
];

/// Codes that say we may not do this. A permission is missing: a matter of the installation.
const DENIED: &[&str] = &["AccessDenied", "AccessDeniedException", "AllAccessDisabled"];

/// Codes that ask us to slow down, or say that the service is ill.
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "OverLimit",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "KmsThrottled",
    "KMS.ThrottlingException",
];

/// What an error of an AWS call asks for, where the service `on` was called. Unreachable,
/// throttled, failing or refusing our credentials: wait. All else: try again. The caller looks at
/// [`code`] first for what means something to it.
pub fn failure<E>(on: Dependency, doing: &str, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|r| r.status().as_u16());
    match error {
        SdkError::ServiceError(context) => {
            let said = context.err().meta();
            let (code, text) = (said.code().unwrap_or(""), said.message().unwrap_or(""));
            by_code(on, doing, code, text, status)
        }
        SdkError::TimeoutError(_) => Failure::wait(on, format!("{doing}: no answer in time")),
        SdkError::DispatchFailure(e) => {
            let why = e
                .as_connector_error()
                .map_or_else(String::new, |e| chain(e));
            Failure::wait(on, format!("{doing}: not reached: {why}"))
        }
        // Nothing was sent: no credentials were found, or no region.
        SdkError::ConstructionFailure(_) => {
            let remedy = "check region and credentials";
            Failure::wait(on, format!("{doing}: {}; {remedy}", chain(error)))
        }
        SdkError::ResponseError(_) if status.is_some_and(|s| s < 500) => {
            Failure::retry(format!("{doing}: answer not understood: {}", chain(error)))
        }
        _ => Failure::wait(on, format!("{doing}: {}", chain(error))),
    }
}

/// What one refused entry of a batch call asks for, by its code.
pub fn refused_entry(on: Dependency, doing: &str, code: &str, text: &str) -> Failure {
    by_code(on, doing, code, text, None)
}

/// The service's own code of an error, without the name space that some answers put before it.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    let code = error.as_service_error()?.code()?;
    Some(code.rsplit('#').next().unwrap_or(code))
}

fn by_code(on: Dependency, doing: &str, code: &str, text: &str, status: Option<u16>) -> Failure {
    let code = code.rsplit('#').next().unwrap_or(code);
    let said = format!("{doing}: {code} {text}");
    if CREDENTIALS.contains(&code) {
        let remedy = "AWS refuses our credentials; check the role, the keys and the clock";
        return Failure::wait(on, format!("{said}; {remedy}"));
    }
    if DENIED.contains(&code) {
        let remedy = "the role lacks a permission; see the policies in deploy/";
        return Failure::wait(on, format!("{said}; {remedy}"));
    }
    let ill = status.is_some_and(|s| s >= 500 || s == 429);
    if ill || THROTTLED.contains(&code) {
        return Failure::wait(on, said);
    }
    Failure::retry(said)
}

/// An error with all that caused it, on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string does not fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn verdict(code: &str, status: u16) -> Verdict {
        by_code(Dependency::Queue, "sending", code, "text", Some(status)).verdict
    }

    #[test]
    fn throttling_and_illness_wait() {
        for (code, status) in [
            ("RequestThrottled", 400),
            ("SlowDown", 503),
            ("", 500),
            ("Strange", 502),
            ("com.amazonaws.sqs#ThrottlingException", 400),
            ("Strange", 429),
        ] {
            assert_eq!(
                verdict(code, status),
                Verdict::Wait(Dependency::Queue),
                "{code}"
            );
        }
    }

    #[test]
    fn refused_credentials_wait_and_say_what_to_do() {
        let failure = by_code(Dependency::Queue, "sending", "ExpiredToken", "", Some(403));
        assert_eq!(failure.verdict, Verdict::Wait(Dependency::Queue));
        assert!(failure.cause.contains("credentials"), "{failure}");
        let failure = by_code(Dependency::Blobs, "storing", "AccessDenied", "", Some(403));
        assert!(failure.cause.contains("permission"), "{failure}");
    }

    #[test]
    fn the_unknown_is_tried_again() {
        assert_eq!(verdict("NeverHeardOf", 400), Verdict::Retry { after: None });
    }
}
