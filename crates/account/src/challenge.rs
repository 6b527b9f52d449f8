//! `WWW-Authenticate`, read by its grammar (RFC 9110 §11.6.1) and not by searching: a parameter inside a quoted string is
//! no parameter. A field that does not follow the grammar says nothing.

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parsed {
    scheme: String,
    params: Vec<(String, String)>,
}

/// What a Bearer or DPoP challenge says (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bearer {
    /// `error`.
    pub error: Option<String>,
    /// `scope`, in its order.
    pub scopes: Vec<String>,
    /// `resource_metadata`.
    pub metadata: Option<String>,
    /// Whether tokens bound to a key are taken.
    pub dpop: bool,
    /// Whether plain bearer tokens are taken.
    pub plain: bool,
}

/// The challenge for a token among all fields of an answer: the first that names metadata, else the first; and all schemes
/// that a token may come by.
pub(crate) fn bearer(fields: &[String]) -> Option<Bearer> {
    let is = |parsed: &Parsed, scheme: &str| parsed.scheme.eq_ignore_ascii_case(scheme);
    let all: Vec<Parsed> = fields
        .iter()
        .filter_map(|field| parse(field))
        .flatten()
        .filter(|parsed| is(parsed, "bearer") || is(parsed, "dpop"))
        .collect();
    let dpop = all.iter().any(|parsed| is(parsed, "dpop"));
    let plain = all.iter().any(|parsed| is(parsed, "bearer"));
    let all: Vec<Bearer> = all.into_iter().map(read_bearer).collect();
    let best = all.iter().find(|bearer| bearer.metadata.is_some()).or_else(|| all.first())?;
    // What is missing may be said by another challenge than the one that names the metadata.
    let speaks = all.iter().find(|bearer| bearer.error.is_some());
    Some(Bearer {
        error: best.error.clone().or_else(|| speaks.and_then(|other| other.error.clone())),
        dpop,
        plain,
        ..best.clone()
    })
}

fn read_bearer(parsed: Parsed) -> Bearer {
    let mut bearer = Bearer::default();
    for (name, value) in parsed.params {
        match name.as_str() {
            "error" => bearer.error = Some(value),
            "scope" => bearer.scopes = scopes(&value).unwrap_or_default(),
            "resource_metadata" => bearer.metadata = Some(value),
            _ => {}
        }
    }
    bearer
}

/// The scopes of a space-separated list; `None` where one is not a scope (RFC 6749 §3.3).
pub(crate) fn scopes(text: &str) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !is_scope(scope) {
            return None;
        }
        if !found.iter().any(|known| known == scope) {
            found.push(scope.to_owned());
        }
    }
    Some(found)
}

