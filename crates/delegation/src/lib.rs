//! The one path of a Call, and the use cases around it.
//! It must never hold a token, send bytes itself, or let a Call go without a Permit and a record.

pub mod message;

pub use message::{Broken, Inbound, Kind, Refusal, RefusalCode, Reply};
