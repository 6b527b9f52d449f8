//! The pages a browser sees while the person decides in Prokura. No scripts, nothing from elsewhere, nothing unescaped,
//! never inside another page; there is no yes on them.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prokura_domain::Digest;

const STYLE: &str = "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:16vh auto;padding:0 1.5rem;\
color:#1c2430;background:#f7f8fa;overflow-wrap:anywhere}h1{font-size:1.4rem}\
output{display:block;font:600 3.4rem/1.2 ui-monospace,monospace;letter-spacing:.08em;margin:1.2rem 0}\
button{font:inherit;padding:.4rem 1rem}p.s{font-size:.95rem;opacity:.75}code{font-size:.95em}\
@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14181e}}";

/// What the browser is told.
pub(super) enum Page<'a> {
    /// The person decides in Prokura; this number is picked there.
    Number { client: &'a str, number: &'a str, next: &'a str },
    /// Another page sent the browser here: nothing is asked before the person goes on.
    GoOn { parameters: &'a [(String, String)] },
    /// What the person does with a code of the device grant.
    Device,
    /// It does not go on.
    Sorry { status: StatusCode, title: &'a str, text: &'a str },
}

impl Page<'_> {
    pub fn response(&self) -> Response<Body> {
        let (status, head, body) = match self {
            Self::Number { client, number, next } => (
                StatusCode::OK,
                format!("<meta http-equiv=\"refresh\" content=\"1;url={}\">", escaped(next)),
                number_body(client, number),
            ),
            Self::GoOn { parameters } => (StatusCode::OK, String::new(), go_on_body(parameters)),
            Self::Device => (StatusCode::OK, String::new(), DEVICE.to_owned()),
            Self::Sorry { status, title, text } => (
                *status,
                String::new(),
                format!("<h1>{}</h1><p>{}</p>", escaped(title), escaped(text)),
            ),
        };
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Prokura</title>{head}\
             <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>{body}</html>"
        );
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        guard(&mut response, matches!(self, Self::GoOn { .. }));
        response
    }
}

const DEVICE: &str = "<h1>Your agent shows a code</h1><p>Open Prokura's own window: it asks whether this agent may \
come in, and shows three codes. Choose the one your agent shows.</p><p class=\"s\">In a terminal: <code>prokura \
approvals list</code>. Nothing is entered on this page.</p>";

fn number_body(client: &str, number: &str) -> String {
    format!(
        "<h1>Go to Prokura's window</h1><p>A program that calls itself \u{201c}{}\u{201d} wants to sign in as your \
         agent. Prokura asks you in its own window. Choose this number there:</p><output>{}</output>\
         <p class=\"s\">In a terminal: <code>prokura approvals list</code>. If you did not start this, deny it there, or \
         close this page. It goes on by itself once you have answered.</p>",
        escaped(&visible(client)),
        escaped(number)
    )
}

fn go_on_body(parameters: &[(String, String)]) -> String {
    let inputs: String = parameters
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escaped(name),
                escaped(value)
            )
        })
        .collect();
    format!(
        "<h1>A web page wants to sign an agent in to Prokura</h1><p>Go on only if you have just started this yourself. \
         Prokura then asks you in its own window.</p><form method=\"post\" action=\"/oauth/authorize\">{inputs}\
         <button>Go on</button></form>"
    )
}

/// Sends the browser on; what it passed on the way is told to nobody.
pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    match HeaderValue::from_str(to) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(LOCATION, location);
            guard(&mut response, false);
            response
        }
        Err(_) => Page::Sorry {
            status: StatusCode::BAD_REQUEST,
            title: "This address cannot be gone to",
            text: "Nothing was changed. You can close this page.",
        }
        .response(),
    }
}

/// The headers that keep a page to itself.
fn guard(response: &mut Response<Body>, form: bool) {
    let headers = response.headers_mut();
    // A form that is sent from a page without a referrer has no origin either, and would be taken for a foreign one.
    let referrer = if form { "same-origin" } else { "no-referrer" };
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, referrer),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let style = BASE64_STANDARD.encode(Digest::of(&[STYLE.as_bytes()]).0);
    let forms = if form { "'self'" } else { "'none'" };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A claim with nothing in it that hides or reorders its neighbours.
fn visible(text: &str) -> String {
    text.chars()
        .map(|sign| {
            let hidden = sign.is_control()
                || matches!(u32::from(sign),
                    0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
                    | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
                    | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF);
            if hidden { '\u{fffd}' } else { sign }
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, sign| {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            sign => out.push(sign),
        }
        out
    })
}
