//! One handler per message that the processor takes.

pub mod alerts;
mod email_input;
mod sound;
mod text_input;

pub use email_input::EmailInputHandler;
pub use text_input::TextInputHandler;
