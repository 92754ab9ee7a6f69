//! What the bridge takes from queues.

mod text_output;

pub use text_output::TextOutputDeliverer;
