//! Who did what to which messages, and why: rows that a trace shows.

use crate::context::in_tx;
use crate::exit::Result;
use crate::letter::Letter;
use common::db::{Db, Tx, operator};
use uuid::Uuid;

/// An action on record. Committed before the first message is touched, so that one that was broken
/// off is there too.
pub struct Record {
    id: Uuid,
}

impl Record {
    /// Writes down that it begins: `what` to which queue, and why.
    pub async fn begin(
        db: &Db,
        (action, target): (&str, &str),
        reason: &str,
        asked: &serde_json::Value,
    ) -> Result<Self> {
        in_tx(db, async |tx| {
            Self::write(tx, (action, target), reason, asked).await
        })
        .await
    }

    /// Writes down something that is done in this very transaction.
    pub async fn in_one(
        tx: &Tx<'_>,
        what: (&str, &str),
        reason: &str,
        asked: &serde_json::Value,
    ) -> Result<()> {
        let Self { id } = Self::write(tx, what, reason, asked).await?;
        operator::touched(tx, id, 1, &[]).await?;
        Ok(operator::end(tx, id).await?)
    }

    async fn write(
        tx: &Tx<'_>,
        (action, target): (&str, &str),
        reason: &str,
        asked: &serde_json::Value,
    ) -> Result<Self> {
        let id = Uuid::now_v7();
        let who = who();
        let action = operator::Action {
            id,
            who: &who,
            action,
            target,
            reason,
            asked,
        };
        operator::begin(tx, &action).await?;
        Ok(Self { id })
    }

    /// Names the record.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// One more message. Called before anything is done to it: the record may name one message too
    /// many after a failure, never one too few.
    pub async fn touched(&self, db: &Db, letter: &Letter) -> Result<()> {
        let named: Vec<_> = letter.envelope.iter().map(|e| (e.id, e.trace)).collect();
        in_tx(db, async |tx| {
            Ok(operator::touched(tx, self.id, 1, &named).await?)
        })
        .await
    }

    /// It came to its end, or was stopped in order.
    pub async fn end(&self, db: &Db) -> Result<()> {
        in_tx(db, async |tx| Ok(operator::end(tx, self.id).await?)).await
    }
}

/// The person behind the keyboard, also behind sudo, and the machine.
pub fn who() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"];
    let named = |name: &&str| std::env::var(name).ok().filter(|n| !n.is_empty());
    let user = names.iter().find_map(named).unwrap_or_else(owner);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

/// Without a name in the environment: that of whoever owns this process, else the number.
fn owner() -> String {
    let number = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = users.lines();
    let line = lines.find(|line| line.split(':').nth(2) == Some(number.to_string().as_str()));
    let name = line.and_then(|line| line.split(':').next());
    name.map_or_else(|| format!("user {number}"), String::from)
}
