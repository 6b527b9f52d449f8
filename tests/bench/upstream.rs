//! The server behind everything: 2025-11-25 over HTTP, as little as a server can do. `/mcp` has a few tools, `/many/mcp` two
//! hundred.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub async fn serve() {
    let app = Router::new()
        .route("/mcp", post(|request: Request| answer(request, false)))
        .route("/many/mcp", post(|request: Request| answer(request, true)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, app).await.unwrap();
}

async fn answer(request: Request, many: bool) -> Response {
    let body = axum::body::to_bytes(request.into_body(), 8 << 20).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let arguments = &message["params"]["arguments"];
    let text = |text: String| json!({ "content": [{ "type": "text", "text": text }] });
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "upstream", "version": "1.0.0" },
            });
            let session = [("mcp-session-id", "1f0e6a1c-bench")];
            return (session, json_body(id, result)).into_response();
        }
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools(many) }),
        "tools/call" => match message["params"]["name"].as_str().unwrap_or_default() {
            "blob" => text("x".repeat(arguments["size"].as_u64().unwrap_or_default() as usize)),
            "progress" => return progress(id, &message),
            _ => text(arguments["text"].as_str().unwrap_or_default().to_owned()),
        },
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            return axum::Json(body).into_response();
        }
    };
    json_body(id, result).into_response()
}

fn json_body(id: &Value, result: Value) -> impl axum::response::IntoResponse + use<> {
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

/// A thousand notifications, then the result.
fn progress(id: &Value, message: &Value) -> Response {
    let token = message["params"]["_meta"]["progressToken"].clone();
    let mut stream = String::new();
    for at in 1..=1000 {
        let params = json!({ "progressToken": token, "progress": at, "total": 1000 });
        let note =
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
        stream.push_str(&format!("event: message\ndata: {note}\n\n"));
    }
    let result = json!({ "content": [{ "type": "text", "text": "done" }] });
    let last = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    stream.push_str(&format!("event: message\ndata: {last}\n\n"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "text/event-stream".parse().unwrap());
    // In pieces, as a server that works would send it.
    let pieces: Vec<Result<String, std::convert::Infallible>> = stream
        .as_bytes()
        .chunks(4096)
        .map(|piece| Ok(String::from_utf8_lossy(piece).into_owned()))
        .collect();
    (headers, Body::from_stream(futures::stream::iter(pieces))).into_response()
}

fn tools(many: bool) -> Vec<Value> {
    let tool = |name: String, description: String| {
        let text = json!({ "type": "string", "description": "What it is about." });
        let size = json!({ "type": "integer", "minimum": 0 });
        let schema =
            json!({ "type": "object", "properties": { "text": text, "size": size, "note": text } });
        json!({ "name": name, "description": description, "inputSchema": schema })
    };
    let few = ["echo", "save", "blob", "progress"];
    let mut tools: Vec<Value> =
        few.iter().map(|name| tool((*name).to_owned(), format!("The tool {name}."))).collect();
    if many {
        tools = (0..200).map(|at| tool(format!("tool_{at}"), "A sentence. ".repeat(110))).collect();
    }
    tools
}
