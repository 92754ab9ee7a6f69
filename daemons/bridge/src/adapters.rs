//! The adapters, by the names that channel files use.

mod sms_spool;

use crate::adapter::{Adapter, Parts};
use common::Result;
use common::channel::AdapterKind;
use std::sync::Arc;

/// The adapter of a channel. A fault of its settings or secrets stops the start.
pub fn of(parts: &Parts<'_>) -> Result<Arc<dyn Adapter>> {
    match parts.channel.adapter {
        AdapterKind::Smpp => todo!(),
        AdapterKind::Xmpp => todo!(),
        AdapterKind::SmsSpool => Ok(Arc::new(sms_spool::SmsSpool::new(parts)?)),
        AdapterKind::Telegram => todo!(),
        AdapterKind::Whatsapp => todo!(),
        AdapterKind::Http => todo!(),
    }
}
