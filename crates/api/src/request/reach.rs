//! What a wish does to what Agents may do. Every wish says it here: one that widens is refused to processes of Agents.

use super::{
    AccountWish, AnswerWish, AskingWish, AuditWish, BundleWish, GuardrailWish, LocalWish,
    NetworkWish, Request, RulesWish, RunWish,
};

/// What a wish does to what Agents may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Nothing: it only looks.
    Looks,
    /// It can only take away, or stop.
    Narrows,
    /// It can give more, or take away what holds something back.
    Widens,
    /// It takes these Grants back. One that denies or asks holds back others, so that depends on the Grants.
    OfGrants(&'a [String]),
}

impl Request {
    /// What it does to what Agents may do. A new wish has to choose.
    #[must_use]
    #[allow(clippy::wildcard_enum_match_arm)] // A wish that nobody thought of widens.
    pub fn reach(&self) -> Reach<'_> {
        match self {
            _ if self.looks() => Reach::Looks,
            Self::ServerRemove { .. }
            | Self::Local(LocalWish::Stop { .. })
            | Self::Run(RunWish::Stop { .. })
            | Self::SignInCancel { .. }
            | Self::SignOut { .. }
            | Self::Unwire { .. }
            | Self::AgentRevoke { .. }
            | Self::AgentUnpair { .. }
            | Self::AgentSignOut { .. }
            | Self::AgentPause { .. }
            | Self::ApprovalAnswer {
                answer: AnswerWish::Deny(_) | AnswerWish::DenyAndPause(_) | AnswerWish::Cancel,
                ..
            }
            | Self::Pause => Reach::Narrows,
            Self::Guardrail(wish) => of_guardrails(wish),
            Self::GrantRevoke { grant } => Reach::OfGrants(std::slice::from_ref(grant)),
            Self::Rules(RulesWish::Revoke { grants }) => Reach::OfGrants(grants),
            // What is not said here or above is held back. Of the audit log that is what shows sealed payloads of all
            // agents, and what decides about what is left to see later.
            _ => Reach::Widens,
        }
    }

    /// Whether it only looks.
    fn looks(&self) -> bool {
        matches!(
            self,
            Self::State
                | Self::Servers
                | Self::ServersKnown { .. }
                | Self::Tools { .. }
                | Self::ToolsRefresh { .. }
                | Self::Programs
                | Self::WirePreview(_)
                | Self::UnwirePreview { .. }
                | Self::Agents
                | Self::Grants { .. }
                | Self::Access(_)
                | Self::Approvals { .. }
                | Self::ApprovalShow { .. }
                | Self::ApprovalsTold
                | Self::Asking(AskingWish::Show)
                | Self::Audit(
                    AuditWish::List { .. }
                        | AuditWish::Show { .. }
                        | AuditWish::Days { .. }
                        | AuditWish::Touched { .. }
                        | AuditWish::Status
                        | AuditWish::FilterSave { .. }
                        | AuditWish::Verify
                        | AuditWish::Save { .. }
                        | AuditWish::Bundle { .. }
                        | AuditWish::Export { .. }
                )
                | Self::Flow
                | Self::Simulate(_)
                | Self::Rules(
                    RulesWish::Export
                        | RulesWish::Preset { digest: None, .. }
                        | RulesWish::Copy { digest: None, .. }
                        | RulesWish::Import { digest: None, .. }
                )
                | Self::Bundle(BundleWish::List | BundleWish::Look { .. })
                | Self::Local(LocalWish::Preview { .. })
                | Self::Account(AccountWish::Plan { .. })
                | Self::Doctor
                | Self::Network(NetworkWish::Show)
        )
    }

    /// Its word.
    #[must_use]
    pub fn word(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("wish").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
    }
}

/// What holds something back is not for processes of Agents to change.
fn of_guardrails(wish: &GuardrailWish) -> Reach<'static> {
    match wish {
        GuardrailWish::List
        | GuardrailWish::Show { .. }
        | GuardrailWish::Check { .. }
        | GuardrailWish::Words => Reach::Looks,
        GuardrailWish::Add { .. } | GuardrailWish::Change { .. } | GuardrailWish::Remove { .. } => {
            Reach::Widens
        }
    }
}
