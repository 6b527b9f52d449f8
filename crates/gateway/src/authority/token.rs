//! The token and revocation endpoints. All clients are public: a code needs its verifier, a refresh token is traded once.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use prokura_domain::Endpoint;
use prokura_domain::registry::{Redemption, RegistryFault, Tokens};

use super::form::{Form, is_form};
use super::{Authority, device, issued, refuse, refuse_as};

fn malformed(text: &str) -> Response<Body> {
    refuse(StatusCode::BAD_REQUEST, "invalid_request", text)
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Form, &'static str> {
    if !is_form(headers) {
        return Err("Send the parameters as application/x-www-form-urlencoded.");
    }
    Form::read(body).ok_or("A parameter occurs twice.")
}

pub(super) async fn token(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = match read(&headers, &body) {
        Ok(form) => form,
        Err(text) => return malformed(text),
    };
    let Some(client) = form.get("client_id") else { return malformed("client_id is missing.") };
    let endpoint = match form.get("resource").map(|resource| authority.endpoint(resource)) {
        None => None,
        Some(Some(endpoint)) => Some(endpoint),
        Some(None) => return refuse_as(&RegistryFault::Target),
    };
    let traded = match form.get("grant_type") {
        Some("authorization_code") => code(&authority, &form, client, endpoint).await,
        Some("refresh_token") => {
            let Some(refresh) = form.get("refresh_token") else {
                return malformed("refresh_token is missing.");
            };
            authority.registry.renew(refresh, client, endpoint.as_ref()).await
        }
        Some(device::GRANT) => {
            let Some(code) = form.get("device_code") else {
                return malformed("device_code is missing.");
            };
            authority.registry.device_tokens(code, client).await
        }
        Some(_) => {
            let text = "This grant is not offered here.";
            return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
        }
        None => return malformed("grant_type is missing."),
    };
    match traded {
        Ok(tokens) => issued(&tokens),
        Err(fault) => {
            if !matches!(fault, RegistryFault::Pending | RegistryFault::SlowDown) {
                authority.note("tokens refused").await;
            }
            refuse_as(&fault)
        }
    }
}

async fn code(
    authority: &Authority,
    form: &Form,
    client: &str,
    endpoint: Option<Endpoint>,
) -> Result<Tokens, RegistryFault> {
    let missing = RegistryFault::Grant("code or code_verifier is missing");
    let verifier = form.get("code_verifier").filter(|text| (43..=128).contains(&text.len()));
    let (Some(code), Some(verifier)) = (form.get("code"), verifier) else { return Err(missing) };
    let redemption = Redemption {
        code: code.to_owned(),
        client: client.to_owned(),
        redirect_uri: form.get("redirect_uri").map(str::to_owned),
        verifier: verifier.to_owned(),
        endpoint,
    };
    authority.registry.redeem(redemption).await
}

/// RFC 7009: an unknown token is as good as revoked.
pub(super) async fn revoke(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = match read(&headers, &body) {
        Ok(form) => form,
        Err(text) => return malformed(text),
    };
    let (Some(token), Some(client)) = (form.get("token"), form.get("client_id")) else {
        return malformed("token or client_id is missing.");
    };
    match authority.registry.revoke(token, client).await {
        Ok(()) => crate::away::empty(StatusCode::OK),
        Err(fault) => refuse_as(&fault),
    }
}
