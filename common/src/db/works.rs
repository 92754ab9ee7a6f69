//! Infrastructure, programmes and permits, as messages name them.

use super::Tx;
use crate::Result;
use crate::language::Language;

/// An office, a laboratory, an abattoir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infrastructure {
    /// What other rows refer to.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Code in the list `infrastructure_type`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: i64,
}

/// A programme that work in the field is reported against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its number.
    pub id: i64,
    /// `vaccination`, `surveillance` or `control`.
    pub kind: String,
    /// What it is called in Indonesian.
    pub name_id: String,
    /// And in English.
    pub name_en: String,
    /// Whether the day of the message lies within it.
    pub runs: bool,
}

impl Program {
    /// What it is called in this language.
    pub fn name(&self, language: Language) -> &str {
        match language {
            Language::Id => &self.name_id,
            Language::En => &self.name_en,
        }
    }
}

/// The infrastructure of a code that is still in use.
pub async fn infrastructure(tx: &Tx<'_>, code: &str) -> Result<Option<Infrastructure>> {
    let row = tx
        .query_opt(
            "-- works::infrastructure
             SELECT id, code, type, name, place FROM infrastructure WHERE code = $1 AND retired_at IS NULL",
            &[/* code */ &code],
        )
        .await?;
    Ok(row.map(|row| Infrastructure {
        id: row.get(0),
        code: row.get(1),
        kind: row.get(2),
        name: row.get(3),
        place: row.get(4),
    }))
}

/// The programme of a number.
pub async fn program(tx: &Tx<'_>, id: i64, at: jiff::Timestamp) -> Result<Option<Program>> {
    let row = tx
        .query_opt(
            "-- works::program
             SELECT id, kind, name_id, name_en,
                    ($2::timestamptz AT TIME ZONE 'Asia/Jakarta')::date
                        BETWEEN coalesce(starts_on, '-infinity') AND coalesce(ends_on, 'infinity')
             FROM program WHERE id = $1 AND retired_at IS NULL",
            &[/* id */ &id, /* at */ &at],
        )
        .await?;
    Ok(row.map(|row| Program {
        id: row.get(0),
        kind: row.get(1),
        name_id: row.get(2),
        name_en: row.get(3),
        runs: row.get(4),
    }))
}

/// Whether there is a permit of this number.
pub async fn has_permit(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- works::has_permit\nSELECT EXISTS (SELECT FROM permit WHERE id = $1)",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.get(0))
}
