//! Faults of the parts below, in words a person can act on.

use prokura_account::AccountError;
use prokura_delegation::{
    AnswerFault, BundleTrouble, DelegationError, GrantFault, GuardrailTrouble, PinFault,
    StepUpFault, UpstreamFault,
};
use prokura_store::StoreError;

use crate::failure::{Failure, FailureCode};

/// How a condition is written.
pub(crate) const WHERE: &str = "Write a condition as POINTER OP VALUE, such as \"/amount <= 500\" or \"/to in [\\\"alice\\\",\\\"bob\\\"]\".";

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
            StoreError::Unwritable { .. }
            | StoreError::Newer { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Unreadable(_)
            | StoreError::NoSuch(_)
            | StoreError::BudgetUsedUp(_)
            | StoreError::FlowsTogether
            | StoreError::NotARecord(_)
            | StoreError::NoCheckpoint
            | StoreError::Sealed(_)
            | StoreError::Database(_) => {
                Self::new(FailureCode::Internal, message, "Run `prokura doctor`.")
            }
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
            DelegationError::Launch(_) => Self::new(
                FailureCode::BadRequest,
                message,
                "Nothing was started. Give a program's name or its full path, and each argument as a word of its own.",
            ),
            DelegationError::Refused(_) => {
                Self::new(FailureCode::Refused, message, "Try again in a minute.")
            }
            DelegationError::NotFound(_) => {
                Self::new(FailureCode::NotFound, message, "Run `prokura doctor`.")
            }
            DelegationError::Grant(fault) => grant(&fault, message),
            DelegationError::Answer(fault) => unanswered(&fault, message),
            DelegationError::StepUp(fault) => stepped(&fault, message),
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
            DelegationError::Guardrail(fault) => guardrail(&fault, message),
            DelegationError::Bundle(fault) => bundle(&fault, message),
            DelegationError::Flow(_) => {
                Self::new(FailureCode::BadRequest, message, "For example: `--window 8h`.")
            }
            DelegationError::Upstream(fault) => fault.into(),
        }
    }
}

/// Why a grant was not made or changed.
fn grant(fault: &GrantFault, message: String) -> Failure {
    match fault {
        GrantFault::Unknown(_) => {
            Failure::new(FailureCode::NotFound, message, "List the grants first.")
        }
        GrantFault::Revoked => {
            Failure::new(FailureCode::Conflict, message, "There is nothing left to do.")
        }
        GrantFault::Condition(_) | GrantFault::TooMany => {
            Failure::new(FailureCode::BadRequest, message, WHERE)
        }
        GrantFault::LevelOfNoQuestion => {
            Failure::new(FailureCode::BadRequest, message, "No grant was made.")
        }
        GrantFault::Nothing | GrantFault::NoChange => {
            Failure::new(FailureCode::BadRequest, message, "Nothing was changed.")
        }
        GrantFault::BudgetOfDeny => {
            Failure::new(FailureCode::BadRequest, message, "Use it with allow or ask.")
        }
        GrantFault::Over(_) => Failure::new(
            FailureCode::BadRequest,
            message,
            "Times are UTC unless they say otherwise.",
        ),
    }
}

/// Why a bundle was not taken.
fn bundle(fault: &BundleTrouble, message: String) -> Failure {
    let (code, hint) = match fault {
        BundleTrouble::Fault(_) => {
            (FailureCode::BadRequest, "Nothing was changed. Get it again from who publishes it.")
        }
        BundleTrouble::Stranger => {
            (FailureCode::Refused, "Nothing was changed. A new bundle is taken with its key.")
        }
        BundleTrouble::OtherKey(_) => (
            FailureCode::Refused,
            "Nothing was changed. Who publishes it says which key is right; release the old one first.",
        ),
        BundleTrouble::Older { .. } | BundleTrouble::Twice(_) => {
            (FailureCode::Refused, "Nothing was changed. Get the newest from who publishes it.")
        }
        BundleTrouble::Unknown(_) => (FailureCode::NotFound, "List the bundles first."),
    };
    Failure::new(code, message, hint)
}

/// Why a Guardrail could not be kept.
fn guardrail(fault: &GuardrailTrouble, message: String) -> Failure {
    let (code, hint) = match fault {
        GuardrailTrouble::Unknown(_) => (FailureCode::NotFound, "List the guardrails first."),
        GuardrailTrouble::Taken(_) | GuardrailTrouble::OfBundle(_) => {
            (FailureCode::Conflict, "Nothing was changed.")
        }
        GuardrailTrouble::Name(_) => (FailureCode::BadRequest, "Choose another name."),
        GuardrailTrouble::Text(_) => (
            FailureCode::BadRequest,
            "Nothing was changed. What can be named is listed by `prokura guardrails words`.",
        ),
    };
    Failure::new(code, message, hint)
}

