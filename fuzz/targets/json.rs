//! JSON of messages: what is read, is written and reads back the same, in both forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prokura_domain::Json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = Json::read(bytes) else { return };
    assert_eq!(Json::read(read.to_text().as_bytes()).as_ref(), Ok(&read));
    let canonical = read.to_canonical();
    if let Ok(again) = Json::read(canonical.as_bytes()) {
        assert_eq!(again.to_canonical(), canonical);
    }
});
