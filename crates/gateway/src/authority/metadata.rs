//! What agents read first: the metadata of each endpoint as a protected resource (RFC 9728), and of the authorization
//! server (RFC 8414). It is no OpenID provider, so it has no openid-configuration.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path as UrlPath, State};
use axum::http::{Response, StatusCode};
use prokura_domain::{Endpoint, Json};

use super::{Authority, SCOPE, address, json, refuse};

pub(super) const SERVER: &str = "/.well-known/oauth-authorization-server";
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";

fn texts(words: &[&str]) -> Json {
    Json::Array(words.iter().map(|word| Json::text(*word)).collect())
}

pub(super) async fn server(State(authority): State<Arc<Authority>>) -> Response<Body> {
    let at = |path: &str| Json::text(format!("{}{path}", authority.issuer));
    let none = texts(&["none"]);
    let documents = authority.registry.reads_documents();
    let body = Json::object([
        ("issuer", Json::text(&authority.issuer)),
        ("authorization_endpoint", at("/oauth/authorize")),
        ("token_endpoint", at("/oauth/token")),
        ("registration_endpoint", at("/oauth/register")),
        ("revocation_endpoint", at("/oauth/revoke")),
        ("device_authorization_endpoint", at("/oauth/device_authorization")),
        ("scopes_supported", texts(&[SCOPE])),
        ("response_types_supported", texts(&["code"])),
        ("response_modes_supported", texts(&["query"])),
        (
            "grant_types_supported",
            texts(&["authorization_code", "refresh_token", super::device::GRANT]),
        ),
        ("token_endpoint_auth_methods_supported", none.clone()),
        ("revocation_endpoint_auth_methods_supported", none),
        ("code_challenge_methods_supported", texts(&["S256"])),
        ("client_id_metadata_document_supported", Json::from(documents)),
        ("authorization_response_iss_parameter_supported", Json::from(true)),
    ]);
    json(StatusCode::OK, &body)
}

pub(super) async fn all(State(authority): State<Arc<Authority>>) -> Response<Body> {
    resource(&authority, &Endpoint::All)
}

/// Says the same of a Server that does not exist, so that nobody learns which ones do.
pub(super) async fn one(
    State(authority): State<Arc<Authority>>,
    place: Result<UrlPath<String>, PathRejection>,
) -> Response<Body> {
    match place.ok().and_then(|UrlPath(place)| Endpoint::of_segments(&["s", &place, "mcp"])) {
        Some(endpoint) => resource(&authority, &endpoint),
        None => refuse(StatusCode::NOT_FOUND, "invalid_request", "There is no such endpoint."),
    }
}

fn resource(authority: &Authority, endpoint: &Endpoint) -> Response<Body> {
    let body = Json::object([
        ("resource", Json::text(address(&authority.issuer, "", endpoint))),
        ("authorization_servers", texts(&[&authority.issuer])),
        ("bearer_methods_supported", texts(&["header"])),
        ("scopes_supported", texts(&[SCOPE])),
        ("resource_name", Json::text("Prokura")),
    ]);
    json(StatusCode::OK, &body)
}
