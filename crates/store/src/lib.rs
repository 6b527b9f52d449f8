//! What Prokura remembers, in one SQLite file: one module per table with its queries, and the audit log as a chain.
//! It must never hold a secret in clear, change or remove a record, or write over a file it does not understand.

#![deny(clippy::wildcard_enum_match_arm)]

mod account;
mod agent;
mod budget;
mod client;
mod error;
mod flow;
mod grant;
mod guardrail;
mod log;
mod migration;
mod pairing;
mod question;
mod registration;
mod row;
mod secret;
mod server;
mod setting;
mod sign_in;
mod store;
mod task;
mod tool;

pub use error::StoreError;
pub use log::{
    Capture, DayCount, Evidence, Keeping, Log, MaskRule, Payload, PayloadCount, RecordQuery,
    Retention, Segment, Touched, Verdict, masked, verify_evidence, verify_file, verify_file_by,
};
pub use registration::{Registration, RegistrationSource};
pub use secret::Sealed;
pub use sign_in::{KeptToken, Renewal, TokenKind};
pub use store::Store;
