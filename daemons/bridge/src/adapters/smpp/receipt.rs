//! Delivery receipts in the dialects of gateways: by parameters (SMPP 3.4, section 5.3.2.12, 5.3.2.35)
//! and by text (appendix B, "vendor specific").

/// What a receipt says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The id of the text that it is about, as the gateway writes it here.
    pub id: Option<String>,
    /// The state, in the gateway's own word or in that of its number.
    pub state: Option<String>,
    /// The network's error, if it is one.
    pub error: Option<String>,
}

/// The words of `message_state` (SMPP 3.4, section 5.2.28; 0 and 9 are of SMPP 5.0).
const STATES: [&str; 10] = [
    "SCHEDULED",
    "ENROUTE",
    "DELIVERED",
    "EXPIRED",
    "DELETED",
    "UNDELIVERABLE",
    "ACCEPTED",
    "UNKNOWN",
    "REJECTED",
    "SKIPPED",
];

/// The word of a state's number.
pub fn state(number: u8) -> String {
    let known = STATES.get(usize::from(number));
    known.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// Reads a receipt's text: `id:... sub:... stat:... err:... text:...`, the keys in any order and
/// case, with `:` or `=` behind them. What follows `text:` is a piece of the message itself, and is
/// asked only for what stands nowhere else.
pub fn read(text: &str) -> Said {
    let begins = key_at(text, "text").map(|(begin, _)| begin);
    let (head, quoted) = text.split_at(begins.unwrap_or(text.len()));
    let value = |key| value(head, key).or_else(|| value(quoted, key));
    Said {
        id: value("id"),
        state: value("stat").or_else(|| value("status")),
        error: value("err").filter(|e| e.bytes().any(|b| b != b'0')),
    }
}

/// What stands behind a key, up to the next blank or comma.
fn value(text: &str, key: &str) -> Option<String> {
    let (_, end) = key_at(text, key)?;
    let rest = text[end..].trim_start();
    let word = rest.split([' ', '\t', '\r', '\n', ',', ';']).next()?;
    // An empty value is followed by the next key.
    (!word.is_empty() && !word.contains([':', '='])).then(|| word.to_owned())
}

/// Where a key begins, and where what stands behind it does.
fn key_at(text: &str, key: &str) -> Option<(usize, usize)> {
    // ASCII only, hence the places are the same in both.
    let lower = text.to_ascii_lowercase();
    lower.match_indices(key).find_map(|(begin, _)| {
        let alone = !lower[..begin].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = &lower[begin + key.len()..];
        let behind = rest.trim_start_matches(' ');
        let end = text.len() - behind.len() + 1;
        (alone && behind.starts_with([':', '='])).then_some((begin, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(id: &str, state: &str, error: &str) -> Said {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Said {
            id: some(id),
            state: some(state),
            error: some(error),
        }
    }

    #[test]
    fn texts_of_receipts_as_gateways_write_them() {
        for (text, want) in [
            (
                "id:0123456789 sub:001 dlvrd:001 submit date:2611210408 done date:2611210409 \
                 stat:DELIVRD err:000 text:Terima kasih. [ID",
                said("0123456789", "DELIVRD", ""),
            ),
            (
                "id:a1-b2 sub:001 dlvrd:000 submit date:261121040801 done date:261121040901 \
                 stat:UNDELIV err:0C4 Text:",
                said("a1-b2", "UNDELIV", "0C4"),
            ),
            (
                "ID:77 SUB:001 DLVRD:001 STAT:Delivrd ERR:0",
                said("77", "Delivrd", ""),
            ),
            ("stat:EXPIRED err:12 id:5", said("5", "EXPIRED", "12")),
            ("id: 99 stat: REJECTD err: 1", said("99", "REJECTD", "1")),
            ("id=99,stat=DELIVRD,err=000", said("99", "DELIVRD", "")),
            ("id:99 status:DELIVRD", said("99", "DELIVRD", "")),
            ("id:1 sub: dlvrd: stat:DELIVRD", said("1", "DELIVRD", "")),
            (
                "id:1 stat:ACCEPTD text:id:2 stat:DELIVRD",
                said("1", "ACCEPTD", ""),
            ),
            ("text:Halo id:7 stat:DELIVRD", said("7", "DELIVRD", "")),
            ("id: stat:DELIVRD", said("", "DELIVRD", "")),
            ("msgid:5 substat:X", said("", "", "")),
            ("Halo", said("", "", "")),
            ("", said("", "", "")),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn states_by_number_have_the_words_of_channel_files() {
        let sms = common::channel::of_installation(None)
            .unwrap()
            .remove("sms");
        let signs = sms.unwrap().signs;
        for number in 1..=8 {
            let word = state(number);
            assert!(signs.heard(&word).is_some(), "{word}");
        }
        assert_eq!(state(200), "200");
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in "\\PC{0,200}|(id|stat|text|err|[:= ]|é){0,40}") {
            read(&text);
        }
    }
}
