//! Any provider with an HTTP interface, as its channel file describes it.

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use crate::web::{self, Standing};
use crate::webhooks::Webhook;
use async_trait::async_trait;
use common::Result;
use common::channel::http::{self, Asked, Fill, Hook, Proven, Secrets, Thanks};
use common::channel::{Came, Channel};
use common::envelope::derived_id;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One provider.
pub struct Http {
    channel: Arc<Channel>,
    description: http::Http,
    secrets: Arc<Secrets>,
    standing: Standing,
}

impl Http {
    /// Reads its description and all secrets that it names.
    pub fn open(parts: &Parts<'_>) -> Result<Self> {
        let description: http::Http = parts.settings()?;
        let read = |name: String| Ok((name.clone(), parts.secrets.read(&name)?));
        let secrets: Result<Secrets> = description.secrets().into_iter().map(read).collect();
        web::client()?;
        Ok(Self {
            channel: parts.channel.clone(),
            description,
            secrets: Arc::new(secrets?),
            standing: Standing::default(),
        })
    }
}

#[async_trait]
impl Adapter for Http {
    /// There is nothing to keep open: each text is a request of its own.
    async fn run(&self, _: &Port, stop: &CancellationToken) -> Result {
        stop.cancelled().await;
        Ok(())
    }

    fn ready(&self) -> bool {
        self.standing.is_up()
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        let request = self.description.request.write(&Fill {
            to: outgoing.to,
            text: &outgoing.piece.text,
            id: piece_id(outgoing),
            secrets: &self.secrets,
        });
        let limit = Duration::from_secs(self.description.timeout_s);
        let handed = match web::exchange(request, limit).await {
            Ok(reply) => {
                let status = (reply.http, reply.retry_after.as_deref());
                let signs = &self.channel.signs;
                web::handed(self.description.answer.read(signs, status, &reply.body))
            }
            Err(handed) => handed,
        };
        self.standing.learn(&handed);
        handed
    }

    fn exclusive(&self) -> bool {
        false
    }

    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        let hook = self.description.webhook.clone()?;
        Some(Arc::new(Incoming {
            hook,
            secrets: self.secrets.clone(),
        }))
    }
}

/// The same in every try, and another for each piece: a provider that knows ids would take the second
/// for the first again.
fn piece_id(outgoing: &Outgoing<'_>) -> Uuid {
    match outgoing.piece.number {
        1 => outgoing.id,
        number => derived_id(&[b"piece", outgoing.id.as_bytes(), &[number]]),
    }
}

/// What the provider brings.
struct Incoming {
    hook: Hook,
    secrets: Arc<Secrets>,
}

impl Webhook for Incoming {
    fn proves(&self, asked: &Asked<'_>) -> Proven {
        self.hook.check.proves(asked, &self.secrets)
    }

    fn read(&self, asked: &Asked<'_>) -> std::result::Result<Came, String> {
        self.hook.read(asked)
    }

    fn thanks(&self) -> Thanks {
        self.hook.answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::channel::Piece;

    #[test]
    fn pieces_of_a_text_have_ids_of_their_own_that_stay() {
        let id = |id, number| {
            let piece = Piece::new("", number, 3);
            piece_id(&Outgoing {
                id,
                to: "",
                piece: &piece,
            })
        };
        let text = Uuid::now_v7();
        assert_eq!(id(text, 1), text);
        assert_eq!(id(text, 2), id(text, 2));
        let all = [id(text, 1), id(text, 2), id(text, 3), id(Uuid::now_v7(), 2)];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
