//! One connection that only listens: `NOTIFY` wakes pollers and drops caches.

use super::Db;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::broadcast::{self, WeakSender};
use tokio_postgres::AsyncMessage;
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
    let (sender, _) = broadcast::channel(1024);
    tokio::spawn(keep_listening(db.clone(), sender.downgrade()));
    sender
}

/// How often it is looked whether anybody still holds the sender.
const LOOK: Duration = Duration::from_secs(1);

async fn keep_listening(db: Db, to: WeakSender<Notice>) {
    let mut pause = Duration::from_millis(100);
    while to.strong_count() > 0 {
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
    to: &WeakSender<Notice>,
    pause: &mut Duration,
) -> Result<(), tokio_postgres::Error> {
    let (client, messages) = super::pool::connect_alone(db).await?;
    let mut messages = messages;
    let listen = client.batch_execute("LISTEN kentongan_queue; LISTEN kentongan_changed");
    let mut listen = std::pin::pin!(listen);
    let mut listening = false;
    let mut look = tokio::time::interval(LOOK);
    let say = |notice| {
        // Nobody may be listening; that is no fault.
        let _ = to.upgrade().map(|to| to.send(notice));
    };
    loop {
        tokio::select! {
            _ = look.tick() => if to.strong_count() == 0 {
                return Ok(());
            },
            done = &mut listen, if !listening => {
                done?;
                listening = true;
                *pause = Duration::from_millis(100);
                say(Notice::Lost);
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(n))) => say(notice(n.channel(), n.payload())),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(e),
                None => return Ok(()),
            }
        }
    }
}

fn notice(channel: &str, payload: &str) -> Notice {
    if channel == CHANGED {
        return Notice::Changed(payload.to_owned());
    }
    Notice::Queue(payload.to_owned())
}
