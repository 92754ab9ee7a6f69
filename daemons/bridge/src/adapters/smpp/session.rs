//! One connection while it lasts.

use super::connect::{Link, away, said};
use super::deliver::{self, Delivered};
use super::settings::Settings;
use super::sieve::Frame;
use crate::port::Port;
use common::{Result, Verdict};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use rusmpp::pdus::DeliverSmResp;
use rusmpp::{Command, CommandId, CommandStatus};
use rusmppc::{Client, Event};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// So many texts are put on their queue at the same time.
const AT_ONCE: usize = 16;

/// So many wait for that; more are left with the gateway, whose own window is mostly far smaller.
const WAITING: usize = 1000;

/// What was begun at a stop has so long to end, and the gateway as long to take leave; the bridge
/// waits five seconds for both.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What a session needs.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The channel's name, for what is logged.
    pub channel: &'a str,
    /// Its settings.
    pub settings: &'a Settings,
    /// What takes texts and receipts.
    pub port: &'a Port,
}

impl Session<'_> {
    /// Takes what comes in until told to stop (`Ok`) or until the connection ends.
    pub async fn keep(self, mut link: Link, stop: &CancellationToken) -> Result {
        let client = link.client.clone();
        let hands = Semaphore::new(AT_ONCE);
        let mut taking = FuturesUnordered::new();
        let ended = loop {
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                Some(()) = taking.next(), if !taking.is_empty() => {}
                Some(frame) = link.frames.recv() => {
                    let fits = taking.len() < WAITING;
                    taking.push(self.take(frame, &client, fits.then_some(&hands)));
                }
                event = link.events.next() => match event {
                    Some(Event::Incoming(command)) => {
                        if let Err(e) = self.other(&command, &client).await {
                            break Err(e);
                        }
                    }
                    Some(Event::Error(e)) => break Err(away(said(&e))),
                    None => break Err(away("the connection ended")),
                },
            }
        };
        // What was begun is acknowledged, or else it would come again.
        let _ = timeout(FAREWELL, async { while taking.next().await.is_some() {} }).await;
        drop(taking);
        if ended.is_ok() {
            // It may close without an answer; then we are unbound as well.
            let _ = timeout(FAREWELL, client.unbind()).await;
        }
        let _ = client.close().await;
        ended
    }

    /// Takes one message in and answers it; without hands it is left with the gateway.
    async fn take(self, frame: Frame, client: &Client, hands: Option<&Semaphore>) {
        let status = match hands {
            Some(hands) => {
                // Never closed; held until it is taken.
                let _hand = hands.acquire().await;
                self.judged(&frame).await
            }
            None => CommandStatus::EsmeRmsgqful,
        };
        let answer = DeliverSmResp::default();
        // Without an answer the gateway sends it again, and its id or digest makes that one text.
        let _ = client
            .status(status)
            .deliver_sm_resp(frame.sequence, answer)
            .await;
    }

    async fn judged(self, frame: &Frame) -> CommandStatus {
        let channel = self.channel;
        let taken = match deliver::read(&frame.body, self.settings, Timestamp::now()) {
            Some(Delivered::Text(arrived)) => self.port.text(arrived).await,
            Some(Delivered::Receipt(receipt)) => self.port.receipt(receipt).await,
            Some(Delivered::Vague) => {
                warn!(channel, "A receipt does not say of which text, or what");
                Ok(())
            }
            None => {
                warn!(channel, "Refused for good a message that breaks off");
                return CommandStatus::EsmeRxPAppn;
            }
        };
        match taken {
            Ok(()) => CommandStatus::EsmeRok,
            Err(e) if e.verdict == Verdict::Quarantine => {
                warn!(channel, error = %e, "Refused for good what came in");
                CommandStatus::EsmeRxPAppn
            }
            Err(e) => {
                warn!(channel, error = %e, "Left with the gateway what came in");
                CommandStatus::EsmeRxTAppn
            }
        }
    }

    /// What is neither a text nor an answer that somebody waits for.
    async fn other(self, command: &Command, client: &Client) -> Result {
        let number = command.sequence_number();
        match command.id() {
            CommandId::Unbind => {
                // It ends the connection in any case.
                let _ = client.unbind_resp(number).await;
                let _ = client.close().await;
                Err(away("the gateway took leave"))
            }
            // Answers that came too late, and what wants none.
            id if id.is_response() => Ok(()),
            CommandId::AlertNotification | CommandId::Outbind => Ok(()),
            id => {
                warn!(
                    channel = self.channel,
                    ?id,
                    "Refused a command that nobody here knows"
                );
                let refusal = client.status(CommandStatus::EsmeRinvcmdid);
                let _ = refusal.generic_nack(number).await;
                Ok(())
            }
        }
    }
}
