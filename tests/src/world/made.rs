//! How a world is made.

use super::settings::{self, Wanted};
use super::stock::{self, Stock};
use super::{Cluster, Place, QUEUES, World, ministack};
use crate::servers::ministack::sdk_config;
use crate::servers::postgres::{self, Durability, Postgres};
use crate::servers::proxy::Proxy;
use common::blob::{Blobs, Bucket, Folder};
use common::config::Settings;
use common::db::{Db, notices};
use common::queue::postgres::PgQueue;
use common::queue::{Queue, Rules, SqsQueue};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// What a test wants of its world.
pub struct Build {
    place: Place,
    stock: Stock,
    own_cluster: bool,
    standby: bool,
    changes: Vec<(&'static str, toml::Value)>,
}

impl Build {
    /// A world in this home, with the few places and the demo's people.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            stock: Stock::Few,
            own_cluster: false,
            standby: false,
            changes: Vec::new(),
        }
    }

    /// With the places of all Indonesia.
    pub fn all_places(mut self) -> Self {
        self.stock = Stock::All;
        self
    }

    /// With a database server that this test may stop and kill.
    pub fn own_cluster(mut self) -> Self {
        self.own_cluster = true;
        self
    }

    /// With a database server of its own and a standby, both named in the settings.
    pub fn standby(mut self) -> Self {
        self.standby = true;
        self.own_cluster()
    }

    /// With this setting: `frame.lease_s`.
    pub fn with(mut self, key: &'static str, value: impl Into<toml::Value>) -> Self {
        self.changes.push((key, value.into()));
        self
    }

    /// Makes it; no daemon runs yet.
    pub async fn make(self) -> World {
        let cluster = match self.own_cluster {
            true => Cluster::Own(Box::new(Postgres::start(Durability::Relaxed))),
            false => Cluster::Shared(Postgres::shared()),
        };
        let mut url = Box::pin(stock::database(cluster.server(), self.stock)).await;
        let standby = self.standby.then(|| Box::new(cluster.server().standby()));
        if let Some(other) = &standby {
            let port = format!("port={}", cluster.server().port);
            url = url.replace(&port, &format!("{port},{}", other.port));
            url = url.replace("host=127.0.0.1", "host=127.0.0.1,127.0.0.1");
        }
        let folder = tempfile::tempdir().expect("a folder for the world");
        let proxy = match self.place {
            Place::Aws => Some(Proxy::before(ministack().port).await),
            Place::OneBox => None,
        };
        let prefix = format!("w{}", &Uuid::new_v4().simple().to_string()[..12]);
        let wanted = Wanted {
            url: &url,
            prefix: &prefix,
            aws: proxy.as_ref().map(|p| p.port),
        };
        let settings = settings::write(folder.path(), &wanted, &self.changes);
        let db = Db::open(&postgres::settings(&url), "tests").expect("a pool");
        let (queue, blobs) = match self.place {
            Place::OneBox => one_box(&settings, &db, &folder),
            Place::Aws => aws(&settings).await,
        };
        for name in QUEUES {
            queue.create(name).await.expect("the queue is made");
        }
        World {
            place: self.place,
            db,
            queue,
            blobs,
            settings,
            proxy,
            processes: Vec::new(),
            folder,
            cluster,
            standby,
            heard: Vec::new(),
        }
    }

    /// Makes it and starts the processor.
    pub async fn with_processor(self) -> World {
        let mut world = Box::pin(self.make()).await;
        world.start("processor").await;
        world
    }

    /// Makes it and starts processor and mailer.
    pub async fn with_daemons(self) -> World {
        let mut world = Box::pin(self.with_processor()).await;
        world.start("mailer").await;
        world
    }
}

impl Cluster {
    pub(super) fn server(&self) -> &Postgres {
        match self {
            Self::Shared(shared) => shared,
            Self::Own(own) => own,
        }
    }
}

type Seams = (Arc<dyn Queue>, Arc<dyn Blobs>);

fn one_box(settings: &Settings, db: &Db, folder: &TempDir) -> Seams {
    let most = settings.frame.max_receives;
    let notices = notices::listen(db);
    let queue = PgQueue::new(db.clone(), &settings.prefix, most, notices);
    let blobs = Folder::open(folder.path().join("blobs")).expect("the blobs' folder");
    (Arc::new(queue), Arc::new(blobs))
}

/// Past the proxy: what a test does itself meets no fault.
async fn aws(settings: &Settings) -> Seams {
    let config = sdk_config(ministack().port).await;
    let rules = Rules {
        max_receives: settings.frame.max_receives,
        lease: settings.frame.lease(),
    };
    let queue = SqsQueue::new(&config, &settings.prefix, rules);
    let path_style = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(path_style.build());
    let bucket = &settings.prefix;
    let made = client.create_bucket().bucket(bucket).send().await;
    made.expect("a bucket");
    let blobs = Bucket::new(&config, bucket, settings::BLOB_PREFIX, true);
    (Arc::new(queue), Arc::new(blobs))
}
