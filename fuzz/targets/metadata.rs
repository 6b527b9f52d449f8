//! An authorization server's metadata.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| prokura_account::fuzz::metadata(bytes));
