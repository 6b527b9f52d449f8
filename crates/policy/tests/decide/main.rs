//! What is decided, as tables and as laws over generated worlds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod budgets;
mod conditions;
mod guardrails;
mod laws;
mod ledger;
mod model;
mod table;
mod world;