/// An answer to a server's question that is none.
#[allow(clippy::wildcard_enum_match_arm)] // The others are told by the one that calls this.
fn not_as_asked(fault: &AnswerFault, message: String) -> Failure {
    // It repeats the names that a server gave its fields.
    let message = crate::pieces::visible(&message);
    let hint = match fault {
        AnswerFault::FormNeeded => {
            "Use `prokura approvals answer ID fill --field NAME=VALUE`, or decline it with `deny`."
        }
        AnswerFault::Unfit(_) => {
            "Nothing was sent. Change what is named above; the question goes on waiting."
        }
        AnswerFault::Unopened(_) => "Decline it, or cancel it.",
        AnswerFault::CannotCancel => "Deny it instead.",
        _ => "Use `prokura approvals show ID` to see how it is answered.",
    };
    Failure::new(FailureCode::BadRequest, message, hint)
}

/// Why a Question could not be answered.
fn unanswered(fault: &AnswerFault, message: String) -> Failure {
    match fault {
        AnswerFault::Unknown(_) => {
            Failure::new(FailureCode::NotFound, message, "List the questions first.")
        }
        AnswerFault::Settled(_) | AnswerFault::Expired => {
            Failure::new(FailureCode::Conflict, message, "The agent can try the call again.")
        }
        AnswerFault::OnlyOnce | AnswerFault::EachTime => {
            Failure::new(FailureCode::BadRequest, message, "Answer it without a time.")
        }
        AnswerFault::SignInNeeded => Failure::new(
            FailureCode::BadRequest,
            message,
            "Use `prokura approvals answer ID allow`, or sign in again under Servers.",
        ),
        AnswerFault::FormNeeded
        | AnswerFault::NoForm
        | AnswerFault::Unfit(_)
        | AnswerFault::Unopened(_)
        | AnswerFault::CannotCancel => not_as_asked(fault, message),
        AnswerFault::BadTime(_) => {
            Failure::new(FailureCode::BadRequest, message, "For example: `--for 15m`.")
        }
        AnswerFault::Changed => Failure::new(
            FailureCode::Conflict,
            message,
            "Look at the tool under Servers; the agent can call again once it is accepted.",
        ),
        AnswerFault::CannotHold(_) => Failure::new(
            FailureCode::BadRequest,
            message,
            "Hold other arguments, or allow these very arguments for a time.",
        ),
        AnswerFault::TooBroad => Failure::new(
            FailureCode::BadRequest,
            message,
            "Hold arguments fixed, allow these very arguments for a time, or change the grant.",
        ),
        AnswerFault::NumberNeeded => Failure::new(
            FailureCode::BadRequest,
            message,
            "Use `prokura approvals answer ID allow --number NUMBER --new-agent NAME` (or --agent NAME).",
        ),
        AnswerFault::NoNumber => {
            Failure::new(FailureCode::BadRequest, message, "Answer it without a number.")
        }
        AnswerFault::WrongNumber => Failure::new(
            FailureCode::Refused,
            message,
            "If you did not start this sign-in, somebody else did: it is over now.",
        ),
        AnswerFault::CannotLast => {
            Failure::new(FailureCode::BadRequest, message, "Answer it without a time.")
        }
    }
}

/// Why a yes was not given with enough.
fn stepped(fault: &StepUpFault, message: String) -> Failure {
    let (code, hint) = match fault {
        StepUpFault::PassphraseNeeded => {
            (FailureCode::PassphraseNeeded, "Give the approval passphrase, or deny.")
        }
        StepUpFault::NoPassphrase => (
            FailureCode::Refused,
            "Set one with `prokura approvals passphrase` or under Settings; denying works without.",
        ),
        StepUpFault::Wrong(_) => (
            FailureCode::PassphraseNeeded,
            "Try again, or deny. Each wrong one makes the next wait longer.",
        ),
        StepUpFault::Wait(..) => (
            FailureCode::Refused,
            "Wait; denying works at once. If it was not you who tried, somebody guesses at your passphrase.",
        ),
        StepUpFault::Vault(_) => {
            (FailureCode::VaultLocked, "`prokura doctor` says what is missing and what to do.")
        }
        StepUpFault::Presence(_) => (
            FailureCode::Refused,
            "The question still waits: try again, or deny. Under Settings another level can be set for later calls.",
        ),
        StepUpFault::BadPassphrase => {
            (FailureCode::BadRequest, "A sentence of several words is easy to keep in mind.")
        }
        StepUpFault::OldNeeded => {
            (FailureCode::PassphraseNeeded, "Give the old one first, then the new one.")
        }
        StepUpFault::Scope(_) => (
            FailureCode::BadRequest,
            "Write class:destructive, server:NAME, tool:SERVER/TOOL or grant:ID.",
        ),
    };
    Failure::new(code, message, hint)
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
            UpstreamFault::NotApproved(_) => Self::new(
                FailureCode::Refused,
                message,
                "The question waits in Prokura's window and in `prokura approvals list`.",
            ),
            UpstreamFault::VaultLocked(_) => Self::new(
                FailureCode::VaultLocked,
                message,
                "`prokura doctor` says what is missing and what to do. Nothing was lost.",
            ),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let message = sentence(&error.to_string());
        let (code, hint) = advice(&error);
        Self::new(code, message, hint)
    }
}

