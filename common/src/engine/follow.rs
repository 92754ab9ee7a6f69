//! Copies of lists, places and people are dropped when the database says that they changed.

use super::Engine;
use crate::db::notices::Notice;
use crate::{Result, Verdict};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::{error, info, warn};

/// First pause after lists could not be read; the next ones double.
const FIRST: Duration = Duration::from_secs(1);

/// Longest pause between two tries: a coordinator who added a word expects it to work by then.
const LONGEST: Duration = Duration::from_secs(60);

/// Copies that are out of date.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Stale {
    places: bool,
    people: bool,
    lists: bool,
}

impl Engine {
    /// Goes on for as long as somebody tells of changes.
    pub(super) async fn follow(self: Arc<Self>) {
        let copies = self.drop_copies(self.home.changes.subscribe());
        let lists = self.read_lists(self.home.changes.subscribe());
        // Side by side: lists that take long to read must not keep anybody in force who was
        // suspended meanwhile.
        tokio::join!(copies, lists);
    }

    async fn drop_copies(&self, mut changes: Receiver<Notice>) {
        while let Some(stale) = heard(&mut changes, |stale| stale.places || stale.people).await {
            if stale.places {
                self.places.forget();
            }
            // Whom a place concerns follows from where it is.
            self.people.forget();
        }
    }

    async fn read_lists(&self, mut changes: Receiver<Notice>) {
        while heard(&mut changes, |stale| stale.lists).await.is_some() {
            match until_possible(FIRST, || self.reload()).await {
                Ok(()) => info!("Read the lists anew"),
                Err(e) => error!(error = %e, "The lists changed but cannot be used"),
            }
        }
    }
}

/// Waits until copies are stale that somebody wants to know of; then everything that was told
/// meanwhile counts as one. `None` when nobody will tell any more.
async fn heard(changes: &mut Receiver<Notice>, wanted: fn(&Stale) -> bool) -> Option<Stale> {
    let mut stale = Stale::default();
    loop {
        match changes.recv().await {
            Ok(notice) => stale.note(&notice),
            Err(RecvError::Lagged(_)) => stale.note(&Notice::Lost),
            Err(RecvError::Closed) => return None,
        }
        if changes.is_empty() && wanted(&stale) {
            return Some(stale);
        }
    }
}

/// Tries until it works, or fails in a way that no waiting mends.
async fn until_possible<F>(mut pause: Duration, reload: impl Fn() -> F) -> Result
where
    F: Future<Output = Result>,
{
    loop {
        let done = reload().await;
        let Err(e) = &done else { return done };
        if !matches!(e.verdict, Verdict::Wait(_) | Verdict::Retry { .. }) {
            return done;
        }
        warn!(error = %e, "The lists changed and cannot be read now; next try in {pause:?}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

impl Stale {
    fn note(&mut self, notice: &Notice) {
        match notice {
            Notice::Queue(_) => {}
            Notice::Changed(what) => {
                self.places |= what == "places";
                self.people |= what == "people";
                self.lists |= what == "lists";
            }
            Notice::Lost => (self.places, self.people, self.lists) = (true, true, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;
    use crate::failure::Dependency;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::broadcast;

    #[tokio::test]
    async fn a_database_that_is_away_is_asked_again() {
        let tries = AtomicUsize::new(0);
        let reload = async || match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Failure::wait(Dependency::Database, "away")),
            1 => Err(Failure::retry("a lost race")),
            _ => Ok(()),
        };
        let done = until_possible(Duration::from_millis(1), reload).await;
        assert_eq!((done, tries.load(Ordering::Relaxed)), (Ok(()), 3));
    }

    #[tokio::test]
    async fn lists_that_are_wrong_are_not_read_again_and_again() {
        let wrong = || async { Err(Failure::quarantine("two words of one spelling")) };
        let done = until_possible(Duration::from_secs(3600), wrong).await;
        assert!(done.is_err());
    }

    #[tokio::test]
    async fn many_changes_are_one() {
        let (tell, mut changes) = broadcast::channel(4);
        let changed = |what: &str| Notice::Changed(what.into());
        for what in ["people", "places", "places"] {
            tell.send(changed(what)).unwrap();
        }
        let told = Stale {
            places: true,
            people: true,
            lists: false,
        };
        let any: fn(&Stale) -> bool = |stale| *stale != Stale::default();
        assert_eq!(heard(&mut changes, any).await, Some(told));
        // More than there is room for: what was missed may have been anything.
        for _ in 0..9 {
            tell.send(changed("people")).unwrap();
        }
        let all = Stale {
            places: true,
            people: true,
            lists: true,
        };
        assert_eq!(heard(&mut changes, any).await, Some(all));
        drop(tell);
        assert_eq!(heard(&mut changes, any).await, None);
    }
}
