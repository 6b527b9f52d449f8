//! Decides one Call from values alone.
