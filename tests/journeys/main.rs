//! Journeys through the whole product with real parts: the `prokura` binary in a process of its own, MCP servers,
//! authorization servers, agents made with the official clients. Nothing here may reach into the product.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod agent_limits;
mod answers;
mod bad_request;
mod bad_sign_in;
mod bad_start;
mod bundles;
mod call;
mod collecting;
mod coming_back;
mod conditions;
mod cookbook;
mod copies;
mod demo;
mod elder;
mod evidence;
mod fidelity;
mod flows;
mod guardrails;
mod isolation;
mod issuer;
mod keyring;
mod limits;
mod lossless;
mod many_rules;
mod more_access;
mod outside;
mod ownership;
mod patience;
mod pins;
mod programs;
mod records;
mod replay;
mod rules_file;
mod scene;
mod secrets;
mod sign_in;
mod sign_in_attacks;
mod signing;
mod stdio;
mod step_up;
mod taking_back;
mod unanswered;
mod wiring;
