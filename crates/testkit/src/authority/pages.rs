//! The pages a person's browser sees: metadata beside them, because both are plain GETs.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use url::Url;

use super::state::{Code, Weak};
use super::{Authority, Trouble};

type Fields = HashMap<String, String>;

/// The page did not ask as it should: the person is told, nobody is redirected.
struct Wrong(&'static str);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Html(page("This sign-in cannot go on", &escape(self.0))))
            .into_response()
    }
}

pub(super) async fn metadata(State(weak): State<Weak>) -> Response {
    match weak.authority() {
        Some(authority) => Json(authority.metadata()).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

pub(super) async fn authorize(State(weak): State<Weak>, Query(fields): Query<Fields>) -> Response {
    let Some(authority) = weak.authority() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if let Err(wrong) = check(&authority, &fields) {
        return wrong.into_response();
    }
    let hidden: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
        })
        .collect();
    let resource = fields.get("resource").map_or("", String::as_str);
    let body = format!(
        "<p>A program on this computer asks for access to <b>{}</b>.</p>\
         <form method=\"post\" action=\"/authorize\">{hidden}\
         <label>Name <input name=\"login\" value=\"ada\"></label>\
         <button type=\"submit\" name=\"choice\" value=\"allow\">Sign in</button>\
         <button type=\"submit\" name=\"choice\" value=\"deny\" class=\"quiet\">Not now</button></form>",
        escape(resource)
    );
    Html(page(&format!("Sign in to {}", escape(&authority.0.name)), &body)).into_response()
}

pub(super) async fn consent(State(weak): State<Weak>, Form(fields): Form<Fields>) -> Response {
    let Some(authority) = weak.authority() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let code = match check(&authority, &fields) {
        Ok(code) => code,
        Err(wrong) => return wrong.into_response(),
    };
    let trouble = authority.books().trouble;
    let denied = fields.get("choice").is_some_and(|choice| choice == "deny");
    let Ok(mut target) = Url::parse(&code.redirect) else {
        return Wrong("The redirect is not a URL.").into_response();
    };
    {
        let mut query = target.query_pairs_mut();
        if denied || trouble == Trouble::PersonDenies {
            query.append_pair("error", "access_denied");
            query.append_pair("error_description", "The person said no.");
        } else {
            let mut books = authority.books();
            let text = books.issue("code-");
            books.codes.insert(text.clone(), code);
            query.append_pair("code", &text);
        }
        let state = fields.get("state").map_or("", String::as_str);
        match trouble {
            Trouble::TamperedState => query.append_pair("state", &format!("{state}x")),
            _ => query.append_pair("state", state),
        };
        match trouble {
            Trouble::MissingIss => {}
            Trouble::ForeignIss => {
                query.append_pair("iss", "https://issuer.example");
            }
            _ => {
                query.append_pair("iss", authority.issuer());
            }
        }
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, String::from(target))]).into_response()
}

fn check(authority: &Authority, fields: &Fields) -> Result<Code, Wrong> {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let books = authority.books();
    let client = books
        .clients
        .get(&field("client_id"))
        .ok_or(Wrong("Nobody has registered this program."))?;
    let redirect = field("redirect_uri");
    if !client.redirects.iter().any(|known| same_redirect(known, &redirect)) {
        return Err(Wrong("The program asks to be sent to an address that it did not register."));
    }
    if field("response_type") != "code" || field("code_challenge_method") != "S256" {
        return Err(Wrong("The program must use the code flow with PKCE S256."));
    }
    if field("code_challenge").is_empty() {
        return Err(Wrong("The program sent no code challenge."));
    }
    let resource = field("resource");
    if !books.resources.contains(&resource) {
        return Err(Wrong("The program asks for a resource that is not served here."));
    }
    Ok(Code {
        person: field("login"),
        client: field("client_id"),
        redirect,
        challenge: field("code_challenge"),
        resource,
        scope: field("scope"),
    })
}

/// RFC 8252 §7.3: of a loopback redirect, the port may differ.
fn same_redirect(known: &str, asked: &str) -> bool {
    let portless = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if loopback && url.set_port(None).is_err() {
            return None;
        }
        Some(url)
    };
    known == asked || (portless(known).is_some() && portless(known) == portless(asked))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>\
         body{{font:16px/1.5 system-ui,sans-serif;background:#f3f4f6;color:#1f2430;display:grid;place-items:center;min-height:90vh}}\
         main{{background:#fff;border:1px solid #d9dce3;border-radius:12px;padding:2rem 2.5rem;max-width:26rem}}\
         h1{{font-size:1.25rem;margin:0 0 1rem}}label{{display:block;margin:1rem 0}}input{{font:inherit;padding:.4rem .6rem;width:100%;box-sizing:border-box}}\
         button{{font:inherit;padding:.5rem 1rem;border-radius:8px;border:0;background:#2747c7;color:#fff;margin-right:.5rem}}\
         .quiet{{background:#e6e8ee;color:#1f2430}}</style><main><h1>{title}</h1>{body}</main></html>"
    )
}
