//! Faults of the parts below, in words a person can act on.

use prokura_account::AccountError;
use prokura_delegation::{AnswerFault, DelegationError, GrantFault, PinFault, UpstreamFault};
use prokura_store::StoreError;

use crate::failure::{Failure, FailureCode};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = format!("{error}.").replace("..", ".");
        match error {
            StoreError::AuditBroken(_) => Self::new(
                FailureCode::AuditBroken,
                message,
                "Nothing goes out until the audit log can be written. Free disk space or mend the permissions of the data folder.",
            ),
            StoreError::NameTaken(_) => {
                Self::new(FailureCode::Conflict, message, "Choose another name.")
            }
            _ => Self::new(FailureCode::Internal, message, "Run `prokura doctor`."),
        }
    }
}

impl From<DelegationError> for Failure {
    fn from(error: DelegationError) -> Self {
        let message = sentence(&error.to_string());
        match error {
            DelegationError::Store(error) => error.into(),
            DelegationError::Name(_) => {
                Self::new(FailureCode::BadRequest, message, "Choose another name.")
            }
            DelegationError::NotFound(_) => {
                Self::new(FailureCode::NotFound, message, "Run `prokura doctor`.")
            }
            DelegationError::Grant(fault) => match fault {
                GrantFault::Unknown(_) => {
                    Self::new(FailureCode::NotFound, message, "List the grants first.")
                }
                GrantFault::Revoked => {
                    Self::new(FailureCode::Conflict, message, "There is nothing left to do.")
                }
                GrantFault::Over(_) => {
                    Self::new(FailureCode::BadRequest, message, "Times are UTC unless they say otherwise.")
                }
            },
            DelegationError::Answer(fault) => match fault {
                AnswerFault::Unknown(_) => {
                    Self::new(FailureCode::NotFound, message, "List the questions first.")
                }
                AnswerFault::Settled(_) | AnswerFault::Expired => {
                    Self::new(FailureCode::Conflict, message, "The agent can try the call again.")
                }
                AnswerFault::BadTime(_) => {
                    Self::new(FailureCode::BadRequest, message, "For example: `--for 15m`.")
                }
            },
            DelegationError::Pin(fault) => match fault {
                PinFault::Unknown(_) => Self::new(
                    FailureCode::NotFound,
                    message,
                    "Ask the server again with `prokura tools list --refresh`, if it is a new one.",
                ),
                PinFault::NothingToAccept(_) | PinFault::Gone(_) => {
                    Self::new(FailureCode::Conflict, message, "There is nothing left to do.")
                }
            },
            DelegationError::Upstream(fault) => fault.into(),
        }
    }
}

impl From<UpstreamFault> for Failure {
    fn from(fault: UpstreamFault) -> Self {
        let message = sentence(&fault.to_string());
        match fault {
            UpstreamFault::SignInNeeded(_) | UpstreamFault::ScopesNeeded(_) => Self::new(
                FailureCode::SignInNeeded,
                message,
                "Sign in with `prokura servers sign-in NAME` or in the window.",
            ),
            UpstreamFault::Unreachable(_) | UpstreamFault::Garbled(_) => Self::new(
                FailureCode::Unreachable,
                message,
                "Check the URL and that the server is running, then try again.",
            ),
            UpstreamFault::VaultLocked(_) => Self::new(
                FailureCode::VaultLocked,
                message,
                "Unlock the keyring of your desktop, then try again.",
            ),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let (code, hint) = error.advice();
        let code = match code {
            "sign_in_needed" => FailureCode::SignInNeeded,
            "unreachable" => FailureCode::Unreachable,
            "vault_locked" => FailureCode::VaultLocked,
            "not_found" => FailureCode::NotFound,
            "conflict" => FailureCode::Conflict,
            "bad_request" => FailureCode::BadRequest,
            _ => FailureCode::Internal,
        };
        Self::new(code, sentence(&error.to_string()), hint)
    }
}

/// First letter large, a full stop at the end.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    let mut out = first.unwrap_or_default();
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '?', '!']) {
        out.push('.');
    }
    out
}
