//! One handler per message that the processor takes.

mod alerts;
mod text_input;

pub use text_input::TextInputHandler;
