//! The keys that sign what comes back to us, from the file that the settings name.

use crate::config::Secrets;
use crate::mail::Signer;
use crate::{Failure, Result};

/// Reads the keys: one per line, the first signs, all verify. Blank lines and lines that begin
/// with `#` are passed over.
pub fn signer(secrets: &Secrets) -> Result<Signer> {
    let file = &secrets.token_keys_file;
    let fault = |what: &dyn std::fmt::Display| {
        let file = file.display();
        Failure::quarantine(format!(
            "settings key `secrets.token_keys_file` ({file}): {what}"
        ))
    };
    let text = std::fs::read_to_string(file).map_err(|e| fault(&e))?;
    let keys: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    Signer::new(&keys).map_err(|e| fault(&e))
}
