//! Static keys: sealed like a token, bound to the origin of the Server they were entered for.

use http::{HeaderName, HeaderValue};
use prokura_domain::{Account, AccountKind, AccountState, Change, Json, RecordKind, Server};
use prokura_vault::Secret;

use crate::book::{AccountBook, endpoint};
use crate::error::AccountError;
use crate::name;
use crate::stored::Key;

/// Headers with a meaning of their own, which no key may take.
const TAKEN: [&str; 14] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl AccountBook {
    /// Keeps a static key for a Server: `header` is the name of the header that carries it. A key for `Authorization`
    /// without a scheme is sent as a bearer token.
    ///
    /// # Errors
    /// [`AccountError::BadKey`] when header or key cannot be sent, [`AccountError::VaultLocked`], or storage failed.
    pub async fn set_key(
        &self,
        server: &Server,
        header: &str,
        key: Secret,
    ) -> Result<Account, AccountError> {
        let book = &self.0;
        book.needs_vault()?;
        let (_, endpoint) = (book.way_to(server)?, endpoint(server)?);
        let key = fit(header, &key)?;
        let _accounts = book.turn(server.id.as_str()).await;
        let known = book.store.accounts(&server.id)?;
        let mut account = match known.iter().find(|account| account.kind == AccountKind::Key) {
            Some(account) => account.clone(),
            None => {
                let taken: Vec<String> = known.iter().map(|account| account.name.clone()).collect();
                book.fresh(server, AccountKind::Key, name::unique(name::KEY, &taken))
            }
        };
        account.state = AccountState::SignedIn;
        account.resource = Some(endpoint.origin().ascii_serialization());
        book.keep_key(&mut account, &key)?;
        book.changed(Change::Accounts);
        let detail = vec![("header", Json::text(&key.header))];
        book.record(RecordKind::AccountSignedIn, server, Some(&account), detail).await?;
        Ok(account)
    }
}

fn fit(header: &str, key: &Secret) -> Result<Key, AccountError> {
    let name = HeaderName::from_bytes(header.trim().as_bytes())
        .map_err(|_| AccountError::BadKey("that is not the name of a header"))?;
    if TAKEN.contains(&name.as_str()) || name.as_str().starts_with("mcp-") {
        return Err(AccountError::BadKey("this header is needed for something else"));
    }
    let value = key.expose().trim();
    if value.is_empty() || value.len() > 16 * 1024 || HeaderValue::from_str(value).is_err() {
        return Err(AccountError::BadKey(
            "it is empty, too long, or holds characters no header can carry",
        ));
    }
    let value = if name == http::header::AUTHORIZATION && !value.contains(' ') {
        format!("Bearer {value}")
    } else {
        value.to_owned()
    };
    Ok(Key { header: name.as_str().to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_header_that_is_free_and_a_value_that_fits() {
        let fit = |header: &str, key: &str| fit(header, &Secret::new(key.to_owned()));
        let bearer = fit("Authorization", " k ").expect("a key");
        assert_eq!((bearer.header.as_str(), bearer.value.as_str()), ("authorization", "Bearer k"));
        assert_eq!(fit("Authorization", "Basic eA==").expect("a key").value, "Basic eA==");
        assert_eq!(fit("X-Api-Key", "k").expect("a key").value, "k");
        for (header, key) in [
            ("Host", "x"),
            ("Mcp-Name", "x"),
            ("Content-Length", "1"),
            ("a b", "x"),
            ("X-Api-Key", ""),
            ("X-Api-Key", "a\r\nX-Evil: 1"),
        ] {
            assert!(fit(header, key).is_err(), "{header}: {key}");
        }
    }
}
