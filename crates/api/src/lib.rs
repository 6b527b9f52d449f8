//! What the interface and the command line may ask and are told: requests, views, events, failures.
//! It must never decide, hold a secret longer than a request lasts, or know a window.

pub mod failure;
pub mod request;
pub mod view;

pub use failure::{Failure, FailureCode};
pub use request::{AnswerWish, GrantWish, Request};
