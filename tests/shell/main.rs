//! The real windows of the real desktop program, driven through WebKitWebDriver on a display of their own: real
//! clicks, a real agent, a real server. Each test has a program to itself; they run one at a time.
//! They must never ask the product for anything that a person, an agent or a script could not ask for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answering;
mod asked;
mod axe;
mod display;
mod driver;
mod fidelity;
mod governed_call;
mod hands;
mod keyboard;
mod keys;
mod newcomer;
mod notices;
mod opening;
mod process;
mod prompts;
mod setting_up;
mod shots;
mod stage;
mod states;
mod step_up;
