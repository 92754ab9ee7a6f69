//! The training twin: tables of the same names in a schema of their own.

use super::Tx;
use crate::Result;

/// From here on this transaction reads and writes what belongs to training. The caller must
/// [`leave`] before the transaction serves another message; a rollback leaves by itself.
pub async fn enter(tx: &Tx<'_>) -> Result {
    tx.batch("-- training::enter\nSET LOCAL search_path = training, public")
        .await
}

/// Back to the real thing.
pub async fn leave(tx: &Tx<'_>) -> Result {
    tx.batch("-- training::leave\nSET LOCAL search_path = public")
        .await
}

/// Forgets everything that was sent in training; how many reports that were. People stay.
pub async fn clear(tx: &Tx<'_>) -> Result<u64> {
    let reports = tx
        .execute("-- training::clear\nDELETE FROM training.report", &[])
        .await?;
    tx.execute(
        "-- training::clear_messages\nDELETE FROM message WHERE training",
        &[],
    )
    .await?;
    tx.batch(
        "-- training::clear_all
         DO $$
         DECLARE twin text;
         BEGIN
             FOR twin IN SELECT table_name FROM information_schema.tables
                          WHERE table_schema = 'training' LOOP
                 EXECUTE format('TRUNCATE training.%I RESTART IDENTITY', twin);
             END LOOP;
         END $$",
    )
    .await?;
    Ok(reports)
}
