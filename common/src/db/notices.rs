//! One connection that only listens: `NOTIFY` wakes pollers and drops caches.

use super::Db;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::broadcast::{self, WeakSender};
use tokio_postgres::{AsyncMessage, Client};
use tracing::{debug, warn};

/// The channel on which a loader says what it changed: `lists`, `places`, `people`.
pub const CHANGED: &str = "kentongan_changed";

/// What was called out. `Lost` means that the connection broke and anything may have been missed:
/// whoever caches drops all, whoever waits looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something was put on this queue (full name).
    Queue(String),
    /// This part of the shared data changed.
    Changed(String),
    /// The connection was lost and is there again.
    Lost,
}

/// Listens for as long as somebody holds the sender or a clone of it.
pub fn listen(db: &Db) -> broadcast::Sender<Notice> {
    listen_apart(db).0
}

/// As [`listen`]; the second sender tells nothing about queues, of which there may be thousands of
/// notices in a second: who follows changes never falls behind for them. Hold the first one too.
pub fn listen_apart(db: &Db) -> (broadcast::Sender<Notice>, broadcast::Sender<Notice>) {
    let (all, _) = broadcast::channel(1024);
    let (changes, _) = broadcast::channel(64);
    let to = Listeners {
        all: all.downgrade(),
        changes: changes.downgrade(),
    };
    tokio::spawn(keep_listening(db.clone(), to));
    (all, changes)
}

/// Who is told.
struct Listeners {
    all: WeakSender<Notice>,
    changes: WeakSender<Notice>,
}

impl Listeners {
    /// Nobody may be listening; that is no fault.
    fn tell(&self, notice: Notice) {
        if !matches!(notice, Notice::Queue(_)) {
            let _ = self.changes.upgrade().map(|to| to.send(notice.clone()));
        }
        let _ = self.all.upgrade().map(|to| to.send(notice));
    }
}

/// How often the server is asked whether it still takes writes. Until then a queue is looked at
/// once a second and a list is as it was.
const LOOK_FOR_DEMOTION: Duration = Duration::from_secs(10);

/// How often it is looked whether anybody still holds the sender.
const LOOK: Duration = Duration::from_secs(1);

async fn keep_listening(db: Db, to: Listeners) {
    let mut pause = Duration::from_millis(100);
    while to.all.strong_count() > 0 {
        match listen_once(&db, &to, &mut pause).await {
            Ok(()) => debug!("The listening connection was closed"),
            Err(e) => warn!(error = %super::failure(e), "Cannot listen for notices; trying again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

async fn listen_once(
    db: &Db,
    to: &Listeners,
    pause: &mut Duration,
) -> Result<(), tokio_postgres::Error> {
    let (client, messages) = super::pool::connect_alone(db).await?;
    let mut messages = messages;
    let listen = client.batch_execute("LISTEN kentongan_queue; LISTEN kentongan_changed");
    let mut listen = std::pin::pin!(listen);
    let mut listening = false;
    let mut demoted = std::pin::pin!(until_demoted(&client));
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = look.tick() => if to.all.strong_count() == 0 {
                return Ok(());
            },
            done = &mut listen, if !listening => {
                done?;
                listening = true;
                *pause = Duration::from_millis(100);
                to.tell(Notice::Lost);
            }
            () = &mut demoted, if listening => return Ok(()),
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(n))) => to.tell(notice(n.channel(), n.payload())),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(e),
                None => return Ok(()),
            }
        }
    }
}

/// Returns when the server no longer takes writes: after a failover the old one may live on, and
/// nothing is ever notified there (FAILURES Q29).
async fn until_demoted(client: &Client) {
    loop {
        tokio::time::sleep(LOOK_FOR_DEMOTION).await;
        let read_only = client
            .query_one("SHOW transaction_read_only", &[])
            .await
            .map(|row| row.get::<_, &str>(0) == "on");
        // A lost connection shows itself where its messages are read.
        if read_only.unwrap_or(false) {
            return;
        }
    }
}

fn notice(channel: &str, payload: &str) -> Notice {
    if channel == CHANGED {
        return Notice::Changed(payload.to_owned());
    }
    Notice::Queue(payload.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDb;

    /// However busy the queues are, who follows changes hears each of them.
    #[tokio::test]
    async fn queues_do_not_drown_changes() {
        let place = TestDb::new().await;
        let (all, changes) = listen_apart(&place.db);
        let (mut noisy, mut quiet) = (all.subscribe(), changes.subscribe());
        assert_eq!(quiet.recv().await, Ok(Notice::Lost));
        assert_eq!(noisy.recv().await, Ok(Notice::Lost));
        let noise = "SELECT pg_notify('kentongan_queue', n::text) FROM generate_series(1, 3000) n;
                     SELECT pg_notify('kentongan_changed', 'lists')";
        place.run(noise).await;
        assert_eq!(quiet.recv().await, Ok(Notice::Changed("lists".into())));
        assert!(matches!(
            noisy.recv().await,
            Err(broadcast::error::RecvError::Lagged(_))
        ));
    }
}
