//! Which channels are open, and where a text goes that its own channel cannot carry.

use common::Result;
use common::channel::Channel;
use common::db::channels::{self, ChannelState, Health};
use common::db::{Db, Tx};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A channel is away when no bridge was connected for so long.
const ABSENT: Duration = Duration::from_secs(15);

/// All channels of the installation, with how they do as of a moment ago.
pub struct Ways {
    channels: BTreeMap<String, Arc<Channel>>,
    states: RwLock<BTreeMap<String, ChannelState>>,
}

/// What may become of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By its own channel.
    Own,
    /// By this other one.
    Other(String),
    /// By none for now.
    None,
}

impl Ways {
    /// Nothing is known yet: every channel counts as open.
    pub fn new(channels: BTreeMap<String, Arc<Channel>>) -> Self {
        Self {
            channels,
            states: RwLock::default(),
        }
    }

    /// Reads how all channels do.
    #[cfg(test)]
    pub async fn refresh(&self, db: &Db) -> Result {
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        self.read(&tx).await
    }

    async fn read(&self, tx: &Tx<'_>) -> Result {
        let states = channels::all(tx).await?;
        let by_name = states.into_iter().map(|s| (s.channel.clone(), s));
        *self.states.write().unwrap_or_else(PoisonError::into_inner) = by_name.collect();
        Ok(())
    }

    /// Says of which channels this bridge holds a connection, and judges those that it serves.
    /// Returns which changed.
    pub async fn judge(
        &self,
        db: &Db,
        served: &[(Arc<Channel>, bool)],
    ) -> Result<Vec<(String, Health)>> {
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let mut changed = Vec::new();
        for (channel, connected) in served {
            let name = &channel.channel;
            channels::put(&tx, name).await?;
            if *connected {
                channels::connected(&tx, name).await?;
            }
            let judged = channels::judge(&tx, name, (&channel.speed, ABSENT)).await?;
            changed.extend(judged.map(|health| (name.clone(), health)));
        }
        self.read(&tx).await?;
        tx.commit().await?;
        self.show(served);
        Ok(changed)
    }

    /// For Prometheus: the share of the texts of the last minutes that arrived in time, and which
    /// channels are open.
    fn show(&self, served: &[(Arc<Channel>, bool)]) {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        for (channel, _) in served {
            let Some(state) = states.get(&channel.channel) else {
                continue;
            };
            let name = &channel.channel;
            let open = if state.open() { 1.0 } else { 0.0 };
            metrics::gauge!("kentongan_channel_open", "channel" => name.clone()).set(open);
            if state.handed > 0 {
                let share = f64::from(state.in_time) / f64::from(state.handed);
                metrics::gauge!("kentongan_channel_in_time", "channel" => name.clone()).set(share);
            }
        }
    }

    /// The way of a text on this channel that others could not carry. What is paused or slow gives
    /// its texts to an open channel for the same kind of address; without one a slow channel
    /// carries on as well as it can.
    pub fn of(&self, channel: &Channel, tried: &[String]) -> Way {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let own = states.get(&channel.channel);
        if own.is_none_or(ChannelState::open) {
            return Way::Own;
        }
        let fits = |other: &&Arc<Channel>| {
            other.address == channel.address
                && other.channel != channel.channel
                && !tried.contains(&other.channel)
                && states.get(&other.channel).is_some_and(ChannelState::open)
        };
        let mut others: Vec<_> = self.channels.values().filter(fits).collect();
        others.sort_by_key(|other| !other.default);
        match (others.first(), own) {
            (Some(other), _) => Way::Other(other.channel.clone()),
            (None, Some(own)) if own.paused_at.is_none() && own.health == Health::Slow => Way::Own,
            (None, _) => Way::None,
        }
    }

    /// Whether the channel is slow, and not paused: now and then a text is let through, to see.
    pub fn is_slow(&self, channel: &Channel) -> bool {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let state = states.get(&channel.channel);
        state.is_some_and(|s| s.paused_at.is_none() && s.health == Health::Slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn state(name: &str, health: Health, paused: bool) -> ChannelState {
        ChannelState {
            channel: name.into(),
            health,
            since: Timestamp::UNIX_EPOCH,
            handed: 0,
            in_time: 0,
            connected: None,
            paused_at: paused.then_some(Timestamp::UNIX_EPOCH),
            paused_by: None,
            holder: None,
        }
    }

    fn channel(name: &str, address: &str) -> Arc<Channel> {
        let text = format!(
            "channel = {name:?}\nabout = \"x\"\nadapter = \"smpp\"\naddress = {address:?}\n\
             length = {{ split = \"whole\", pieces = 3 }}"
        );
        Arc::new(common::channel::read(&format!("{name}.toml"), &text).unwrap())
    }

    #[test]
    fn texts_go_by_another_channel_when_their_own_is_slow_away_or_paused() {
        let own = channel("a", "phone");
        let all = [own.clone(), channel("b", "phone"), channel("x", "xmpp")];
        let ways = Ways::new(all.into_iter().map(|c| (c.channel.clone(), c)).collect());
        assert_eq!(ways.of(&own, &[]), Way::Own, "nothing is known yet");
        let set = |states: Vec<ChannelState>| {
            let by_name = states.into_iter().map(|s| (s.channel.clone(), s));
            *ways.states.write().unwrap() = by_name.collect();
        };
        let other = || Way::Other("b".into());
        let tried = ["b".to_owned()];
        use Health::{Away, Good, Slow};
        for (a, b, want, want_tried) in [
            ((Good, false), (Good, false), Way::Own, Way::Own),
            ((Slow, false), (Good, false), other(), Way::Own),
            ((Away, false), (Good, false), other(), Way::None),
            ((Good, true), (Good, false), other(), Way::None),
            ((Good, true), (Slow, false), Way::None, Way::None),
            ((Slow, false), (Good, true), Way::Own, Way::Own),
        ] {
            set(vec![
                state("a", a.0, a.1),
                state("b", b.0, b.1),
                state("x", Good, false),
            ]);
            assert_eq!(ways.of(&own, &[]), want, "{a:?} {b:?}");
            assert_eq!(ways.of(&own, &tried), want_tried, "{a:?} {b:?}");
        }
    }
}
