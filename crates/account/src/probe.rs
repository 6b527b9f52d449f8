//! Looks at an endpoint: does it ask for authorization, and where from? It sends no credential and no content.

use http::StatusCode;
use prokura_domain::protocol::{META_CAPABILITIES, META_CLIENT, META_VERSION, MODERN};
use prokura_domain::{Json, Server};
use url::Url;

use crate::book::{AccountBook, Book};
use crate::challenge::{self, Bearer};
use crate::discovery::{Discovery, Issuer, Need, discover};
use crate::error::AccountError;
use crate::http::{Fault, Guard, host_of, shown};
use crate::text;

/// How an endpoint lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It asks for nothing.
    Open,
    /// It names where to sign in.
    Oauth(Discovery),
    /// It asks for something, but does not say where from: a key.
    Key,
}

impl AccountBook {
    /// Looks at a Server's endpoint.
    ///
    /// # Errors
    /// [`AccountError`] when it cannot be reached, or says something that cannot be trusted.
    pub async fn probe(&self, server: &Server) -> Result<Access, AccountError> {
        let book = &self.0;
        let (guard, endpoint) = book.way_to(server)?;
        let (status, bearer) = book.knock(&guard, &endpoint).await?;
        if status.is_success() {
            return Ok(Access::Open);
        }
        match discover(&guard, &endpoint, bearer.as_ref()).await? {
            Some(found) => Ok(Access::Oauth(found)),
            None if status == StatusCode::UNAUTHORIZED => Ok(Access::Key),
            None => Ok(Access::Open),
        }
    }
}

impl Book {
    /// Where the tokens of a Server come from, as it says now.
    pub(crate) async fn discovery(
        &self,
        server: &Server,
        guard: &Guard,
        endpoint: &Url,
    ) -> Result<Discovery, AccountError> {
        let (_, bearer) = self.knock(guard, endpoint).await?;
        discover(guard, endpoint, bearer.as_ref())
            .await?
            .ok_or_else(|| AccountError::NoAuthorization { server: server.name.clone() })
    }

    /// The first authorization server that works (CA-08): that of the Account if it is still named, that of the entered
    /// client if there is one, else in the Server's order.
    pub(crate) async fn choose_issuer(
        &self,
        server: &Server,
        guard: &Guard,
        discovery: &Discovery,
        preferred: Option<&str>,
        need: Need,
    ) -> Result<Issuer, AccountError> {
        let entered = self.entered_issuer(server)?;
        let named = |issuer: &str| discovery.issuers.iter().any(|known| known == issuer);
        if let Some(entered) = entered.as_deref().filter(|entered| !named(entered)) {
            // CA-21: an entered client is not quietly left unused.
            return Err(AccountError::ClientElsewhere {
                server: server.name.clone(),
                entered: text::printable(entered, 200),
                now: text::printable(&discovery.issuers.join(", "), 200),
            });
        }
        let first = entered.as_deref().or(preferred).filter(|issuer| named(issuer));
        let others = discovery.issuers.iter().map(String::as_str).filter(|o| Some(*o) != first);
        let excuses = self.excuses(server)?;
        let mut trouble = None;
        for issuer in first.into_iter().chain(others) {
            match Issuer::read(guard, issuer, excuses).await {
                Ok(found) => match found.gives(need) {
                    Ok(()) => return Ok(found),
                    Err(lack) => {
                        trouble.get_or_insert(lack);
                    }
                },
                // An Account does not change its issuer because that does not answer just now.
                Err(fault) if fault.is_transient() && Some(issuer) == first => return Err(fault),
                Err(fault) => {
                    trouble.get_or_insert(fault);
                }
            }
            if Some(issuer) == entered.as_deref() {
                break;
            }
        }
        Err(trouble
            .unwrap_or_else(|| AccountError::NoAuthorization { server: server.name.clone() }))
    }

    /// One request without credentials: what it is answered with, and the challenge of a 401.
    async fn knock(
        &self,
        guard: &Guard,
        endpoint: &Url,
    ) -> Result<(StatusCode, Option<Bearer>), AccountError> {
        let request = http::Request::post(endpoint.as_str())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "server/discover")
            .body(self.discover_message().into_bytes())
            .map_err(|_| AccountError::BadEndpoint(shown(endpoint)))?;
        let (status, headers) = guard.knock(request).await?;
        let host = host_of(endpoint);
        match status.as_u16() {
            429 | 502..=504 => Err(AccountError::Unreachable {
                host,
                reason: format!("it answered {}", status.as_u16()),
            }),
            300..=399 => Err(AccountError::Forbidden(Fault::Forbidden {
                url: shown(endpoint),
                reason: "it redirects to another place; enter that address instead",
            })),
            401 => {
                let fields: Vec<String> = headers
                    .get_all(http::header::WWW_AUTHENTICATE)
                    .iter()
                    .filter_map(|value| value.to_str().ok().map(str::to_owned))
                    .collect();
                Ok((status, challenge::bearer(&fields)))
            }
            _ => Ok((status, None)),
        }
    }

    fn discover_message(&self) -> String {
        let client = Json::object([
            ("name", Json::text(&self.options.client_name)),
            ("version", Json::text(env!("CARGO_PKG_VERSION"))),
        ]);
        let meta = Json::object([
            (META_VERSION, Json::text(MODERN)),
            (META_CLIENT, client),
            (META_CAPABILITIES, Json::Object(Vec::new())),
        ]);
        Json::object([
            ("jsonrpc", Json::text("2.0")),
            ("id", Json::text("probe")),
            ("method", Json::text("server/discover")),
            ("params", Json::object([("_meta", meta)])),
        ])
        .to_text()
    }
}
