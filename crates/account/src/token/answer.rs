//! What an authorization server answered, judged. Habits of the field are made regular: an error under status 200,
//! a lifetime written as text, scopes as a list. It must never show anything of a body but `error` and a trimmed `error_description`.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Answer, Granted, TokenFault};
use crate::challenge;
use crate::error::AccountError;
use crate::text;

/// No token is longer than this.
const MAX_TOKEN: usize = 64 * 1024;
const NO_ANSWER: &str = "its answer is not one of a token endpoint";

pub(super) struct Issued {
    access_token: Zeroizing<String>,
    token_type: String,
    refresh_token: Option<Zeroizing<String>>,
    id_token: Option<Zeroizing<String>>,
    issued_token_type: Option<String>,
    scopes: Option<Vec<String>>,
    lifetime: Option<i64>,
}

/// Reads an answer that should hold tokens; an error is one whatever its status. A member that could be left out and makes
/// no sense is left out: whoever rotates refresh tokens has spent the old one by now, so an answer is not thrown away for
/// its trimmings.
pub(super) fn read(answer: &Answer) -> Result<Issued, TokenFault> {
    let body = answer.body();
    if answer.status() != StatusCode::OK {
        return Err(said_or(body, NO_ANSWER));
    }
    let is_json = |kind: &http::HeaderValue| {
        kind.to_str().is_ok_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
    };
    if !answer.headers().get(http::header::CONTENT_TYPE).is_none_or(is_json) {
        return Err(refused("", NO_ANSWER));
    }
    // A member that stands there twice has two readings: such a body is refused.
    let is_plain = prokura_domain::Json::read(body).is_ok();
    let read = serde_json::from_slice::<Map<String, Value>>(body).ok().filter(|_| is_plain);
    // The body may hold tokens: nothing of it is shown, unless it is an error.
    let Some(mut said) = read else { return Err(refused("", NO_ANSWER)) };
    let mut text = |name: &str| match said.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (access, kind, error) = (text("access_token"), text("token_type"), text("error"));
    let (access_token, token_type) = match (access, kind) {
        (Some(access), Some(kind)) => (Zeroizing::new(access), kind),
        (None, _) if error.is_some() => {
            return Err(told(&error.unwrap_or_default(), text("error_description").as_deref()));
        }
        _ => return Err(refused("", NO_ANSWER)),
    };
    Ok(Issued {
        access_token,
        token_type,
        refresh_token: text("refresh_token").map(Zeroizing::new),
        id_token: text("id_token").map(Zeroizing::new),
        issued_token_type: text("issued_token_type"),
        scopes: said.get("scope").and_then(scopes),
        lifetime: said.get("expires_in").and_then(seconds),
    })
}

/// Scopes, as one text or as a list.
fn scopes(value: &Value) -> Option<Vec<String>> {
    let all: Vec<&str> = match value {
        Value::String(text) => text.split(' ').collect(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    Some(all.into_iter().filter(|scope| challenge::is_scope(scope)).map(str::to_owned).collect())
}

/// Judges what was issued. `bound`: a key was shown, and a token that is not bound to it is a weaker one than was asked
/// for.
pub(super) fn judge(answer: &Answer, bound: bool) -> Result<Granted, TokenFault> {
    let issued = read(answer)?;
    let is = |kind: &str| issued.token_type.eq_ignore_ascii_case(kind);
    match bound {
        true if is("dpop") => {}
        true if is("bearer") => {
            return Err(refused(
                "",
                "it issued a token that is not bound to the key of this account",
            ));
        }
        true => return Err(refused("", "its token is of a kind that was not asked for")),
        false if is("bearer") => {}
        false => return Err(refused("", "its token is not a bearer token")),
    }
    if !fits(&issued.access_token) {
        return Err(refused("", "its token is not one"));
    }
    Ok(Granted {
        access: issued.access_token,
        refresh: issued.refresh_token.filter(|token| fits(token)),
        lifetime: issued.lifetime,
        scopes: issued.scopes,
        id_token: issued.id_token,
    })
}

/// Reads the answer of a token exchange (RFC 8693 §2.2).
pub(super) fn read_exchange(
    answer: &Answer,
    wanted: &str,
) -> Result<Zeroizing<String>, TokenFault> {
    let issued = read(answer)?;
    if issued.issued_token_type.as_deref() != Some(wanted) {
        return Err(refused("", "it issued another kind of token than was asked for"));
    }
    if !fits(&issued.access_token) {
        return Err(refused("", "its token is not one"));
    }
    Ok(issued.access_token)
}

/// Reads the answer to a pushed authorization request (RFC 9126 §2.2).
pub(super) fn read_pushed(answer: &Answer) -> Result<String, TokenFault> {
    #[derive(Deserialize)]
    struct Pushed {
        request_uri: String,
    }
    if !answer.status().is_success() {
        return Err(said_in(answer.body()));
    }
    serde_json::from_slice::<Pushed>(answer.body())
        .ok()
        .map(|pushed| pushed.request_uri)
        .filter(|uri| uri.len() <= 2048 && fits(uri))
        .ok_or_else(|| refused("", "its answer is not one to a pushed request"))
}

fn fits(token: &str) -> bool {
    !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(|b| b.is_ascii_graphic())
}

/// A lifetime in whole seconds, as a number or as its text; none for what is no time.
fn seconds(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        Value::Number(number) => match number.as_i64() {
            Some(whole) => return Some(whole),
            None => number.as_f64()?,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let time = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    i64::try_from(time.as_secs()).ok()
}

pub(super) fn refused(code: &str, said: &str) -> TokenFault {
    TokenFault::Refused { code: code.to_owned(), said: said.to_owned() }
}

/// `error` and `error_description`, as far as they may be shown.
fn told(code: &str, description: Option<&str>) -> TokenFault {
    match code {
        "temporarily_unavailable" | "server_error" | "slow_down" => {
            TokenFault::Passing(AccountError::Unreachable {
                host: "the authorization server".to_owned(),
                reason: code.to_owned(),
            })
        }
        _ => TokenFault::Refused { code: code.to_owned(), said: error_text(code, description) },
    }
}

#[derive(Deserialize)]
struct Said {
    error: String,
    error_description: Option<String>,
}

/// What is shown of an OAuth error.
pub(crate) fn error_text(code: &str, description: Option<&str>) -> String {
    let code = text::printable(code, 60);
    match description.map(|text| text::printable(text, 200)).filter(|text| !text.is_empty()) {
        Some(description) => format!("{code}: {description}"),
        None => code,
    }
}

/// The OAuth error in a body, if there is one.
pub(crate) fn said_in(body: &[u8]) -> TokenFault {
    said_or(body, "it gave no reason")
}

fn said_or(body: &[u8], nothing: &str) -> TokenFault {
    match serde_json::from_slice::<Said>(body) {
        Ok(said) => told(&said.error, said.error_description.as_deref()),
        Err(_) => refused("", nothing),
    }
}
