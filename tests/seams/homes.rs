//! The homes of the queue. Each gives a queue of an installation of its own, on a shared server.

use common::db::{Db, notices};
use common::queue::postgres::PgQueue;
use common::queue::{Queue, Rules, SqsQueue};
use kentongan_tests::servers::ministack::{self, Ministack};
use kentongan_tests::servers::postgres::{self, Postgres};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// After so many receives a message goes to the dead letters; few, so that tests end.
pub const MAX_RECEIVES: u32 = 3;

/// Queues of one installation, and of another one beside it.
pub struct Home {
    pub queue: Arc<dyn Queue>,
    pub neighbour: Arc<dyn Queue>,
}

pub async fn sqs() -> Home {
    let config = ministack::sdk_config(Ministack::shared().port).await;
    let rules = Rules {
        max_receives: MAX_RECEIVES,
        lease: Duration::from_secs(30),
    };
    let open = || Arc::new(SqsQueue::new(&config, &prefix(), rules));
    Home {
        queue: open(),
        neighbour: open(),
    }
}

pub async fn postgres() -> Home {
    let url = Postgres::shared().database().await;
    let db = Db::open(&postgres::settings(&url), "tests").expect("a pool");
    let notices = notices::listen(&db);
    let open = || {
        Arc::new(PgQueue::new(
            db.clone(),
            &prefix(),
            MAX_RECEIVES,
            notices.clone(),
        ))
    };
    Home {
        queue: open(),
        neighbour: open(),
    }
}

fn prefix() -> String {
    let unique = Uuid::new_v4().simple().to_string();
    format!("t{}", &unique[..12])
}
