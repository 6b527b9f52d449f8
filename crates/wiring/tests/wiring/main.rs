//! Every program of the list, on settings as it writes them: found, changed, changed back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod golden;
mod refused;
