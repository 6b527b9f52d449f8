//! OAuth towards Servers: discovery, registration, sign-in, step-up, refresh, revocation.
//! A token is issued for one Server's resource, stored for it, and handed out for it, and for nothing else. It must never
//! follow where a server points without checking, and never put a token, a code or a client secret in an error or a log.

mod audience;
mod book;
mod callback;
mod challenge;
mod client;
mod copied;
mod discovery;
mod document;
mod dpop;
mod environment;
mod error;
mod exception;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod http;
mod jws;
mod key;
mod machine;
mod name;
mod network;
mod probe;
mod proof;
mod registration;
mod sign_in;
mod sign_out;
mod step_up;
mod stored;
mod text;
mod token;

pub use book::{AccountBook, Options};
pub use client::ClientProof;
pub use discovery::Discovery;
pub use document::PublicDocuments;
pub use error::AccountError;
pub use exception::Exception;
pub use machine::Machine;
pub use network::{NetworkSettings, TrustedAuthority};
pub use probe::Access;
pub use prokura_vault::Secret;
pub use proof::Proof;
pub use registration::Leaving;
pub use sign_in::{DeviceCode, Plan, SignIn, Wish};
pub use step_up::Challenge;
