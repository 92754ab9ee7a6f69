//! The blob store on AWS: an S3 bucket. Small blobs in one request; files above a limit in parts,
//! each read from the disk as it leaves.
//!
//! The role needs `s3:ListBucket` too: without it S3 answers "access denied" for a key that is not
//! there, and an absent blob looks like a missing permission.

mod parts;

use super::{Blobs, Found, key};
use crate::aws::{self, patience};
use crate::failure::Dependency;
use crate::{Failure, Result};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Files above this go in parts, so that a break costs one part and not the whole.
const IN_PARTS_ABOVE: u64 = 16 * 1024 * 1024;

/// A body from which nothing came for so long is given up.
const STALLED: Duration = Duration::from_secs(20);

/// A bucket, or the part of one below a prefix.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    bucket: String,
    prefix: String,
}

impl Bucket {
    /// A client for one bucket. Nothing is sent; whether the bucket is there, [`Blobs::probe`]
    /// tells. `prefix` stands in front of every key as it is.
    pub fn new(config: &SdkConfig, bucket: &str, prefix: &str, path_style: bool) -> Self {
        let config = Builder::from(config).force_path_style(path_style).build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    fn full(&self, key: &str) -> Result<String> {
        key::check(key)?;
        Ok(format!("{}{key}", self.prefix))
    }

    /// Puts a body in one request.
    async fn put_whole(&self, full: &str, body: ByteStream, size: u64) -> Result {
        let limits =
            aws_sdk_s3::config::Config::builder().timeout_config(aws::timeouts(patience(size)));
        let put = self.client.put_object().bucket(&self.bucket).key(full);
        put.body(body)
            .customize()
            .config_override(limits)
            .send()
            .await
            .map(drop)
            .map_err(|e| failure("storing a blob", &e))
    }
}

#[async_trait]
impl Blobs for Bucket {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result {
        let body = ByteStream::from(bytes.to_vec());
        self.put_whole(&self.full(key)?, body, bytes.len() as u64)
            .await
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result {
        let full = self.full(key)?;
        let about = tokio::fs::metadata(file).await.map_err(unreadable)?;
        if about.len() > IN_PARTS_ABOVE {
            return parts::Upload::new(self, &full, file, about.len())
                .run()
                .await;
        }
        let body = ByteStream::from_path(file).await.map_err(unreadable)?;
        self.put_whole(&full, body, about.len()).await
    }

    async fn get(&self, key: &str, most: u64) -> Result<Found> {
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.full(key)?);
        let object = match request.send().await {
            Ok(object) => object,
            Err(e) if is_absent(&e) => return Ok(Found::Absent),
            Err(e) => return Err(failure("fetching a blob", &e)),
        };
        let told = object.content_length().and_then(|n| u64::try_from(n).ok());
        match told {
            Some(size) if size > most => Ok(Found::TooLarge { size }),
            _ => collect(object.body, told.unwrap_or(0), most).await,
        }
    }

    async fn delete(&self, key: &str) -> Result {
        let request = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(self.full(key)?);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if aws::code(&e) == Some("NoSuchKey") => Ok(()),
            Err(e) => Err(failure("removing a blob", &e)),
        }
    }

    async fn probe(&self) -> Result {
        let key = format!("probe/{}", Uuid::now_v7());
        self.put(&key, b"probe").await?;
        self.delete(&key).await
    }
}

/// Reads a body of at most `most` bytes; what was told of its size is not believed.
async fn collect(mut body: ByteStream, told: u64, most: u64) -> Result<Found> {
    let mut bytes = Vec::with_capacity(usize::try_from(told.min(most)).unwrap_or(0));
    loop {
        let next = tokio::time::timeout(STALLED, body.try_next()).await;
        let broken = |why: String| Failure::wait(Dependency::Blobs, why);
        let chunk = next
            .map_err(|_| broken("fetching a blob: nothing came for 20 s".into()))?
            .map_err(|e| broken(format!("fetching a blob: the body broke off: {e}")))?;
        let Some(chunk) = chunk else {
            return Ok(Found::Bytes(bytes));
        };
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > most {
            let size = told.max(bytes.len() as u64);
            return Ok(Found::TooLarge { size });
        }
    }
}

fn is_absent(error: &SdkError<GetObjectError>) -> bool {
    aws::code(error) == Some("NoSuchKey")
}

/// An S3 error as a verdict.
fn failure<E>(doing: &str, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match aws::code(error) {
        Some("NoSuchBucket") => Failure::wait(
            Dependency::Blobs,
            format!(
                "{doing}: the bucket named in [blob] does not exist; create it or correct the name"
            ),
        ),
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed") => Failure::wait(
            Dependency::Blobs,
            format!("{doing}: the bucket lies in another region; correct [blob] region"),
        ),
        _ => aws::failure(Dependency::Blobs, doing, error),
    }
}

/// The file to be stored is the caller's; its absence says nothing of the store.
fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::retry(format!("reading the file to store: {error}"))
}
