//! Any text as what somebody types, read with the shipped codes and lists.

#![no_main]

use common::code::{Codes, Reader, Reading};
use common::config::Engine;
use common::engine::compile_offline;
use common::language::Language;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fn codes() -> &'static Codes {
    static CODES: OnceLock<Codes> = OnceLock::new();
    CODES.get_or_init(|| compile_offline(&Engine::default()).expect("what is shipped is right"))
}

fuzz_target!(|text: &str| {
    let may = |_: &str| true;
    let codes = codes();
    for (language, kind) in [(Language::Id, "PLS"), (Language::En, "VET")] {
        let reader = Reader { language, kind, may: &may };
        let reading = codes.read(text, &reader);
        if let Reading::Parsed(spec, values) = &reading {
            let _ = values.to_json();
            let _ = codes.reply(spec, values, &reader, &[]);
        }
        let _ = codes.answer(&reading, &reader);
    }
});
