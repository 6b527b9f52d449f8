//! The ports: traits that one crate implements and `host` hands to another.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::id::{AccountId, QuestionId};
use crate::level::Passphrase;
use crate::question::Question;

/// What a sealed value is tied to. A value under another context does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// What it is for: `tokens`, `client`, `payload` …
    pub purpose: &'a str,
    /// The row it belongs to.
    pub row: &'a str,
    /// The field of that row.
    pub field: &'a str,
    /// How often it was written; an older value put back does not open.
    pub generation: u64,
    /// Account, resource and issuer, where they exist.
    pub bound_to: Option<Binding<'a>>,
}

/// What a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The Account.
    pub account: &'a str,
    /// The resource the token is for.
    pub resource: &'a str,
    /// The authorization server that issued it.
    pub issuer: &'a str,
}

/// Why a value could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// The Vault has no key now.
    #[error("the vault is locked: {0}")]
    Locked(String),
    /// The value was changed, moved, or is older than it should be.
    #[error("a sealed value does not open: it was changed, moved, or put back")]
    DoesNotOpen,
}

/// Seals and opens values at rest.
pub trait Sealer: Send + Sync {
    /// Seals `plain` for `context`.
    ///
    /// # Errors
    /// [`SealFault::Locked`] while the Vault has no key.
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault>;

    /// Opens `sealed`, which must have been sealed for the same `context`.
    ///
    /// # Errors
    /// [`SealFault`] when the Vault is locked or the value does not belong there.
    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault>;
}

/// Signs checkpoints of the log with Ed25519, and keeps the anchor outside the file.
pub trait Signer: Send + Sync {
    /// The public key; `None` while the Vault is locked.
    fn public_key(&self) -> Option<[u8; 32]>;

    /// The signature over `message`; `None` while the Vault is locked.
    fn sign(&self, message: &[u8]) -> Option<[u8; 64]>;

    /// Puts the latest checkpoint where a thief of the file cannot reach it.
    fn anchor(&self, checkpoint: &Anchor);

    /// The latest anchored checkpoint of log `log_id`; `None` where there is none.
    ///
    /// # Errors
    /// [`AnchorFault`] when it cannot be read now: then nobody knows whether there is one.
    fn anchored(&self, log_id: &str) -> Result<Option<Anchor>, AnchorFault>;
}

/// Why an anchor could not be read; a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AnchorFault(pub String);

/// A checkpoint as it is anchored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Anchor {
    /// Which log.
    pub log_id: String,
    /// Up to which record.
    pub seq: i64,
    /// The hash of that record.
    pub hash: Digest,
}

/// Brings Questions before the person. It shows; it never answers.
pub trait Prompter: Send + Sync {
    /// A Question was raised.
    fn raised(&self, question: &Question);

    /// A Question was raised while the person does not want to be disturbed: nothing comes to the front.
    fn waits(&self, _question: &Question) {}

    /// A Question needs no answer any more.
    fn settled(&self, question: &QuestionId);
}

/// Checks passphrases. What is kept of one is sealed, and nobody can read the passphrase out of it.
pub trait Passphrases: Send + Sync {
    /// What to keep of a passphrase. It takes a while on purpose, so it must not run where others wait.
    ///
    /// # Errors
    /// [`SealFault::Locked`] while the Vault has no key.
    fn keep(&self, passphrase: &Passphrase, generation: u64) -> Result<Vec<u8>, SealFault>;

    /// Whether this is the passphrase of which that was kept. It takes as long.
    ///
    /// # Errors
    /// [`SealFault`] when the Vault is locked, or what was kept is not what belongs there.
    fn fits(
        &self,
        passphrase: &Passphrase,
        kept: &[u8],
        generation: u64,
    ) -> Result<bool, SealFault>;
}

/// Why nobody could be shown to be there; a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresenceFault {
    /// This machine cannot tell, and the sentence says what is missing.
    #[error("{0}")]
    Unable(String),
    /// The system asked, and the person said no, or was not the person.
    #[error("the system did not confirm that you are there")]
    NotConfirmed,
}

/// Asks the system whether the person is there. A yes is good for the one question it was asked for: nothing is kept.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Whether this machine can tell at all.
    ///
    /// # Errors
    /// [`PresenceFault::Unable`] says what is missing.
    async fn able(&self) -> Result<(), PresenceFault>;

    /// Asks now. Dropping the future takes the question back.
    ///
    /// # Errors
    /// [`PresenceFault`]: then nobody was shown to be there.
    async fn prove(&self) -> Result<(), PresenceFault>;
}

/// What became of a sign-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOut {
    /// Whether the authorization server confirmed the revocation (RFC 7009).
    pub revoked: bool,
    /// What the person is told.
    pub told: String,
}

/// What `delegation` needs of Accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Revokes the tokens at the authorization server as far as it offers that, and forgets them here in any case.
    ///
    /// # Errors
    /// A sentence that says why nothing was forgotten.
    async fn sign_out(&self, account: &AccountId) -> Result<SignOut, String>;
}