const SIGN_IN: &str = "Sign in with `prokura servers sign-in NAME` or in the window.";
const NEW_ASSERTION: &str =
    "Have a new token written to that file, then try again. Nothing was sent.";
const NO_PKCE: &str = "Tell its operator. If you trust it all the same: `prokura servers except NAME no-pkce`, or Exceptions in the window.";
const OTHER_ISSUER: &str = "Nothing was stored. If its metadata is known to name another issuer and you trust it: `prokura servers except NAME other-issuer`.";
const UNREACHABLE: &str = "Check the URL and the network, then try again. Nothing was lost.";
const TELL: &str =
    "Nothing was sent or stored. Tell the operator of the server what is said above.";
const CLIENT: &str =
    "Enter the client with `prokura servers client NAME --id ID` or in the window.";
const LOCKED: &str = "`prokura doctor` says what is missing and what to do. Nothing was lost.";

/// The closed code of an Account's fault, and what to do next.
fn advice(error: &AccountError) -> (FailureCode, &'static str) {
    use AccountError as Fault;
    match error {
        Fault::NoAccount | Fault::NoServer | Fault::NoSignIn => {
            (FailureCode::NotFound, "List what there is with `prokura servers list`.")
        }
        Fault::BadAssertion { .. } => (FailureCode::SignInNeeded, NEW_ASSERTION),
        Fault::NoPkce { .. } => (FailureCode::Refused, NO_PKCE),
        Fault::IssuerMismatch { .. } => (FailureCode::Refused, OTHER_ISSUER),
        Fault::BadEndpoint(_)
        | Fault::BadKey(_)
        | Fault::BadSetting(_)
        | Fault::BadPaste(_)
        | Fault::BadName(_)
        | Fault::NothingAsked => {
            (FailureCode::BadRequest, "Correct what was entered and try again.")
        }
        Fault::SignInNeeded { .. }
        | Fault::KeyRefused { .. }
        | Fault::DoesNotOpen
        | Fault::Copied { .. } => (FailureCode::SignInNeeded, SIGN_IN),
        Fault::Unreachable { .. } => (FailureCode::Unreachable, UNREACHABLE),
        Fault::Forbidden(_)
        | Fault::NoAuthorization { .. }
        | Fault::BadMetadata { .. }
        | Fault::ResourceMismatch { .. }
        | Fault::Denied { .. }
        | Fault::Refused { .. }
        | Fault::ForAnother { .. }
        | Fault::StepUpExhausted { .. } => (FailureCode::Refused, TELL),
        Fault::ClientNeeded { .. }
        | Fault::NoOwnClient { .. }
        | Fault::ClientElsewhere { .. }
        | Fault::RegistrationRefused { .. } => (FailureCode::SignInNeeded, CLIENT),
        Fault::PortTaken { .. } | Fault::Listener(_) => {
            (FailureCode::Conflict, "Free the port, then start the sign-in again.")
        }
        Fault::AnotherIdentity { .. } | Fault::Busy { .. } => (
            FailureCode::Conflict,
            "Finish or cancel the open sign-in, or choose the other account.",
        ),
        Fault::Expired | Fault::Cancelled | Fault::Stopping => {
            (FailureCode::Conflict, "Start the sign-in again when you are ready.")
        }
        Fault::VaultLocked(_) => (FailureCode::VaultLocked, LOCKED),
        Fault::Store(_) => (FailureCode::Internal, "Run `prokura doctor`."),
    }
}

/// First letter large, a full stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    let mut out = first.unwrap_or_default();
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '?', '!']) {
        out.push('.');
    }
    out
}
