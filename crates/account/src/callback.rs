//! The authorization response, as a browser brings it. Whatever does not fit is nothing: it is neither acted on nor shown.

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::token::error_text;

/// What the authorization server decided.
pub(crate) enum Outcome {
    /// A code to be turned into tokens.
    Code(Zeroizing<String>),
    /// Its refusal, as it may be shown once the issuer is checked.
    Refused(String),
}

/// An authorization response.
pub(crate) struct Callback {
    pub(crate) state: String,
    pub(crate) iss: Option<String>,
    pub(crate) outcome: Outcome,
}

impl Callback {
    /// Reads a query; `None` where a parameter is repeated, or it is not one response.
    pub(crate) fn read(query: &str) -> Option<Self> {
        let (mut state, mut iss, mut code, mut error, mut description) =
            (None, None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "state" => &mut state,
                "iss" => &mut iss,
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        let outcome = match (code, error) {
            (Some(code), None) if !code.is_empty() => Outcome::Code(Zeroizing::new(code)),
            (None, Some(error)) => Outcome::Refused(error_text(&error, description.as_deref())),
            _ => return None,
        };
        Some(Self { state: state?, iss, outcome })
    }

    /// Whether it comes from the recorded issuer: compared byte for byte, and it has to be there when it was promised
    /// (CA-28, CA-29).
    pub(crate) fn is_from(&self, issuer: &str, alias: Option<&str>, promised: bool) -> bool {
        match &self.iss {
            Some(iss) => iss == issuer || Some(iss.as_str()) == alias,
            None => !promised,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_response_is_read() {
        let read = Callback::read("code=a%2Bb&state=s&iss=https%3A%2F%2Fas.example&x=1");
        let read = read.expect("a response");
        assert_eq!(read.state, "s");
        assert_eq!(read.iss.as_deref(), Some("https://as.example"));
        assert!(matches!(read.outcome, Outcome::Code(code) if *code == "a+b"));
        for query in [
            "",
            "code=a",
            "state=s",
            "code=&state=s",
            "code=a&error=b&state=s",
            "code=a&code=b&state=s",
            "code=a&state=s&state=t",
            "code=a&state=s&iss=x&iss=y",
        ] {
            assert!(Callback::read(query).is_none(), "{query}");
        }
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        // CA-28, CA-29, CA-30
        let with = |iss: &str| Callback::read(&format!("error=x&state=s{iss}")).expect("one");
        let issuer = "https://as.example";
        assert!(with("&iss=https://as.example").is_from(issuer, None, true));
        assert!(with("").is_from(issuer, None, false));
        assert!(!with("").is_from(issuer, None, true));
        for other in [
            "&iss=",
            "&iss=https://as.example/",
            "&iss=https://AS.example",
            "&iss=https://as.example:443",
            "&iss=https%253A//as.example",
            "&iss=https://evil.example",
        ] {
            assert!(!with(other).is_from(issuer, None, false), "{other}");
            assert!(!with(other).is_from(issuer, None, true), "{other}");
        }
    }
}
