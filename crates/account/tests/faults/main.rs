//! Every way in which an authorization server, a network or a browser is known to misbehave, each with what the person is
//! told, and after each the tokens and registrations that were there, a good refresh and a good sign-in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../signin/authority.rs"]
mod authority;
#[allow(dead_code)]
#[path = "../signin/site.rs"]
mod site;
#[allow(dead_code)]
#[path = "../signin/world.rs"]
mod world;

mod bodies;
mod callback;
mod challenge;
mod clients;
mod legs;
mod metadata;
mod network;
mod refresh;
mod rough;
mod row;
mod stage;
mod table;
mod tokens;
