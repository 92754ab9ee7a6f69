//! People from a CSV: `name,language,user_type[,home][,areas][,phone][,email][,contacts][,permissions][,groups][,state]`.
//!
//! A row says everything about its person: addresses, areas and permissions that it does not name
//! are taken away; so are groups in a file that has the column. A person is known again by any of the addresses. Who is not in the file stays.

mod plan;

pub(super) use plan::{Found, plan};

use super::fault::{LoadFault, Problem, hint};
use super::phone::{self, NoPhone};
use super::table::{self, Columns, Row};
use crate::db::people::PersonState;
use crate::phone::Numbering;
use std::collections::{BTreeSet, HashMap};
use std::io::Read;

const COLUMNS: Columns = Columns {
    required: &["name", "language", "user_type"],
    optional: &[
        "home",
        "areas",
        "phone",
        "email",
        "contacts",
        "permissions",
        "groups",
        "state",
    ],
};

/// An address of a row: kind, canonical form, and the channel if one was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub kind: String,
    pub address: String,
    pub channel: Option<String>,
}

/// A row whose cells have the right form; what they refer to is not yet looked up.
#[derive(Debug)]
pub(super) struct PersonRow {
    pub row: Row,
    pub name: String,
    pub language: String,
    pub user_type: String,
    pub home: Option<String>,
    pub areas: Vec<String>,
    pub addresses: Vec<Address>,
    pub permissions: Vec<(String, bool)>,
    /// `None`: as they were, for the file has no such column.
    pub groups: Option<Vec<String>>,
    /// `None`: as it was, and active when the person is new.
    pub state: Option<PersonState>,
}

impl PersonRow {
    /// Every code of a place that the row names.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.home.iter().chain(&self.areas).map(String::as_str)
    }
}

/// Everything that can be said without a database. `channels` are the known channels with their kind of address.
pub(super) fn read(
    source: impl Read,
    (channels, numbering): (&[(String, String)], &Numbering),
) -> (Vec<PersonRow>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &COLUMNS);
    let mut seen: HashMap<(String, String), u64> = HashMap::new();
    let mut people = Vec::with_capacity(rows.len());
    for row in rows {
        let person = person(row, (channels, numbering), &mut faults);
        for a in &person.addresses {
            let key = (a.kind.clone(), a.address.clone());
            if let Some(line) = seen.insert(key, person.row.line) {
                let column = person.column_of(a);
                let value = person.row.get(column).to_owned();
                faults.push(person.row.fault(column, Problem::Twice { value, line }));
            }
        }
        people.push(person);
    }
    (people, faults)
}

impl PersonRow {
    /// The column that gave an address.
    pub fn column_of(&self, address: &Address) -> &'static str {
        match address.kind.as_str() {
            _ if address.channel.is_some() => "contacts",
            "email" => "email",
            _ => "phone",
        }
    }
}

fn person(
    row: Row,
    cells: (&[(String, String)], &Numbering),
    faults: &mut Vec<LoadFault>,
) -> PersonRow {
    let language = row.need("language", faults).to_lowercase();
    let fits = |_: &str| matches!(language.as_str(), "" | "id" | "en");
    faults.extend(row.fit("language", "a language: id or en", fits));
    let state = PersonState::parse(&row.get("state").to_lowercase());
    let fits = |word: &str| word.is_empty() || state.is_some();
    faults.extend(row.fit("state", "a state: active, suspended or left", fits));
    let places = |column| {
        row.get(column)
            .split([' ', '|'])
            .filter(|c| !c.is_empty())
            .map(super::places::code)
    };
    PersonRow {
        name: row.need("name", faults),
        user_type: row.need("user_type", faults).to_uppercase(),
        home: Some(super::places::code(row.get("home"))).filter(|h| !h.is_empty()),
        areas: places("areas").collect(),
        addresses: addresses(&row, cells, faults),
        permissions: permissions(&row, faults),
        groups: groups(&row),
        language,
        state,
        row,
    }
}

fn addresses(
    row: &Row,
    (channels, numbering): (&[(String, String)], &Numbering),
    faults: &mut Vec<LoadFault>,
) -> Vec<Address> {
    let before = faults.len();
    let mut found: Vec<Address> = Vec::new();
    let mut cells = Vec::new();
    for column in ["phone", "email"] {
        cells.extend(Some((column, column, None, row.get(column))).filter(|c| !c.3.is_empty()));
    }
    // Blanks inside a number would end it here, so several contacts are separated by | alone.
    for word in row
        .get("contacts")
        .split('|')
        .map(str::trim)
        .filter(|w| !w.is_empty())
    {
        let (channel, address) = word.split_once(':').unwrap_or((word, ""));
        let channel = channel.trim().to_lowercase();
        match channels.iter().find(|c| c.0 == channel) {
            Some((name, kind)) => cells.push(("contacts", kind, Some(name.clone()), address)),
            None => faults.push(row.fault("contacts", no_channel(&channel, channels))),
        }
    }
    for (column, kind, channel, text) in cells {
        match canonical(kind, text, numbering) {
            Ok(address) => {
                // A number that is named again with a channel is the same contact, by that channel.
                found.retain(|f| f.kind != kind || f.address != address);
                found.push(Address {
                    kind: kind.to_owned(),
                    address,
                    channel,
                });
            }
            Err(problem) => faults.push(row.fault(column, problem)),
        }
    }
    if found.is_empty() && faults.len() == before {
        faults.push(LoadFault::new(row.line, "phone", "", Problem::NoContact));
    }
    found
}

