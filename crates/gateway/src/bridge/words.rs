//! What a message is called in the other era. Pure: a message in, a message out. It must never touch what a message
//! says, only the members by which the eras differ.

use prokura_domain::Json;
use prokura_domain::protocol::{
    LEGACY_VERSIONS, META_CAPABILITIES, META_CLIENT, META_LOG_LEVEL, META_SERVER,
    META_SUBSCRIPTION, META_VERSION, MODERN,
};

use crate::away::{INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND};

/// Methods that a modern server may answer with `input_required` (SB-07).
pub(crate) const ASKING: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// Methods whose modern results say how long they may be kept (SB-06).
const CACHED: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

/// `_meta` members that only a modern request has.
const MODERN_META: [&str; 4] = [META_VERSION, META_CAPABILITIES, META_CLIENT, META_LOG_LEVEL];

/// Severities of `notifications/message`, least severe first.
const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// How severe a level is.
pub(crate) fn severity(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}

/// A JSON-RPC message.
pub(crate) fn message(id: Option<&Json>, method: &str, params: Json) -> Json {
    let mut message = Json::object([("jsonrpc", Json::text("2.0"))]);
    if let Some(id) = id {
        message.set("id", id.clone());
    }
    message.set("method", Json::text(method));
    message.set("params", params);
    message
}

/// The parameters of a modern request as a session takes them.
pub(crate) fn params_down(mut params: Json) -> Json {
    params.remove("inputResponses");
    params.remove("requestState");
    if let Some(meta) = params.member_mut("_meta") {
        for key in MODERN_META {
            meta.remove(key);
        }
        if meta.members().is_some_and(<[_]>::is_empty) {
            params.remove("_meta");
        }
    }
    params
}

/// The parameters of a session's request as they stand for themselves: `stamp` is who asks and what it can do.
pub(crate) fn params_up(mut params: Json, stamp: &[(&str, Json)]) -> Json {
    if params.member("_meta").and_then(Json::members).is_none() {
        params.set("_meta", Json::Object(Vec::new()));
    }
    if let Some(meta) = params.member_mut("_meta") {
        for (key, value) in stamp {
            meta.set(key, value.clone());
        }
    }
    params
}

/// A session's result as a modern agent gets it. It was cut to this Agent's Grants, so nobody else may keep it (P-13).
pub(crate) fn result_down(method: &str, mut result: Json, server: Option<&Json>) -> Json {
    if result.members().is_none() {
        return result;
    }
    if result.member("resultType").is_none() {
        result.set("resultType", Json::text("complete"));
    }
    if CACHED.contains(&method) {
        if result.member("ttlMs").is_none() {
            result.set("ttlMs", Json::from(0i64));
        }
        result.set("cacheScope", Json::text("private"));
    }
    if let Some(server) = server {
        if result.member("_meta").and_then(Json::members).is_none() {
            result.set("_meta", Json::Object(Vec::new()));
        }
        if let Some(meta) = result.member_mut("_meta").filter(|m| m.member(META_SERVER).is_none()) {
            meta.set(META_SERVER, server.clone());
        }
    }
    result
}

/// A modern result as a session gives it.
pub(crate) fn result_up(method: &str, mut result: Json) -> Json {
    result.remove("resultType");
    if CACHED.contains(&method) {
        result.remove("ttlMs");
        result.remove("cacheScope");
    }
    if let Some(meta) = result.member_mut("_meta") {
        meta.remove(META_SERVER);
        meta.remove(META_SUBSCRIPTION);
        if meta.members().is_some_and(<[_]>::is_empty) {
            result.remove("_meta");
        }
    }
    let is_object = |value: &Json| value.members().is_some();
    // Before 2026-07-28 structured content is an object, and its schema describes one.
    if method == "tools/call" && result.member("structuredContent").is_some_and(|v| !is_object(v)) {
        result.remove("structuredContent");
    }
    if let ("tools/list", Some(Json::Array(tools))) = (method, result.member_mut("tools")) {
        for tool in tools {
            let kind = tool.at("/outputSchema/type").and_then(Json::as_str);
            if tool.member("outputSchema").is_some() && kind != Some("object") {
                tool.remove("outputSchema");
            }
        }
    }
    result
}

/// A session's error as a modern agent gets it, with its HTTP status.
pub(crate) fn error_down(method: &str, mut error: Json) -> (u16, Json) {
    let code = error.member("code").map(Json::to_text).unwrap_or_default();
    if code == RESOURCE_NOT_FOUND.to_string() {
        error.set("code", Json::from(INVALID_PARAMS));
        return (400, error);
    }
    let about_params = code == INVALID_PARAMS.to_string() && method == "resources/read";
    let modern = ["-32020", "-32021", "-32022"].contains(&code.as_str());
    let status = if code == METHOD_NOT_FOUND.to_string() {
        404
    } else if about_params || modern {
        400
    } else {
        200
    };
    (status, error)
}

/// A modern error as a session gives it.
pub(crate) fn error_up(method: &str, mut error: Json) -> Json {
    let code = error.member("code").map(Json::to_text).unwrap_or_default();
    if method == "resources/read" && code == INVALID_PARAMS.to_string() {
        error.set("code", Json::from(RESOURCE_NOT_FOUND));
    }
    error
}

/// What `server/discover` says of a server whose handshake answered `greeting`. Its tasks are those of 2025-11-25, which
/// the modern revision does not have.
pub(crate) fn discovered(greeting: &Json) -> Json {
    let versions = std::iter::once(MODERN).chain(LEGACY_VERSIONS).map(Json::text).collect();
    let mut capabilities =
        greeting.member("capabilities").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    capabilities.remove("tasks");
    let mut result = Json::object([
        ("supportedVersions", Json::Array(versions)),
        ("capabilities", capabilities),
    ]);
    if let Some(instructions) = greeting.member("instructions") {
        result.set("instructions", instructions.clone());
    }
    result_down("server/discover", result, greeting.member("serverInfo"))
}

/// What the handshake with a modern server would have said. Extensions are of the modern revision.
pub(crate) fn greeting(discovered: &Json, version: &str) -> Json {
    let mut capabilities =
        discovered.member("capabilities").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    capabilities.remove("extensions");
    // A session has a log level from the start; per request there is always one to ask for.
    let info = discovered.member("_meta").and_then(|meta| meta.member(META_SERVER)).cloned();
    let nobody = || Json::object([("name", Json::text("server")), ("version", Json::text(""))]);
    let mut result = Json::object([
        ("protocolVersion", Json::text(version)),
        ("capabilities", capabilities),
        ("serverInfo", info.unwrap_or_else(nobody)),
    ]);
    if let Some(instructions) = discovered.member("instructions") {
        result.set("instructions", instructions.clone());
    }
    result
}

/// Whether an agent that says it has `capabilities` can be asked this (CP-14, CP-20).
pub(crate) fn answers(capabilities: &Json, method: &str, params: &Json) -> bool {
    match method {
        "elicitation/create" => {
            let Some(modes) = capabilities.member("elicitation") else { return false };
            match params.member("mode").and_then(Json::as_str) {
                Some("url") => modes.member("url").is_some(),
                _ => modes.member("form").is_some() || modes.member("url").is_none(),
            }
        }
        "sampling/createMessage" => capabilities.member("sampling").is_some(),
        "roots/list" => capabilities.member("roots").is_some(),
        _ => false,
    }
}

#[cfg(test)]
#[path = "words/tests.rs"]
mod tests;
