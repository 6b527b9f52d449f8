//! `WWW-Authenticate` of any server.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| prokura_account::fuzz::challenge(text));
