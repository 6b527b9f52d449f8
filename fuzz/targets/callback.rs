//! What a browser brings back to the redirect address.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| prokura_account::fuzz::callback(text));
