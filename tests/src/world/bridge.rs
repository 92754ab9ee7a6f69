//! Channels of a world's bridge.

use super::World;
use common::envelope::Envelope;
use common::messages::{Message, Purpose, TextOutput};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use uuid::Uuid;

impl World {
    /// Has the bridge run this channel by this file, with secrets by name; makes its queue.
    pub async fn with_channel(&mut self, name: &str, file: &str, secrets: &[(&str, &str)]) {
        let folder = self.folder.path().to_owned();
        for (sub, files) in [
            ("channels", &[(format!("{name}.toml").as_str(), file)][..]),
            ("secrets", secrets),
        ] {
            let sub = folder.join(sub);
            fs::create_dir_all(&sub).expect("a folder");
            for (name, text) in files {
                fs::write(sub.join(name), text).expect("a file of the bridge");
            }
        }
        let mut run = self.settings.bridge.run.clone();
        if !run.iter().any(|n| n == name) {
            run.push(name.to_owned());
        }
        self.change_settings("bridge.run", run);
        for key in ["channels", "secrets", "spool"] {
            let path = folder.join(key).display().to_string();
            self.change_settings(&format!("bridge.{key}"), path);
        }
        let queue = format!("text-output-{name}");
        self.queue.create(&queue).await.expect("the queue is made");
    }

    /// Puts an alert for somebody on a channel's queue; its delivery's id.
    pub async fn alert(&self, channel: &str, to: &str, text: &str) -> Uuid {
        let message = TextOutput {
            channel: channel.into(),
            to: to.into(),
            text: text.into(),
            purpose: Purpose::Alert,
            in_reply_to: None,
            parts: 1,
            expires_at: Timestamp::now() + SignedDuration::from_hours(1),
            tried: Vec::new(),
        };
        let envelope = Envelope::first(Uuid::now_v7(), &message, Timestamp::now());
        self.put(&message.queue(), std::slice::from_ref(&envelope))
            .await;
        envelope.id
    }
}