/// Whether `text` is one scope.
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// All challenges of one field; `None` when it breaks the grammar anywhere, or repeats a parameter.
fn parse(field: &str) -> Option<Vec<Parsed>> {
    let mut at = Cursor { rest: field };
    let mut found: Vec<Parsed> = Vec::new();
    loop {
        at.skip(|c| matches!(c, ' ' | '\t' | ','));
        if at.rest.is_empty() {
            return Some(found);
        }
        let mark = at.rest;
        if let (Some(last), Some((name, value))) = (found.last_mut(), at.param()) {
            if last.params.iter().any(|(known, _)| *known == name) {
                return None;
            }
            last.params.push((name, value));
            at.element_ends()?;
            continue;
        }
        at.rest = mark;
        found.push(Parsed { scheme: at.token()?, params: Vec::new() });
        if at.blanks() && !at.token68() {
            let mark = at.rest;
            if at.element_ends().is_none() {
                at.rest = mark;
                let first = at.param()?;
                found.last_mut()?.params.push(first);
                at.element_ends()?;
            }
        } else {
            at.element_ends()?;
        }
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }

    /// At least one space.
    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.skip(|c| c == ' ');
        self.rest.len() < before
    }

    /// The end of a list element: a comma or the end, after optional white space. The comma is left.
    fn element_ends(&mut self) -> Option<()> {
        self.skip(|c| matches!(c, ' ' | '\t'));
        (self.rest.is_empty() || self.rest.starts_with(',')).then_some(())
    }

    fn token(&mut self) -> Option<String> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let end = self.rest.bytes().position(|b| !is_token(b)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!token.is_empty()).then(|| token.to_owned())
    }

    /// A token68 that is the whole element; otherwise nothing is consumed.
    fn token68(&mut self) -> bool {
        let mark = self.rest;
        self.skip(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let some = self.rest.len() < mark.len();
        self.skip(|c| c == '=');
        if some && self.element_ends().is_some() {
            return true;
        }
        self.rest = mark;
        false
    }

    /// `name = value`; the name in lower case.
    fn param(&mut self) -> Option<(String, String)> {
        let name = self.token()?.to_ascii_lowercase();
        self.skip(|c| matches!(c, ' ' | '\t'));
        self.rest = self.rest.strip_prefix('=')?;
        self.skip(|c| matches!(c, ' ' | '\t'));
        let value = if self.rest.starts_with('"') { self.quoted()? } else { self.token()? };
        Some((name, value))
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next().filter(|c| *c == '\t' || !c.is_control())?),
                c if c.is_control() && c != '\t' => return None,
                c => value.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer_of(field: &str) -> Option<Bearer> {
        bearer(&[field.to_owned()])
    }

    #[test]
    fn challenges_are_read_by_their_grammar() {
        // CA-02, CA-04
        let full = bearer_of(
            r#"Basic realm="a, Bearer scope=\"no\"", bearer  Error = "insufficient_scope" ,, scope="a b",resource_metadata="https://x/y" , DPoP algs="ES256""#,
        )
        .expect("a challenge");
        assert_eq!(full.error.as_deref(), Some("insufficient_scope"));
        assert_eq!(full.scopes, ["a", "b"]);
        assert_eq!(full.metadata.as_deref(), Some("https://x/y"));
        assert!(full.dpop && full.plain);
        let plain = Bearer { plain: true, ..Bearer::default() };
        assert_eq!(bearer_of("Bearer"), Some(plain.clone()));
        assert_eq!(bearer_of("Negotiate abc==, Bearer scope=x").expect("one").scopes, ["x"]);
        assert_eq!(bearer_of("Negotiate, Bearer scope=x").expect("one").scopes, ["x"]);
        assert_eq!(bearer_of("Bearer , Basic realm=x"), Some(plain));
    }

    #[test]
    fn a_challenge_for_bound_tokens_is_one_too() {
        // RFC 9449 §7.1, §9
        let bound = bearer_of(r#"DPoP error="use_dpop_nonce", resource_metadata="https://x/y""#);
        let bound = bound.expect("a challenge");
        assert_eq!(bound.error.as_deref(), Some("use_dpop_nonce"));
        assert_eq!(bound.metadata.as_deref(), Some("https://x/y"));
        assert!(bound.dpop && !bound.plain);
    }

    #[test]
    fn a_parameter_inside_another_is_no_parameter() {
        let tricked = bearer_of(
            r#"Bearer error="invalid_token", error_description="scope=admin, resource_metadata=\"https://evil.example\"", xscope="admin""#,
        )
        .expect("a challenge");
        assert!(tricked.scopes.is_empty());
        assert_eq!(tricked.metadata, None);
    }

    #[test]
    fn what_breaks_the_grammar_says_nothing() {
        for field in [
            r#"Bearer scope="unfinished"#,
            r#"Bearer scope="a" scope="b""#,
            r#"Bearer scope="a", scope="b""#,
            r#"Bearer scope="a", SCOPE=b"#,
            "Bearer scope=a b",
            "Bearer scope=",
            "Bearer scope=@",
            "Bearer a b c",
            "Bearer\u{1}",
            "=x",
        ] {
            assert!(
                bearer_of(field)
                    .is_none_or(|said| { said == Bearer { plain: true, ..Bearer::default() } }),
                "{field}"
            );
        }
        let both = ["Bearer scope=\"".to_owned(), "Bearer scope=x".to_owned()];
        assert_eq!(bearer(&both).expect("the second").scopes, ["x"]);
    }

    #[test]
    fn the_challenge_that_names_metadata_is_preferred() {
        let two = r#"Bearer realm="x", Bearer resource_metadata="https://x/y", scope="s""#;
        assert_eq!(bearer_of(two).expect("one").metadata.as_deref(), Some("https://x/y"));
    }

    #[test]
    fn scopes_that_are_none_are_not_taken() {
        assert_eq!(scopes("a  b a"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(scopes("a\"b"), None);
        assert_eq!(scopes("ä"), None);
    }
}
