//! The blob seam: a folder on one box, S3 on AWS. Raw mails, attachments and reports lie here.

mod files;
mod key;
mod s3;

pub use files::Folder;
pub use key::check as check_key;
pub use s3::Bucket;

use crate::aws::Sdk;
use crate::config::{self, BlobSettings};
use crate::{Failure, Result};
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

/// The key of a blob that a notice from AWS names by bucket and object: what stands behind our
/// prefix. A notice for another bucket or prefix will never work here and has nobody to tell.
pub fn key_of(settings: &BlobSettings, bucket: &str, object: &str) -> Result<String> {
    let BlobSettings::S3 {
        bucket: ours,
        prefix,
        ..
    } = settings
    else {
        let remedy = "set [blob] kind = \"s3\" where mail comes from SES";
        return Err(Failure::quarantine(format!("a notice of S3; {remedy}")));
    };
    let key = object.strip_prefix(prefix.as_str());
    let Some(key) = key.filter(|_| bucket == ours) else {
        let remedy = "bucket and prefix of the receipt rule and of [blob] must be the same";
        return Err(Failure::quarantine(format!(
            "a notice of an object elsewhere; {remedy}"
        )));
    };
    check_key(key)?;
    Ok(key.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn bucket(prefix: &str) -> BlobSettings {
        BlobSettings::S3 {
            bucket: "mails".into(),
            prefix: prefix.into(),
            path_style: false,
            endpoint: None,
            region: None,
        }
    }

    #[test]
    fn a_notice_names_a_blob_behind_our_prefix() {
        let key = key_of(&bucket("kentongan/"), "mails", "kentongan/incoming/7abc");
        assert_eq!(key.as_deref(), Ok("incoming/7abc"));
        let key = key_of(&bucket(""), "mails", "incoming/7abc");
        assert_eq!(key.as_deref(), Ok("incoming/7abc"));
    }

    #[test]
    fn m23_a_notice_of_something_else_is_quarantined_with_its_remedy() {
        let folder = BlobSettings::Folder {
            folder: "/tmp".into(),
        };
        for (settings, name, object) in [
            (bucket("kentongan/"), "other", "kentongan/incoming/1"),
            (bucket("kentongan/"), "mails", "elsewhere/1"),
            (bucket("kentongan/"), "mails", "kentongan/"),
            (bucket("kentongan/"), "mails", "kentongan/../secret"),
            (folder, "mails", "kentongan/incoming/1"),
        ] {
            let verdict = key_of(&settings, name, object).map_err(|f| f.verdict);
            assert_eq!(verdict, Err(Verdict::Quarantine), "{name} {object}");
        }
    }
}
