//! Any bytes as what AWS puts on `email-input` and `mail-events`.

#![no_main]

use common::mail::{events, notice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = notice::decode(body);
    let _ = events::decode(body);
});
