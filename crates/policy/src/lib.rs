//! Decides one Call from values alone, and is the only maker of a Permit.
//! It must never do input or output, read a clock, or allow what it cannot decide.

#![deny(clippy::wildcard_enum_match_arm)]

mod budget;
mod bundle;
mod condition;
mod decide;
mod flow;
mod grant;
mod guardrail;
mod ledger;
mod permit;
mod reach;
mod tally;
mod verdict;

pub use budget::used_up;
pub use bundle::{Bundle, BundleFault};
pub use condition::{arguments, check};
pub use decide::{Approved, Decision, Denial, Denied, Facts, Question, ToolFacts, decide, visible};
pub use flow::{Flow, Read};
pub use grant::{Specificity, covers};
pub use guardrail::{Cast, Guardrails, arguments_of, check_guardrail};
pub use ledger::Ledger;
pub use permit::{Permit, Spender, forward, housekeeping};
pub use reach::{Outlook, Reach};
pub use tally::{Catalogue, Tally};
