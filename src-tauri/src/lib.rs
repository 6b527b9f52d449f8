//! The Shell.
