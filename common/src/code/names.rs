//! What the texts of code files may name: the one list of it.

use super::kind::Kind;
use super::spec::Field;

/// Names that the replies and alerts of every code may use besides its own fields and group:
/// the case's id; the place in words, from the largest to the smallest; the sender's name and
/// telephone number; the code; the trace by which operators find the message; the format as the
/// reader would type it; the rows of a query, joined and cut. Also `place_up`, the place from the smallest to
/// the largest; in replies `told`, how many people were alerted; and of the case that a message names `subject`, its
/// animals in words (`5 sapi, 3 kambing`), `case_species`, those without numbers, `case_signs`, its syndrome or signs,
/// and `case_closed`, whether it was closed before this message.
pub const ALWAYS: &[&str] = &[
    "case",
    "place",
    "place_up",
    "sender",
    "phone",
    "code",
    "trace",
    "format",
    "rows",
    "told",
    "subject",
    "case_species",
    "case_signs",
    "case_closed",
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
/// * `open_case` opens a case, with the registered animals that the message names; `alike` is the case of somebody else that
///   looks like the same event, `alike_by` who reported it, `may_link` whether the sender may join them, `numbered` the
///   animals with their numbers in the case (`1=A17, 2=A18`).
/// * `respond` adds to a case; `reporter` and `reporter_phone` are who reported it.
/// * `case_outcome` sets a case's outcome; `closed` is true when that closed it, `before` the other outcome that it was closed
///   with before, in words.
/// * `add_case_animals` numbers registered animals within a case; `numbered` as above.
/// * `treat_case_animals` refuses numbers that a case has not given; `numbered` are the animals treated.
/// * `link_cases` joins two cases; `other_subject` and `other_place` say in words which the other one is.
/// * `issue_permit` issues a movement permit; `permit` is its number, `until` its last day, `office` who
///   was mailed the certificate, `own_mail` the sender's address where no office has one.
/// * `confirm_permit` compares what arrived with a permit; `permitted` are its animals in words,
///   `differs` whether others arrived, `until` its last day, `expired` whether that was over.
/// * `set_point` sets where an infrastructure stands; `far` is how many kilometres that is outside its
///   district, 0 when it is inside or nobody knows.
/// * `register_owner` makes an owner, or gives one who has not confirmed yet another PIN: `known` is true for one
///   who was active already; `number` is the owner's
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
///   is true when nothing was reported of that pregnancy, `unfit` what was reported since the birth before but at a time
///   that does not fit (`IB 20/11/2026`), `breed` what the calf is.
/// * `withdraw` takes back the sender's last message; `withdrawn` is its code, `sent` its words,
///   `gone` is true when its case went with it.
/// * `acknowledge` says that an alert was read; `cases` are those that it was about.
/// * `register_person` writes a new user down; `pin` is what they must send, `village` and
///   `province` where they are, `hours` how long it is good.
/// * `confirm_person` uses such a PIN; `name` is whose it was, `moved` is true when it was about
///   a new number of somebody who is known.
/// * `change_number` prepares a new number; `pin` must come from it, `hours` is how long it is good.
pub const EFFECTS: &[(&str, &[&str])] = &[
    ("open_case", &["alike", "alike_by", "may_link", "numbered"]),
    ("respond", &["reporter", "reporter_phone"]),
    ("case_outcome", &["closed", "before"]),
    ("add_case_animals", &["numbered"]),
    ("treat_case_animals", &["numbered"]),
    ("link_cases", &["other_subject", "other_place"]),
    ("issue_permit", &["permit", "until", "office", "own_mail"]),
    (
        "confirm_permit",
        &["permitted", "differs", "until", "expired"],
    ),
    ("set_point", &["far"]),
    ("register_owner", &["number", "pin", "minutes", "known"]),
    ("confirm_owner", &["name", "number", "village"]),
    ("register_animals", &["animal_list"]),
    ("change_animals", &["animal_list"]),
    ("herd_event", &["after", "pregnant", "due"]),
    ("birth", &["insemination", "unknown", "unfit", "breed"]),
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
/// message names none, the place only where the message names it (`named_place`), the case, the reader's language (`id` or `en`), the sender's id, and the
/// systems of place codes in use, the preferred one first.
pub const PARAMETERS: &[&str] = &[
    "place",
    "named_place",
    "case",
    "language",
    "sender",
    "systems",
];

/// The answer to the bare code may name these only: there are no values yet. `lists` is the index
/// of the code lists, `name` the code's name.
pub const BARE: &[&str] = &["format", "lists", "name", "code"];

/// What is said to somebody who may not send the code may name these only.
pub const FORBIDDEN: &[&str] = &["name", "code"];

/// The names that an effect adds; `None` for an effect that does not exist.
pub fn of_effect(effect: &str) -> Option<&'static [&'static str]> {
    EFFECTS
        .iter()
        .find(|(name, _)| *name == effect)
        .map(|(_, names)| *names)
}
