//! Messages as they came and what was decided about them; repetitions; strangers.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use uuid::Uuid;

/// One command, from a text or a line of a mail.
pub struct Taken<'a> {
    /// Id of the envelope that brought it.
    pub id: Uuid,
    /// Which command of it; 0 for a text.
    pub line: i16,
    /// The trace it belongs to.
    pub trace: Uuid,
    /// The channel.
    pub channel: &'a str,
    /// The sender's canonical address on it.
    pub address: &'a str,
    /// Who that is.
    pub person: Option<i64>,
    /// What was written.
    pub text: &'a str,
    /// The channel's own id.
    pub channel_id: Option<&'a str>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// What came of it, as a short stable name.
    pub outcome: &'a str,
    /// The code it was read as.
    pub code: Option<&'a str>,
    /// What was answered.
    pub answer: Option<&'a str>,
    /// Id of the envelope that carries the answer.
    pub answer_id: Option<Uuid>,
    /// Whether it was only for training.
    pub training: bool,
}

/// Keeps a command and what was decided.
pub async fn insert(tx: &Tx<'_>, t: &Taken<'_>) -> Result {
    tx.execute(
        "-- intake::insert
         INSERT INTO message (id, line, trace, channel, address, person, text, channel_id, sent_at,
                              received_at, outcome, code, answer, answer_id, training)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &[
            /* id */ &t.id,
            /* line */ &t.line,
            /* trace */ &t.trace,
            /* channel */ &t.channel,
            /* address */ &t.address,
            /* person */ &t.person,
            /* text */ &t.text,
            /* channel_id */ &t.channel_id,
            /* sent_at */ &t.sent_at,
            /* received_at */ &t.received_at,
            /* outcome */ &t.outcome,
            /* code */ &t.code,
            /* answer */ &t.answer,
            /* answer_id */ &t.answer_id,
            /* training */ &t.training,
        ],
    )
    .await
    .map(drop)
}

/// Claims a command's key; which command of which message claimed it first, when that was within
/// the window. `line` is the command's place in the message. A second transaction with the same key
/// waits for the first. A time in the future counts as now: it would stay fresh until then.
pub async fn repeated(
    tx: &Tx<'_>,
    key: &[u8],
    (message, line): (Uuid, i16),
    at: Timestamp,
    window_s: u32,
) -> Result<Option<(Uuid, i16)>> {
    let row = tx
        .query_one(
            "-- intake::repeated
             INSERT INTO repetition AS r (key, message, at, line)
             VALUES ($1, $2, least($3, now()), $5)
             ON CONFLICT (key) DO UPDATE
             SET message = CASE WHEN fresh(r.at, $3, $4) THEN r.message ELSE $2 END,
                 line = CASE WHEN fresh(r.at, $3, $4) THEN r.line ELSE $5 END,
                 at = CASE WHEN fresh(r.at, $3, $4) THEN r.at ELSE excluded.at END
             RETURNING r.message, r.line",
            &[
                /* key */ &key,
                /* message */ &message,
                /* at */ &at,
                /* window_s */ &f64::from(window_s),
                /* line */ &line,
            ],
        )
        .await?;
    let first = (row.get(0), row.get(1));
    Ok((first != (message, line)).then_some(first))
}

/// What was answered to a command. Asked after [`repeated`], not by it: a statement that waited for
/// the first does not see what that wrote.
pub async fn answer(tx: &Tx<'_>, (message, line): (Uuid, i16)) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- intake::answer
             SELECT answer FROM message WHERE id = $1 AND line = $2",
            &[/* message */ &message, /* line */ &line],
        )
        .await?;
    Ok(row.and_then(|row| row.get(0)))
}

/// Gives a claimed key back: what it stood for was not stored after all.
pub async fn forget(tx: &Tx<'_>, key: &[u8]) -> Result {
    tx.execute(
        "-- intake::forget\nDELETE FROM repetition WHERE key = $1",
        &[/* key */ &key],
    )
    .await
    .map(drop)
}

/// What this person said before about a case with other messages is no repetition any more: who
/// says `PK 5 SB`, `PK 5 MS` and `PK 5 SB` again means the last. What opened the case stays
/// guarded: sent again it would open a second one.
pub async fn forget_of_case(tx: &Tx<'_>, sender: i64, case_id: i64, key: &[u8]) -> Result {
    tx.execute(
        "-- intake::forget_of_case
         DELETE FROM repetition r USING report p, disease_case c
         WHERE p.case_id = $2 AND p.sender = $1 AND c.id = $2 AND p.code <> c.code
         AND r.message = p.message_id AND r.line = p.line AND r.key <> $3",
        &[
            /* sender */ &sender, /* case_id */ &case_id, /* key */ &key,
        ],
    )
    .await
    .map(drop)
}

/// May this stranger be answered? At most once a day.
pub async fn answer_stranger(tx: &Tx<'_>, channel: &str, address: &str) -> Result<bool> {
    let answered = tx
        .execute(
            "-- intake::answer_stranger
             INSERT INTO stranger AS s (channel, address, answered_at) VALUES ($1, $2, now())
             ON CONFLICT (channel, address) DO UPDATE SET answered_at = now()
             WHERE s.answered_at < now() - interval '1 day'",
            &[/* channel */ &channel, /* address */ &address],
        )
        .await?;
    Ok(answered > 0)
}
