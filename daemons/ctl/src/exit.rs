//! How a command ends: exit codes, and errors that name the fault and the remedy.

use common::failure::Dependency;
use common::{Failure, Verdict};
use std::fmt;
use std::io;
use std::process::ExitCode;

/// What the caller's shell, or the mail server, is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Tried and failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Nothing was found, or no answer came in time.
    Nothing = 3,
    /// `submit mail`: there is no mail (sysexits EX_USAGE).
    NoMail = 64,
    /// `submit mail`: the mail can never be taken (sysexits EX_DATAERR).
    Unacceptable = 65,
    /// `submit mail`: try again later (sysexits EX_TEMPFAIL); the mail server keeps the mail.
    TryLater = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command returns.
pub type Result<T = Exit> = std::result::Result<T, Fault>;

/// Why a command did not do what it was asked, for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The exit code that goes with it.
    pub exit: Exit,
    /// What went wrong.
    pub what: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
}

impl Fault {
    /// Tried and failed.
    pub fn new(what: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            what: what.to_string(),
            remedy: None,
        }
    }

    /// Nothing was found.
    pub fn nothing(what: impl fmt::Display) -> Self {
        Self::new(what).exit(Exit::Nothing)
    }

    /// What was asked for makes no sense.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(what).exit(Exit::Usage)
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// The same with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whoever read our output went away (`| head`): nothing needs to be said, and there is nobody
    /// to say it to.
    pub fn is_closed_pipe(&self) -> bool {
        self.what == CLOSED_PIPE
    }
}

const CLOSED_PIPE: &str = "nobody reads the output any more";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  remedy: {remedy}"),
            None => Ok(()),
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let remedy = remedy(&failure);
        let fault = Self::new(failure.cause);
        match remedy {
            Some(remedy) => fault.remedy(remedy),
            None => fault,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(CLOSED_PIPE),
            _ => Self::new(error),
        }
    }
}

impl From<common::config::ConfigError> for Fault {
    fn from(error: common::config::ConfigError) -> Self {
        Self::new(error)
    }
}

/// What usually mends it. SQLSTATE 42P01 and 42703: a table or column that this program knows is
/// not there, so the schema is older than the program.
fn remedy(failure: &Failure) -> Option<&'static str> {
    if ["42P01", "42703", "42883"]
        .iter()
        .any(|state| failure.cause.contains(state))
    {
        return Some("bring the schema up to date with `kentongan migrate`");
    }
    match failure.verdict {
        Verdict::Wait(Dependency::Database) => Some(
            "is PostgreSQL running, and is `database.url` right? \
             `kentongan check --online` tries everything that the settings name",
        ),
        Verdict::Wait(_) => Some("`kentongan check --online` tries what the settings name"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_remedy_on_a_line_of_its_own() {
        let fault = Fault::new("no such queue").remedy("look at `kentongan queues list`");
        let said = "no such queue\n  remedy: look at `kentongan queues list`";
        assert_eq!(fault.to_string(), said);
        assert_eq!(Fault::nothing("x").exit, Exit::Nothing);
    }

    #[test]
    fn an_old_schema_and_an_absent_database_have_remedies() {
        let old = Failure::retry("database: 42P01 relation \"queue\" does not exist at -/-/-");
        let remedy = Fault::from(old).remedy.unwrap();
        assert!(remedy.contains("kentongan migrate"), "{remedy}");
        let away = Failure::wait(Dependency::Database, "connection refused");
        let remedy = Fault::from(away).remedy.unwrap();
        assert!(remedy.contains("database.url"), "{remedy}");
        assert_eq!(Fault::from(Failure::retry("else")).remedy, None);
    }

    #[test]
    fn a_reader_that_went_away_is_known() {
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Fault::from(gone).is_closed_pipe());
        assert!(!Fault::from(io::Error::other("disk")).is_closed_pipe());
    }
}
