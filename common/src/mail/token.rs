//! Short signed tokens that travel through other people's mail programs and come back.
//!
//! A token is base32 in lower case, so that it survives addresses, message ids and programs that
//! change letter case: version, purpose, end of life, payload, and the first 128 bits of
//! HMAC-SHA256 over all of it. Who has no key can neither make one nor use one for another purpose.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// What a token is good for. The numbers are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Releases a mail that was held for want of proof; payload: the mail's id.
    Confirm = 1,
    /// Names the trace that an answer belongs to (M26); payload: the trace.
    Trace = 2,
    /// Marks mail as our own (M1); payload: empty or the trace.
    Mark = 3,
    /// Proves that a movement permit is ours; payload: its number, see [`crate::document::Seal`].
    Permit = 4,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Cut, changed or never one of ours.
    #[error("not a token; remedy: copy it whole")]
    Malformed,
    /// Of a version that this program does not know.
    #[error("a token of version {0}; remedy: bring all daemons to one version")]
    Version(u8),
    /// Signed by none of our keys.
    #[error("a token that none of our keys signed; remedy: none, or put the old key back")]
    Forged,
    /// Ours, for something else.
    #[error("a token for another purpose; remedy: answer the right mail")]
    Purpose,
    /// Ours, but too old.
    #[error("a token that ended at {0}; remedy: ask for a new one")]
    Expired(Timestamp),
}

/// A key that is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key at all.
    #[error("no signing key; remedy: name at least one of {SHORTEST_KEY} random bytes")]
    None,
    /// Too short to be random.
    #[error("signing key {place} has {length} bytes; remedy: take {SHORTEST_KEY} random ones")]
    TooShort {
        /// Which one, from 1.
        place: usize,
        /// Its bytes.
        length: usize,
    },
}

/// As long as the hash: RFC 2104, 3 discourages shorter keys.
const SHORTEST_KEY: usize = 32;
const VERSION: u8 = 1;
/// Version, purpose, four bytes of time.
const HEAD: usize = 6;
/// 128 bits: RFC 2104, 5 allows half of the hash.
const TAG: usize = 16;
/// What fits into an address's local part (64 octets, RFC 5321, 4.5.3.1.1) together with the rest.
const LONGEST_PAYLOAD: usize = 16;

/// Signs with the first key, takes what any key signed: put a new key in front, leave the old one
/// until the last token that it signed has ended.
#[derive(Clone)]
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// A signer with these keys, the one to sign with first.
    ///
    /// # Errors
    /// [`KeyError`] if there is none or one is shorter than 32 bytes.
    pub fn new(keys: &[impl AsRef<[u8]>]) -> Result<Self, KeyError> {
        let keyed = |(i, key): (usize, &_)| {
            let key: &[u8] = AsRef::as_ref(key);
            let short = KeyError::TooShort {
                place: i + 1,
                length: key.len(),
            };
            if key.len() < SHORTEST_KEY {
                return Err(short);
            }
            Hmac::new_from_slice(key).map_err(|_| short)
        };
        let keys = keys
            .iter()
            .enumerate()
            .map(keyed)
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            Err(KeyError::None)
        } else {
            Ok(Self { keys })
        }
    }

    /// A token for this purpose that ends at this time. The payload may have 16 bytes, what is
    /// longer is cut; the token then has 61 letters.
    pub fn sign(&self, purpose: Purpose, payload: &[u8], until: Timestamp) -> String {
        let seconds = u32::try_from(until.as_second().max(0)).unwrap_or(u32::MAX);
        let mut bytes = vec![VERSION, purpose as u8];
        bytes.extend(seconds.to_be_bytes());
        bytes.extend(&payload[..payload.len().min(LONGEST_PAYLOAD)]);
        let tag = self.keys[0]
            .clone()
            .chain_update(&bytes)
            .finalize()
            .into_bytes();
        bytes.extend(&tag[..TAG]);
        encode(&bytes)
    }

    /// The payload of a token, if it is ours, for this purpose, and has not ended.
    ///
    /// # Errors
    /// [`TokenError`] says which of these it is not.
    pub fn open(
        &self,
        purpose: Purpose,
        token: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, TokenError> {
        let bytes = decode(token.trim()).ok_or(TokenError::Malformed)?;
        if bytes.len() < HEAD + TAG || bytes.len() > HEAD + TAG + LONGEST_PAYLOAD {
            return Err(TokenError::Malformed);
        }
        let (body, tag) = bytes.split_at(bytes.len() - TAG);
        if body[0] != VERSION {
            return Err(TokenError::Version(body[0]));
        }
        let signed = |key: &Hmac<Sha256>| {
            key.clone()
                .chain_update(body)
                .verify_truncated_left(tag)
                .is_ok()
        };
        if !self.keys.iter().any(signed) {
            return Err(TokenError::Forged);
        }
        if body[1] != purpose as u8 {
            return Err(TokenError::Purpose);
        }
        let until = ends(body);
        if now > until {
            Err(TokenError::Expired(until))
        } else {
            Ok(body[HEAD..].to_vec())
        }
    }

    /// Eight letters that somebody can type from paper: 40 bits of HMAC-SHA256 over the purpose and
    /// the payload, which does not travel in them. Good only where whoever guesses has to ask us:
    /// one in 10^12 guesses hits. They do not end.
    pub fn short(&self, purpose: Purpose, payload: &[u8]) -> String {
        short_of(&self.keys[0], purpose, payload)
    }

    /// Whether these are the short letters of this payload, by any of our keys. Small letters, `O`
    /// for 0, `I` and `L` for 1, blanks and hyphens between are all the same.
    pub fn short_fits(&self, purpose: Purpose, payload: &[u8], typed: &str) -> bool {
        let typed = plain(typed);
        let fits = |key: &Hmac<Sha256>| {
            let own = short_of(key, purpose, payload);
            // No early end: how much of a guess is right must not show in the time it takes.
            let pairs = own.bytes().zip(typed.bytes());
            let wrong = pairs.fold(0, |wrong, (a, b)| wrong | (a ^ b));
            own.len() == typed.len() && wrong == 0
        };
        self.keys.iter().any(fits)
    }

    /// The payload of the first good token in any text: a subject, a message id, a body. What
    /// looks like a token and is none is passed over.
    pub fn find(&self, purpose: Purpose, text: &str, now: Timestamp) -> Option<Vec<u8>> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| (SHORTEST..=LONGEST).contains(&word.len()))
            .find_map(|word| self.open(purpose, word, now).ok())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("keys", &self.keys.len())
            .finish()
    }
}

