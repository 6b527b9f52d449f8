//! Which era a message belongs to, and what a message of the modern era has to carry (ST-08 to ST-10, P-09).
//! What is not recognised here is not refused here: the Server answers for itself.

use axum::http::HeaderMap;
use prokura_domain::protocol::{LEGACY_VERSIONS, META_CAPABILITIES, META_VERSION, MODERN};
use prokura_domain::{Era, Json};

use crate::away::{
    Away, HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, UNSUPPORTED_VERSION,
    clip,
};
use crate::header::{METHOD, NAME, VERSION, decoded, single};
use crate::letter::{Letter, Shape, named_by};

/// Methods that the modern revision took away.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// The era of a message: the body's word first, then the method's, then the header's.
pub(crate) fn of(letter: &Letter, headers: &HeaderMap) -> Era {
    if letter.states_version() || letter.is("server/discover") {
        Era::Modern
    } else if letter.is("initialize") {
        Era::Legacy
    } else {
        stated(headers)
    }
}

/// The era that the headers alone state.
pub(crate) fn stated(headers: &HeaderMap) -> Era {
    let modern = headers.get_all(VERSION).iter().any(|value| value.as_bytes() == MODERN.as_bytes());
    if modern { Era::Modern } else { Era::Legacy }
}

/// What a modern message has to carry.
pub(crate) fn check_modern(letter: &Letter, headers: &HeaderMap) -> Result<(), Away> {
    match &letter.shape {
        Shape::Response { .. } => {
            let text = "Invalid request: this revision has no responses from clients; send the request again with \
                        its inputResponses.";
            Err(Away::new(400, INVALID_REQUEST, "response of a modern agent", text))
        }
        Shape::Notification { method } => {
            mirrored(headers, METHOD, false, Some(method)).map_err(mismatch)
        }
        Shape::Request { method, .. } => {
            let version = meta(letter)?;
            let checked = mirrored(headers, VERSION, true, Some(version))
                .and_then(|()| mirrored(headers, METHOD, true, Some(method)))
                .and_then(|()| name(letter, headers, method));
            checked.map_err(mismatch)?;
            spoken(version)?;
            if REMOVED.contains(&method.as_str()) {
                let text = format!("Method not found: {method} is not part of {MODERN}.");
                return Err(Away::new(404, METHOD_NOT_FOUND, "removed method", text));
            }
            Ok(())
        }
    }
}

/// What a legacy message may say of its version (SL-01). `negotiated` is what its session agreed on.
pub(crate) fn check_legacy(headers: &HeaderMap, negotiated: Option<&str>) -> Result<(), Away> {
    let refuse = |text: String| Err(Away::new(400, INVALID_REQUEST, "version header", text));
    match single(headers, VERSION) {
        Ok(None) => Ok(()),
        Ok(Some(version)) if LEGACY_VERSIONS.contains(&version) || negotiated == Some(version) => {
            Ok(())
        }
        Ok(Some(version)) => {
            let known = LEGACY_VERSIONS.join(", ");
            refuse(format!(
                "MCP-Protocol-Version {} is not spoken in a session; known are {known}.",
                clip(version, 40)
            ))
        }
        Err(text) => refuse(text),
    }
}

/// The `_meta` members that every modern request carries; gives back the version.
fn meta(letter: &Letter) -> Result<&str, Away> {
    let missing = |key: &str| {
        let text = format!("Invalid params: every {MODERN} request carries _meta[\"{key}\"].");
        Away::new(400, INVALID_PARAMS, "missing _meta", text)
    };
    let version = letter.meta(META_VERSION).and_then(Json::as_str);
    let version = version.ok_or_else(|| missing(META_VERSION))?;
    match letter.meta(META_CAPABILITIES) {
        Some(Json::Object(_)) => Ok(version),
        _ => Err(missing(META_CAPABILITIES)),
    }
}

/// Compares a mirrored header with the body, whose values are case-sensitive.
fn mirrored(
    headers: &HeaderMap,
    header: &'static str,
    required: bool,
    body: Option<&str>,
) -> Result<(), String> {
    match (single(headers, header)?, body) {
        (None, Some(_)) if required => Err(format!("the header {header} is missing.")),
        (Some(value), Some(body)) if value != body => {
            Err(format!("the header {header} says something else than the body."))
        }
        _ => Ok(()),
    }
}

fn name(letter: &Letter, headers: &HeaderMap, method: &str) -> Result<(), String> {
    let given = single(headers, NAME)?;
    let Some(member) = named_by(method) else { return Ok(()) };
    let params = letter.json.member("params");
    let Some(body) = params.and_then(|params| params.member(member)).and_then(Json::as_str) else {
        return Ok(());
    };
    let Some(given) = given else {
        return Err(format!(
            "the header {NAME} is missing; it repeats the parameter \"{member}\"."
        ));
    };
    match decoded(given) {
        None => Err(format!("the header {NAME} is not valid Base64.")),
        Some(given) if given == body => Ok(()),
        Some(_) => Err(format!("the header {NAME} says something else than the body.")),
    }
}

fn mismatch(text: String) -> Away {
    Away::new(400, HEADER_MISMATCH, "header mismatch", format!("Header mismatch: {text}"))
}

fn spoken(version: &str) -> Result<(), Away> {
    if version == MODERN {
        return Ok(());
    }
    let text = format!("Unsupported protocol version: {}", clip(version, 40));
    let data = Json::object([
        ("supported", Json::Array(vec![Json::text(MODERN)])),
        ("requested", Json::text(version)),
    ]);
    Err(Away::new(400, UNSUPPORTED_VERSION, "version not spoken", text).with(data))
}
