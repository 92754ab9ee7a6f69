//! What a test does to a world.

use super::{World, ministack};
use crate::servers::ministack::sdk_config;
use aws_sdk_sqs::types::QueueAttributeName;
use tokio_postgres::{Client, NoTls};

/// Nobody can write into `message` until this ends: handling stands still, leases do not.
pub struct Standstill(Client);

impl Standstill {
    /// Begins it.
    pub async fn begin(world: &World) -> Self {
        let connected = tokio_postgres::connect(&world.settings.database.url, NoTls).await;
        let (client, connection) = connected.expect("a connection");
        // It ends with its client.
        tokio::spawn(connection);
        let lock = "BEGIN; LOCK TABLE message IN EXCLUSIVE MODE";
        client.batch_execute(lock).await.expect("the lock");
        Self(client)
    }

    /// Work goes on.
    pub async fn end(self) {
        self.0
            .batch_execute("COMMIT")
            .await
            .expect("the lock is let go");
    }
}

impl World {
    /// The standby becomes the primary; the old primary lives on and refuses to write, also to who
    /// is connected already.
    pub async fn demote(&self) {
        let (old, new) = (self.cluster.server(), self.standby.as_ref());
        // Before there is a new one: what the old one still took would be lost with it.
        old.refuse_writes().await;
        new.expect("a world with a standby").promote(old).await;
    }

    /// Takes the dead-letter rule from a queue of SQS.
    pub async fn remove_redrive(&self, queue: &str) {
        let client = aws_sdk_sqs::Client::new(&sdk_config(ministack().port).await);
        let name = format!("{}-{queue}", self.settings.prefix);
        let found = client.get_queue_url().queue_name(name).send().await;
        let call = client.set_queue_attributes();
        let call = call.set_queue_url(found.expect("the queue exists").queue_url);
        let set = call
            .attributes(QueueAttributeName::RedrivePolicy, "")
            .send();
        set.await.expect("it is set");
    }
}