/// Letters of a token without and with the longest payload.
const SHORTEST: usize = ((HEAD + TAG) * 8).div_ceil(5);
const LONGEST: usize = ((HEAD + TAG + LONGEST_PAYLOAD) * 8).div_ceil(5);

fn ends(body: &[u8]) -> Timestamp {
    let seconds = body[2..HEAD]
        .iter()
        .fold(0_i64, |s, &b| s << 8 | i64::from(b));
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// What short letters are made over begins with this, tokens with their version: neither can be
/// made into the other.
const SHORT: u8 = 0;
/// Bytes of HMAC behind short letters, 5 bits to a letter.
const SHORT_TAG: usize = 5;
/// Crockford's base32: without I, L, O and U, which people take for others or for words.
const PLAIN: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn short_of(key: &Hmac<Sha256>, purpose: Purpose, payload: &[u8]) -> String {
    let key = key.clone().chain_update([SHORT, purpose as u8]);
    let tag = key.chain_update(payload).finalize().into_bytes();
    let bits = tag[..SHORT_TAG]
        .iter()
        .fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    let letters = (0..8).rev().map(|at| bits >> (5 * at) & 31);
    letters.map(|l| char::from(PLAIN[l as usize])).collect()
}

/// Short letters as they are made, from what somebody typed.
fn plain(typed: &str) -> String {
    let kept = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '.'));
    kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    })
    .collect()
}

/// RFC 4648, 6, in lower case and without padding.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn encode(bytes: &[u8]) -> String {
    let (mut out, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    out
}

