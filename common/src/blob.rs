//! The blob seam: a folder on one box, S3 on AWS. Raw mails, attachments and reports lie here.

mod files;
mod key;
mod s3;

pub use files::Folder;
pub use key::check as check_key;
pub use s3::Bucket;

use crate::Result;
use crate::aws::Sdk;
use crate::config::{self, BlobSettings};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;

/// Opens the store that the settings name. Nothing is sent yet; [`Blobs::probe`] proves it. Fails
/// where the folder is missing.
pub async fn open(settings: &BlobSettings, sdk: &Sdk) -> Result<Arc<dyn Blobs>> {
    Ok(match settings {
        BlobSettings::Folder { folder } => Arc::new(Folder::open(folder)?),
        BlobSettings::S3 {
            bucket,
            prefix,
            path_style,
            endpoint,
            region,
        } => {
            let place = config::Aws {
                endpoint: endpoint.clone(),
                region: region.clone(),
            };
            let config = sdk.config(&place).await;
            Arc::new(Bucket::new(&config, bucket, prefix, *path_style))
        }
    })
}

/// What both homes can do. Keys are `/`-separated and made of letters, digits, `.`, `_`, `-`, `=`
/// and `+`; no part is empty, `.` or `..`, and no key is a folder of another key.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores bytes under a key, whole or not at all. Storing a key again replaces it.
    async fn put(&self, key: &str, bytes: &[u8]) -> Result;

    /// Stores a file, streamed; in parts where it is large. Whole or not at all.
    async fn put_file(&self, key: &str, file: &Path) -> Result;

    /// Fetches a blob of at most `most` bytes. A larger one is `Found::TooLarge`; one that is not
    /// there (yet) is `Found::Absent`, since a notice may overtake the object.
    async fn get(&self, key: &str, most: u64) -> Result<Found>;

    /// Removes a blob; one that is not there is removed already.
    async fn delete(&self, key: &str) -> Result;

    /// Finds out whether the store can be reached and written to.
    async fn probe(&self) -> Result;
}

/// What a look for a blob finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Here it is.
    Bytes(Vec<u8>),
    /// It is larger than asked for.
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// There is none.
    Absent,
}
