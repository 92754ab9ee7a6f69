//! What every transport must do, whatever carries the mail.

use super::{Finished, Outcome, Time, Transport};
use crate::Verdict;
use crate::failure::Dependency;
use std::time::Duration;
use tokio::time::Instant;

/// A composed mail; `n` tells one from another.
pub fn mail(n: u32) -> Finished {
    Finished {
        from: "lapor@kentongan.example".into(),
        to: "siti@dinas.example".into(),
        message_id: format!("{n:032x}.token@kentongan.example"),
        at: "2026-11-20T09:30:00Z".parse().unwrap(),
        raw: format!("Subject: mail {n}\r\n\r\nHalo\r\n").into_bytes(),
    }
}

/// More than enough.
pub fn time() -> Time {
    let limit = Duration::from_secs(20);
    Time {
        begin_by: Instant::now() + limit,
        limit,
    }
}

/// `up` works and `arrived` tells what came through it; `away` is one whose other side is gone.
pub async fn passes(up: &dyn Transport, arrived: impl Fn() -> Vec<Vec<u8>>, away: &dyn Transport) {
    up.probe().await.unwrap();
    assert!(arrived().is_empty(), "a probe sends nothing");
    for n in 1..=3 {
        let Outcome::Sent { provider_id } = up.deliver(&mail(n), time()).await else {
            panic!("mail {n} did not go");
        };
        assert!(provider_id.is_some_and(|id| !id.is_empty() && !id.contains("siti")));
    }
    let mut bytes = arrived();
    bytes.sort();
    assert_eq!(
        bytes,
        [mail(1).raw, mail(2).raw, mail(3).raw],
        "byte for byte"
    );
    let again = up.deliver(&mail(1), time()).await;
    assert!(
        matches!(again, Outcome::Sent { .. }),
        "a second try is no fault: {again:?}"
    );

    let wait = Verdict::Wait(Dependency::Mail);
    let Outcome::NotSent(failure) = away.deliver(&mail(4), time()).await else {
        panic!("sent to nobody");
    };
    assert_eq!(failure.verdict, wait, "an outage costs no attempt (Q13)");
    assert!(
        !failure.cause.contains('@'),
        "no address in a cause: {failure}"
    );
    assert_eq!(away.probe().await.unwrap_err().verdict, wait);
}
