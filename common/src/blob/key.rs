//! What a key may look like. Checked by every implementation before it does anything, so that a
//! key is never a way out of the folder and means the same in both homes.

use crate::{Failure, Result};

/// S3 takes 1,024 bytes; a prefix comes in front of ours.
const LONGEST: usize = 900;

/// A file system takes 255 bytes for one name.
const LONGEST_PART: usize = 255;

/// Refuses a key that is not made as [`crate::blob::Blobs`] says. It will never work, so whoever
/// sent it goes to the dead letters.
pub fn check(key: &str) -> Result {
    if key.len() > LONGEST {
        return Err(refused(key, "it is too long"));
    }
    for part in key.split('/') {
        match part {
            "" => return Err(refused(key, "a part of it is empty")),
            "." | ".." => return Err(refused(key, "a part of it leads elsewhere")),
            p if p.len() > LONGEST_PART => return Err(refused(key, "a part of it is too long")),
            p if !p.bytes().all(allowed) => {
                return Err(refused(
                    key,
                    "only letters, digits and / . _ - = + are allowed",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-=+".contains(&byte)
}

/// The key itself is not shown: it may come from a foreign message.
fn refused(key: &str, why: &str) -> Failure {
    Failure::quarantine(format!("blob key of {} bytes refused: {why}", key.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use proptest::prelude::*;

    #[test]
    fn usual_keys_pass() {
        for key in [
            "a",
            "mail/2026/11/0192-ab.eml",
            "x=1+2/_.-/..a",
            "mail/a..b",
        ] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
    }

    #[test]
    fn ways_out_are_refused_for_good() {
        let long = "a".repeat(901);
        for key in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            "a\\b",
            "a b",
            "a\0",
            "~/a",
            "é",
            "C:x",
            &long,
            &long[..256],
        ] {
            let verdict = check(key).map_err(|f| f.verdict);
            assert_eq!(verdict, Err(Verdict::Quarantine), "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_stays_below_its_folder(key in "\\PC{0,40}|[./a]{0,12}") {
            if check(&key).is_ok() {
                let path = std::path::Path::new(&key);
                prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
            }
        }
    }
}
