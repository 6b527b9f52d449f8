//! How a refusal of the path is told, by method and era. What an Agent has no Grant for does not exist for it.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use prokura_delegation::{Refusal, RefusalCode};
use prokura_domain::{Era, Json};

use super::Errand;
use crate::away::{
    Away, CAPABILITY_NEEDED, INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND, clip, code_of,
    error, result,
};
use crate::tasks::EXTENSION;

/// The status and the message for a request that was refused.
pub(crate) fn refused(errand: &Errand, refusal: &Refusal) -> (StatusCode, Json) {
    let id = errand.id.clone().unwrap_or(Json::Null);
    if refusal.code == RefusalCode::Unknown {
        return unknown(errand, &id);
    }
    if refusal.code == RefusalCode::Malformed {
        let status =
            if errand.era == Era::Modern { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        return (status, error(Some(&id), INVALID_PARAMS, &refusal.message, None));
    }
    if refusal.code == RefusalCode::TasksUndeclared {
        let tasks = Json::object([(EXTENSION, Json::object::<String>([]))]);
        let needed = Json::object([("extensions", tasks)]);
        let data = Json::object([("requiredCapabilities", needed)]);
        let said = error(Some(&id), CAPABILITY_NEEDED, &refusal.message, Some(data));
        return (StatusCode::BAD_REQUEST, said);
    }
    if errand.method == "tools/call" {
        return (StatusCode::OK, result(&id, tool_error(errand.era, &refusal.message)));
    }
    (StatusCode::OK, error(Some(&id), code_of(refusal.code), &refusal.message, None))
}

/// A tool result that says why there is none, so that the model can read it.
pub(crate) fn tool_error(era: Era, text: &str) -> Json {
    let part = Json::object([("type", Json::text("text")), ("text", Json::text(text))]);
    let mut result =
        Json::object([("content", Json::Array(vec![part])), ("isError", Json::from(true))]);
    if era == Era::Modern {
        result.set("resultType", Json::text("complete"));
    }
    result
}

fn unknown(errand: &Errand, id: &Json) -> (StatusCode, Json) {
    let named = clip(errand.named.as_deref().unwrap_or_default(), 200);
    let method = errand.method.as_str();
    let (code, text) = match (method, errand.era) {
        ("tools/call", _) => (INVALID_PARAMS, format!("Unknown tool: {named}")),
        ("prompts/get", _) => (INVALID_PARAMS, format!("Unknown prompt: {named}")),
        ("completion/complete", _) => (INVALID_PARAMS, "Unknown reference".to_owned()),
        ("resources/read" | "resources/subscribe" | "resources/unsubscribe", Era::Legacy) => {
            (RESOURCE_NOT_FOUND, format!("Resource not found: {named}"))
        }
        ("resources/read", Era::Modern) => (INVALID_PARAMS, format!("Resource not found: {named}")),
        _ => (METHOD_NOT_FOUND, format!("Method not found: {}", clip(method, 100))),
    };
    let status = match (errand.era, code) {
        (Era::Legacy, _) => StatusCode::OK,
        (Era::Modern, METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        (Era::Modern, _) => StatusCode::BAD_REQUEST,
    };
    (status, error(Some(id), code, &text, None))
}

/// A refusal of something that is no request: a stream, or the end of a session.
pub(crate) fn refused_plainly(refusal: &Refusal) -> Response<Body> {
    let status = match refusal.code {
        RefusalCode::Unreachable => 502,
        RefusalCode::AuditBroken | RefusalCode::VaultLocked => 503,
        RefusalCode::Internal => 500,
        _ => 403,
    };
    Away::new(status, code_of(refusal.code), "refused", refusal.message.clone()).response()
}
