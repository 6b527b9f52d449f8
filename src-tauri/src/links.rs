//! Links that other programs open with Prokura, such as `prokura://add-server?url=…&name=…`. A link fills a form in; it must
//! never do anything, and what it says is a stranger's word.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};
use url::Url;

use crate::windows::{self, MAIN};

/// What the scheme is called, as the packages register it.
const SCHEME: &str = "prokura";
/// The longest link; nothing that belongs into one is longer.
const LONGEST: usize = 2048;

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// The address to fill in.
    url: String,
    /// The name to propose; the window makes one up where it is omitted.
    name: Option<String>,
}

/// A link that no window has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<Option<Link>>);

impl Links {
    /// Takes it, so that it is followed once.
    pub fn take(&self) -> Option<Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Follows the first link among the words that a program was started with; anything else is left alone.
pub(crate) fn follow<R: Runtime>(app: &AppHandle<R>, words: &[String]) {
    let Some(word) = words.iter().find(|word| word.starts_with("prokura:")) else { return };
    match read(word) {
        Some(link) => {
            let links = app.state::<Links>();
            *links.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
            windows::show_main(app);
            // A window that is not there yet asks by itself.
            if let Err(error) = app.emit_to(MAIN, "linked", ()) {
                tracing::warn!(%error, "the window was not told of a link");
            }
        }
        None => tracing::warn!("a link was opened that says nothing Prokura understands"),
    }
}

fn read(text: &str) -> Option<Link> {
    if text.len() > LONGEST {
        return None;
    }
    let link = Url::parse(text).ok().filter(|link| link.scheme() == SCHEME)?;
    // `prokura://add-server` and `prokura:add-server` are the same.
    let wish = link.host_str().unwrap_or_else(|| link.path());
    if wish.trim_matches('/') != "add-server" {
        return None;
    }
    let said = |name: &str| {
        let mut found = link.query_pairs().filter(|(known, _)| known == name);
        // Said twice it could be read in two ways.
        let first = found.next()?;
        found.next().is_none().then(|| first.1.into_owned())
    };
    let url = Url::parse(&said("url")?).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let web = matches!(url.scheme(), "https" | "http") && url.has_host();
    if !(plain && web) {
        return None;
    }
    let name = said("name").filter(|name| prokura_domain::server::check_name(name).is_ok());
    Some(Link { url: url.into(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Option<(String, Option<String>)> {
        read(text).map(|link| (link.url, link.name))
    }

    #[test]
    fn a_link_fills_in_an_address_and_a_name_and_nothing_else() {
        let url = "https://mcp.example.com/mcp".to_owned();
        for text in [
            "prokura://add-server?url=https%3A%2F%2Fmcp.example.com%2Fmcp&name=notes",
            "prokura:add-server?name=notes&url=https://mcp.example.com/mcp&grant=all",
        ] {
            assert_eq!(link(text), Some((url.clone(), Some("notes".to_owned()))), "{text}");
        }
        let odd = "prokura://add-server?url=https://mcp.example.com/mcp&name=No%20Name%0A";
        assert_eq!(link(odd), Some((url, None)));
    }

    #[test]
    fn what_is_no_such_link_is_left_alone() {
        for text in [
            "https://add-server?url=https://mcp.example.com",
            "prokura://remove-server?url=https://mcp.example.com",
            "prokura://add-server",
            "prokura://add-server?url=javascript:alert(1)",
            "prokura://add-server?url=file:///etc/passwd",
            "prokura://add-server?url=https://user:word@mcp.example.com",
            "prokura://add-server?url=https://a.example&url=https://b.example",
            "prokura://add-server?url=%00",
        ] {
            assert_eq!(link(text), None, "{text}");
        }
        let long = format!("prokura://add-server?url=https://a.example/{}", "a".repeat(LONGEST));
        assert_eq!(link(&long), None);
    }
}
