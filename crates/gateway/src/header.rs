//! Which headers an Agent's message takes along, and how their values are compared. An Agent's credential and cookies
//! are never among them: the list says what goes, not what stays.

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prokura_domain::Era;

use crate::away::{Away, HEADER_MISMATCH, INVALID_REQUEST, own};

pub(crate) const VERSION: &str = "mcp-protocol-version";
pub(crate) const SESSION: &str = "mcp-session-id";
pub(crate) const METHOD: &str = "mcp-method";
pub(crate) const NAME: &str = "mcp-name";
const PARAM: &str = "mcp-param-";
const LAST_EVENT: &str = "last-event-id";

/// The largest value of one header, in bytes.
const VALUE_LIMIT: usize = 8 * 1024;
/// The largest sum of all names and values.
const TOTAL_LIMIT: usize = 64 * 1024;

/// Refuses headers that are larger than anything MCP needs, before any of them is decoded.
pub(crate) fn bounded(headers: &HeaderMap) -> Result<(), Away> {
    let mut total = 0usize;
    for (name, value) in headers {
        total = total.saturating_add(name.as_str().len()).saturating_add(value.len());
        if value.len() > VALUE_LIMIT || total > TOTAL_LIMIT {
            let text = format!(
                "The headers are too large: at most {VALUE_LIMIT} bytes each and {TOTAL_LIMIT} together."
            );
            return Err(Away::new(431, own::HEADERS, "headers too large", text));
        }
    }
    Ok(())
}

/// The one value of a header; `Err` where it occurs twice or is not visible ASCII.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(format!("The header {name} occurs twice; send it once."));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(format!("The header {name} holds characters that are not visible ASCII.")),
    }
}

/// The value behind a header that may use the Base64 sentinel (SEP-2243).
pub(crate) fn decoded(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match inner {
        Some(inner) => String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

/// The header form of a name: as it is where that is safe, else with the Base64 sentinel.
pub(crate) fn encoded(value: &str) -> String {
    let padded = value.starts_with(' ') || value.ends_with(' ');
    let plain = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    let alike = value.starts_with("=?base64?") && value.ends_with("?=");
    if plain && !padded && !alike {
        value.to_owned()
    } else {
        format!("=?base64?{}?=", BASE64_STANDARD.encode(value))
    }
}

/// The headers that go along, names in lower case. `upstream` is the session id the Server knows.
pub(crate) fn outgoing(
    headers: &HeaderMap,
    era: Era,
    upstream: Option<&str>,
) -> Result<Vec<(String, String)>, Away> {
    let mut out: Vec<(String, String)> = Vec::new();
    for name in headers.keys() {
        let name = name.as_str();
        let mirrored = name == METHOD || name == NAME || name.starts_with(PARAM);
        let goes = match era {
            Era::Modern => name == VERSION || mirrored,
            Era::Legacy => name == VERSION || name == LAST_EVENT,
        };
        if !goes {
            continue;
        }
        let value = single(headers, name).map_err(|text| {
            let code = if era == Era::Modern { HEADER_MISMATCH } else { INVALID_REQUEST };
            Away::new(400, code, "malformed header", text)
        })?;
        if let Some(value) = value {
            out.push((name.to_owned(), value.to_owned()));
        }
    }
    if let (Era::Legacy, Some(id)) = (era, upstream) {
        out.push((SESSION.to_owned(), id.to_owned()));
    }
    Ok(out)
}

/// The bearer key, where there is exactly one well-formed `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = single(headers, AUTHORIZATION.as_str()).ok().flatten()?;
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    let fits = !key.is_empty() && key.len() <= 1024;
    (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(key)
}

/// Whether the Host header names this machine by a loopback name: what a page that rebinds its DNS name cannot forge.
pub(crate) fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Ok(Some(host)) = single(headers, HOST.as_str()) else { return false };
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, port)) => match port.strip_prefix(':') {
                Some(port) => (name, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let bracketed = host.starts_with('[');
    let known = if bracketed {
        name == "::1"
    } else {
        name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
    };
    known && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether a request comes from no page at all, or from a page of this very endpoint (ST-02).
pub(crate) fn origin_is_own(headers: &HeaderMap, port: u16) -> bool {
    match single(headers, ORIGIN.as_str()) {
        Ok(None) => true,
        Ok(Some(origin)) => {
            let origin = origin.to_ascii_lowercase();
            ["localhost", "127.0.0.1"].iter().any(|host| origin == format!("http://{host}:{port}"))
        }
        Err(_) => false,
    }
}

/// Whether the body is declared as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    single(headers, CONTENT_TYPE.as_str()).ok().flatten().is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}

/// Which of the two content types an Agent takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepts {
    pub json: bool,
    /// Event streams by name.
    pub stream: bool,
    /// Anything at all.
    pub any: bool,
}

/// Reads `Accept`. A missing header takes everything, but only who names event streams gets one unasked.
pub(crate) fn accepts(headers: &HeaderMap) -> Accepts {
    let any = !headers.contains_key(ACCEPT);
    let mut out = Accepts { json: any, stream: false, any };
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.and_then(|weight| weight.parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
        });
        if refused {
            continue;
        }
        match essence.as_str() {
            "application/json" | "application/*" => out.json = true,
            "*/*" => (out.json, out.any) = (true, true),
            "text/event-stream" | "text/*" => out.stream = true,
            _ => {}
        }
    }
    out
}

/// The name of a header that answers carry.
pub(crate) fn session_name() -> HeaderName {
    HeaderName::from_static(SESSION)
}
