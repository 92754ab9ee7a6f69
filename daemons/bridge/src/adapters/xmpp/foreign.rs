//! Errors of the XMPP library and of its servers, in our words.

use common::Failure;
use common::failure::Dependency;
use std::fmt::Display;
use tokio_xmpp::Error;
use tokio_xmpp::error::AuthError;
use tokio_xmpp::parsers::stream_error::{ReceivedStreamError, StreamError};

/// Why there is no connection. Neither names the account nor what was said on the connection.
pub fn failure(error: Error) -> Failure {
    match error {
        Error::Auth(AuthError::Fail(condition)) => gone(format!(
            "the server refuses the account or its password ({condition:?}); `account` and \
             `password` of the channel file name them"
        )),
        Error::Auth(AuthError::NoMechanism) => gone(
            "the server offers no way to log in that we know (SCRAM-SHA-256, SCRAM-SHA-1, PLAIN)",
        ),
        Error::StreamError(ReceivedStreamError(error)) => told(&error),
        Error::Io(e) => gone(e),
        Error::Disconnected => gone("nobody answers at the server's address, or it closed at once"),
        other => gone(other),
    }
}

/// The server ended the stream, and said why (RFC 6120, section 4.9.3).
pub fn told(error: &StreamError) -> Failure {
    let condition = format!("{:?}", error.condition);
    let remedy = match condition.as_str() {
        "Conflict" => "; another program uses the account with our `resource`",
        "HostUnknown" => "; it does not serve the domain of `account`",
        _ => "",
    };
    gone(format!("the server ended the stream: {condition}{remedy}"))
}

/// There is no connection.
pub fn gone(cause: impl Display) -> Failure {
    Failure::wait(Dependency::Gateway, format!("XMPP: {cause}"))
}
