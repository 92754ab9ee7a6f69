//! The adapters, by the names that channel files use.

mod http;
mod smpp;
mod sms_spool;
mod telegram;
mod whatsapp;
mod xmpp;

use crate::adapter::{Adapter, Parts};
use common::Result;
use common::channel::AdapterKind;
use std::sync::Arc;

/// The adapter of a channel. A fault of its settings or secrets stops the start.
pub fn of(parts: &Parts<'_>) -> Result<Arc<dyn Adapter>> {
    Ok(match parts.channel.adapter {
        AdapterKind::Smpp => Arc::new(smpp::Smpp::new(parts)?),
        AdapterKind::Xmpp => Arc::new(xmpp::Xmpp::new(parts)?),
        AdapterKind::SmsSpool => Arc::new(sms_spool::SmsSpool::new(parts)?),
        AdapterKind::Telegram => Arc::new(telegram::Telegram::open(parts)?),
        AdapterKind::Whatsapp => Arc::new(whatsapp::Whatsapp::open(parts)?),
        AdapterKind::Http => Arc::new(http::Http::open(parts)?),
    })
}
