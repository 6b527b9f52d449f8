//! The authorization endpoint: a browser comes in with a wish, waits while the person decides in Prokura, and goes back
//! with a code. A browser is sent away on an error only to a program of this machine that said it listens there: other
//! places are strangers until the person has let them in.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use prokura_domain::RedirectUri;
use prokura_domain::registry::{RegistryFault, Standing, Visit};

use super::Authority;
use super::form::{Form, is_form};
use super::page::{Page, redirect};

/// How long a browser is kept before it asks again.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest state.
const STATE_LIMIT: usize = 4096;
/// The length of an S256 challenge.
const CHALLENGE: usize = 43;

const NOTHING: &str =
    "Nothing was changed. You can close this page and start again from your agent.";

fn sorry(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    Page::Sorry { status, title, text }.response()
}

fn malformed(text: &str) -> Response<Body> {
    let text = format!("{text} {NOTHING}");
    sorry(StatusCode::BAD_REQUEST, "This request cannot be answered", &text)
}

/// What a browser says about where a request comes from, where it says so (Fetch metadata).
fn fetch(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase)
}

/// Only a whole page of the browser may come here: no frame, no picture, no script.
fn is_whole_page(headers: &HeaderMap) -> bool {
    fetch(headers, "sec-fetch-dest").is_none_or(|dest| dest == "document")
        && fetch(headers, "sec-fetch-mode").is_none_or(|mode| mode == "navigate")
}

pub(super) async fn by_get(
    State(authority): State<Arc<Authority>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(form) = Form::read(query.unwrap_or_default().as_bytes()) else {
        return malformed("A parameter occurs twice.");
    };
    // An agent opens the browser from outside. A page that sends it here may want to startle the person into a yes.
    let elsewhere = fetch(&headers, "sec-fetch-site")
        .is_some_and(|site| site != "none" && site != "same-origin");
    if is_whole_page(&headers) && elsewhere {
        return Page::GoOn { parameters: form.all() }.response();
    }
    begin(&authority, &form, &headers).await
}

pub(super) async fn by_post(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match Form::read(&body).filter(|_| is_form(&headers)) {
        Some(form) => begin(&authority, &form, &headers).await,
        None => malformed("It is no form, or a parameter occurs twice."),
    }
}

async fn begin(authority: &Authority, form: &Form, headers: &HeaderMap) -> Response<Body> {
    if !is_whole_page(headers) {
        authority.note("sign-in page inside another page").await;
        return sorry(StatusCode::FORBIDDEN, "Not inside another page", NOTHING);
    }
    let (Some(id), Some(asked)) = (form.get("client_id"), form.get("redirect_uri")) else {
        return malformed("client_id or redirect_uri is missing.");
    };
    let client = match authority.registry.client(id).await {
        Ok(client) => client,
        Err(fault) => {
            authority.note("sign-in of an unknown client").await;
            let text = format!("{fault}. {NOTHING}");
            return sorry(StatusCode::BAD_REQUEST, "This program is not known to Prokura", &text);
        }
    };
    let Some(redirect_uri) = client.redirect(asked) else {
        authority.note("sign-in with an unregistered redirect URI").await;
        return malformed("The redirect_uri is not one that this program registered.");
    };
    let state = form.get("state").map(str::to_owned);
    let away = Away { authority, redirect_uri: &redirect_uri, state: state.as_deref() };
    let (endpoint, challenge) = match wish(authority, form) {
        Ok(wish) => wish,
        Err((code, text)) => return away.refuse(code, text).await,
    };
    let visit = Visit {
        client,
        endpoint,
        redirect_uri: redirect_uri.clone(),
        state: state.clone(),
        challenge,
    };
    match authority.registry.visit(visit).await {
        Ok(waiting) => redirect(&format!("/oauth/wait/{}", waiting.handle)),
        Err(fault) => away.refuse(fault.code(), &fault.to_string()).await,
    }
}

type Wish = (prokura_domain::Endpoint, String);

/// What is wished for, or the error of RFC 6749 §4.1.2.1 and what it is about.
fn wish(authority: &Authority, form: &Form) -> Result<Wish, (&'static str, &'static str)> {
    if form.get("state").is_some_and(|state| state.len() > STATE_LIMIT) {
        return Err(("invalid_request", "state is too long"));
    }
    if form.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "response_type has to be code"));
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(("invalid_request", "response_mode has to be query"));
    }
    if form.get("request").is_some() || form.get("request_uri").is_some() {
        return Err(("request_not_supported", "request objects are not supported"));
    }
    if form.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "code_challenge_method has to be S256"));
    }
    let challenge = form.get("code_challenge").unwrap_or_default();
    let plain = challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if challenge.len() != CHALLENGE || !plain {
        return Err(("invalid_request", "code_challenge is no S256 challenge"));
    }
    let resource = form.get("resource").ok_or((
        "invalid_target",
        "resource is missing; it is the address of the endpoint, as its metadata says",
    ))?;
    let endpoint = authority
        .endpoint(resource)
        .ok_or(("invalid_target", "resource is no endpoint of this Prokura"))?;
    Ok((endpoint, challenge.to_owned()))
}

/// Where an error goes.
struct Away<'a> {
    authority: &'a Authority,
    redirect_uri: &'a RedirectUri,
    state: Option<&'a str>,
}

impl Away<'_> {
    async fn refuse(&self, code: &str, text: &str) -> Response<Body> {
        self.authority.note("sign-in refused").await;
        if !self.redirect_uri.is_loopback() {
            let text = format!("{text}. {NOTHING}");
            return sorry(StatusCode::BAD_REQUEST, "The sign-in did not work", &text);
        }
        let mut parameters = vec![("error", code), ("error_description", text)];
        parameters.extend(self.state.map(|state| ("state", state)));
        parameters.push(("iss", &self.authority.issuer));
        redirect(&self.redirect_uri.with(&parameters))
    }
}

/// The browser looks what became of its visit. It is kept a while, so that it goes on the moment the person answers.
pub(super) async fn wait(
    State(authority): State<Arc<Authority>>,
    handle: Result<UrlPath<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let gone = || sorry(StatusCode::NOT_FOUND, "This sign-in is over", NOTHING);
    let Ok(UrlPath(handle)) = handle else { return gone() };
    if !is_whole_page(&headers) {
        return sorry(StatusCode::FORBIDDEN, "Not inside another page", NOTHING);
    }
    // The first look shows the number at once.
    let patience = if query.is_some() { PATIENCE } else { Duration::ZERO };
    match authority.registry.standing(&handle, patience).await {
        Standing::Waiting(waiting) => {
            let next = format!("/oauth/wait/{handle}?again");
            Page::Number { client: &waiting.client, number: &waiting.number, next: &next }
                .response()
        }
        Standing::Granted { redirect_uri, state, code } => {
            let mut parameters = vec![("code", code.as_str())];
            parameters.extend(state.as_deref().map(|state| ("state", state)));
            parameters.push(("iss", authority.issuer.as_str()));
            redirect(&redirect_uri.with(&parameters))
        }
        Standing::Refused { redirect_uri, state, fault } => {
            let state = state.as_deref();
            let away = Away { authority: &authority, redirect_uri: &redirect_uri, state };
            let code = match fault {
                RegistryFault::Denied | RegistryFault::Expired => "access_denied",
                ref fault => fault.code(),
            };
            away.refuse(code, &fault.to_string()).await
        }
        Standing::Gone => gone(),
    }
}
