//! What a failure asks for. Every foreign error becomes a [`Failure`] in a single function of the
//! module that knows the foreign protocol; what nobody knows is tried again.

use std::fmt;
use std::time::Duration;

/// What this library returns: a failure that knows whether to try again.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// What the frame does with a message whose handling failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// May work later: the message comes back after a growing pause, or after the one named.
    Retry {
        /// Pause before the next try; `None` leaves it to the frame (exponential with jitter).
        after: Option<Duration>,
    },
    /// Something we depend on is down or throttles: costs no attempt, receiving stops until a
    /// probe works.
    Wait(Dependency),
    /// Will never work and the sender can be told: answered, stored, deleted.
    Reject(Reason),
    /// Will never work and there is nobody to tell: to the dead letters with its raw body.
    Quarantine,
}

/// What a daemon depends on; the circuit breaker and the probe are per dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// PostgreSQL.
    Database,
    /// The queue's service.
    Queue,
    /// The blob store.
    Blobs,
    /// The outgoing mail's transport.
    Mail,
    /// A network that carries texts.
    Gateway,
}

/// Why a message was refused for good, as a short stable name that is stored and counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub &'static str);

/// An error with its verdict. The text is for operators: it never holds a body, an address or a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the frame shall do.
    pub verdict: Verdict,
    /// What went wrong and, where there is one, the remedy.
    pub cause: String,
}

impl Failure {
    /// May work later; also everything unknown.
    pub fn retry(cause: impl fmt::Display) -> Self {
        Self::new(Verdict::Retry { after: None }, cause)
    }

    /// May work after this pause.
    pub fn retry_after(after: Duration, cause: impl fmt::Display) -> Self {
        Self::new(Verdict::Retry { after: Some(after) }, cause)
    }

    /// A dependency is away or throttles: no attempt is counted.
    pub fn wait(on: Dependency, cause: impl fmt::Display) -> Self {
        Self::new(Verdict::Wait(on), cause)
    }

    /// Will never work; the sender is told by whoever returns this.
    pub fn reject(reason: Reason, cause: impl fmt::Display) -> Self {
        Self::new(Verdict::Reject(reason), cause)
    }

    /// Will never work and there is nobody to tell.
    pub fn quarantine(cause: impl fmt::Display) -> Self {
        Self::new(Verdict::Quarantine, cause)
    }

    /// The same failure with what was being done in front of its cause.
    #[must_use]
    pub fn while_doing(mut self, what: impl fmt::Display) -> Self {
        self.cause = format!("{what}: {}", self.cause);
        self
    }

    fn new(verdict: Verdict, cause: impl fmt::Display) -> Self {
        Self {
            verdict,
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Queue => "queue",
            Self::Blobs => "blobs",
            Self::Mail => "mail",
            Self::Gateway => "gateway",
        })
    }
}
