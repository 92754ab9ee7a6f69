//! What the texts of code files may name: the one list of it.

use super::kind::Kind;
use super::spec::Field;

/// Names that the replies and alerts of every code may use besides its own fields and group:
/// the case's id; the place in words, from the largest to the smallest; the sender's name and
/// telephone number; the code; the trace by which operators find the message; the format as the
/// reader would type it; the rows of a query, joined and cut.
pub const ALWAYS: &[&str] = &[
    "case", "place", "sender", "phone", "code", "trace", "format", "rows",
];

/// A field that is looked up prints as what was found: an owner, a programme, an infrastructure by
/// its name. What was typed is `<field>_id`.
pub fn as_typed(field: &Field) -> Option<String> {
    let found = matches!(
        field.kind,
        Kind::Owner | Kind::Program | Kind::Infrastructure
    );
    found.then(|| format!("{}_id", field.name))
}

/// Behaviours of their own and the names that each adds for the texts of its code.
///
/// * `open_case` opens a case.
/// * `respond` adds to a case; `reporter` and `reporter_phone` are who reported it.
/// * `case_outcome` sets a case's outcome; `subject` is the case's animals in words
///   (`5 sapi, 3 kambing`); `closed` is true when that closed it.
/// * `register_owner` makes an owner, or gives the one who waits another PIN; `number` is the owner's
///   number, `pin` what the owner must send within `minutes`, empty when nothing is to be confirmed.
/// * `confirm_owner` uses the PIN of an owner, who becomes somebody that writes to us; `name`, `number`
///   and `village` are the owner's.
/// * `register_animals` makes the animals of a group; `animal_list` is what they are called.
/// * `change_animals` gives the animals that the message names what else it names: another owner,
///   another id, a fate; `animal_list` is what they are called.
/// * `herd_event` tells something about an animal, within the rules of `[animal]`; `after` is the
///   date of what should come before, `pregnant` that of the examination that found her pregnant,
///   `due` when she is expected to give birth; each empty when there is none.
/// * `birth` makes a calf; `insemination` is the date of the insemination that it may come from, `unknown`
///   is true when nothing was ever reported of that pregnancy, `breed` what the calf is.
/// * `withdraw` takes back the sender's last message; `withdrawn` is its code, `sent` its words,
///   `gone` is true when its case went with it.
/// * `acknowledge` says that an alert was read; `cases` are those that it was about.
/// * `register_person` writes a new user down; `pin` is what they must send, `village` and
///   `province` where they are, `hours` how long it is good.
/// * `confirm_person` uses such a PIN; `name` is whose it was, `moved` is true when it was about
///   a new number of somebody who is known.
/// * `change_number` prepares a new number; `pin` must come from it, `hours` is how long it is good.
pub const EFFECTS: &[(&str, &[&str])] = &[
    ("open_case", &[]),
    ("respond", &["reporter", "reporter_phone"]),
    ("case_outcome", &["subject", "closed"]),
    ("register_owner", &["number", "pin", "minutes"]),
    ("confirm_owner", &["name", "number", "village"]),
    ("register_animals", &["animal_list"]),
    ("change_animals", &["animal_list"]),
    ("herd_event", &["after", "pregnant", "due"]),
    ("birth", &["insemination", "unknown", "breed"]),
    ("withdraw", &["withdrawn", "sent", "gone"]),
    ("acknowledge", &["cases"]),
    ("register_person", &["pin", "village", "province", "hours"]),
    ("confirm_person", &["name", "moved"]),
    ("change_number", &["pin", "hours"]),
];

/// The effects that keep the rules of a code's `[animal]`.
pub const OF_ANIMALS: &[&str] = &["herd_event", "birth"];

/// What an alert may name besides: the format of the answer that is expected, with the case's number
/// in it, as its receiver may send it.
pub const ANSWER: &str = "answer_format";

/// Effects that change people; their codes have no alerts.
pub const CHANGE_PEOPLE: &[&str] = &["register_person", "confirm_person", "change_number"];

/// Parameters that every query may use besides its own fields: the sender's own place when the
/// message names none, the case, the reader's language (`id` or `en`), the sender's id, and the
/// systems of place codes in use, the preferred one first.
pub const PARAMETERS: &[&str] = &["place", "case", "language", "sender", "systems"];

/// The answer to the bare code may name these only: there are no values yet. `lists` is the index
/// of the code lists, `name` the code's name.
pub const BARE: &[&str] = &["format", "lists", "name", "code"];

/// The names that an effect adds; `None` for an effect that does not exist.
pub fn of_effect(effect: &str) -> Option<&'static [&'static str]> {
    EFFECTS
        .iter()
        .find(|(name, _)| *name == effect)
        .map(|(_, names)| *names)
}
