//! What an Account is called and whom it stands for, from claims that came straight from the token endpoint. The claims
//! are not verified, so they are a name and a way to notice that somebody else signed in, never a right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_domain::{Account, AccountId, Change, Json, RecordKind};
use serde_json::Value;

use crate::book::AccountBook;
use crate::error::AccountError;
use crate::text;
use crate::token::Granted;

/// Who signed in, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) tenant: Option<String>,
}

impl Identity {
    /// From the id token if there is one, else from an access token that happens to be readable.
    pub(crate) fn of(granted: &Granted) -> Self {
        let claims = granted
            .id_token
            .as_ref()
            .and_then(|token| claims(token))
            .or_else(|| claims(&granted.access));
        let Some(claims) = claims else { return Self::default() };
        let text = |name: &str| {
            claims
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty() && text.len() <= 512)
                .map(str::to_owned)
        };
        let subject = text("sub");
        let name = ["email", "preferred_username"]
            .into_iter()
            .find_map(text)
            .or_else(|| subject.clone())
            .map(|name| fit(&name));
        Self { name, subject, tenant: text("tid") }
    }
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, body, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}

/// A name that can stand in a path and be told apart by eye; words with a meaning of their own are not taken.
fn fit(name: &str) -> String {
    let kept: String = name
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() || "._@+-".contains(c) { c } else { '-' })
        .collect();
    let kept = kept.trim_matches('-');
    let is_plain = !kept.is_empty() && !RESERVED.contains(&kept) && !kept.starts_with("acc_");
    if is_plain { kept.to_owned() } else { "account".to_owned() }
}

impl AccountBook {
    /// Calls an Account by the name that the person chose.
    ///
    /// # Errors
    /// [`AccountError::BadName`] when it cannot be one, or another Account of the Server has it.
    pub async fn rename(&self, account: &AccountId, wished: &str) -> Result<Account, AccountError> {
        let book = &self.0;
        if fit(wished) != wished {
            return Err(AccountError::BadName(text::printable(wished, 64)));
        }
        let _turn = book.turn(account.as_str()).await;
        let (before, server) = book.account(account)?;
        let renamed = Account { name: wished.to_owned(), ..before.clone() };
        book.store.put_account(&renamed)?;
        book.changed(Change::Accounts);
        let detail = vec![("before", Json::text(&before.name))];
        book.record(RecordKind::AccountRenamed, &server, Some(&renamed), detail).await?;
        Ok(renamed)
    }
}

/// The name of the Account of a Server that asks for nothing.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// The name of an Account with a static key.
pub(crate) const KEY: &str = "key";
const RESERVED: [&str; 2] = [ANONYMOUS, KEY];

/// `name`, or the first of `name-2`, `name-3` … that is not taken.
pub(crate) fn unique(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    std::iter::once(name.to_owned())
        .chain((2u32..).map(|n| format!("{name}-{n}")))
        .find(is_free)
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn jwt(claims: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)))
    }

    fn granted(access: &str, id_token: Option<&str>) -> Granted {
        Granted {
            access: jwt(access),
            refresh: None,
            lifetime: None,
            scopes: None,
            id_token: id_token.map(jwt),
        }
    }

    #[test]
    fn the_id_token_names_the_account_then_the_access_token_then_nobody() {
        let both = Identity::of(&granted(
            r#"{"sub":"machine"}"#,
            Some(r#"{"sub":"7","email":"ada@example.org","tid":"t"}"#),
        ));
        assert_eq!(both.name.as_deref(), Some("ada@example.org"));
        assert_eq!((both.subject.as_deref(), both.tenant.as_deref()), (Some("7"), Some("t")));
        let access = Identity::of(&granted(r#"{"sub":"machine"}"#, None));
        assert_eq!(access.name.as_deref(), Some("machine"));
        for opaque in [r#"{"sub":7}"#, "[]", "no json"] {
            assert_eq!(Identity::of(&granted(opaque, None)), Identity::default(), "{opaque}");
        }
    }

    #[test]
    fn a_name_is_plain_and_never_a_reserved_word() {
        for (said, name) in [
            ("Ada Lovelace", "Ada-Lovelace"),
            ("../../x", "..-..-x"),
            ("anonymous", "account"),
            ("key", "account"),
            ("acc_aaaaaaaaaaaaaaaa", "account"),
            ("\u{202e}admin", "admin"),
            ("—", "account"),
        ] {
            assert_eq!(fit(said), name, "{said}");
        }
        assert_eq!(unique("a", &["a".to_owned(), "a-2".to_owned()]), "a-3");
    }
}
