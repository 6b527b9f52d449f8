//! What is shown of servers, their accounts and signing in. It never holds a token or a secret.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{LocalView, Named};

/// An account at a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct AccountView {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `anonymous`, `key` or `oauth`.
    pub kind: String,
    /// `signed_in`, `needs_sign_in` or `signed_out`.
    pub state: String,
    /// Who issued its tokens.
    pub issuer: Option<String>,
    /// What its tokens are bound to.
    pub resource: Option<String>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// Scopes the server asked for in vain; the next sign-in asks for them.
    pub scopes_wanted: Vec<String>,
    /// Scopes the person declined to give; calls that need them are refused.
    pub scopes_declined: Vec<String>,
    /// When the access token expires, RFC 3339.
    pub expires_at: Option<String>,
    /// When the person signed in first, RFC 3339.
    pub added_at: String,
    /// The agents that use it at its server.
    pub agents: Vec<Named>,
    /// Granted scopes that no active grant needs, as far as their names tell.
    pub scopes_unneeded: Vec<String>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ServerView {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The URL of its MCP endpoint.
    pub endpoint: String,
    /// What its tokens are bound to.
    pub resource: Option<String>,
    /// `ready`, `sign_in_needed`, or `scopes_wanted`: some call needs more than the account was given.
    /// Of a program of this machine also `approval_needed`, and `stopped_for_good` after too many crashes.
    pub state: String,
    /// Its accounts.
    pub accounts: Vec<AccountView>,
    /// How many tools it offers.
    pub tools: u32,
    /// How many of them wait to be looked at: new or changed.
    pub tools_waiting: u32,
    /// How many active grants name it.
    pub grants: u32,
    /// The address agents use for this server alone.
    pub http: String,
    /// When it was added, RFC 3339.
    pub added_at: String,
    /// What the person excuses its authorization server: `no-pkce`, `other-issuer`.
    pub exceptions: Vec<String>,
    /// Whether Prokura shows what it asks of agents that cannot show it.
    #[serde(default)]
    pub shows_questions: bool,
    /// How it stands, where it is a program of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub local: Option<LocalView>,
}

/// A scope that a sign-in asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct ScopeView {
    /// The scope.
    pub name: String,
    /// What its name says it allows: `identity`, `stay`, `read`, `change`, `delete`, `admin` or `other`. A claim.
    pub allows: String,
    /// Whether the account has it already.
    pub had: bool,
    /// Whether a call was refused for lack of it.
    pub wanted: bool,
}

/// What a sign-in would ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct PlanView {
    /// Who would issue the tokens.
    pub issuer: String,
    /// Everybody who could.
    pub issuers: Vec<String>,
    /// What the tokens would be bound to.
    pub resource: String,
    /// What would be asked for.
    pub scopes: Vec<ScopeView>,
    /// Whether a browser on this machine will do.
    pub browser: bool,
    /// Whether a browser anywhere will do, by a code.
    pub device: bool,
    /// Whether the tokens would be bound to a key.
    pub bound: bool,
}

/// What to enter with a browser elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct DeviceView {
    /// The code.
    pub code: String,
    /// The page to enter it at.
    pub page: String,
    /// Until when, RFC 3339.
    pub expires_at: String,
}

/// A sign-in that waits for the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "View.ts")]
pub struct SignInView {
    /// Names the sign-in.
    pub sign_in: String,
    /// The page to open in the browser.
    pub url: String,
    /// Who issues the tokens.
    pub issuer: String,
    /// What the tokens will be bound to.
    pub resource: String,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// What to enter, where the browser is elsewhere.
    pub device: Option<DeviceView>,
}
