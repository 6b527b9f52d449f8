//! What can go wrong with an Account, each told so that the person knows what to do next. It never holds a secret.

use prokura_domain::port::SealFault;
use prokura_store::StoreError;

use crate::http::Fault;

/// Why an Account could not be found, signed in, proved or signed out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// There is no such Account.
    #[error("there is no such account; it may have been removed")]
    NoAccount,
    /// There is no such Server, or it was removed meanwhile.
    #[error("there is no such server; it may have been removed")]
    NoServer,
    /// The endpoint is no URL.
    #[error("\"{0}\" is not the URL of a server")]
    BadEndpoint(String),
    /// The person has to sign in.
    #[error("sign in to {server} again: it no longer accepts what is stored")]
    SignInNeeded {
        /// The Server's name.
        server: String,
    },
    /// The stored key was refused.
    #[error("{server} refused the stored key; enter a new one")]
    KeyRefused {
        /// The Server's name.
        server: String,
    },
    /// A key or header that cannot be used.
    #[error("this key cannot be used: {0}")]
    BadKey(&'static str),
    /// A setting that cannot be used.
    #[error("this cannot be set: {0}")]
    BadSetting(&'static str),
    /// The data folder was copied, and the original may still use what was copied.
    #[error(
        "this data folder is a copy, and renewing the sign-in to {server} here would end it in the original; sign in to {server} again, or run `prokura adopt` if the original is gone"
    )]
    Copied {
        /// The Server's name.
        server: String,
    },
    /// A network trouble that may pass; nothing stored was changed.
    #[error("{host} cannot be reached now ({reason}); try again later, nothing was lost")]
    Unreachable {
        /// The host.
        host: String,
        /// What was seen.
        reason: String,
    },
    /// A URL or an address that may not be used.
    #[error("refused for safety: {0}")]
    Forbidden(#[source] Fault),
    /// The Server names no authorization server.
    #[error(
        "{server} does not say where to sign in; if it takes a key, enter the key, else ask its operator"
    )]
    NoAuthorization {
        /// The Server's name.
        server: String,
    },
    /// A metadata document that cannot be used.
    #[error("{url} is not usable ({reason}); ask the server's operator")]
    BadMetadata {
        /// Where it was read, without query.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The metadata speaks of another resource.
    #[error(
        "the server at {endpoint} presents itself as {resource}; a token for that could be misused, so nothing was signed in"
    )]
    ResourceMismatch {
        /// The endpoint that the person entered.
        endpoint: String,
        /// The resource it named.
        resource: String,
    },
    /// The authorization server does not say that it is who it should be.
    #[error("the answer does not come from {issuer}; nothing was signed in")]
    IssuerMismatch {
        /// Who was expected.
        issuer: String,
    },
    /// The authorization server does not advertise PKCE with S256.
    #[error(
        "{issuer} does not offer PKCE with S256, without which a sign-in is not safe; ask its operator"
    )]
    NoPkce {
        /// The authorization server.
        issuer: String,
    },
    /// No way to have a client there by ourselves.
    #[error(
        "{issuer} registers no programs by itself: create a client there with the redirect address {redirect} and enter its id"
    )]
    ClientNeeded {
        /// The authorization server.
        issuer: String,
        /// The redirect address to enter there.
        redirect: String,
    },
    /// What was pasted does not end this sign-in.
    #[error("what you pasted cannot be used: {0}")]
    BadPaste(&'static str),
    /// Every scope was left out.
    #[error("choose at least one scope; asking for none leaves it to the server what is given")]
    NothingAsked,
    /// A name that an Account cannot have.
    #[error("an account cannot be called \"{0}\"")]
    BadName(String),
    /// A program has no client of its own yet.
    #[error("{issuer} has to know a program before it gives it tokens: enter its client id first")]
    NoOwnClient {
        /// The authorization server.
        issuer: String,
    },
    /// What stands in for the person cannot be used.
    #[error("{path} cannot be used: {reason}")]
    BadAssertion {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The entered client belongs to an authorization server that the Server no longer uses.
    #[error(
        "the client you entered belongs to {entered}, but {server} now uses {now}; enter a client of that one, or remove the entered one"
    )]
    ClientElsewhere {
        /// The Server's name.
        server: String,
        /// Where the entered client belongs.
        entered: String,
        /// What the Server names now.
        now: String,
    },
    /// The authorization server refused to register Prokura.
    #[error("{issuer} refused to register Prokura ({said}); enter a client of your own for it")]
    RegistrationRefused {
        /// The authorization server.
        issuer: String,
        /// What it said.
        said: String,
    },
    /// The remembered redirect port is taken by another program.
    #[error(
        "another program uses port {port}, which the entered client expects; stop it and try again"
    )]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The sign-in was refused there.
    #[error("{issuer} did not sign you in ({said})")]
    Denied {
        /// The authorization server.
        issuer: String,
        /// What it said.
        said: String,
    },
    /// The authorization server refused a token request.
    #[error("{issuer} refused to issue a token ({said})")]
    Refused {
        /// The authorization server.
        issuer: String,
        /// What it said.
        said: String,
    },
    /// The token is for another Server of this person.
    #[error("{issuer} issued a token for {other} instead; it was not kept, tell its operator")]
    ForAnother {
        /// The authorization server.
        issuer: String,
        /// The name of the Server that the token is for.
        other: String,
    },
    /// Somebody else signed in than the Account stands for.
    #[error(
        "you signed in as {got}, but this account is {expected}; sign in as {expected}, or add {got} as a new account"
    )]
    AnotherIdentity {
        /// The Account's name.
        expected: String,
        /// Who signed in.
        got: String,
    },
    /// A sign-in for another Account of the same Server is open.
    #[error("another sign-in to {server} is open; finish or cancel it first")]
    Busy {
        /// The Server's name.
        server: String,
    },
    /// The sign-in is not known, or is long over.
    #[error("this sign-in is over; start it again")]
    NoSignIn,
    /// Nobody answered in time.
    #[error("nobody finished the sign-in within 10 minutes; start it again")]
    Expired,
    /// The person cancelled it.
    #[error("the sign-in was cancelled")]
    Cancelled,
    /// The Server keeps asking for scopes that a new sign-in does not bring.
    #[error(
        "{server} still refuses after signing in again with {scopes}; ask its operator for these rights"
    )]
    StepUpExhausted {
        /// The Server's name.
        server: String,
        /// The scopes, separated by spaces.
        scopes: String,
    },
    /// The loopback listener could not be started.
    #[error("no local port could be opened for the sign-in: {0}")]
    Listener(String),
    /// The Vault cannot open now.
    #[error("the vault is locked: {0}")]
    VaultLocked(String),
    /// A sealed value was changed, moved, or put back.
    #[error(
        "what is stored for this account does not open: it was changed or put back; sign in again"
    )]
    DoesNotOpen,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task ended before its work was done: the program is stopping.
    #[error("the program is stopping")]
    Stopping,
}

impl AccountError {
    /// Whether trying again later can help without the person doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Stopping)
    }
}

impl From<SealFault> for AccountError {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::Locked(why) => Self::VaultLocked(why),
            SealFault::DoesNotOpen => Self::DoesNotOpen,
        }
    }
}

impl From<Fault> for AccountError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable { host, reason } => Self::Unreachable { host, reason },
            Fault::Forbidden { .. } | Fault::Blocked { .. } | Fault::TooLarge { .. } => {
                Self::Forbidden(fault)
            }
        }
    }
}
