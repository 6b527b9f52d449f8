//! Addresses of resources on the aggregate endpoint: `prokura.SERVER+URI`, and `ui://prokura.SERVER+…` for the pages of
//! MCP Apps, whose scheme hosts insist on (decision 0018). Each has one Server and one URI behind it, and what a Server
//! writes into its URI leads to that Server only. It must never guess: what is no address leads nowhere.

/// How every address begins. No scheme in use does.
const MARK: &str = "prokura.";
/// The scheme of the pages of MCP Apps.
const APPS: &str = "ui://";

/// The address of what `server` calls `uri`. Templates stay templates: only what stands before them is longer.
pub(crate) fn address(server: &str, uri: &str) -> String {
    match uri.strip_prefix(APPS) {
        Some(rest) => format!("{APPS}{MARK}{server}+{rest}"),
        None => format!("{MARK}{server}+{uri}"),
    }
}

/// The Server behind an address, and what that calls it.
pub(crate) fn behind(address: &str) -> Option<(&str, String)> {
    if let Some(rest) = address.strip_prefix(APPS) {
        let (server, rest) = parted(rest)?;
        return Some((server, format!("{APPS}{rest}")));
    }
    let (server, uri) = parted(address)?;
    // That one has another address.
    (!uri.starts_with(APPS)).then(|| (server, uri.to_owned()))
}

/// The id of a task of `server` on this endpoint.
pub(crate) fn task(server: &str, id: &str) -> String {
    format!("{MARK}{server}+{id}")
}

/// The Server behind the id of a task, and the id the task has there.
pub(crate) fn task_behind(id: &str) -> Option<(&str, &str)> {
    parted(id)
}

fn parted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(MARK)?.split_once('+').filter(|(server, _)| !server.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_says_whose_it_is_and_keeps_the_rest_as_it_is() {
        for (uri, expected) in [
            ("file:///a b", "prokura.files+file:///a b"),
            ("file:///{+path}{?q}", "prokura.files+file:///{+path}{?q}"),
            ("ui://page/x.html", "ui://prokura.files+page/x.html"),
            ("", "prokura.files+"),
        ] {
            assert_eq!(address("files", uri), expected);
            assert_eq!(behind(expected), Some(("files", uri.to_owned())));
        }
        for nothing in [
            "file:///a",
            "files+file:///a",
            "prokura.files",
            "prokura.+x",
            "ui://page/x",
            "prokura.s+ui://x",
        ] {
            assert_eq!(behind(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_server_cannot_write_an_address_of_another_server() {
        // P-08, P-15: whatever it calls a resource, its own name stands before it
        for uri in ["prokura.git+file:///x", "+git+x", "ui://prokura.git+page", "ui://+git"] {
            let forged = address("evil", uri);
            assert_eq!(behind(&forged), Some(("evil", uri.to_owned())));
        }
        assert_eq!(task_behind(&task("evil", "prokura.git+1")), Some(("evil", "prokura.git+1")));
    }

    proptest! {
        // P-22
        #[test]
        fn every_address_leads_back_and_no_two_are_alike(
            one in ("[a-z][a-z0-9-]{0,31}", "(ui://|prokura\\.|)\\PC{0,40}"),
            other in ("[a-z][a-z0-9-]{0,31}", "(ui://|prokura\\.|)\\PC{0,40}"),
        ) {
            let (first, second) = (address(&one.0, &one.1), address(&other.0, &other.1));
            prop_assert_eq!(behind(&first), Some((one.0.as_str(), one.1.clone())));
            prop_assert_eq!(first == second, one == other);
        }
    }
}
