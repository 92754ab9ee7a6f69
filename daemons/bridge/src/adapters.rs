//! The adapters, by the names that channel files use.

mod smpp;

use crate::adapter::{Adapter, Parts};
use common::Result;
use common::channel::AdapterKind;
use std::sync::Arc;

/// The adapter of a channel. A fault of its settings or secrets stops the start.
pub fn of(parts: &Parts<'_>) -> Result<Arc<dyn Adapter>> {
    match parts.channel.adapter {
        AdapterKind::Smpp => Ok(Arc::new(smpp::Smpp::new(parts)?)),
        AdapterKind::Xmpp => todo!(),
        AdapterKind::SmsSpool => todo!(),
        AdapterKind::Telegram => todo!(),
        AdapterKind::Whatsapp => todo!(),
        AdapterKind::Http => todo!(),
    }
}