/// Bits left over at the end have to be zero: one token has one form.
fn decode(token: &str) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in token.bytes() {
        let letter = letter.to_ascii_lowercase();
        let value = ALPHABET.iter().position(|&a| a == letter)?;
        held = held << 5 | value as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 255) as u8);
        }
    }
    (bits < 5 && held & ((1 << bits) - 1) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn signer(keys: &[u8]) -> Signer {
        Signer::new(&keys.iter().map(|k| [*k; 32]).collect::<Vec<_>>()).expect("good keys")
    }

    #[test]
    fn a_token_comes_back_and_fits_an_address() {
        let signer = signer(&[1]);
        let token = signer.sign(Purpose::Trace, &[7; 16], at(2_000));
        assert_eq!(token.len(), 61);
        assert_eq!(
            signer.open(Purpose::Trace, &token, at(2_000)),
            Ok(vec![7; 16])
        );
        assert_eq!(
            signer.open(Purpose::Trace, &token.to_uppercase(), at(1)),
            Ok(vec![7; 16])
        );
        let text = format!("<x@y.z> <{token}@kentongan.example>");
        assert_eq!(signer.find(Purpose::Trace, &text, at(1)), Some(vec![7; 16]));
        assert_eq!(signer.find(Purpose::Confirm, &text, at(1)), None);
    }

    #[test]
    fn what_is_not_in_order_is_told_apart() {
        let old = signer(&[1]);
        let token = old.sign(Purpose::Confirm, b"id", at(2_000));
        let open = |s: &Signer, p, t: &str, now| s.open(p, t, at(now)).unwrap_err();
        assert_eq!(
            open(&old, Purpose::Confirm, &token, 2_001),
            TokenError::Expired(at(2_000))
        );
        assert_eq!(open(&old, Purpose::Mark, &token, 1), TokenError::Purpose);
        assert_eq!(
            open(&signer(&[2]), Purpose::Confirm, &token, 1),
            TokenError::Forged
        );
        assert_eq!(
            open(&old, Purpose::Confirm, "hello", 1),
            TokenError::Malformed
        );
        assert_eq!(
            open(&old, Purpose::Confirm, &token[1..], 1),
            TokenError::Malformed
        );
        let other = format!("{}{}", "ai", &token[2..]);
        assert!(matches!(
            open(&old, Purpose::Confirm, &other, 1),
            TokenError::Version(_)
        ));
    }

    #[test]
    fn keys_rotate_and_weak_ones_are_refused() {
        let token = signer(&[1]).sign(Purpose::Mark, b"", at(9));
        assert_eq!(
            signer(&[2, 1]).open(Purpose::Mark, &token, at(1)),
            Ok(vec![])
        );
        let none: [&[u8]; 0] = [];
        assert_eq!(Signer::new(&none).unwrap_err(), KeyError::None);
        let weak = Signer::new(&[&[0_u8; 32][..], b"secret"]).unwrap_err();
        assert_eq!(
            weak,
            KeyError::TooShort {
                place: 2,
                length: 6
            }
        );
        assert_eq!(format!("{:?}", signer(&[1, 2])), "Signer { keys: 2 }");
    }

    #[test]
    fn short_letters_are_typed_in_many_ways_and_hold_for_one_number_only() {
        let old = signer(&[1]);
        let letters = old.short(Purpose::Permit, b"208");
        assert_eq!(letters.len(), 8);
        assert_eq!(letters, old.short(Purpose::Permit, b"208"));
        let fits =
            |s: &Signer, payload: &[u8], typed: &str| s.short_fits(Purpose::Permit, payload, typed);
        let (a, b) = letters.split_at(4);
        let sloppy = format!(
            " {}-{} ",
            a.to_lowercase(),
            b.replace('0', "o").replace('1', "l")
        );
        assert!(fits(&old, b"208", &sloppy), "{sloppy}");
        assert!(fits(&signer(&[2, 1]), b"208", &letters), "by the old key");
        assert!(!fits(&signer(&[2]), b"208", &letters));
        assert!(!fits(&old, b"209", &letters));
        assert!(!old.short_fits(Purpose::Mark, b"208", &letters));
        for wrong in ["", &letters[1..], &format!("{letters}A"), "AAAAAAAA"] {
            assert!(!fits(&old, b"208", wrong), "{wrong:?}");
        }
    }

    #[test]
    fn short_letters_hold_nothing_that_looks_like_another() {
        let all: String = (0_u32..200)
            .map(|n| signer(&[1]).short(Purpose::Permit, &n.to_be_bytes()))
            .collect();
        assert!(!all.contains(['I', 'L', 'O', 'U']), "{all}");
        let kinds: std::collections::BTreeSet<char> = all.chars().collect();
        assert_eq!(kinds.len(), 32, "every letter is used");
    }

    proptest! {
        #[test]
        fn no_change_of_a_letter_is_taken(place in 0_usize..61, letter in 0_usize..32) {
            let signer = signer(&[1]);
            let token = signer.sign(Purpose::Trace, &[7; 16], at(2_000));
            let mut changed = token.clone().into_bytes();
            changed[place] = ALPHABET[letter];
            let changed = String::from_utf8(changed).expect("letters");
            if changed != token {
                prop_assert!(signer.open(Purpose::Trace, &changed, at(1)).is_err());
            }
        }

        #[test]
        fn any_text_is_looked_through(text in ".{0,300}") {
            prop_assert_eq!(signer(&[1]).find(Purpose::Trace, &text, at(1)), None);
        }
    }
}
