//! Event streams: however the bytes arrive, the events are the same, and none of their bytes is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prokura_domain::sse::{Splitter, data};

fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let mut splitter = Splitter::new(1 << 20);
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(splitter.push(piece).ok()?);
    }
    Some((events, splitter.rest()))
}

fuzz_target!(|bytes: &[u8]| {
    let whole = split(std::iter::once(bytes));
    let single = split(bytes.chunks(1));
    assert_eq!(whole, single);
    if let Some((events, _)) = whole {
        events.iter().for_each(|event| drop(data(event)));
    }
});
