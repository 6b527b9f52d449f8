//! Signing in, being proved and signing out, against an authorization server that a test can make misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod bound;
mod choice;
mod clients;
mod device;
mod discovery;
mod issuers;
mod jwt;
mod keys;
mod machine;
mod network;
mod refresh;
mod sealed;
mod sign_in;
mod sign_out;
#[allow(dead_code)] // Shared with `faults`.
mod site;
mod step_up;
#[allow(dead_code)] // Shared with `faults`.
mod world;
