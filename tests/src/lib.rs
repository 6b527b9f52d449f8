//! Shared by the test binaries of this package.
