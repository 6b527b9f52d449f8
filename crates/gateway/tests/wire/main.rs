//! The gateway over real HTTP on loopback, in front of paths that echo, refuse, hang or break.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bridging;
mod desk;
mod errands;
mod legacy;
mod lines;
mod listening;
mod modern;
mod pages;
mod paths;
mod refusals;
mod resources;
mod search;
mod sessions;
mod together;
mod waiting;
