//! Starts the Shell.
fn main() {}
