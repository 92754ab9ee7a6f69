//! What is different about somebody, one row for each thing.

use super::StoredPerson;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One thing that changed about somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub person: i64,
    pub field: &'static str,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// Somebody new, all of them at once.
pub(super) fn added(new: &StoredPerson) -> Change {
    let contacts: Vec<Value> = contacts(new).into_iter().map(|(_, c)| c).collect();
    let all = json!({
        "name": new.name, "language": new.language, "user_type": new.user_type,
        "home": new.home_place, "state": new.state, "contacts": contacts, "areas": new.areas,
        "permissions": signed(new), "groups": new.groups, "training": new.training,
    });
    Change {
        person: new.id,
        field: "person",
        old: None,
        new: Some(all),
    }
}

/// Everything that is different.
pub(super) fn changes(old: &StoredPerson, new: &StoredPerson) -> Vec<Change> {
    let mut all = Vec::new();
    for (field, old, new) in [
        ("name", json!(old.name), json!(new.name)),
        ("language", json!(old.language), json!(new.language)),
        ("user_type", json!(old.user_type), json!(new.user_type)),
        ("home", json!(old.home_place), json!(new.home_place)),
        ("state", json!(old.state), json!(new.state)),
        ("training", json!(old.training), json!(new.training)),
    ] {
        let words = (Some(old), Some(new));
        all.extend((words.0 != words.1).then_some((field, words.0, words.1)));
    }
    let areas = |p: &StoredPerson| p.areas.iter().map(|a| json!(a)).collect();
    all.extend(sets("area", areas(old), areas(new)));
    all.extend(sets("permission", signed(old), signed(new)));
    let groups = |p: &StoredPerson| p.groups.iter().map(|g| json!(g)).collect();
    all.extend(sets("group", groups(old), groups(new)));
    all.extend(addresses(old, new));
    let person = new.id;
    let change = |(field, old, new)| Change {
        person,
        field,
        old,
        new,
    };
    all.into_iter().map(change).collect()
}

type Words = (&'static str, Option<Value>, Option<Value>);

/// What went from a set and what came to it.
fn sets(field: &'static str, old: Vec<Value>, new: Vec<Value>) -> Vec<Words> {
    let gone = old.iter().filter(|v| !new.contains(v));
    let gone = gone.map(|v| (field, Some(v.clone()), None));
    let come = new.iter().filter(|v| !old.contains(v));
    gone.chain(come.map(|v| (field, None, Some(v.clone()))))
        .collect()
}

/// Addresses that went, came, or have another channel or place in the order.
fn addresses(old: &StoredPerson, new: &StoredPerson) -> Vec<Words> {
    let (old, new) = (contacts(old), contacts(new));
    let keys: BTreeSet<_> = old.iter().chain(&new).map(|(key, _)| *key).collect();
    let of = |all: &[(Key<'_>, Value)], key| {
        let mut found = all.iter().filter(|(k, _)| *k == key);
        found.next().map(|(_, contact)| contact.clone())
    };
    keys.into_iter()
        .map(|key| ("contact", of(&old, key), of(&new, key)))
        .filter(|(_, old, new)| old != new)
        .collect()
}

/// Kind and address.
type Key<'a> = (&'a str, &'a str);

fn contacts(of: &StoredPerson) -> Vec<(Key<'_>, Value)> {
    let mut all = Vec::new();
    for (n, (kind, address, channel)) in of.contacts.iter().enumerate() {
        let mut contact = json!({ "kind": kind, "address": address, "preference": n + 1 });
        if let Some(channel) = channel {
            contact["channel"] = json!(channel);
        }
        all.push(((kind.as_str(), address.as_str()), contact));
    }
    all
}

/// `+can_x` and `-can_y`.
fn signed(of: &StoredPerson) -> Vec<Value> {
    let sign = |(code, granted): &(String, bool)| match granted {
        true => json!(format!("+{code}")),
        false => json!(format!("-{code}")),
    };
    of.permissions.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> StoredPerson {
        StoredPerson {
            id: 7,
            name: "Siti".into(),
            language: "id".into(),
            user_type: "PLS".into(),
            home_place: Some(3),
            state: "active".into(),
            contacts: vec![
                ("phone".into(), "+6281".into(), None),
                ("email".into(), "s@x.id".into(), None),
            ],
            areas: vec![3, 4],
            permissions: vec![("can_send_pk".into(), true)],
            groups: vec!["RPH".into()],
            training: false,
        }
    }

    #[test]
    fn nothing_changed_is_nothing_to_tell() {
        assert_eq!(changes(&person(), &person()), []);
    }

    #[test]
    fn each_thing_that_changed_is_told_once() {
        let mut new = person();
        new.name = "Siti F".into();
        new.home_place = None;
        new.areas = vec![4, 5];
        new.permissions = vec![("can_send_pk".into(), false)];
        new.groups = vec!["KARANTINA".into()];
        new.contacts.swap(0, 1);
        new.contacts
            .push(("phone".into(), "+6282".into(), Some("sms".into())));
        let told: Vec<String> = changes(&person(), &new)
            .iter()
            .map(|c| {
                let side = |v: &Option<Value>| v.as_ref().map_or("-".into(), Value::to_string);
                format!("{} {} > {}", c.field, side(&c.old), side(&c.new))
            })
            .collect();
        let contact = |kind: &str, address: &str, n: u8| {
            json!({ "kind": kind, "address": address, "preference": n }).to_string()
        };
        let sms = json!({"kind": "phone", "address": "+6282", "preference": 3, "channel": "sms"});
        let expected = [
            "name \"Siti\" > \"Siti F\"".to_owned(),
            "home 3 > null".into(),
            "area 3 > -".into(),
            "area - > 5".into(),
            "permission \"+can_send_pk\" > -".into(),
            "permission - > \"-can_send_pk\"".into(),
            "group \"RPH\" > -".into(),
            "group - > \"KARANTINA\"".into(),
            format!(
                "contact {} > {}",
                contact("email", "s@x.id", 2),
                contact("email", "s@x.id", 1)
            ),
            format!(
                "contact {} > {}",
                contact("phone", "+6281", 1),
                contact("phone", "+6281", 2)
            ),
            format!("contact - > {sms}"),
        ];
        assert_eq!(told, expected);
    }
}
