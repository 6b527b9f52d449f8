//! A proxy that adds an agent's key: for the official suite, which cannot send one. It names the gateway's host and
//! origin where its own were named, and passes foreign ones on untouched, so that the gateway's own checks are tested.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::Url;

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Injector {
    port: u16,
    path: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Injector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Clone)]
struct Target {
    http: reqwest::Client,
    base: String,
    authority: String,
    port: u16,
    bearer: HeaderValue,
    /// The revision the agent seems to be of.
    older: Option<&'static str>,
}

impl Injector {
    /// Starts a proxy in front of `endpoint` that adds `key`.
    ///
    /// # Errors
    /// When the system has no port to give, or `endpoint` is not a URL.
    pub async fn start(endpoint: &str, key: &str) -> anyhow::Result<Self> {
        Self::start_as(endpoint, key, None).await
    }

    /// The same for an agent that seems to be of an older revision than it is.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn older(endpoint: &str, key: &str, revision: &'static str) -> anyhow::Result<Self> {
        Self::start_as(endpoint, key, Some(revision)).await
    }

    async fn start_as(
        endpoint: &str,
        key: &str,
        older: Option<&'static str>,
    ) -> anyhow::Result<Self> {
        let url = Url::parse(endpoint)?;
        let (listener, port) = crate::loopback().await?;
        let target = Target {
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            base: format!("{}://{}", url.scheme(), url.authority()),
            authority: url.authority().to_owned(),
            port,
            bearer: HeaderValue::from_str(&format!("Bearer {key}"))?,
            older,
        };
        let router = Router::new().fallback(pass).with_state(target);
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, router).await.is_ok();
        });
        Ok(Self { port, path: url.path().to_owned(), task })
    }

    /// The address for the suite: it insists on the name `localhost`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}{}", self.port, self.path)
    }
}

async fn pass(State(target): State<Target>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let (body, greeting) = match target.older {
        None => (reqwest::Body::wrap_stream(body.into_data_stream()), None),
        Some(older) => match aged(body, older).await {
            Some((body, greeting)) => (reqwest::Body::from(body), greeting),
            None => return StatusCode::BAD_REQUEST.into_response(),
        },
    };
    let sent = target
        .http
        .request(parts.method, format!("{}{path}", target.base))
        .headers(rewritten(&target, &parts.headers))
        .body(body)
        .send()
        .await;
    match sent {
        Ok(answer) => {
            let status = answer.status();
            let mut headers = answer.headers().clone();
            headers.remove(header::TRANSFER_ENCODING);
            headers.remove(header::CONNECTION);
            if let (Some(claimed), Some(older)) = (greeting, target.older) {
                let said = answer.text().await.unwrap_or_default();
                let back = said.replace(&format!("\"{older}\""), &format!("\"{claimed}\""));
                headers.remove(header::CONTENT_LENGTH);
                return (status, headers, back).into_response();
            }
            let body = Body::from_stream(answer.bytes_stream().map_err(std::io::Error::other));
            (status, headers, body).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// The body as an older agent sends it; with the revision that the agent really claimed, where this is its handshake.
async fn aged(body: Body, older: &str) -> Option<(Vec<u8>, Option<String>)> {
    let bytes = axum::body::to_bytes(body, 64 << 20).await.ok()?;
    let Ok(mut message) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
        return Some((bytes.to_vec(), None));
    };
    let greets = message.get("method").and_then(serde_json::Value::as_str) == Some("initialize");
    let claimed = message.pointer_mut("/params/protocolVersion").filter(|_| greets);
    let Some(claimed) = claimed else { return Some((bytes.to_vec(), None)) };
    let really = claimed.as_str().map(str::to_owned);
    *claimed = serde_json::json!(older);
    Some((message.to_string().into_bytes(), really))
}

fn rewritten(target: &Target, from: &HeaderMap) -> HeaderMap {
    let own = [format!("localhost:{}", target.port), format!("127.0.0.1:{}", target.port)];
    let mut headers = HeaderMap::new();
    for (name, value) in from {
        if *name == header::TRANSFER_ENCODING || *name == header::CONNECTION {
            continue;
        }
        if *name == header::CONTENT_LENGTH && target.older.is_some() {
            continue;
        }
        let version = name.as_str() == "mcp-protocol-version";
        match target.older.filter(|_| version) {
            // The header came with 2025-06-18.
            Some(older) if older < "2025-06-18" => {}
            Some(older) => {
                headers.append(name.clone(), HeaderValue::from_static(older));
            }
            None => {
                headers.append(name.clone(), rewrite(name, value, &own, &target.authority));
            }
        }
    }
    headers.insert(header::AUTHORIZATION, target.bearer.clone());
    headers
}

fn rewrite(name: &HeaderName, value: &HeaderValue, own: &[String], authority: &str) -> HeaderValue {
    let text = value.to_str().unwrap_or("");
    let own_origin =
        text.strip_prefix("http://").is_some_and(|rest| own.iter().any(|own| own == rest));
    let own_host = own.iter().any(|own| own == text);
    let new = match *name {
        header::HOST if own_host => HeaderValue::from_str(authority),
        header::ORIGIN if own_origin => HeaderValue::from_str(&format!("http://{authority}")),
        _ => return value.clone(),
    };
    new.unwrap_or_else(|_| value.clone())
}
