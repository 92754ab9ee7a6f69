//! What is kept for how long: personal data goes when its time is over, facts stay.

use crate::Result;
use crate::config::Retention;
use crate::db::Db;
use crate::db::retention::{self as rows, AT_ONCE, Kind};
use std::time::Duration;

/// Counts what was forgotten, by kind of row.
const FORGOTTEN: &str = "kentongan_forgotten_total";

/// Most transactions for one kind in one round. What is left waits for the next.
const BATCHES: usize = 100;

/// Between two transactions: others want the database too.
const PAUSE: Duration = Duration::from_millis(20);

/// A PIN is known as late for so long, in days.
const PIN_DAYS: u32 = 7;

/// A name that nobody confirmed, in days.
const REGISTRATION_DAYS: u32 = 30;

/// What stops whoever guesses, and who was answered once a day, in days.
const STRANGER_DAYS: u32 = 2;

/// Which address took the place of which, in days: as long as deliveries are usually kept.
const FALL_OVER_DAYS: u32 = 400;

/// Forgets what is too old, in small transactions; how much of which kind, without those of which
/// nothing was too old. May be broken off anywhere and run at the same time from several daemons.
pub async fn forget(db: &Db, settings: &Retention) -> Result<Vec<(&'static str, u64)>> {
    let mut all = Vec::new();
    for (kind, days) in [
        (&rows::MESSAGES, settings.message_days),
        (&rows::BLOBS, settings.blob_days),
        (&rows::WORKBOOKS, settings.workbook_days),
        (&rows::MAILS, settings.mail_days),
        (&rows::CHANGES, settings.change_days),
        (&rows::PINS, PIN_DAYS),
        (&rows::REGISTRATIONS, REGISTRATION_DAYS),
        (&rows::MISSES, STRANGER_DAYS),
        (&rows::STRANGERS, STRANGER_DAYS),
        (&rows::FALL_OVERS, FALL_OVER_DAYS),
    ] {
        // 0 keeps it for ever.
        if days > 0 {
            let forgotten = forget_kind(db, kind, days).await?;
            all.extend((forgotten > 0).then_some((kind.name, forgotten)));
        }
    }
    Ok(all)
}

async fn forget_kind(db: &Db, kind: &Kind, days: u32) -> Result<u64> {
    let mut all = 0;
    for _ in 0..BATCHES {
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let forgotten = rows::forget(&tx, kind, days).await?;
        tx.commit().await?;
        metrics::counter!(FORGOTTEN, "what" => kind.name).increment(forgotten);
        all += forgotten;
        if forgotten < AT_ONCE {
            break;
        }
        drop(conn);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDb;

    const OLD: &str = "
        INSERT INTO message (id, trace, channel, address, text, answer, sent_at, received_at, outcome, code)
        SELECT gen_random_uuid(), gen_random_uuid(), 'sms', '+62811', 'U mc', 'Terima kasih',
               now(), now() - make_interval(days => d), 'stored', 'U' FROM generate_series(1, 60) AS d;
        INSERT INTO mail (id, trace, blob, address, subject, received_at, outcome)
        SELECT gen_random_uuid(), gen_random_uuid(), 'raw/' || d, 'a@x.id', 'U', now() - make_interval(days => d), 'done'
          FROM generate_series(1, 60) AS d;
        INSERT INTO workbook (mail, person, state, received_at, decided_at, blobs)
        SELECT gen_random_uuid(), 1, 'faulty', now(), now() - make_interval(days => d), ARRAY['workbooks/' || d]
          FROM generate_series(1, 60) AS d;
        INSERT INTO person_change (at, person, who, field)
        SELECT now() - make_interval(days => d), 1, 'me', 'name' FROM generate_series(1, 60) AS d;
        INSERT INTO pin_miss (address, at) VALUES ('+62811', now()), ('+62811', now() - interval '3 days');";

    fn settings(days: u32) -> Retention {
        Retention {
            message_days: days,
            mail_days: days * 2,
            blob_days: days,
            workbook_days: days,
            change_days: days,
        }
    }

    #[tokio::test]
    async fn what_is_too_old_is_forgotten_and_facts_stay() {
        let place = TestDb::new().await;
        place.run(OLD).await;
        let count =
            async |of: &str| -> i64 { place.one(&format!("SELECT count(*) FROM {of}")).await };
        let kept = forget(&place.db, &settings(0)).await.unwrap();
        assert_eq!(kept, [("pin_misses", 1)], "0 is for ever");
        let gone = forget(&place.db, &settings(25)).await.unwrap();
        let expected = [
            ("messages", 36),
            ("blobs", 36),
            ("workbook_files", 36),
            ("mails", 11),
            ("person_changes", 36),
        ];
        assert_eq!(gone, expected);
        assert_eq!(count("message WHERE text = 'U mc'").await, 24);
        assert_eq!(
            count("message WHERE code = 'U' AND outcome = 'stored'").await,
            60
        );
        assert_eq!(
            count(
                "message WHERE text = '(forgotten)' AND (answer IS NOT NULL OR address LIKE '+%')"
            )
            .await,
            0
        );
        assert_eq!(
            (count("mail").await, count("mail WHERE blob <> ''").await),
            (49, 24)
        );
        assert_eq!(count("blob_to_delete").await, 72);
        assert_eq!(count("workbook WHERE blobs <> '{}'").await, 24);
        assert_eq!(count("person_change").await, 24);
        assert_eq!(forget(&place.db, &settings(25)).await.unwrap(), [], "once");
    }

    #[tokio::test]
    async fn more_than_one_batch_is_forgotten_in_one_round() {
        let place = TestDb::new().await;
        place
            .run(
                "INSERT INTO person_change (at, person, who, field)
                 SELECT now() - interval '9 days', 1, 'me', 'name' FROM generate_series(1, 4500)",
            )
            .await;
        let gone = forget(&place.db, &settings(5)).await.unwrap();
        assert_eq!(gone, [("person_changes", 4500)]);
    }
}
