//! A file that goes to S3 in parts. Nothing can be seen of it before the last step, and what was
//! sent is taken back when a step fails; a crash in between is cleared away by the bucket's
//! life-cycle rule (`AbortIncompleteMultipartUpload`).

use super::{Bucket, failure, unreadable};
use crate::aws::{self, patience};
use crate::failure::Dependency;
use crate::{Failure, Result};
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use std::path::Path;
use tracing::{debug, warn};
use uuid::Uuid;

/// S3 wants 5 MiB at least (the last may be smaller); larger ones cost more when they break.
const PART: u64 = 8 * 1024 * 1024;

/// S3 takes no more parts than this.
const MOST_PARTS: u64 = 10_000;

/// Metadata by which an object is known as the work of one upload.
const MARK: &str = "kentongan-upload";

/// One upload under way.
pub struct Upload<'a> {
    to: &'a Bucket,
    key: &'a str,
    file: &'a Path,
    size: u64,
    mark: String,
}

impl<'a> Upload<'a> {
    /// An upload of `file`, which has `size` bytes, under the full key.
    pub fn new(to: &'a Bucket, key: &'a str, file: &'a Path, size: u64) -> Self {
        let mark = Uuid::now_v7().to_string();
        Self {
            to,
            key,
            file,
            size,
            mark,
        }
    }

    /// Sends all parts and completes, or takes back what was sent.
    pub async fn run(&self) -> Result {
        let id = self.begin().await?;
        let done = match self.send_parts(&id).await {
            Ok(parts) => self.complete(&id, parts).await,
            Err(e) => Err(e),
        };
        if done.is_err() {
            self.abort(&id).await;
        }
        done
    }

    async fn begin(&self) -> Result<String> {
        let create = self.to.client.create_multipart_upload();
        let begun = create
            .bucket(&self.to.bucket)
            .key(self.key)
            .metadata(MARK, &self.mark)
            .send()
            .await
            .map_err(|e| failure("beginning an upload in parts", &e))?;
        let id = begun.upload_id.ok_or_else(|| {
            Failure::wait(
                Dependency::Blobs,
                "beginning an upload in parts: no id came back",
            )
        })?;
        Ok(id)
    }

    async fn send_parts(&self, id: &str) -> Result<Vec<CompletedPart>> {
        let size = part_size(self.size);
        let mut parts = Vec::new();
        let mut sent = 0;
        while sent < self.size {
            let length = size.min(self.size - sent);
            // At most 10,000 parts, so the number fits.
            let number = parts.len() as i32 + 1;
            parts.push(self.send_part(id, number, sent, length).await?);
            sent += length;
        }
        Ok(parts)
    }

    async fn send_part(
        &self,
        id: &str,
        number: i32,
        from: u64,
        length: u64,
    ) -> Result<CompletedPart> {
        let body = ByteStream::read_from().path(self.file).offset(from);
        let body = body.length(Length::Exact(length)).build().await;
        let limits =
            aws_sdk_s3::config::Config::builder().timeout_config(aws::timeouts(patience(length)));
        let part = self
            .to
            .client
            .upload_part()
            .bucket(&self.to.bucket)
            .key(self.key)
            .upload_id(id)
            .part_number(number)
            .body(body.map_err(unreadable)?)
            .customize()
            .config_override(limits)
            .send()
            .await
            .map_err(|e| failure("sending a part of an upload", &e))?;
        // S3 wants back every checksum that it gave.
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_crc32(part.checksum_crc32)
            .set_checksum_crc32_c(part.checksum_crc32_c)
            .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
            .build())
    }

    /// The last step. S3 may say "200" and then fail in the body, and an answer may be lost or
    /// odd although the object is there: then the object itself is asked.
    async fn complete(&self, id: &str, parts: Vec<CompletedPart>) -> Result {
        let all = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let answer = self
            .to
            .client
            .complete_multipart_upload()
            .bucket(&self.to.bucket)
            .key(self.key)
            .upload_id(id)
            .multipart_upload(all)
            .customize()
            // Putting ten thousand parts together takes S3 minutes.
            .config_override(
                aws_sdk_s3::config::Config::builder()
                    .timeout_config(aws::timeouts(patience(0) * 6)),
            )
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(_) if self.is_there().await => {
                debug!("An upload in parts had an odd answer, but the object is there");
                Ok(())
            }
            Err(e) => Err(failure("completing an upload in parts", &e)),
        }
    }

    /// Is the object of this very upload in place, whole?
    async fn is_there(&self) -> bool {
        let head = self.to.client.head_object();
        let Ok(head) = head.bucket(&self.to.bucket).key(self.key).send().await else {
            return false;
        };
        let mark = head.metadata().and_then(|m| m.get(MARK));
        mark == Some(&self.mark) && head.content_length() == i64::try_from(self.size).ok()
    }

    async fn abort(&self, id: &str) {
        let abort = self.to.client.abort_multipart_upload();
        let aborted = abort
            .bucket(&self.to.bucket)
            .key(self.key)
            .upload_id(id)
            .send()
            .await;
        if let Err(e) = aborted {
            let why = failure("taking back an upload in parts", &e);
            warn!("{why}; the bucket's life-cycle rule will clear it away");
        }
    }
}

/// Parts of the usual size, larger only where there would be too many.
fn part_size(size: u64) -> u64 {
    PART.max(size.div_ceil(MOST_PARTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_too_many_parts() {
        for size in [1, PART, PART + 1, 48 << 30, 5 << 40] {
            let part = part_size(size);
            assert!(part >= PART);
            assert!(size.div_ceil(part) <= MOST_PARTS, "{size}");
        }
    }
}
