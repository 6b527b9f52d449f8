//! What a token endpoint answers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| prokura_account::fuzz::token(bytes));
