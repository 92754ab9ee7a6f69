//! A Telegram bot: what people write to it is fetched by one bridge, or brought to any.

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use crate::web::{self, Reply, Standing};
use crate::webhooks::{self, Webhook};
use async_trait::async_trait;
use common::channel::http::{Asked, Proven, constant_eq};
use common::channel::telegram::{self, SECRET_HEADER, UPDATES};
use common::channel::{Came, Channel};
use common::{Failure, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest wait for the answer to what is no long question.
const SHORT: Duration = Duration::from_secs(20);

/// A long question is answered this much later than asked for at the latest.
const MARGIN: Duration = Duration::from_secs(15);

/// Most updates that one answer holds; the API's own limit.
const BATCH: u32 = 100;

/// One bot.
pub struct Telegram {
    channel: Arc<Channel>,
    settings: telegram::Telegram,
    /// With the token: never to be logged.
    methods: String,
    /// The secret that Telegram shows us, where it brings updates.
    shown: Option<String>,
    connected: AtomicBool,
    standing: Standing,
    /// The first update that was not taken yet; 0: whatever Telegram has.
    next: AtomicI64,
}

impl Telegram {
    /// Reads its settings and secrets.
    pub fn open(parts: &Parts<'_>) -> Result<Self> {
        let settings: telegram::Telegram = parts.settings()?;
        let token = parts.secrets.read(&settings.token)?;
        let hook = settings.webhook.as_ref();
        let shown = hook
            .map(|hook| parts.secrets.read(&hook.secret))
            .transpose()?;
        if shown.as_deref().is_some_and(|secret| !sound(secret)) {
            return Err(Failure::quarantine(
                "the secret of a Telegram webhook has 1 to 256 letters, digits, _ and -",
            ));
        }
        web::client()?;
        Ok(Self {
            channel: parts.channel.clone(),
            methods: format!("{}/bot{token}", settings.endpoint),
            settings,
            shown,
            connected: AtomicBool::new(false),
            standing: Standing::default(),
            next: AtomicI64::new(0),
        })
    }

    async fn call(
        &self,
        (method, limit): (&str, Duration),
        with: &Value,
    ) -> std::result::Result<Reply, Handed> {
        let url = format!("{}/{method}", self.methods);
        web::exchange(web::json(url, with, &[]), limit).await
    }

    /// Calls what must succeed before texts can flow.
    async fn must(&self, method: &str, limit: Duration, with: &Value) -> Result<Vec<u8>> {
        let reply = self.call((method, limit), with).await;
        let reply = reply.map_err(|broke| Failure::retry(format!("{method}: {broke:?}")))?;
        if reply.http == 200 {
            return Ok(reply.body);
        }
        let said = telegram::answer(&self.channel.signs, reply.http, &reply.body);
        let cause = format!("{method}: Telegram said {}", said.status);
        Err(match said.pause {
            Some(pause) => Failure::retry_after(pause, cause),
            None => Failure::retry(cause),
        })
    }

    /// The token is good, and updates come the way that we want them to.
    async fn begin(&self) -> Result {
        self.must("getMe", SHORT, &json!({})).await?;
        let (method, with) = match (&self.settings.webhook, &self.shown) {
            (Some(hook), Some(secret)) => {
                let with = json!({
                    "url": hook.url, "secret_token": secret, "allowed_updates": UPDATES,
                });
                ("setWebhook", with)
            }
            // What waits there is fetched.
            _ => ("deleteWebhook", json!({ "drop_pending_updates": false })),
        };
        self.must(method, SHORT, &with).await.map(drop)
    }

    /// Asks once, and gives what came to the port. Asking behind an update confirms it: that is done
    /// after the port has it.
    async fn fetch(&self, port: &Port) -> Result {
        let poll = Duration::from_secs(self.settings.poll_s);
        let mut with = json!({
            "timeout": self.settings.poll_s, "limit": BATCH, "allowed_updates": UPDATES,
        });
        let next = self.next.load(Ordering::Relaxed);
        if next != 0 {
            with["offset"] = next.into();
        }
        let answer = self.must("getUpdates", poll + MARGIN, &with).await;
        let updates = telegram::updates(&answer?).map_err(Failure::retry)?;
        for update in updates {
            webhooks::take(&self.channel.channel, port, update.came).await?;
            self.next.store(update.id + 1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What it was told to wait is waited for here: the pause before a new beginning may be shorter.
    async fn patient(&self, failed: Failure, stop: &CancellationToken) -> Result {
        if let common::Verdict::Retry { after: Some(pause) } = failed.verdict {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
            return Ok(());
        }
        Err(failed)
    }
}

#[async_trait]
impl Adapter for Telegram {
    async fn run(&self, port: &Port, stop: &CancellationToken) -> Result {
        let _down = Down(&self.connected);
        tokio::select! {
            begun = self.begin() => if let Err(e) = begun { return self.patient(e, stop).await },
            () = stop.cancelled() => return Ok(()),
        }
        self.connected.store(true, Ordering::Relaxed);
        if self.settings.webhook.is_some() {
            stop.cancelled().await;
            return Ok(());
        }
        while !stop.is_cancelled() {
            tokio::select! {
                fetched = self.fetch(port) => if let Err(e) = fetched { self.patient(e, stop).await? },
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    fn ready(&self) -> bool {
        self.connected.load(Ordering::Relaxed) && self.standing.is_up()
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        let with = telegram::message(outgoing.to, &outgoing.piece.text);
        let limit = Duration::from_secs(self.settings.timeout_s);
        let handed = match self.call(("sendMessage", limit), &with).await {
            Ok(reply) => {
                let signs = &self.channel.signs;
                web::handed(telegram::answer(signs, reply.http, &reply.body))
            }
            Err(handed) => handed,
        };
        self.standing.learn(&handed);
        handed
    }

    /// Telegram lets only one fetch at a time.
    fn exclusive(&self) -> bool {
        self.settings.webhook.is_none()
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        let secret = self.shown.clone()?;
        Some(Arc::new(Incoming { secret }))
    }
}

/// Not connected any more, however its run ended.
struct Down<'a>(&'a AtomicBool);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn sound(secret: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=256).contains(&secret.len()) && secret.chars().all(letters)
}

/// What Telegram brings.
struct Incoming {
    secret: String,
}

impl Webhook for Incoming {
    fn proves(&self, asked: &Asked<'_>) -> Proven {
        match asked.header(SECRET_HEADER) {
            None => Proven::Missing,
            Some(shown) if constant_eq(shown.as_bytes(), self.secret.as_bytes()) => Proven::Yes,
            Some(_) => Proven::Wrong,
        }
    }

    fn read(&self, asked: &Asked<'_>) -> std::result::Result<Came, String> {
        telegram::read(asked.body)
    }
}
