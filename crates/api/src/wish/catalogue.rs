//! Well-known servers: a list that comes with the program, with the day it was checked on. It is read, never fetched, and
//! choosing one only fills a form in.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::view::{KnownServerView, KnownServersView};

/// The list as it is in the program.
#[derive(Debug, Deserialize)]
struct Known {
    checked: String,
    servers: Vec<KnownServerView>,
}

fn known() -> Result<&'static Known, Failure> {
    static KNOWN: OnceLock<Result<Known, String>> = OnceLock::new();
    let read = || {
        let text = include_str!("../catalogue.json");
        serde_json::from_str(text).map_err(|fault| fault.to_string())
    };
    KNOWN.get_or_init(read).as_ref().map_err(|fault| {
        let text = format!("The list of well-known servers cannot be read: {fault}.");
        Failure::new(FailureCode::Internal, text, "Report this as a bug.")
    })
}

impl Api {
    /// Well-known servers in which every word of `search` occurs.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn servers_known(&self, search: Option<String>) -> Result<KnownServersView, Failure> {
        let list = known()?;
        let search = search.unwrap_or_default().to_lowercase();
        let mine = self.store().servers()?;
        let fits = |server: &&KnownServerView| {
            let text = format!("{} {} {} {}", server.name, server.vendor, server.about, server.url);
            let text = text.to_lowercase();
            search.split_whitespace().all(|word| text.contains(word))
        };
        let servers = list.servers.iter().filter(fits).map(|server| {
            let added = mine.iter().any(|mine| mine.endpoint == server.url);
            KnownServerView { added, ..server.clone() }
        });
        Ok(KnownServersView { checked: list.checked.clone(), servers: servers.collect() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_entry_can_be_added_as_it_is_and_says_where_it_was_read() {
        let list = known().unwrap();
        assert!(list.checked.len() == 10 && list.servers.len() >= 25);
        let (mut ids, mut urls) = (HashSet::new(), HashSet::new());
        for server in &list.servers {
            assert!(prokura_domain::server::check_name(&server.id).is_ok(), "{}", server.id);
            assert!(ids.insert(&server.id) && urls.insert(&server.url), "{} twice", server.id);
            for url in [&server.url, &server.source] {
                let url = url::Url::parse(url).unwrap();
                assert!(url.scheme() == "https" && url.fragment().is_none(), "{url}");
            }
            assert!(["oauth", "key", "none"].contains(&server.sign_in.as_str()), "{}", server.id);
            let way = server.registration.as_deref();
            let fits = match server.sign_in.as_str() {
                "oauth" => way.is_some_and(|way| ["dynamic", "by_hand", "unknown"].contains(&way)),
                _ => way.is_none(),
            };
            assert!(fits, "{}: {way:?}", server.id);
            assert!(server.about.ends_with('.') && server.about.len() <= 90, "{}", server.id);
        }
    }
}
