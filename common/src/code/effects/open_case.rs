use crate::db::cases;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result};

/// Opens a case. Its number is what people type from then on.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    // A code that opens cases has a place field, and the engine refuses a message without one.
    let place = deed
        .place
        .ok_or_else(|| Failure::retry("a case without a place"))?;
    let asked = deed.asked;
    let opened = cases::open(
        deed.tx,
        &deed.spec.code,
        asked.sender.id,
        place.id,
        asked.sent_at,
    );
    Ok(Effected::Done(Done::to_case(opened.await?)))
}
