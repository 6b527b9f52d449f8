//! The device grant (RFC 8628): an agent in a container, or on another machine over a forwarded port, shows a code, and
//! the person picks it among three in Prokura's window. Nothing is entered in a browser.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use prokura_domain::Json;
use prokura_domain::registry::RegistryFault;

use super::form::{Form, is_form};
use super::page::Page;
use super::{Authority, json, refuse, refuse_as};

/// The name of the grant.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn begin(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let malformed = |text: &str| refuse(StatusCode::BAD_REQUEST, "invalid_request", text);
    let Some(form) = Form::read(&body).filter(|_| is_form(&headers)) else {
        return malformed("It is no form, or a parameter occurs twice.");
    };
    let Some(id) = form.get("client_id") else { return malformed("client_id is missing.") };
    let Some(endpoint) = form.get("resource").and_then(|text| authority.endpoint(text)) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_target",
            "resource is missing, or no endpoint of this Prokura",
        );
    };
    let client = match authority.registry.client(id).await {
        Ok(client) => client,
        Err(fault) => return refuse_as(&fault),
    };
    match authority.registry.device(client, endpoint).await {
        Ok(start) => {
            let page = format!("{}/oauth/device", authority.issuer);
            let body = Json::object([
                ("device_code", Json::text(start.device_code)),
                ("user_code", Json::text(start.user_code)),
                ("verification_uri", Json::text(page)),
                ("expires_in", Json::from(start.seconds)),
                ("interval", Json::from(start.interval)),
            ]);
            json(StatusCode::OK, &body)
        }
        Err(fault) => {
            if fault == RegistryFault::Busy {
                authority.note("device grant refused").await;
            }
            refuse_as(&fault)
        }
    }
}

pub(super) async fn page(State(_): State<Arc<Authority>>) -> Response<Body> {
    Page::Device.response()
}
