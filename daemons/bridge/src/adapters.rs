//! The adapters, by the names that channel files use.

mod xmpp;

use crate::adapter::{Adapter, Parts};
use common::Result;
use common::channel::AdapterKind;
use std::sync::Arc;

/// The adapter of a channel. A fault of its settings or secrets stops the start.
pub fn of(parts: &Parts<'_>) -> Result<Arc<dyn Adapter>> {
    match parts.channel.adapter {
        AdapterKind::Smpp => todo!(),
        AdapterKind::Xmpp => Ok(Arc::new(xmpp::Xmpp::new(parts)?)),
        AdapterKind::SmsSpool => todo!(),
        AdapterKind::Telegram => todo!(),
        AdapterKind::Whatsapp => todo!(),
        AdapterKind::Http => todo!(),
    }
}
