//! Which messages of one transaction may be decided beside each other.

use crate::code::Codes;
use crate::code::kind::Kind;
use crate::handler::Lane;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Messages of one sender go one after the other. What reads or changes a case comes after all
/// that does not, one after the other for each case. What may touch anything of its sender (`H`)
/// comes last, and so does what cannot be told from its first words.
pub(super) fn lane(codes: &Codes, sender: &str, text: &str) -> Lane {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let code = first.trim_end_matches('.').to_uppercase();
    let Some(spec) = codes.spec(&code) else {
        return Lane::LAST;
    };
    let cased = spec.fields.iter().any(|f| matches!(f.kind, Kind::Case));
    match (spec.effect.as_deref(), cased) {
        (None | Some("open_case"), false) => Lane {
            turn: 0,
            number: hash(sender),
        },
        (None | Some("respond" | "case_outcome"), true) => {
            let number = words.next().and_then(|word| word.parse().ok());
            number.map_or(Lane::LAST, |number| Lane { turn: 1, number })
        }
        _ => Lane::LAST,
    }
}

fn hash(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexicon::sample;
    use crate::code::shipped;

    #[test]
    fn only_what_cannot_touch_the_same_goes_side_by_side() {
        let files = shipped::files();
        let codes = Codes::load(&files.codes, &files.texts, sample::lexicon()).unwrap();
        let lane = |sender, text| lane(&codes, sender, text);
        assert_ne!(
            lane("a", "u mc sp 4"),
            lane("b", "U MC SP 4"),
            "two senders"
        );
        assert_eq!(lane("a", "U MC SP 4"), lane("a", "pneg."), "one sender");
        assert_eq!(lane("a", "R 5 TLP COC"), lane("b", "PK 5 SB"), "one case");
        assert_ne!(
            lane("a", "R 5 TLP COC"),
            lane("a", "R 6 TLP COC"),
            "two cases"
        );
        assert!(lane("a", "R 5 TLP COC").turn > lane("a", "U MC SP 4").turn);
        for last in ["H", "R [5] TLP COC", "R", "U,MC SP 4", "XYZ", "", " "] {
            assert_eq!(lane("a", last), Lane::LAST, "{last:?}");
        }
    }
}
