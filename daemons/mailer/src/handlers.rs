//! One file per message.

mod email_output;
mod mail_event;

pub use email_output::EmailOutputDeliverer;
pub use mail_event::MailEventHandler;
