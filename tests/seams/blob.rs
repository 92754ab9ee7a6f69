//! The blob seam: every story is played on every home, then what S3 and the way to it do at times.

use common::blob::{Blobs, Bucket, Folder, Found};
use common::failure::Dependency;
use common::{Failure, Verdict};
use kentongan_tests::servers::ministack::{self, Ministack};
use kentongan_tests::servers::proxy::{Fault, Proxy};
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

const MIB: usize = 1024 * 1024;
const WAIT: Verdict = Verdict::Wait(Dependency::Blobs);

/// Plays every story on every home. Add a story to the list, once.
macro_rules! played_on {
    ($($home:ident),*) => { $(
        mod $home {
            play! { $home:
                what_was_put_is_found,
                a_blob_put_again_is_replaced,
                a_larger_blob_than_asked_for_is_not_read,
                m29_an_absent_blob_is_absent_and_no_failure,
                removing_twice_is_removing,
                a_small_file_is_stored,
                a_large_file_is_stored_in_parts,
                an_empty_blob_is_a_blob,
                m12_a_key_is_no_way_out,
                a_missing_source_file_is_the_callers_matter,
                writers_of_one_key_leave_one_whole_blob,
                the_store_proves_itself_and_leaves_nothing,
            }
        }
    )* };
}

macro_rules! play {
    ($home:ident: $($story:ident),* $(,)?) => { $(
        #[tokio::test]
        async fn $story() {
            let home = crate::homes::$home().await;
            crate::stories::$story(&*home.blobs).await;
        }
    )* };
}

played_on!(folder, s3);

/// The homes of the blobs, each with nothing in it.
mod homes {
    use super::*;

    pub struct Home {
        pub blobs: Box<dyn Blobs>,
        _kept: Option<tempfile::TempDir>,
    }

    pub async fn folder() -> Home {
        let dir = tempfile::tempdir().expect("a folder");
        Home {
            blobs: Box::new(Folder::open(dir.path()).expect("the folder is there")),
            _kept: Some(dir),
        }
    }

    pub async fn s3() -> Home {
        let port = Ministack::shared().port;
        let bucket = made_bucket().await;
        Home {
            blobs: Box::new(open(port, &bucket).await),
            _kept: None,
        }
    }
}

mod stories {
    use super::*;

    pub async fn what_was_put_is_found(blobs: &dyn Blobs) {
        let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        let key = "mail/2026/11/0192_a-b.c=1+2.eml";
        blobs.put(key, &bytes).await.expect("stored");
        assert!(blobs.get(key, 70_000).await == Ok(Found::Bytes(bytes)));
    }

    pub async fn a_blob_put_again_is_replaced(blobs: &dyn Blobs) {
        blobs.put("a/b", b"a longer first").await.expect("stored");
        blobs.put("a/b", b"second").await.expect("stored");
        assert_eq!(
            blobs.get("a/b", 99).await,
            Ok(Found::Bytes(b"second".to_vec()))
        );
    }

    pub async fn a_larger_blob_than_asked_for_is_not_read(blobs: &dyn Blobs) {
        blobs.put("large", &[7; 1000]).await.expect("stored");
        assert_eq!(
            blobs.get("large", 999).await,
            Ok(Found::TooLarge { size: 1000 })
        );
        let whole = blobs.get("large", 1000).await;
        assert_eq!(whole, Ok(Found::Bytes(vec![7; 1000])));
    }

    pub async fn m29_an_absent_blob_is_absent_and_no_failure(blobs: &dyn Blobs) {
        assert_eq!(blobs.get("mail/never", 9).await, Ok(Found::Absent));
        blobs.put("mail/one", b"1").await.expect("stored");
        assert_eq!(blobs.get("mail/two", 9).await, Ok(Found::Absent));
        assert_eq!(
            blobs.get("mail", 9).await,
            Ok(Found::Absent),
            "a folder is no blob"
        );
    }

    pub async fn removing_twice_is_removing(blobs: &dyn Blobs) {
        blobs.put("a", b"1").await.expect("stored");
        for _ in 0..2 {
            blobs.delete("a").await.expect("removed");
            assert_eq!(blobs.get("a", 9).await, Ok(Found::Absent));
        }
        blobs.delete("no/such").await.expect("removed already");
    }

    pub async fn a_small_file_is_stored(blobs: &dyn Blobs) {
        let (_kept, file) = file_of(100_000);
        blobs
            .put_file("report/small.xlsx", &file)
            .await
            .expect("stored");
        assert!(blobs.get("report/small.xlsx", 100_000).await == Ok(content(&file)));
    }

