//! The era filter: a reference server that knows only some revisions answers the others as a server of its time does.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use prokura_domain::protocol::{META_VERSION, MODERN};
use serde_json::{Value, json};

/// Which revisions a server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// All of them.
    Everything,
    /// Sessions up to this revision.
    Sessions(&'static str),
    /// 2026-07-28 and nothing before it.
    Modern,
}

/// Lets through what `speaks` knows.
pub(super) async fn only(State(speaks): State<Speaks>, request: Request, next: Next) -> Response {
    if speaks == Speaks::Everything {
        return next.run(request).await;
    }
    if request.method() != Method::POST {
        return match speaks {
            Speaks::Modern => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            Speaks::Sessions(_) | Speaks::Everything => next.run(request).await,
        };
    }
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, 64 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let message: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    let stands_alone =
        message.pointer("/params/_meta").is_some_and(|meta| meta.get(META_VERSION).is_some());
    let bytes = match speaks {
        Speaks::Modern if !stands_alone => {
            return refused(
                &message,
                -32022,
                "Unsupported protocol version",
                json!({ "supported": [MODERN] }),
            );
        }
        Speaks::Sessions(_) if stands_alone || method == "server/discover" => {
            return refused(
                &message,
                -32000,
                "Bad Request: No valid session ID provided",
                Value::Null,
            );
        }
        Speaks::Sessions(newest) if method == "initialize" => downgraded(message, newest, bytes),
        Speaks::Modern | Speaks::Sessions(_) | Speaks::Everything => bytes,
    };
    // A header that its time did not know yet, or that is of no use before the handshake.
    if matches!(speaks, Speaks::Sessions(newest) if newest < "2025-06-18") || method == "initialize"
    {
        parts.headers.remove("mcp-protocol-version");
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// The handshake as an older server takes it: what it does not know becomes its newest.
fn downgraded(mut message: Value, newest: &str, bytes: Bytes) -> Bytes {
    let Some(version) = message.pointer_mut("/params/protocolVersion") else { return bytes };
    if version.as_str().is_some_and(|asked| asked > newest) {
        *version = json!(newest);
        return Bytes::from(message.to_string());
    }
    bytes
}

fn refused(message: &Value, code: i64, text: &str, data: Value) -> Response {
    let mut error = json!({ "code": code, "message": text });
    if let (false, Some(members)) = (data.is_null(), error.as_object_mut()) {
        members.insert("data".to_owned(), data);
    }
    let body = json!({ "jsonrpc": "2.0", "id": message.get("id"), "error": error });
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}