/// An address as people write it on a command line: a number, a mail address, or
/// `channel:address`. Kind, canonical form and chosen channel, or what is wrong.
pub(crate) fn contact_address(
    text: &str,
    (channels, numbering): (&[(String, String)], &Numbering),
) -> Result<(String, String, Option<String>), String> {
    let text = text.trim();
    let named = text
        .split_once(':')
        .map(|(channel, address)| (channel.to_lowercase(), address));
    let (kind, channel, address) = match &named {
        Some((channel, address)) => {
            let found = channels.iter().find(|c| c.0 == *channel);
            let found = found.ok_or_else(|| no_channel(channel, channels).to_string())?;
            (found.1.as_str(), Some(channel.clone()), *address)
        }
        None if text.contains('@') => ("email", None, text),
        None => ("phone", None, text),
    };
    let address = canonical(kind, address, numbering).map_err(|problem| problem.to_string())?;
    Ok((kind.to_owned(), address, channel))
}

fn no_channel(name: &str, channels: &[(String, String)]) -> Problem {
    let hint = hint(name, channels.iter().map(|c| c.0.as_str()));
    Problem::Unknown {
        value: name.into(),
        wanted: "a channel",
        hint,
    }
}

pub(super) fn canonical(kind: &str, text: &str, numbering: &Numbering) -> Result<String, Problem> {
    let text = text.trim();
    let unfit = |wanted| Problem::Unfit {
        value: text.into(),
        wanted,
        hint: String::new(),
    };
    match kind {
        "phone" => phone::canonical(text, numbering).map_err(|no| match no {
            NoPhone::Rounded => Problem::Rounded { value: text.into() },
            NoPhone::Unfit => {
                unfit("a phone number that begins with 0, or with + and the country code")
            }
        }),
        "email" => {
            let (name, domain) = text.split_once('@').unwrap_or_default();
            let fits = !name.is_empty() && domain.contains('.') && !domain.contains('@');
            let plain = !text.contains(|c: char| c.is_whitespace() || ",;<>".contains(c));
            if fits && plain {
                Ok(text.to_lowercase())
            } else {
                Err(unfit("one e-mail address"))
            }
        }
        _ if text.is_empty() => Err(Problem::Missing),
        _ => Ok(text.to_owned()),
    }
}

fn permissions(row: &Row, faults: &mut Vec<LoadFault>) -> Vec<(String, bool)> {
    let mut permissions: Vec<(String, bool)> = Vec::new();
    for word in row
        .get("permissions")
        .split([' ', '|'])
        .filter(|w| !w.is_empty())
    {
        let sign = word
            .strip_prefix('+')
            .map(|w| (w, true))
            .or(word.strip_prefix('-').map(|w| (w, false)));
        let Some((name, granted)) = sign else {
            let wanted = "+ or - and a permission, as in +can_send_pk";
            let problem = Problem::Unfit {
                value: word.into(),
                wanted,
                hint: String::new(),
            };
            faults.push(row.fault("permissions", problem));
            continue;
        };
        let name = name.to_lowercase();
        if permissions.iter().any(|p| p.0 == name) {
            let problem = Problem::Twice {
                value: word.into(),
                line: row.line,
            };
            faults.push(row.fault("permissions", problem));
            continue;
        }
        permissions.push((name, granted));
    }
    permissions.sort_unstable();
    permissions
}

