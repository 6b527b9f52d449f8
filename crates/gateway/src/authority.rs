//! Prokura's own authorization server for agents, on the same address as the endpoints it protects (OAuth 2.1, RFC 8414,
//! 9728, 7591, 7636, 7009, 8628, 8707, 9207). It speaks the protocol and decides nothing: clients, consents and tokens
//! are behind the port [`AgentRegistry`]. It must never let a page of the browser say yes, nor send a browser where no
//! client said that it listens.

mod authorize;
mod device;
mod form;
mod metadata;
mod page;
mod register;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::{get, post};
use prokura_domain::registry::{AgentRegistry, RegistryFault, Tokens};
use prokura_domain::{Endpoint, Json};
use url::Url;

use crate::path::Path;

/// What access tokens begin with; keys of agents begin otherwise.
const ACCESS_PREFIX: &str = "pra_";
/// The one scope: what the Agent may do stands in its Grants.
const SCOPE: &str = "mcp";
/// The largest body of a request here.
const BODY_LIMIT: usize = 64 * 1024;

/// What all requests here share.
pub(crate) struct Authority {
    registry: Arc<dyn AgentRegistry>,
    path: Arc<dyn Path>,
    /// The issuer, and the origin of every resource.
    issuer: String,
}

impl Authority {
    pub fn new(registry: Arc<dyn AgentRegistry>, path: Arc<dyn Path>, port: u16) -> Arc<Self> {
        Arc::new(Self { registry, path, issuer: issuer(port) })
    }

    async fn note(&self, why: &str) {
        self.path.note_refused(None, why).await;
    }

    /// The endpoint that a `resource` names (RFC 8707): exactly one of this issuer's, and no other spelling of it.
    fn endpoint(&self, resource: &str) -> Option<Endpoint> {
        let rest = resource.strip_prefix(&self.issuer)?;
        if !rest.starts_with('/') || rest.contains(['?', '#']) {
            return None;
        }
        let url = Url::parse(resource).ok()?;
        let segments: Option<Vec<String>> = url
            .path_segments()?
            .map(|part| {
                let bytes = percent(part)?;
                String::from_utf8(bytes).ok()
            })
            .collect();
        let segments = segments?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Endpoint::of_segments(&segments)
    }
}

/// The bytes of a percent-encoded path segment.
fn percent(part: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let pair = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
    }
    Some(out)
}

fn issuer(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The address of an endpoint.
fn address(issuer: &str, before: &str, endpoint: &Endpoint) -> String {
    let mut url = match Url::parse(issuer) {
        Ok(url) => url,
        Err(_) => return issuer.to_owned(),
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(before.split('/').filter(|part| !part.is_empty()));
        match endpoint {
            Endpoint::All => segments.push("mcp"),
            Endpoint::One(place) => segments.extend(["s", place.as_str(), "mcp"]),
        };
    }
    url.into()
}

/// What a request without a good credential is told (RFC 9728 §5.1, SA-04).
pub(crate) fn challenge(port: u16, endpoint: &Endpoint, shown: bool) -> String {
    let metadata = address(&issuer(port), metadata::RESOURCE, endpoint);
    let error = if shown { "error=\"invalid_token\", " } else { "" };
    format!("Bearer realm=\"Prokura\", {error}resource_metadata=\"{metadata}\", scope=\"{SCOPE}\"")
}

/// Whether a bearer credential is a token of this authorization server.
pub(crate) fn is_token(credential: &str) -> bool {
    credential.starts_with(ACCESS_PREFIX)
}

/// The places of the authorization server.
pub(crate) fn router(authority: Arc<Authority>) -> Router {
    Router::new()
        .route(metadata::SERVER, get(metadata::server))
        .route(metadata::RESOURCE, get(metadata::all))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata::all))
        .route("/.well-known/oauth-protected-resource/s/{place}/mcp", get(metadata::one))
        .route("/oauth/authorize", get(authorize::by_get).post(authorize::by_post))
        .route("/oauth/wait/{handle}", get(authorize::wait))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(token::revoke))
        .route("/oauth/register", post(register::register))
        .route("/oauth/device_authorization", post(device::begin))
        .route("/oauth/device", get(device::page))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(authority)
}

/// A JSON answer that nobody keeps.
fn json(status: StatusCode, body: &Json) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_text()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error of RFC 6749 §5.2.
fn refuse(status: StatusCode, code: &str, text: &str) -> Response<Body> {
    // The grammar of error_description: printable ASCII without quotes and backslashes.
    let text: String = text
        .chars()
        .map(|sign| match sign {
            ' '..='~' if sign != '"' && sign != '\\' => sign,
            _ => '\'',
        })
        .take(300)
        .collect();
    let body = Json::object([("error", Json::text(code)), ("error_description", Json::text(text))]);
    let mut response = json(status, &body);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

fn refuse_as(fault: &RegistryFault) -> Response<Body> {
    let status = match fault {
        RegistryFault::Client(_) => StatusCode::UNAUTHORIZED,
        RegistryFault::Busy => StatusCode::TOO_MANY_REQUESTS,
        RegistryFault::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        RegistryFault::Grant(_)
        | RegistryFault::Target
        | RegistryFault::Pending
        | RegistryFault::SlowDown
        | RegistryFault::Denied
        | RegistryFault::Expired => StatusCode::BAD_REQUEST,
    };
    refuse(status, fault.code(), &fault.to_string())
}

fn issued(tokens: &Tokens) -> Response<Body> {
    let body = Json::object([
        ("access_token", Json::text(&tokens.access)),
        ("token_type", Json::text("Bearer")),
        ("expires_in", Json::from(prokura_domain::registry::ACCESS_SECONDS)),
        ("refresh_token", Json::text(&tokens.refresh)),
        ("scope", Json::text(SCOPE)),
    ]);
    json(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_one_address_and_one_challenge() {
        let one = Endpoint::One("ledger@a b".to_owned());
        assert_eq!(
            address("http://127.0.0.1:7", "", &one),
            "http://127.0.0.1:7/s/ledger@a%20b/mcp"
        );
        let told = challenge(7, &Endpoint::All, true);
        assert!(told.contains(
            "resource_metadata=\"http://127.0.0.1:7/.well-known/oauth-protected-resource/mcp\""
        ));
        assert!(told.contains("error=\"invalid_token\""));
        assert!(!challenge(7, &Endpoint::All, false).contains("error"));
    }
}
