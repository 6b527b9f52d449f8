//! Where a value leads: every URL and e-mail address in it with its real host, so that a domain that only looks like
//! another one shows. It must never open or look up anything.

use url::{Host, Url};

use crate::pieces::pieces;
use crate::view::PlaceView;

/// Places that are picked out of one value at most.
const MOST: usize = 50;

/// The places in a text, in their order.
#[must_use]
pub fn places(text: &str) -> Vec<PlaceView> {
    let ends = |letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"' | '`');
    let mut found: Vec<PlaceView> = Vec::new();
    for word in text.split(ends) {
        if found.len() >= MOST {
            break;
        }
        let word = word
            .trim_matches(|sign: char| matches!(sign, ',' | ';' | '(' | ')' | '[' | ']' | '\''));
        let place = web(word).or_else(|| mail(word));
        found.extend(place.filter(|place| !found.contains(place)));
    }
    found
}

fn web(word: &str) -> Option<PlaceView> {
    let begin = word.find("://")?;
    let scheme = word.get(..begin)?.rfind(|sign: char| !sign.is_ascii_alphanumeric());
    let word = word.get(scheme.map_or(0, |at| at + 1)..)?;
    let url = Url::parse(word).ok()?;
    let host = url.host()?;
    let written = word.split("://").nth(1)?.split(['/', '?', '#', '\\']).next()?;
    let user = !url.username().is_empty() || url.password().is_some();
    let written = written.rsplit('@').next().unwrap_or(written);
    let warning = warning(&host, written).or(match url.scheme() {
        _ if user => Some("the text before @ is no part of the host".to_owned()),
        "https" => None,
        scheme => Some(format!("{scheme}, not https")),
    });
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(PlaceView { kind: "url".to_owned(), host: pieces(&format!("{host}{port}")), warning })
}

fn mail(word: &str) -> Option<PlaceView> {
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let (user, domain) = word.rsplit_once('@')?;
    if user.is_empty() || !domain.contains('.') {
        return None;
    }
    let domain = domain.trim_end_matches(['.', ':', '!', '?']);
    let host = Host::parse(domain).ok()?;
    let warning = warning(&host, domain);
    Some(PlaceView { kind: "email".to_owned(), host: pieces(&host.to_string()), warning })
}

fn warning(host: &Host<impl AsRef<str>>, written: &str) -> Option<String> {
    let name = match host {
        Host::Domain(name) => name.as_ref(),
        Host::Ipv4(_) | Host::Ipv6(_) => return Some("a number, not a name".to_owned()),
    };
    if name.split('.').any(|label| label.starts_with("xn--")) {
        return Some("written with letters that are not plain ones".to_owned());
    }
    let plain = written.rsplit_once(':').map_or(written, |(host, _)| host);
    (!plain.eq_ignore_ascii_case(name)).then(|| "not the host it seems to be".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Vec<(String, Option<String>)> {
        let host = |place: &PlaceView| {
            place.host.iter().map(|piece| piece.text.as_str()).collect::<String>()
        };
        places(text).iter().map(|place| (host(place), place.warning.clone())).collect()
    }

    #[test]
    fn the_real_host_is_named() {
        let told = |host: &str, warning: &str| (host.to_owned(), Some(warning.to_owned()));
        assert_eq!(flat("see https://example.com/a."), [("example.com".to_owned(), None)]);
        assert_eq!(
            flat("https://p\u{430}ypal.com/x"),
            [told("xn--pypal-4ve.com", "written with letters that are not plain ones")]
        );
        assert_eq!(
            flat("https://paypal.com@evil.example/"),
            [told("evil.example", "the text before @ is no part of the host")]
        );
        assert_eq!(flat("https://paypal.com\\@evil.example"), [("paypal.com".to_owned(), None)]);
        assert_eq!(flat("http://2130706433/"), [told("127.0.0.1", "a number, not a name")]);
        assert_eq!(flat("ada@example.com, x"), [("example.com".to_owned(), None)]);
        assert_eq!(
            flat("<ada@ex\u{430}mple.com>"),
            [told("xn--exmple-4nf.com", "written with letters that are not plain ones")]
        );
        assert!(flat("no place, 5 @ 6, a@b").is_empty());
    }
}
