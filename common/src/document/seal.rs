//! What proves that a permit's number is one of ours.

use crate::mail::token::{Purpose, Signer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The two forms of a permit's proof. Both say only that we gave out this number; what it was
/// given for, and whether it still holds, is asked with `VSK`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// For a camera: 128 bits, stands in the QR code.
    pub token: String,
    /// For people: eight letters, stands in print.
    pub check: String,
}

impl Seal {
    /// The proof of a number. Permits of the training twin count for themselves, and a proof of
    /// theirs does not hold for a true permit of the same number. Gives the same letters for as long
    /// as the first key stays the same.
    pub fn of(number: i64, training: bool, signer: &Signer) -> Self {
        let payload = payload(number, training);
        Self {
            token: signer.sign(Purpose::Permit, &payload, Timestamp::MAX),
            check: signer.short(Purpose::Permit, &payload),
        }
    }

    /// Whether a word that somebody typed or scanned proves this number: either form, by any of our
    /// keys.
    pub fn fits(number: i64, training: bool, word: &str, signer: &Signer) -> bool {
        let payload = payload(number, training);
        let open = signer.open(Purpose::Permit, word, Timestamp::UNIX_EPOCH);
        open.is_ok_and(|found| found == payload)
            || signer.short_fits(Purpose::Permit, &payload, word)
    }
}

fn payload(number: i64, training: bool) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.push(u8::from(training));
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_prove_one_number_in_one_world() {
        let signer = Signer::new(&[[7; 32]]).unwrap();
        let seal = Seal::of(208, false, &signer);
        for word in [&seal.token, &seal.check, &seal.token.to_uppercase()] {
            assert!(Seal::fits(208, false, word, &signer), "{word}");
            assert!(!Seal::fits(209, false, word, &signer), "{word}");
            assert!(!Seal::fits(208, true, word, &signer), "{word}");
        }
        assert_eq!(seal, Seal::of(208, false, &signer));
        let other = Signer::new(&[[8; 32]]).unwrap();
        assert!(!Seal::fits(208, false, &seal.token, &other));
        let rotated = Signer::new(&[[8; 32], [7; 32]]).unwrap();
        assert!(Seal::fits(208, false, &seal.check, &rotated));
    }
}
