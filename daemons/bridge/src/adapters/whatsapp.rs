//! WhatsApp by the Cloud API.

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use crate::web::{self, Standing};
use crate::webhooks::{Greeting, Webhook};
use async_trait::async_trait;
use common::Result;
use common::channel::http::{Asked, Check, Proven, Secrets, Thanks, constant_eq};
use common::channel::whatsapp::{self, OUTSIDE, is_open};
use common::channel::{Answered, Came, Channel, Sign};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// One number.
pub struct Whatsapp {
    channel: Arc<Channel>,
    settings: whatsapp::Whatsapp,
    token: String,
    app_secret: String,
    verify_token: String,
    port: OnceLock<Arc<Port>>,
    standing: Standing,
}

/// What we know of somebody's last text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Open,
    Closed,
    Unknown,
}

impl Whatsapp {
    /// Reads its settings and secrets.
    pub fn open(parts: &Parts<'_>) -> Result<Self> {
        let settings: whatsapp::Whatsapp = parts.settings()?;
        web::client()?;
        Ok(Self {
            channel: parts.channel.clone(),
            token: parts.secrets.read(&settings.token)?,
            app_secret: parts.secrets.read(&settings.app_secret)?,
            verify_token: parts.secrets.read(&settings.verify_token)?,
            settings,
            port: OnceLock::new(),
            standing: Standing::default(),
        })
    }

    async fn window(&self, to: &str) -> Window {
        let Some(port) = self.port.get() else {
            return Window::Unknown;
        };
        match port.last_from(to).await {
            Ok(last) if is_open(last, Timestamp::now()) => Window::Open,
            Ok(_) => Window::Closed,
            Err(e) => {
                warn!(channel = self.channel.channel, error = %e, "Cannot look when somebody wrote last");
                Window::Unknown
            }
        }
    }

    async fn send(&self, message: &Value) -> std::result::Result<Answered, Handed> {
        let settings = &self.settings;
        let url = format!(
            "{}/{}/messages",
            settings.endpoint, settings.phone_number_id
        );
        let bearer = ("authorization", format!("Bearer {}", self.token));
        let limit = Duration::from_secs(settings.timeout_s);
        let reply = web::exchange(web::json(url, message, &[bearer]), limit).await?;
        let seconds = reply.retry_after.and_then(|s| s.trim().parse().ok());
        let status = (reply.http, seconds.map(Duration::from_secs));
        Ok(whatsapp::answer(&self.channel.signs, status, &reply.body))
    }

    /// As one likes where that may be, else by the template. Meta tells of a closed window at once or
    /// by a receipt much later, which would be too late to send it another way: so we look ourselves.
    async fn say(&self, to: &str, text: &str) -> std::result::Result<Answered, Handed> {
        let template = self.settings.template.as_ref();
        let plain = whatsapp::message(to, text);
        match (self.window(to).await, template) {
            (Window::Closed, Some(template)) => self.send(&template.message(to, text)).await,
            (Window::Closed, None) => Ok(outside()),
            (_, None) => self.send(&plain).await,
            (_, Some(template)) => match self.send(&plain).await? {
                said if said.status == OUTSIDE => self.send(&template.message(to, text)).await,
                said => Ok(said),
            },
        }
    }
}

/// What Meta would say.
fn outside() -> Answered {
    Answered {
        means: Sign::Refused,
        status: OUTSIDE.to_owned(),
        id: None,
        pause: None,
    }
}

#[async_trait]
impl Adapter for Whatsapp {
    /// There is nothing to keep open: each text is a request of its own.
    async fn run(&self, _: &Port, stop: &CancellationToken) -> Result {
        stop.cancelled().await;
        Ok(())
    }

    fn ready(&self) -> bool {
        self.standing.is_up()
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        let said = self.say(outgoing.to, &outgoing.piece.text).await;
        let handed = said.map_or_else(|handed| handed, web::handed);
        self.standing.learn(&handed);
        handed
    }

    fn exclusive(&self) -> bool {
        false
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        let app_secret = (self.settings.app_secret.clone(), self.app_secret.clone());
        Some(Arc::new(Incoming {
            settings: self.settings.clone(),
            secrets: [app_secret].into(),
            verify_token: self.verify_token.clone(),
        }))
    }

    fn attach(&self, port: &Arc<Port>) {
        // Once: a second port would be of the same channel.
        let _ = self.port.set(port.clone());
    }
}

/// What Meta brings.
struct Incoming {
    settings: whatsapp::Whatsapp,
    secrets: Secrets,
    verify_token: String,
}

impl Webhook for Incoming {
    /// "Verification requests": a GET whose token is ours is answered with its challenge.
    fn greets(&self, asked: &Asked<'_>) -> Greeting {
        if asked.method != "GET" {
            return Greeting::None;
        }
        let token = asked.field("hub.verify_token").unwrap_or_default();
        let is_ours = constant_eq(token.as_bytes(), self.verify_token.as_bytes());
        let subscribes = asked.field("hub.mode").as_deref() == Some("subscribe");
        match asked.field("hub.challenge") {
            Some(body) if is_ours && subscribes => Greeting::Known(Thanks {
                body,
                ..Thanks::default()
            }),
            _ => Greeting::Stranger,
        }
    }

    fn proves(&self, asked: &Asked<'_>) -> Proven {
        Check::Hmac(self.settings.signature()).proves(asked, &self.secrets)
    }

    fn read(&self, asked: &Asked<'_>) -> std::result::Result<Came, String> {
        self.settings.read(asked.body)
    }
}
