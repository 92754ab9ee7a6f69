//! A network that does as it is told, for tests.

use crate::adapter::{Adapter, Handed, Outgoing};
use crate::port::Port;
use async_trait::async_trait;
use common::Result;
use common::channel::Channel;
use common::db::people;
use common::db::testing::{TestHome, begin};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Hands out what it was given in order, then takes everything; keeps what it took.
#[derive(Default)]
pub struct Network {
    pub outcomes: Mutex<VecDeque<Handed>>,
    pub taken: Mutex<Vec<(String, String)>>,
    pub away: AtomicBool,
    pub runs: Mutex<Vec<&'static str>>,
}

impl Network {
    pub fn answers(&self, outcomes: impl IntoIterator<Item = Handed>) {
        self.outcomes.lock().unwrap().extend(outcomes);
    }

    /// What was said, in order.
    pub fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, text)| text.clone()).collect()
    }
}

#[async_trait]
impl Adapter for Network {
    async fn run(&self, _: &Port, stop: &CancellationToken) -> Result {
        self.runs.lock().unwrap().push("begun");
        stop.cancelled().await;
        self.runs.lock().unwrap().push("ended");
        Ok(())
    }

    fn ready(&self) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        let mut taken = self.taken.lock().unwrap();
        let next = self.outcomes.lock().unwrap().pop_front();
        let handed = next.unwrap_or_else(|| Handed::Sent(Some(format!("p{}", taken.len() + 1))));
        if matches!(handed, Handed::Sent(_) | Handed::Unknown(_)) {
            taken.push((outgoing.to.to_owned(), outgoing.piece.text.clone()));
        }
        handed
    }

    fn exclusive(&self) -> bool {
        true
    }
}

/// A channel of telephones, with more or other keys of its file.
pub fn channel(name: &str, more: &str) -> Arc<Channel> {
    let text = format!(
        "channel = {name:?}\nabout = \"x\"\nadapter = \"smpp\"\naddress = \"phone\"\n\
         length = {{ split = \"joined\", pieces = 3 }}\n{more}\n\
         [signs.receipt]\nDELIVRD = \"delivered\"\n"
    );
    let read = common::channel::read(&format!("{name}.toml"), &text);
    Arc::new(read.unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// An installation that knows these channels.
pub async fn place(channels: &[&Arc<Channel>]) -> TestHome {
    let place = TestHome::new().await;
    place.home.queue.create("text-input").await.unwrap();
    let mut conn = place.db.client().await;
    let tx = begin(&mut conn).await;
    for channel in channels {
        people::put_channel(&tx, &channel.channel, &channel.address, channel.default)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    drop(conn);
    place
}
