//! Which messages of one transaction may be decided beside each other.

use crate::code::Codes;
use crate::code::format::Part;
use crate::code::kind::Kind;
use crate::handler::Lane;

/// Effects that go beside each other where no case is named. Those of herds change rows that two messages of
/// one transaction may name: their statements look once more, and what then fails is decided again, alone.
const BESIDE: &[&str] = &["open_case", "herd_event", "birth", "register_animals"];

/// What names no case goes beside that of others; what belongs to a case comes after it, one after
/// the other for each case. What may touch anything of its sender (`H`) comes last, and so does
/// what cannot be told from its first words.
pub(super) fn lane(codes: &Codes, sender: i64, text: &str) -> Lane {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let code = first.trim_end_matches('.').to_uppercase();
    let last = Lane::last(sender);
    let Some(spec) = codes.spec(&code) else {
        return last;
    };
    let in_turn = |turn, number| Lane {
        of: sender,
        turn,
        number,
    };
    let is_case = |field: &str| {
        let mut fields = spec.fields.iter();
        fields.any(|f| &*f.name == field && matches!(f.kind, Kind::Case))
    };
    let cased = spec.fields.iter().any(|f| matches!(f.kind, Kind::Case));
    match (spec.effect.as_deref(), spec.format.parts.first()) {
        (None, _) if !cased => in_turn(0, sender),
        (Some(effect), _) if !cased && BESIDE.contains(&effect) => in_turn(0, sender),
        (
            None | Some("respond" | "case_outcome" | "add_case_animals" | "treat_case_animals"),
            Some(Part::Slot(first)),
        ) if first.mandatory && is_case(&first.field) => {
            let number = words.next().and_then(|word| word.parse().ok());
            number.map_or(last, |number| in_turn(1, number))
        }
        _ => last,
    }
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
        let place = |sender, text| {
            let Lane { turn, number, .. } = lane(sender, text);
            (turn, number)
        };
        assert_ne!(place(1, "u mc sp 4"), place(2, "U MC SP 4"), "two senders");
        assert_eq!(place(1, "U MC SP 4"), place(1, "pneg."), "one sender");
        assert_eq!(place(1, "R 5 TLP COC"), place(2, "PK 5 SB"), "one case");
        assert_ne!(place(1, "R 5 TLP"), place(1, "R 6 TLP"), "two cases");
        assert!(place(1, "R 5 TLP COC") > place(1, "U MC SP 4"));
        assert_eq!(place(1, "IB 7890 ID1 B1 B2"), place(1, "BB 7890 ID1 3"));
        assert_ne!(place(1, "IB 7890 ID1 B1 B2"), place(2, "IB 7890 ID1 B1 B2"));
        // Two officers may register one owner at once: each looks at what the other did.
        assert_eq!(lane(1, "DP Siti 72060202"), Lane::last(1));
        for last in [
            "H",
            "SK 123456789012345 63020202 76020202 SP 4",
            "R [5] TLP COC",
            "R",
            "U,MC SP 4",
            "XYZ",
            "",
            " ",
        ] {
            assert_eq!(lane(1, last), Lane::last(1), "{last:?}");
        }
    }
}