    pub async fn a_large_file_is_stored_in_parts(blobs: &dyn Blobs) {
        let (_kept, file) = file_of(17 * MIB + 5);
        blobs
            .put_file("report/large.xlsx", &file)
            .await
            .expect("stored");
        assert!(blobs.get("report/large.xlsx", 99 * MIB as u64).await == Ok(content(&file)));
    }

    pub async fn an_empty_blob_is_a_blob(blobs: &dyn Blobs) {
        blobs.put("empty", b"").await.expect("stored");
        assert_eq!(blobs.get("empty", 0).await, Ok(Found::Bytes(vec![])));
        let (_kept, file) = file_of(0);
        blobs.put_file("empty-file", &file).await.expect("stored");
        assert_eq!(blobs.get("empty-file", 0).await, Ok(Found::Bytes(vec![])));
    }

    pub async fn m12_a_key_is_no_way_out(blobs: &dyn Blobs) {
        let (_kept, file) = file_of(1);
        for key in [
            "../out",
            "/etc/passwd",
            "a/../../out",
            "a//b",
            "",
            "a\0b",
            "a b",
        ] {
            let refused = |outcome: Result<(), Failure>| {
                let verdict = outcome.map_err(|f| f.verdict);
                assert_eq!(verdict, Err(Verdict::Quarantine), "{key:?}");
            };
            refused(blobs.put(key, b"x").await);
            refused(blobs.put_file(key, &file).await);
            refused(blobs.get(key, 9).await.map(drop));
            refused(blobs.delete(key).await);
        }
    }

    pub async fn a_missing_source_file_is_the_callers_matter(blobs: &dyn Blobs) {
        let outcome = blobs.put_file("a", Path::new("/nonexistent/file")).await;
        let verdict = outcome.map_err(|f| f.verdict);
        assert_eq!(verdict, Err(Verdict::Retry { after: None }));
        assert_eq!(blobs.get("a", 9).await, Ok(Found::Absent));
    }

    pub async fn writers_of_one_key_leave_one_whole_blob(blobs: &dyn Blobs) {
        let writes = (0..8_u8).map(|n| async move { blobs.put("same", &[n; 50_000]).await });
        for written in futures_util::future::join_all(writes).await {
            written.expect("stored");
        }
        let Ok(Found::Bytes(bytes)) = blobs.get("same", 50_000).await else {
            panic!("the blob is there");
        };
        assert_eq!(bytes.len(), 50_000);
        assert!(bytes.iter().all(|b| *b == bytes[0]), "one writer's, whole");
    }

    pub async fn the_store_proves_itself_and_leaves_nothing(blobs: &dyn Blobs) {
        blobs.probe().await.expect("it can be written to");
        blobs.probe().await.expect("and again");
    }
}

fn file_of(size: usize) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    let bytes: Vec<u8> = (0..size).map(|n| (n / 7 % 251) as u8).collect();
    std::fs::write(&file, bytes).expect("a file");
    (dir, file)
}

fn content(file: &Path) -> Found {
    Found::Bytes(std::fs::read(file).expect("the file"))
}

async fn made_bucket() -> String {
    let bucket = format!("b{}", Uuid::new_v4().simple());
    let create = client().await.create_bucket().bucket(&bucket);
    create.send().await.expect("the bucket is made");
    bucket
}

async fn client() -> aws_sdk_s3::Client {
    let config = ministack::sdk_config(Ministack::shared().port).await;
    let config = aws_sdk_s3::config::Builder::from(&config);
    aws_sdk_s3::Client::from_conf(config.force_path_style(true).build())
}

async fn open(port: u16, bucket: &str) -> Bucket {
    Bucket::new(
        &ministack::sdk_config(port).await,
        bucket,
        "kentongan/",
        true,
    )
}

/// A bucket behind a proxy.
async fn stage() -> (Proxy, Bucket, String) {
    let proxy = Proxy::before(Ministack::shared().port).await;
    let bucket = made_bucket().await;
    let blobs = open(proxy.port, &bucket).await;
    (proxy, blobs, bucket)
}

#[track_caller]
fn waits<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    let failure = outcome.expect_err("it cannot work");
    assert_eq!(failure.verdict, WAIT, "{failure}");
    failure.cause
}