fn groups(row: &Row) -> Option<Vec<String>> {
    let words = row.given("groups")?.split([' ', '|', ',']);
    let words = words.filter(|w| !w.is_empty()).map(str::to_uppercase);
    let groups: BTreeSet<String> = words.collect();
    Some(groups.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::people::bulk::{Holder, Permission};

    const HEADER: &str =
        "name,language,user_type,home,areas,phone,email,contacts,permissions,state\n";

    fn channels() -> Vec<(String, String)> {
        [
            ("console", "phone"),
            ("email", "email"),
            ("sms", "phone"),
            ("xmpp", "xmpp"),
        ]
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .to_vec()
    }

    fn holder(kind: &str, address: &str, person: i64) -> Holder {
        Holder {
            kind: kind.into(),
            address: address.into(),
            person,
        }
    }

    fn found() -> Found {
        let permission = |code: &str| Permission {
            code: code.into(),
            name_id: String::new(),
            name_en: String::new(),
            by_default: false,
        };
        Found {
            user_types: vec!["VET".into(), "PLS".into()],
            permissions: vec![permission("can_send_pk")],
            groups: vec!["KARANTINA".into(), "RPH".into()],
            places: HashMap::from([("72".into(), 1), ("7204".into(), 2)]),
            holders: vec![
                holder("phone", "+628111111111", 1),
                holder("email", "b@example.org", 2),
            ],
            people: HashMap::new(),
        }
    }

    fn faults(rows: &str) -> Vec<String> {
        let (people, mut faults) = read(
            format!("{HEADER}{rows}").as_bytes(),
            (&channels(), &Numbering::default()),
        );
        faults.extend(plan(&people, &found()).1);
        faults.sort_by_key(|f| f.line);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_fault_of_a_person_is_told() {
        let unknown = "that this installation knows; load it first or correct it";
        for (row, fault) in [
            (",id,VET,,,0812345678,,,,", "name: the cell is empty; fill it in".to_owned()),
            ("A,fr,VET,,,0812345678,,,,", "language: \"fr\" is not a language: id or en".into()),
            (
                "A,id,VETT,,,0812345678,,,,",
                "user_type: \"VETT\" is not a user type that this installation knows (did you mean \"VET\"?); load it first or correct it".into(),
            ),
            ("A,id,VET,99,,0812345678,,,,", format!("home: \"99\" is not the code of a place {unknown}")),
            ("A,id,VET,72,72|98,0812345678,,,,", format!("areas: \"98\" is not the code of a place {unknown}")),
            (
                "A,id,VET,,,12345,,,,",
                "phone: \"12345\" is not a phone number that begins with 0, or with + and the country code".into(),
            ),
            (
                "A,id,VET,,,8.12346E+10,,,,",
                "phone: \"8.12346E+10\" is a number that a spreadsheet rounded; format the column as text and type it again".into(),
            ),
            ("A,id,VET,,,,a@b@c.d,,,", "email: \"a@b@c.d\" is not one e-mail address".into()),
            ("A,id,VET,,,,,xmp:a@b.c,,", format!("contacts: \"xmp\" is not a channel that this installation knows (did you mean \"xmpp\"?); {}", "load it first or correct it")),
            ("A,id,VET,,,,,,,", "phone: this person has no address; give a phone, an e-mail or another contact".into()),
            ("A,id,VET,,,0812345678,,,can_send_pk,", "permissions: \"can_send_pk\" is not + or - and a permission, as in +can_send_pk".into()),
            (
                "A,id,VET,,,0812345678,,,+can_send_kp,",
                "permissions: \"can_send_kp\" is not a permission that this installation knows (did you mean \"can_send_pk\"?); load it first or correct it".into(),
            ),
            ("A,id,VET,,,0812345678,,,,away", "state: \"away\" is not a state: active, suspended or left".into()),
            (
                "A,id,VET,,,08111111111,b@example.org,,,",
                "email: \"b@example.org\" belongs to another person than the other addresses of this row; correct one of them".into(),
            ),
        ] {
            assert_eq!(faults(&format!("{row}\n")), [format!("line 2, {fault}")], "{row}");
        }
    }

    #[test]
    fn a_group_that_does_not_exist_is_named_with_those_that_do() {
        for (cell, word, hint) in [
            ("rph Karantin", "KARANTIN", "did you mean \"KARANTINA\"?"),
            ("KARANTINA|xyz", "XYZ", "there are KARANTINA, RPH"),
        ] {
            let csv = format!("name,language,user_type,phone,groups\nA,id,VET,0812345678,{cell}\n");
            let (people, faults) = read(csv.as_bytes(), (&channels(), &Numbering::default()));
            assert_eq!(faults, []);
            let told = plan(&people, &found()).1;
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            let what = "is not a group that this installation knows";
            let remedy = "load it first or correct it";
            let expected = format!("line 2, groups: \"{word}\" {what} ({hint}); {remedy}");
            assert_eq!(told, [expected], "{cell}");
        }
    }

    #[test]
    fn an_address_is_never_shared() {
        let rows = "A,id,VET,,,0812345678,,,,\nB,id,VET,,,+62 812-345-678,,,,\n";
        assert_eq!(
            faults(rows),
            ["line 3, phone: \"+62 812-345-678\" stands already in line 2; keep one of the two"]
        );
    }

    #[test]
    fn a_number_named_again_is_one_contact_by_that_channel() {
        let csv = format!(
            "{HEADER}A,EN,vet,,,0812345678,A@Example.org,sms:0812-345-678|xmpp:a@chat.example,,\n"
        );
        let (people, faults) = read(csv.as_bytes(), (&channels(), &Numbering::default()));
        assert_eq!(faults, []);
        let address = |kind: &str, address: &str, channel: Option<&str>| Address {
            kind: kind.into(),
            address: address.into(),
            channel: channel.map(str::to_owned),
        };
        let expected = [
            address("email", "a@example.org", None),
            address("phone", "+62812345678", Some("sms")),
            address("xmpp", "a@chat.example", Some("xmpp")),
        ];
        assert_eq!(people[0].addresses, expected);
        assert_eq!((&*people[0].language, &*people[0].user_type), ("en", "VET"));
    }
}
