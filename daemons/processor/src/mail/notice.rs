//! Notices of SES and S3 made into messages of ours.

use common::config::BlobSettings;
use common::envelope::{Envelope, derived_id};
use common::handler::Foreign;
use common::mail::notice::{self, Arrival, Notice};
use common::mail::{Verdict, Verdicts};
use common::messages::{EmailInput, ReceiptVerdicts, VerdictStatus};
use common::{Failure, Result, blob};
use jiff::Timestamp;

/// Reads what AWS puts on `email-input`. The same object gives the same id, however often and by
/// whomever it is announced. `blobs` says under which keys the blob store knows the bucket's
/// objects.
pub fn adopt(body: &str, blobs: &BlobSettings) -> Result<Foreign> {
    match notice::decode(body.as_bytes()).map_err(Failure::quarantine)? {
        Notice::Test => Ok(Foreign::Ignore("test event")),
        Notice::Ignored(why) => Ok(Foreign::Ignore(why)),
        Notice::Arrived(arrivals) => {
            let envelopes = arrivals.into_iter().map(|arrival| envelope(arrival, blobs));
            Ok(Foreign::Messages(envelopes.collect::<Result<_>>()?))
        }
    }
}

fn envelope(arrival: Arrival, blobs: &BlobSettings) -> Result<Envelope> {
    let id = derived_id(&[b"mail", arrival.id().as_bytes()]);
    let now = Timestamp::now();
    let message = EmailInput {
        blob: blob::key_of(blobs, &arrival.bucket, &arrival.key)?,
        recipients: arrival.recipients,
        sender: arrival.sender,
        received_at: arrival.received_at.unwrap_or(now),
        verdicts: arrival.verdicts.map(receipt),
        client_ip: None,
        client_name: None,
        confirmed: None,
    };
    Ok(Envelope::first(id, &message, now))
}

fn receipt(verdicts: Verdicts) -> ReceiptVerdicts {
    let one = |verdict| match verdict {
        Verdict::Pass => VerdictStatus::Pass,
        Verdict::Fail => VerdictStatus::Fail,
        Verdict::Gray => VerdictStatus::Gray,
        Verdict::ProcessingFailed => VerdictStatus::Failed,
        Verdict::Disabled | Verdict::Unknown => VerdictStatus::Absent,
    };
    ReceiptVerdicts {
        spam: one(verdicts.spam),
        virus: one(verdicts.virus),
        spf: one(verdicts.spf),
        dkim: one(verdicts.dkim),
        dmarc: one(verdicts.dmarc),
    }
}
