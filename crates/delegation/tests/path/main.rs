//! The one path of a Call, on a real store and a real log, with people, servers and time played.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asking;
mod budgets;
mod conditions;
mod doorman;
mod flows;
mod local;
mod ownership;
mod pairing;
mod rounds;
mod scopes;
mod sending;
mod sign_in;
mod step_up;
mod tools;
mod world;
