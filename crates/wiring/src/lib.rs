//! Agents' own configuration files: which programs are on this machine, which servers they already have, and how one of
//! their files would read with Prokura in it.
//!
//! It must never write a file that it did not show first, lose a comment or a value it was not asked to change, use the
//! network, or give the tokens it meets in such files to anyone but the caller who moves them into the Vault.

mod change;
mod document;
mod entry;
mod fault;
mod file;
mod program;
mod undo;

pub use change::{Change, Line, Take};
pub use document::Format;
pub use entry::{Entry, Kind, Wire};
pub use fault::WiringError;
pub use program::{Folders, Found, Program, find, program, programs};
pub use undo::Receipt;
