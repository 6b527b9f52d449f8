//! The words about clients, sign-ins and what stands in for a person.

use std::path::PathBuf;

/// The client that was registered by hand, and what it proves itself with.
#[derive(Debug, clap::Args)]
pub struct Client {
    pub name: String,
    /// The client id.
    #[arg(long)]
    pub id: String,
    /// Read the client secret from standard input.
    #[arg(long, group = "proof")]
    pub secret_stdin: bool,
    /// Read the client's private key from this file: unencrypted PEM.
    #[arg(long, value_name = "FILE", group = "proof")]
    pub key_file: Option<PathBuf>,
    /// Make a key that stays here; its public part is printed for you to enter there.
    #[arg(long, group = "proof")]
    pub new_key: bool,
    /// How the key signs: ES256, ES384, EdDSA, PS256 or RS256.
    #[arg(long, requires = "key_file")]
    pub algorithm: Option<String>,
    /// The key's id there.
    #[arg(long, requires = "key_file")]
    pub key_id: Option<String>,
}

/// What is asked for, and how.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// Show what would be asked for, and do nothing.
    #[arg(long)]
    pub plan: bool,
    /// Add a further account.
    #[arg(long, conflicts_with = "account")]
    pub another: bool,
    /// Leave this scope out; can be given several times.
    #[arg(long, value_name = "SCOPE")]
    pub without: Vec<String>,
    /// Which authorization server, where the server names several.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Sign in with a browser anywhere, by a code.
    #[arg(long, conflicts_with_all = ["paste", "print_url"])]
    pub device: bool,
    /// The browser is on another machine: paste the address it ends at.
    #[arg(long)]
    pub paste: bool,
}

/// Signing in a program instead of a person.
#[derive(Debug, clap::Args)]
pub struct Machine {
    /// Sign in the entered client itself: no browser, no person.
    #[arg(long, group = "machine")]
    pub client: bool,
    /// Sign in a workload with the token its platform keeps in this file.
    #[arg(long, value_name = "TOKEN_FILE", group = "machine")]
    pub workload: Option<PathBuf>,
    /// Sign in through your enterprise's identity provider (its issuer URL).
    #[arg(long, value_name = "ISSUER", group = "machine", requires_all = ["idp_client", "id_token_file"])]
    pub enterprise: Option<String>,
    /// Prokura's client id at the identity provider.
    #[arg(long, value_name = "ID", requires = "enterprise")]
    pub idp_client: Option<String>,
    /// Read the client's secret at the identity provider from standard input.
    #[arg(long, requires = "enterprise")]
    pub idp_secret_stdin: bool,
    /// The file with your ID token from the identity provider.
    #[arg(long, value_name = "FILE", requires = "enterprise")]
    pub id_token_file: Option<PathBuf>,
}
