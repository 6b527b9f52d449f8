//! The only place that can open a secret.
