//! Looks for trouble everywhere, and says what to do.

use std::sync::Arc;

use crate::failure::{Failure, FailureCode};
use crate::view::{AccountView, CheckView, ServerView};
use crate::{Api, fault};

impl Api {
    /// Looks for trouble.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn doctor(&self) -> Result<Vec<CheckView>, Failure> {
        let around = Arc::clone(&self.0.surroundings);
        let mut checks = blocking(move || around.checks()).await?;
        checks.push(self.log_check().await);
        checks.push(self.anchor_check().await?);
        checks.push(self.copy_check()?);
        checks.push(self.network_check()?);
        checks.push(self.asking_check().await?);
        checks.extend(self.servers().await?.iter().map(server));
        Ok(checks)
    }

    /// Whether every yes that is asked for can be given on this machine.
    async fn asking_check(&self) -> Result<CheckView, Failure> {
        let asking = self.asking().await?;
        let stuck: Vec<String> = asking
            .levels
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.words, one.in_the_way.as_ref()?)))
            .collect();
        Ok(match (stuck.is_empty(), asking.levels.len()) {
            (true, 0) => fine("approvals", "a click answers every question"),
            (true, count) => fine("approvals", format!("{count} levels set, and all can be met")),
            (false, _) => trouble(
                "approvals",
                format!("nobody can say yes here to: {}", stuck.join("; ")),
                "Set an approval passphrase or mend what is named; until then such calls wait and can only be denied.",
            ),
        })
    }

    async fn log_check(&self) -> CheckView {
        match self.audit_glance().await {
            Ok(verdict) if verdict.ok => {
                fine("audit", format!("{} records, unbroken", verdict.records))
            }
            Ok(verdict) => trouble(
                "audit",
                verdict.faults.join("; "),
                "Keep the file as evidence, and compare it with an exported copy.",
            ),
            Err(failure) => trouble("audit", failure.message, failure.hint),
        }
    }

    async fn anchor_check(&self) -> Result<CheckView, Failure> {
        let log = self.0.log.clone();
        Ok(match blocking(move || log.anchor()).await? {
            Ok(Some(anchor)) => {
                fine("anchor", format!("outside of the database, at record {}", anchor.seq))
            }
            Ok(None) => fine("anchor", "none yet; the next checkpoint makes one"),
            Err(fault) => trouble(
                "anchor",
                format!("it could not be read: {}", fault::sentence(&fault.to_string())),
                "Until it can be read, nobody can tell whether the log was put back to an older copy. It is not written over.",
            ),
        })
    }

    fn copy_check(&self) -> Result<CheckView, Failure> {
        let doubtful = self.0.accounts.doubtful()?;
        if doubtful.is_empty() {
            return Ok(fine("copy", "this data folder is the only one that is known"));
        }
        let all: Vec<String> =
            doubtful.iter().map(|(server, account)| format!("{server} ({account})")).collect();
        Ok(trouble(
            "copy",
            format!(
                "this data folder was copied. Sign-ins that the original may still use are not renewed here: {}",
                all.join(", ")
            ),
            "Sign in to these servers again. If the original is gone, run `prokura adopt`, or press the button in the settings.",
        ))
    }

    fn network_check(&self) -> Result<CheckView, Failure> {
        let network = self.network_settings()?;
        let way =
            network.proxy.map_or_else(|| "directly".to_owned(), |url| format!("through {url}"));
        let names: Vec<String> = network.authorities.into_iter().map(|one| one.name).collect();
        let trusted = if names.is_empty() {
            String::new()
        } else {
            format!("; trusts {} too", names.join(", "))
        };
        Ok(fine("network", format!("servers are reached {way}{trusted}")))
    }
}

fn server(server: &ServerView) -> CheckView {
    let id = format!("server {}", server.name);
    if server.state == "ready" {
        let told: Vec<String> = server.accounts.iter().map(account).collect();
        let mut check =
            fine(&id, if told.is_empty() { "ready".to_owned() } else { told.join("; ") });
        check.hint = server.accounts.iter().find_map(|account| less(server, account));
        return check;
    }
    trouble(
        &id,
        "sign-in needed",
        format!("Run `prokura servers sign-in {}`, or sign in in the window.", server.name),
    )
}

fn account(account: &AccountView) -> String {
    let state = account.state.replace('_', " ");
    let more = if account.scopes_unneeded.is_empty() {
        String::new()
    } else {
        format!(
            ", and its token could do more than any grant allows: {}",
            account.scopes_unneeded.join(" ")
        )
    };
    match &account.expires_at {
        Some(at) => format!("{}: {state}, token until {at}{more}", account.name),
        None => format!("{}: {state}{more}", account.name),
    }
}

/// How to sign in with the scopes that grants need, where a person signed in with more.
fn less(server: &ServerView, account: &AccountView) -> Option<String> {
    let unneeded = &account.scopes_unneeded;
    let some = !unneeded.is_empty() && unneeded.len() < account.scopes.len();
    (account.kind == "oauth" && some).then(|| {
        let without: String = unneeded.iter().map(|scope| format!(" --without {scope}")).collect();
        format!(
            "`prokura servers sign-in {} --account {}{without}` asks for less.",
            server.name, account.name
        )
    })
}

async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(ask)
        .await
        .map_err(|error| Failure::new(FailureCode::Internal, error.to_string(), "Try again."))
}

fn fine(id: &str, message: impl Into<String>) -> CheckView {
    CheckView { id: id.to_owned(), ok: true, message: message.into(), hint: None }
}

fn trouble(id: &str, message: impl Into<String>, hint: impl Into<String>) -> CheckView {
    CheckView { id: id.to_owned(), ok: false, message: message.into(), hint: Some(hint.into()) }
}
