//! Originals that are decided again.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

/// A message as it came, and what was decided then.
#[derive(Debug, Clone)]
pub struct Original {
    /// The message.
    pub id: Uuid,
    /// Which command of it.
    pub line: i16,
    /// Its trace.
    pub trace: Uuid,
    /// The channel that brought it.
    pub channel: String,
    /// Where it came from.
    pub address: String,
    /// Who sent it.
    pub person: i64,
    /// What was written.
    pub text: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// What came of it.
    pub outcome: String,
    /// The fields that were stored.
    pub fields: Option<Json>,
}

/// Which originals are meant.
pub struct Wanted<'a> {
    /// Received at or after this.
    pub from: Timestamp,
    /// Received before this.
    pub to: Timestamp,
    /// Codes in capitals, as they were read or as the first word; none for all.
    pub codes: &'a [String],
    /// After this one, in the order of receipt.
    pub after: Option<(Timestamp, Uuid, i16)>,
    /// At most so many.
    pub most: i64,
}

/// Originals of registered people in the order in which they were received. Mails that wait for their
/// confirmation and what was only for training are left out.
pub async fn originals(tx: &Tx<'_>, wanted: &Wanted<'_>) -> Result<Vec<Original>> {
    let (at, id, line) = wanted.after.map_or((None, None, None), |(at, id, line)| {
        (Some(at), Some(id), Some(line))
    });
    let rows = tx
        .query(
            "-- again::originals
             SELECT m.id, m.line, m.trace, m.channel, m.address, m.person, m.text, m.sent_at, m.received_at,
                    m.outcome, r.fields
             FROM message m
             LEFT JOIN report r ON r.message_id = m.id AND r.line = m.line AND r.received_at = m.received_at
             WHERE m.received_at >= $1 AND m.received_at < $2 AND m.person IS NOT NULL AND NOT m.training
             AND m.outcome <> 'held'
             AND (cardinality($3::text[]) = 0 OR m.code = ANY ($3)
                  OR upper(split_part(btrim(m.text), ' ', 1)) = ANY ($3))
             AND ($4::timestamptz IS NULL OR (m.received_at, m.id, m.line) > ($4, $5::uuid, $6::smallint))
             ORDER BY m.received_at, m.id, m.line LIMIT $7",
            &[
                /* from */ &wanted.from, /* to */ &wanted.to, /* codes */ &wanted.codes,
                /* at */ &at, /* id */ &id, /* line */ &line, /* most */ &wanted.most,
            ],
        )
        .await?;
    let original = |row: &tokio_postgres::Row| Original {
        id: row.get(0),
        line: row.get(1),
        trace: row.get(2),
        channel: row.get(3),
        address: row.get(4),
        person: row.get(5),
        text: row.get(6),
        sent_at: row.get(7),
        received_at: row.get(8),
        outcome: row.get(9),
        fields: row.get(10),
    };
    Ok(rows.iter().map(original).collect())
}

/// What this person had stored with this code within a day after an original was received, or tried once
/// more within an hour in vain: the words, when there are any. Who was refused mostly sends it right soon
/// after, and of several tries the last one says what was meant.
pub async fn corrected(tx: &Tx<'_>, original: &Original, code: &str) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- again::corrected
             SELECT text FROM message
             WHERE person = $1 AND NOT training AND received_at > $3 AND received_at < $3 + interval '1 day'
             AND ((outcome = 'stored' AND code = $2)
                  OR (outcome = $4 AND received_at < $3 + interval '1 hour'
                      AND upper(split_part(btrim(text), ' ', 1)) = upper(split_part(btrim($5), ' ', 1))))
             ORDER BY received_at LIMIT 1",
            &[
                /* person */ &original.person,
                /* code */ &code,
                /* after */ &original.received_at,
                /* refused */ &original.outcome,
                /* words */ &original.text,
            ],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Keeps what was decided now; false when somebody else has decided it again meanwhile, and the caller
/// must roll back.
pub async fn decided(
    tx: &Tx<'_>,
    original: &Original,
    (outcome, code, answer): (&str, Option<&str>, &str),
    answer_id: Option<Uuid>,
) -> Result<bool> {
    let changed = tx
        .execute(
            "-- again::decided
             UPDATE message SET outcome = $4, code = $5, answer = $6, answer_id = $7,
                    decided_at = clock_timestamp()
             WHERE id = $1 AND line = $2 AND outcome = $3",
            &[
                /* id */ &original.id,
                /* line */ &original.line,
                /* was */ &original.outcome,
                /* outcome */ &outcome,
                /* code */ &code,
                /* answer */ &answer,
                /* answer_id */ &answer_id,
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// A mail that came to nothing.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The mail.
    pub id: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Key of the raw original in the blob store.
    pub blob: String,
    /// Its subject.
    pub subject: String,
    /// When it reached us.
    pub received_at: Timestamp,
    /// `refused`, `nothing` or `unknown_sender`.
    pub outcome: String,
    /// Why, where that was kept.
    pub reason: Option<String>,
}

/// Mails that came to nothing and may come to something: they could not be read, held no command that
/// we knew, or were from somebody whom we did not know. In the order of receipt.
pub async fn letters(tx: &Tx<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Letter>> {
    let rows = tx
        .query(
            "-- again::letters
             SELECT id, trace, blob, subject, received_at, outcome, reason FROM mail
             WHERE received_at >= $1 AND received_at < $2
             AND outcome IN ('refused', 'nothing', 'unknown_sender') AND blob <> ''
             ORDER BY received_at, id",
            &[/* from */ &from, /* to */ &to],
        )
        .await?;
    let letter = |row: &tokio_postgres::Row| Letter {
        id: row.get(0),
        trace: row.get(1),
        blob: row.get(2),
        subject: row.get(3),
        received_at: row.get(4),
        outcome: row.get(5),
        reason: row.get(6),
    };
    Ok(rows.iter().map(letter).collect())
}

/// Lets the same mail have an effect after all; false when somebody else has done so meanwhile.
pub async fn reopen(tx: &Tx<'_>, letter: &Letter) -> Result<bool> {
    let changed = tx
        .execute(
            "-- again::reopen
             UPDATE mail SET outcome = 'again', digest = NULL WHERE id = $1 AND outcome = $2",
            &[/* id */ &letter.id, /* was */ &letter.outcome],
        )
        .await?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{TestDb, begin};

    #[tokio::test]
    async fn mails_whose_originals_were_deleted_are_not_read_again() {
        let place = TestDb::new().await;
        place
            .run(
                "INSERT INTO mail (id, trace, blob, address, subject, received_at, outcome)
                 SELECT gen_random_uuid(), gen_random_uuid(), b, 'a@x.id', 'U', now(), 'nothing'
                   FROM unnest(ARRAY['raw/one', '']) AS b",
            )
            .await;
        let mut conn = place.client().await;
        let tx = begin(&mut conn).await;
        let from = Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let found = letters(&tx, from, Timestamp::MAX).await.expect("a query");
        let blobs: Vec<&str> = found.iter().map(|l| l.blob.as_str()).collect();
        assert_eq!(blobs, ["raw/one"]);
    }
}
