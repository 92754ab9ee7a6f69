//! Any bytes as what lies on a queue: the envelope, and in it every message.

#![no_main]

use common::envelope::Envelope;
use common::messages::{EmailInput, EmailOutput, MailEvent, TextInput, TextOutput};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(envelope) = Envelope::open(body) else { return };
    let _ = envelope.message::<TextInput>();
    let _ = envelope.message::<TextOutput>();
    let _ = envelope.message::<EmailInput>();
    let _ = envelope.message::<EmailOutput>();
    let _ = envelope.message::<MailEvent>();
});
