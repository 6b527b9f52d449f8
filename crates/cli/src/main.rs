//! The prokura program.
fn main() {}
