//! What the person excuses one Server's authorization servers: named, visible, logged, and taken back at any time. It must
//! never excuse anything by itself, nor anything for another Server.

use prokura_domain::{Change, Json, RecordKind, Server};

use crate::book::{AccountBook, Book};
use crate::error::AccountError;

/// One thing that can be excused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// The authorization server does not say whether it checks PKCE. It is used all the same.
    NoPkce,
    /// The authorization server's metadata names another issuer than it was asked for.
    OtherIssuer,
}

impl Exception {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::NoPkce, Self::OtherIssuer];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPkce => "no-pkce",
            Self::OtherIssuer => "other-issuer",
        }
    }

    /// Reads its name.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// What is excused at one Server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Exceptions {
    pub(crate) no_pkce: bool,
    pub(crate) other_issuer: bool,
}

impl AccountBook {
    /// Makes an exception for a Server, or takes it back.
    ///
    /// # Errors
    /// [`AccountError`] when it cannot be kept or recorded; then it does not hold.
    pub async fn set_exception(
        &self,
        server: &Server,
        exception: Exception,
        holds: bool,
    ) -> Result<(), AccountError> {
        let book = &self.0;
        if book.excused(server, exception)? == holds {
            return Ok(());
        }
        let detail = vec![("exception", Json::text(exception.as_str())), ("holds", holds.into())];
        book.record(RecordKind::ServerException, server, None, detail).await?;
        let value = if holds { "yes" } else { "" };
        book.store.put_setting(&setting(server, exception), value)?;
        book.forget_issuers(server);
        book.changed(Change::Servers);
        Ok(())
    }

    /// The exceptions that hold for a Server.
    ///
    /// # Errors
    /// [`AccountError`] when they cannot be read.
    pub fn exceptions(&self, server: &Server) -> Result<Vec<Exception>, AccountError> {
        let mut held = Vec::new();
        for exception in Exception::ALL {
            if self.0.excused(server, exception)? {
                held.push(exception);
            }
        }
        Ok(held)
    }
}

impl Book {
    fn excused(&self, server: &Server, exception: Exception) -> Result<bool, AccountError> {
        Ok(self.store.setting(&setting(server, exception))?.as_deref() == Some("yes"))
    }

    pub(crate) fn excuses(&self, server: &Server) -> Result<Exceptions, AccountError> {
        Ok(Exceptions {
            no_pkce: self.excused(server, Exception::NoPkce)?,
            other_issuer: self.excused(server, Exception::OtherIssuer)?,
        })
    }
}

fn setting(server: &Server, exception: Exception) -> String {
    format!("exception/{}/{}", server.id, exception.as_str())
}
