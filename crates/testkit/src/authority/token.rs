//! Registration, tokens and revocation.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::state::{Books, Client, Held, Refresh, Trouble, Weak};

type Fields = HashMap<String, String>;

fn fault(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

pub(super) async fn register(State(weak): State<Weak>, Json(wish): Json<Value>) -> Response {
    let Some(authority) = weak.authority() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let redirects: Vec<String> = wish
        .get("redirect_uris")
        .and_then(Value::as_array)
        .map(|uris| uris.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    if redirects.is_empty() {
        return fault(StatusCode::BAD_REQUEST, "invalid_redirect_uri");
    }
    let method = wish
        .get("token_endpoint_auth_method")
        .and_then(Value::as_str)
        .unwrap_or("client_secret_basic");
    let mut books = authority.books();
    let id = crate::random_text("client-");
    let secret = (method != "none").then(|| books.issue("secret-"));
    books
        .clients
        .insert(id.clone(), Client { redirects: redirects.clone(), secret: secret.clone() });
    let mut answer = json!({
        "client_id": id,
        "redirect_uris": redirects,
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    if let (Some(secret), Some(members)) = (secret, answer.as_object_mut()) {
        members.insert("client_secret".to_owned(), json!(secret));
        members.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

pub(super) async fn token(
    State(weak): State<Weak>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let Some(authority) = weak.authority() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let mut books = authority.books();
    if books.trouble == Trouble::TokenEndpointDown {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the token endpoint is out of order")
            .into_response();
    }
    let Some(client) = known_client(&books, &headers, &fields) else {
        return fault(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let granted = match fields.get("grant_type").map(String::as_str) {
        Some("authorization_code") => by_code(&mut books, &client, &fields),
        Some("refresh_token") => by_refresh(&mut books, &client, &fields),
        _ => Err("unsupported_grant_type"),
    };
    let (status, mut answer) = match granted {
        Ok(held) => (StatusCode::OK, issue(&mut books, held)),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
    };
    if let Some(members) = answer.as_object_mut() {
        members.extend(books.added.clone());
    }
    (status, Json(answer)).into_response()
}

pub(super) async fn revoke(
    State(weak): State<Weak>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let Some(authority) = weak.authority() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let mut books = authority.books();
    if known_client(&books, &headers, &fields).is_none() {
        return fault(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let token = fields.get("token").cloned().unwrap_or_default();
    let grant = books.refresh.get(&token).map(|held| held.grant);
    match grant {
        Some(grant) => books.end_grant(grant),
        None => {
            if let Some(held) = books.access.get_mut(&token) {
                held.revoked = true;
            }
        }
    }
    // RFC 7009 §2.2: an unknown token is answered alike.
    StatusCode::OK.into_response()
}

fn known_client(books: &Books, headers: &HeaderMap, fields: &Fields) -> Option<String> {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (id, secret) = match &basic {
        Some(pair) => {
            let (id, secret) = pair.split_once(':')?;
            (id.to_owned(), Some(secret.to_owned()))
        }
        None => (fields.get("client_id")?.clone(), fields.get("client_secret").cloned()),
    };
    let client = books.clients.get(&id)?;
    (client.secret == secret).then_some(id)
}

fn by_code(books: &mut Books, client: &str, fields: &Fields) -> Result<Refresh, &'static str> {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let code = books.codes.remove(field("code")).ok_or("invalid_grant")?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
    if code.client != client
        || code.redirect != field("redirect_uri")
        || code.challenge != challenge
    {
        return Err("invalid_grant");
    }
    if field("resource") != code.resource {
        return Err("invalid_target");
    }
    books.grants += 1;
    Ok(Refresh {
        person: code.person,
        client: code.client,
        resource: code.resource,
        scope: code.scope,
        grant: books.grants,
    })
}

fn by_refresh(books: &mut Books, client: &str, fields: &Fields) -> Result<Refresh, &'static str> {
    let token = fields.get("refresh_token").cloned().unwrap_or_default();
    if let Some(grant) = books.spent.get(&token).copied() {
        books.end_grant(grant);
        return Err("invalid_grant");
    }
    let held = books.refresh.get(&token).cloned().ok_or("invalid_grant")?;
    if held.client != client {
        return Err("invalid_grant");
    }
    if fields.get("resource") != Some(&held.resource) {
        return Err("invalid_target");
    }
    books.refresh.remove(&token);
    books.spent.insert(token, held.grant);
    Ok(held)
}

fn issue(books: &mut Books, held: Refresh) -> Value {
    let access = books.issue("access-");
    let refresh = books.issue("refresh-");
    let life = books.life;
    books.access.insert(
        access.clone(),
        Held {
            resource: held.resource.clone(),
            scope: held.scope.clone(),
            client: held.client.clone(),
            expires: Instant::now() + Duration::from_secs(life),
            revoked: false,
            grant: held.grant,
        },
    );
    let answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "id_token": id_token(books, &held.person),
        "expires_in": life,
        "refresh_token": refresh,
        "scope": held.scope,
    });
    books.refresh.insert(refresh, held);
    answer
}

/// Who signed in, as OpenID providers say it beside the tokens; it opens nothing, and nobody checks its signature.
fn id_token(books: &mut Books, person: &str) -> String {
    let part = |claims: Value| URL_SAFE_NO_PAD.encode(claims.to_string());
    let head = part(json!({ "alg": "none" }));
    let token = format!("{head}.{}.", part(json!({ "sub": person, "preferred_username": person })));
    books.issued.push(token.clone());
    token
}
