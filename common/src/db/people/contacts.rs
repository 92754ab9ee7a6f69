//! Addresses: where to reach somebody, and what became of it.

use crate::Result;
use crate::db::Tx;
use std::collections::HashMap;
use tokio_postgres::Row;

/// One address of somebody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Contact {
    /// What deliveries refer to.
    pub id: i64,
    /// `phone`, `email`, or another kind that a channel uses.
    pub kind: String,
    /// Canonical: `+62...`, small letters.
    pub address: String,
    /// The channel by which to send: the one chosen for this address, else the default of its kind; `None` when no
    /// channel sends to this kind of address.
    pub channel: Option<String>,
    /// Whether it works.
    pub state: ContactState,
}

/// What is known about an address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ContactState {
    /// Nothing is known against it.
    Ok,
    /// Did not work lately, and is still tried.
    Failing {
        /// A short stable name, such as `soft_bounce`.
        reason: String,
    },
    /// Nothing is sent to it until somebody lifts that.
    Suppressed {
        /// A short stable name, such as `hard_bounce` or `complaint`.
        reason: String,
    },
}

/// An address to which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suppression {
    /// Kind of address.
    pub kind: String,
    /// Canonical.
    pub address: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Whose it is; `None` where a mail to a stranger came back.
    pub person: Option<(i64, String)>,
}

/// The columns of a [`Contact`] named `c`.
const CONTACT: &str =
    "c.person, c.id, c.kind, c.address, c.state, c.state_reason, coalesce(c.channel,
    (SELECT h.name FROM channel h WHERE h.address_kind = c.kind AND h.is_default)) AS channel";

/// All addresses of somebody, the preferred one first, whatever their state.
pub async fn contacts(tx: &Tx<'_>, person: i64) -> Result<Vec<Contact>> {
    let sql = format!(
        "-- people::contacts
         SELECT {CONTACT} FROM contact c WHERE c.person = $1 ORDER BY c.preference, c.id"
    );
    let rows = tx.query(&sql, &[/* person */ &person]).await?;
    Ok(rows.iter().map(contact).collect())
}

/// The addresses of many that are not suppressed and that a channel serves.
pub(in crate::db) async fn usable(
    tx: &Tx<'_>,
    people: &[i64],
) -> Result<HashMap<i64, Vec<Contact>>> {
    let mut of: HashMap<i64, Vec<Contact>> = HashMap::new();
    if people.is_empty() {
        return Ok(of);
    }
    let sql = format!(
        "-- people::usable_contacts
         SELECT {CONTACT} FROM contact c WHERE c.person = ANY($1) AND c.state <> 'suppressed'
          ORDER BY c.preference, c.id"
    );
    for row in &tx.query(&sql, &[/* people */ &people]).await? {
        let contact = contact(row);
        if contact.channel.is_some() {
            of.entry(row.get("person")).or_default().push(contact);
        }
    }
    Ok(of)
}

/// Sets what is known about an address: suppresses it, marks it failing, or clears it. An address that
/// nobody has is remembered too, so that a stranger's bounce counts. The same mark twice keeps the first date.
/// Never weakens: marking a suppressed address as failing leaves it suppressed; only [`ContactState::Ok`] lifts it.
pub async fn mark_contact(
    tx: &Tx<'_>,
    channel: &str,
    address: &str,
    state: &ContactState,
) -> Result {
    let (word, reason) = state.words();
    tx.execute(
        "-- people::mark_contact
         INSERT INTO contact AS c (kind, address, state, state_reason, state_since)
         SELECT coalesce((SELECT h.address_kind FROM channel h WHERE h.name = $1), $1), $2, $3::text, $4::text,
                CASE WHEN $3 <> 'ok' THEN now() END
         ON CONFLICT (kind, address) DO UPDATE
            SET state = excluded.state, state_reason = excluded.state_reason, state_since = excluded.state_since
          WHERE c.state <> excluded.state AND NOT (c.state = 'suppressed' AND excluded.state = 'failing')",
        &[/* channel */ &channel, /* address */ &address, /* state */ &word, /* reason */ &reason],
    )
    .await?;
    Ok(())
}

/// Every suppressed address, the latest first.
pub async fn suppressions(tx: &Tx<'_>) -> Result<Vec<Suppression>> {
    let rows = tx
        .query(
            "-- people::suppressions
             SELECT c.kind, c.address, c.state_reason, c.state_since, p.id, p.name
               FROM contact c LEFT JOIN person p ON p.id = c.person
              WHERE c.state = 'suppressed' ORDER BY c.state_since DESC, c.id",
            &[],
        )
        .await?;
    let read = |row: &Row| Suppression {
        kind: row.get(0),
        address: row.get(1),
        reason: row.get(2),
        since: row.get(3),
        person: row.get::<_, Option<i64>>(4).zip(row.get(5)),
    };
    Ok(rows.iter().map(read).collect())
}

/// The kind of address that a channel uses; `None` for one that nobody has set up.
pub async fn address_kind(tx: &Tx<'_>, channel: &str) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- people::address_kind\nSELECT address_kind FROM channel WHERE name = $1",
            &[/* channel */ &channel],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Makes a channel known: which kind of address it uses, and whether it takes what goes to such an
/// address when nothing else was chosen. May be called at every start; a new default takes the place of the old.
pub async fn put_channel(tx: &Tx<'_>, name: &str, address_kind: &str, default: bool) -> Result {
    if default {
        tx.execute(
            "-- people::drop_default_channel
             UPDATE channel SET is_default = false WHERE address_kind = $1 AND is_default AND name <> $2",
            &[/* kind */ &address_kind, /* name */ &name],
        )
        .await?;
    }
    tx.execute(
        "-- people::put_channel
         INSERT INTO channel AS h (name, address_kind, is_default) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET address_kind = $2, is_default = $3
          WHERE (h.address_kind, h.is_default) <> ($2, $3)",
        &[
            /* name */ &name,
            /* kind */ &address_kind,
            /* default */ &default,
        ],
    )
    .await?;
    Ok(())
}

fn contact(row: &Row) -> Contact {
    let reason = || {
        row.get::<_, Option<String>>("state_reason")
            .unwrap_or_default()
    };
    Contact {
        id: row.get("id"),
        kind: row.get("kind"),
        address: row.get("address"),
        channel: row.get("channel"),
        state: match row.get("state") {
            "ok" => ContactState::Ok,
            "failing" => ContactState::Failing { reason: reason() },
            _ => ContactState::Suppressed { reason: reason() },
        },
    }
}

impl ContactState {
    fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Ok => ("ok", None),
            Self::Failing { reason } => ("failing", Some(reason)),
            Self::Suppressed { reason } => ("suppressed", Some(reason)),
        }
    }
}
