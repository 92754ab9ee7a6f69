//! The keys that sign what comes back to us, as the settings name them.

use super::token::Signer;
use crate::config::Secrets;
use crate::{Failure, Result};

/// Reads the keys: one per line, empty lines and those that begin with `#` are passed over. The
/// first signs, all verify. A file that cannot be used is a fault of the settings.
pub fn signer(secrets: &Secrets) -> Result<Signer> {
    let file = &secrets.token_keys_file;
    let fault =
        |e: String| Failure::quarantine(format!("secrets.token_keys_file {}: {e}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| fault(e.to_string()))?;
    let lines = text.lines().map(str::trim);
    let keys: Vec<&str> = lines
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    Signer::new(&keys).map_err(|e| fault(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::token::Purpose;
    use jiff::Timestamp;

    #[test]
    fn keys_come_from_a_file_and_the_first_signs() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets {
            token_keys_file: folder.path().join("keys"),
        };
        let (new, old) = ("n".repeat(32), "o".repeat(32));
        let written = |text: String| std::fs::write(&secrets.token_keys_file, text).unwrap();
        let end = Timestamp::MAX;
        written(format!("# keys\n{old}\n"));
        let token = signer(&secrets).unwrap().sign(Purpose::Trace, b"t", end);
        written(format!("{new}\n\n  {old}\n"));
        let now = Timestamp::UNIX_EPOCH;
        let both = signer(&secrets).unwrap();
        assert_eq!(both.open(Purpose::Trace, &token, now), Ok(b"t".to_vec()));
        assert_ne!(both.sign(Purpose::Trace, b"t", end), token);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_fault() {
        let folder = tempfile::tempdir().unwrap();
        let token_keys_file = folder.path().join("keys");
        let secrets = Secrets { token_keys_file };
        for (text, fault) in [
            (None, "No such file"),
            (Some(""), "key"),
            (Some("short"), "key"),
        ] {
            if let Some(text) = text {
                std::fs::write(&secrets.token_keys_file, text).unwrap();
            }
            let cause = signer(&secrets).unwrap_err().cause;
            assert!(cause.starts_with("secrets.token_keys_file"), "{cause}");
            assert!(cause.contains(fault), "{cause}");
        }
    }
}
