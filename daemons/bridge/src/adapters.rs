//! The adapters, by the names that channel files use.

mod http;
mod telegram;
mod whatsapp;

use crate::adapter::{Adapter, Parts};
use common::Result;
use common::channel::AdapterKind;
use std::sync::Arc;

/// The adapter of a channel. A fault of its settings or secrets stops the start.
pub fn of(parts: &Parts<'_>) -> Result<Arc<dyn Adapter>> {
    match parts.channel.adapter {
        AdapterKind::Smpp => todo!(),
        AdapterKind::Xmpp => todo!(),
        AdapterKind::SmsSpool => todo!(),
        AdapterKind::Telegram => Ok(Arc::new(telegram::Telegram::open(parts)?)),
        AdapterKind::Whatsapp => Ok(Arc::new(whatsapp::Whatsapp::open(parts)?)),
        AdapterKind::Http => Ok(Arc::new(http::Http::open(parts)?)),
    }
}
