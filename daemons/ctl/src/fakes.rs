//! An installation without database and disk, for unit tests of what uses queues and blobs.

use async_trait::async_trait;
use common::blob::Found;
use common::queue::{Ask, Created, Entry, Facts, Receipt, Received, dead_name};
use common::{Failure, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Blobs in memory.
#[derive(Default)]
pub struct Blobs {
    kept: Mutex<BTreeMap<String, Vec<u8>>>,
    failure: Option<Failure>,
}

impl Blobs {
    pub fn failing(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::default()
        }
    }

    pub fn get_now(&self, key: &str) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().get(key).cloned()
    }
}

#[async_trait]
impl common::blob::Blobs for Blobs {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.kept.lock().unwrap().insert(key.into(), bytes.into());
        Ok(())
    }
    async fn put_file(&self, key: &str, file: &Path) -> Result {
        self.put(key, &std::fs::read(file).unwrap()).await
    }
    async fn get(&self, key: &str, _: u64) -> Result<Found> {
        Ok(self.get_now(key).map_or(Found::Absent, Found::Bytes))
    }
    async fn delete(&self, key: &str) -> Result {
        self.kept.lock().unwrap().remove(key);
        Ok(())
    }
    async fn probe(&self) -> Result {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

/// One message of a queue in memory.
#[derive(Clone)]
struct Row {
    message: Received,
    leased: bool,
}

/// Queues in memory. A lease lasts until it is given back.
#[derive(Default)]
pub struct Queue {
    rows: Mutex<BTreeMap<String, Vec<Row>>>,
    refuses: Option<Failure>,
}

impl Queue {
    pub fn with(names: &[&str]) -> Self {
        let rows = names.iter().map(|n| ((*n).to_owned(), Vec::new()));
        Self {
            rows: Mutex::new(rows.collect()),
            refuses: None,
        }
    }

    /// Calls work, every entry that is sent is refused.
    pub fn refusing(names: &[&str], failure: Failure) -> Self {
        Self {
            refuses: Some(failure),
            ..Self::with(names)
        }
    }

    /// Puts a body on a queue, with the reason of a dead letter.
    pub fn put(&self, name: &str, body: &str, reason: Option<&str>) {
        let mut rows = self.rows();
        let queue = rows.entry(name.into()).or_default();
        let id = uuid::Uuid::now_v7().to_string();
        let message = Received {
            receipt: Receipt(id.clone()),
            id,
            body: body.into(),
            receives: 0,
            sent_at: None,
            reason: reason.map(String::from),
        };
        queue.push(Row {
            message,
            leased: false,
        });
    }

    pub fn bodies(&self, name: &str) -> Vec<String> {
        let rows = self.rows();
        let queue = rows.get(name).map(Vec::as_slice).unwrap_or_default();
        queue.iter().map(|r| r.message.body.clone()).collect()
    }

    /// How many are leased.
    pub fn leased(&self, name: &str) -> usize {
        let rows = self.rows();
        rows.get(name)
            .map_or(0, |q| q.iter().filter(|r| r.leased).count())
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Row>>> {
        self.rows.lock().unwrap()
    }
}

#[async_trait]
impl common::queue::Queue for Queue {
    async fn receive(&self, name: &str, ask: Ask) -> Result<Vec<Received>> {
        let mut rows = self.rows();
        let free = rows.entry(name.into()).or_default().iter_mut();
        let taken = free.filter(|r| !r.leased).take(ask.most);
        Ok(taken
            .map(|row| {
                row.leased = true;
                row.message.receives += 1;
                row.message.clone()
            })
            .collect())
    }
    async fn send(&self, name: &str, entries: &[Entry]) -> Result<Vec<Result>> {
        if let Some(failure) = &self.refuses {
            return Ok(vec![Err(failure.clone()); entries.len()]);
        }
        entries.iter().for_each(|e| self.put(name, &e.body, None));
        Ok(vec![Ok(()); entries.len()])
    }
    async fn delete(&self, name: &str, receipts: &[Receipt]) -> Result<Vec<Result>> {
        let mut rows = self.rows();
        let queue = rows.entry(name.into()).or_default();
        queue.retain(|r| !receipts.contains(&r.message.receipt));
        Ok(vec![Ok(()); receipts.len()])
    }
    async fn extend(
        &self,
        name: &str,
        receipts: &[Receipt],
        lease: Duration,
    ) -> Result<Vec<Result>> {
        if lease.is_zero() {
            return self.give_back(name, receipts, Duration::ZERO).await;
        }
        Ok(vec![Ok(()); receipts.len()])
    }
    async fn give_back(
        &self,
        name: &str,
        receipts: &[Receipt],
        _after: Duration,
    ) -> Result<Vec<Result>> {
        let mut rows = self.rows();
        for row in rows.entry(name.into()).or_default() {
            if receipts.contains(&row.message.receipt) {
                row.leased = false;
                row.message.receives -= 1;
            }
        }
        Ok(vec![Ok(()); receipts.len()])
    }
    async fn bury(&self, name: &str, message: &Received, reason: &str) -> Result {
        self.delete(name, std::slice::from_ref(&message.receipt))
            .await?;
        self.put(&dead_name(name), &message.body, Some(reason));
        Ok(())
    }
    async fn facts(&self, _: &str) -> Result<Option<Facts>> {
        Ok(None)
    }
    async fn create(&self, name: &str) -> Result<Created> {
        let made = self.rows().insert(name.into(), Vec::new()).is_none();
        Ok(Created {
            name: name.into(),
            made,
            dead: None,
            dead_made: false,
            notes: Vec::new(),
        })
    }
    async fn list(&self) -> Result<Vec<String>> {
        Ok(self.rows().keys().cloned().collect())
    }
    async fn peek(&self, name: &str, most: usize) -> Result<Vec<Received>> {
        let rows = self.rows();
        let queue = rows.get(name).map(Vec::as_slice).unwrap_or_default();
        Ok(queue.iter().take(most).map(|r| r.message.clone()).collect())
    }
}
