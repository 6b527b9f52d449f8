//! Registration (RFC 7591). Whoever reaches this machine can register; it gives nothing but the right to ask.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use prokura_domain::client::BadMetadata;
use prokura_domain::{ClientMetadata, Json};

use super::{Authority, SCOPE, device, json, refuse, refuse_as};
use crate::header;

pub(super) async fn register(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let bad = |text: &str| refuse(StatusCode::BAD_REQUEST, "invalid_client_metadata", text);
    if !header::is_json(&headers) {
        return bad("Send the metadata as application/json.");
    }
    let Ok(document) = Json::read(&body) else { return bad("The metadata is not JSON.") };
    let metadata = match ClientMetadata::read(&document) {
        Ok(metadata) => metadata,
        Err(BadMetadata::Redirect(fault)) => {
            return refuse(StatusCode::BAD_REQUEST, "invalid_redirect_uri", &fault.to_string());
        }
        Err(BadMetadata::Other(text)) => return bad(text),
    };
    let client = match authority.registry.register(metadata).await {
        Ok(client) => client,
        Err(fault) => {
            authority.note("registration refused").await;
            return refuse_as(&fault);
        }
    };
    let texts = |words: &[&str]| Json::Array(words.iter().map(|word| Json::text(*word)).collect());
    let redirects = client.redirect_uris.iter().map(|uri| Json::text(uri.as_str())).collect();
    let body = Json::object([
        ("client_id", Json::text(&client.id)),
        ("client_id_issued_at", Json::from(client.added_at.0 / 1000)),
        ("client_name", Json::text(&client.name)),
        ("redirect_uris", Json::Array(redirects)),
        ("grant_types", texts(&["authorization_code", "refresh_token", device::GRANT])),
        ("response_types", texts(&["code"])),
        ("token_endpoint_auth_method", Json::text("none")),
        ("application_type", Json::text("native")),
        ("scope", Json::text(SCOPE)),
    ]);
    json(StatusCode::CREATED, &body)
}
