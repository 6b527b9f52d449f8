//! Shared by the test binaries of this package: programs that speak lines of JSON, and where to find them.
//! It must never hide a failure: what is missing is an error that says how to get it.

pub mod hostile;
pub mod issuers;
pub mod lines;
pub mod sdk;
pub mod secrets;
pub mod tools;

pub use issuers::Issuers;
pub use sdk::{Sdk, SdkAgent, SigningAgent};