#[tokio::test]
async fn s3_keys_stand_below_the_prefix() {
    let (_proxy, blobs, bucket) = stage().await;
    blobs.put("mail/1", b"x").await.expect("stored");
    blobs.probe().await.expect("it can be written to");
    let list = client()
        .await
        .list_objects_v2()
        .bucket(bucket)
        .send()
        .await
        .expect("a list");
    let keys: Vec<_> = list.contents().iter().filter_map(|o| o.key()).collect();
    assert_eq!(keys, ["kentongan/mail/1"], "and the probe left nothing");
}

#[tokio::test]
async fn s3_a_missing_bucket_is_named_with_its_remedy() {
    let blobs = open(Ministack::shared().port, "no-such-bucket").await;
    for outcome in [
        blobs.put("a", b"x").await,
        blobs.get("a", 9).await.map(drop),
        blobs.probe().await,
    ] {
        assert!(waits(outcome).contains("bucket"));
    }
}

#[tokio::test]
async fn s3_an_ill_service_is_waited_for() {
    let (proxy, blobs, _) = stage().await;
    blobs.put("a", b"x").await.expect("stored");
    for (status, code) in [
        (503, "SlowDown"),
        (500, "InternalError"),
        (403, "ExpiredToken"),
    ] {
        proxy.heal();
        proxy.fault("", 99, Fault::Refuse(status, code));
        waits(blobs.put("a", b"x").await);
        waits(blobs.get("a", 9).await);
        waits(blobs.delete("a").await);
    }
}

#[tokio::test]
async fn s3_throttled_once_is_healed_on_the_spot() {
    let (proxy, blobs, _) = stage().await;
    proxy.fault("PUT", 1, Fault::Refuse(503, "SlowDown"));
    proxy.fault("GET", 1, Fault::Cut);
    blobs
        .put("a", b"x")
        .await
        .expect("stored at the second try");
    assert_eq!(blobs.get("a", 9).await, Ok(Found::Bytes(b"x".to_vec())));
}

#[tokio::test]
async fn s3_a_body_that_breaks_off_is_no_blob() {
    let (proxy, blobs, _) = stage().await;
    blobs.put("a", &[1; 100_000]).await.expect("stored");
    proxy.fault("GET", 1, Fault::BreakBody);
    waits(blobs.get("a", 100_000).await);
    assert!(matches!(blobs.get("a", 100_000).await, Ok(Found::Bytes(b)) if b.len() == 100_000));
}

#[tokio::test]
async fn s3_a_failed_upload_is_taken_back() {
    let (proxy, blobs, bucket) = stage().await;
    let (_kept, file) = file_of(17 * MIB);
    proxy.fault("partNumber=2", 99, Fault::Refuse(503, "SlowDown"));
    waits(blobs.put_file("large", &file).await);
    assert_eq!(blobs.get("large", 99).await, Ok(Found::Absent));
    let uploads = client()
        .await
        .list_multipart_uploads()
        .bucket(bucket)
        .send()
        .await;
    assert!(
        uploads.expect("a list").uploads().is_empty(),
        "no parts are left to be paid for"
    );
}

#[tokio::test]
async fn s3_an_odd_answer_to_the_last_step_is_looked_into() {
    let (proxy, blobs, _) = stage().await;
    let (_kept, file) = file_of(17 * MIB);
    // The upload begins with `POST ...?uploads`; its last step is `POST ...?uploadId=`, which the
    // service does, but each answer is lost.
    proxy.fault("?uploads", 1, Fault::Delay(Duration::ZERO));
    proxy.fault("POST", 2, Fault::LoseAnswer);
    blobs
        .put_file("large", &file)
        .await
        .expect("the object is there");
    assert!(proxy.count("HEAD") >= 1, "it was asked");
    assert!(blobs.get("large", 99 * MIB as u64).await == Ok(content(&file)));
}

#[tokio::test]
async fn s3_a_refused_last_step_is_no_success_though_an_older_blob_is_there() {
    let (proxy, blobs, _) = stage().await;
    let (_kept, file) = file_of(17 * MIB);
    blobs.put_file("large", &file).await.expect("the older one");
    // The upload begins with `POST ...?uploads`; its last step is `POST ...?uploadId=`.
    proxy.fault("?uploads", 1, Fault::Delay(Duration::ZERO));
    proxy.fault("POST", 99, Fault::Refuse(500, "InternalError"));
    waits(blobs.put_file("large", &file).await);
}

#[tokio::test]
async fn q21_s3_that_never_answers_is_given_up() {
    let (proxy, blobs, _) = stage().await;
    proxy.fault("GET", 99, Fault::Silence);
    let began = Instant::now();
    waits(blobs.get("a", 9).await);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}
