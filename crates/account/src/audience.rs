//! For whom a token says it is, where that can be read. A token that names another of the person's Servers, and not this
//! one, is not kept: this Server could use it there (CA-41). It says nothing about tokens that cannot be read.

use prokura_domain::Server;
use serde_json::Value;
use url::Url;

use crate::book::{Book, endpoint};
use crate::discovery::covers;
use crate::error::AccountError;
use crate::name::claims;

impl Book {
    /// The name of the Server that `access` is for, where that is not `server` but another one that is known.
    pub(crate) fn meant_for_another(
        &self,
        server: &Server,
        access: &str,
    ) -> Result<Option<String>, AccountError> {
        let named = audiences(access);
        let fits = |endpoint: &Url| named.iter().any(|audience| covers(audience, endpoint));
        if named.is_empty() || fits(&endpoint(server)?) {
            return Ok(None);
        }
        let others = self.store.servers()?;
        let other = others
            .into_iter()
            .filter(|other| other.id != server.id)
            .find(|other| Url::parse(&other.endpoint).is_ok_and(|endpoint| fits(&endpoint)));
        Ok(other.map(|other| other.name))
    }
}

/// `aud` of a token that happens to be readable.
fn audiences(access: &str) -> Vec<String> {
    match claims(access).as_ref().and_then(|claims| claims.get("aud")) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
