//! All parts wired to one data folder.
