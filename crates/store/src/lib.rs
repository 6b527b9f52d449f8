//! What Prokura remembers, in one SQLite file.
