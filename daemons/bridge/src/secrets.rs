//! Passwords and tokens: files of one folder, named by channel files, so that none stands in a file
//! that people pass on.

use common::{Failure, Result};
use std::path::PathBuf;

/// Where they lie.
#[derive(Debug, Clone)]
pub struct Secrets(pub PathBuf);

impl Secrets {
    /// The secret of this name, without the line's end.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.0.join(name);
        let fault = |what: String| {
            Failure::quarantine(format!(
                "secret {}: {what}; `bridge.secrets` names the folder, a channel file the name",
                path.display()
            ))
        };
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err(fault("the name is no file's name".into()));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| fault(e.to_string()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(fault("is empty".into()));
        }
        Ok(secret.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_files_only_line() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets(folder.path().to_owned());
        std::fs::write(folder.path().join("sms"), "hush\n").unwrap();
        std::fs::write(folder.path().join("none"), "\n").unwrap();
        assert_eq!(secrets.read("sms").unwrap(), "hush");
        for name in ["none", "absent", "../sms", ""] {
            let cause = secrets.read(name).unwrap_err().cause;
            assert!(cause.contains("bridge.secrets"), "{cause}");
            assert!(!cause.contains("hush"));
        }
    }
}
