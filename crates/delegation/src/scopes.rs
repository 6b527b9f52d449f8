//! More scopes: a Server refused a Call because its Account's token allows too little (CA-43). The Call waits, the person is
//! asked once for each Account however many Calls wait, and a sign-in answers. What was declined is remembered.
//! It must never send a Call again without a new decision, nor ask without end (CA-44).

use prokura_domain::call::Why;
use prokura_domain::{
    Account, AccountId, Call, Change, Digest, Question, QuestionKind, QuestionState,
};
use prokura_policy::{Approved, Decision, Facts, Permit, decide};
use prokura_store::StoreError;
use tokio::time::Instant;

use crate::ask::{Asking, broken, internal, still_waiting};
use crate::flight::Landing;
use crate::message::{Refusal, RefusalCode, Reply};
use crate::path::Halt;
use crate::told::changed;
use crate::upstream::UpstreamFault;
use crate::wait::Wait;
use crate::{Delegation, DelegationError};

/// How often one Call is sent again after a sign-in.
const AGAIN: usize = 2;
/// A Server can have the person asked so often in an hour about one Account.
const MOST_AN_HOUR: usize = 4;
const HOUR_MS: i64 = 3_600_000;
/// A Server that names more than this is not asking for anything a person could read.
const MOST_SCOPES: usize = 50;

/// A Call that may have to wait, with what it was decided on.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub call: &'a Call,
    pub facts: &'a Facts,
    /// The yes it was sent for.
    pub approved: Option<&'a Approved>,
    /// How long its Agent waits, and since when.
    pub patience: (&'a Wait, Instant),
}

impl Delegation {
    /// Spends the Permit; where the Server wants more scopes, waits until the person gave them, decides again, and sends
    /// again.
    pub(crate) async fn spend_at_length(
        &self,
        permit: Permit,
        landing: &Landing,
        standing: Standing<'_>,
    ) -> Result<Reply, Refusal> {
        let mut permit = permit;
        for _ in 0..AGAIN {
            match self.try_spend(permit, landing).await {
                Ok(reply) => return Ok(reply),
                Err(Halt::Refused(refusal)) => return Err(refusal),
                Err(Halt::Scopes(scopes)) => {
                    let reopening = self.reopening(&standing);
                    let given = tokio::select! {
                        biased;
                        () = landing.token().cancelled() => Err(changed()),
                        given = self.given(&standing, &scopes) => given,
                    };
                    reopening.end(given.as_ref().err());
                    given?;
                    permit = self.decided_again(standing.call, standing.facts)?;
                }
            }
        }
        self.spend(permit, landing).await
    }

    /// Waits until the Account has been given what is missing.
    async fn given(&self, standing: &Standing<'_>, scopes: &[String]) -> Result<(), Refusal> {
        let (call, (wait, since)) = (standing.call, standing.patience);
        let account = self.store().account(&call.account).map_err(internal)?;
        let account = account.ok_or_else(changed)?;
        if !account.kind.has_person() || scopes.len() > MOST_SCOPES {
            self.want_scopes(&account.id, scopes);
            return Err(wanting(scopes));
        }
        let missing: Vec<String> =
            scopes.iter().filter(|scope| !account.scopes.contains(scope)).cloned().collect();
        // Another Call waited for the same, and has been given it while this one was on its way.
        if missing.is_empty() {
            return Ok(());
        }
        let declined = self.declined_scopes(&account.id).map_err(internal)?;
        if let Some(scope) = missing.iter().find(|scope| declined.contains(scope)) {
            let text = format!(
                "The server wants \"{scope}\" for this, and the person declined to give it to this account."
            );
            return Err(Refusal::new(RefusalCode::DeniedByPerson, text));
        }
        let question = self.scopes_question(call, &account, missing).await?;
        let mut waiter = self.waiter(&call.agent, since, wait.within.is_some());
        let left = || wait.within.map(|within| within.saturating_sub(since.elapsed()));
        let settled = self.settled_by(&question.id, left).await;
        waiter.defuse();
        match settled? {
            None => Err(still_waiting(&question.id)),
            Some(settled) if settled.state == QuestionState::Used => Ok(()),
            Some(settled) => Err(not_given(&settled)),
        }
    }

    /// The Question that waits about this Account already, or a new one.
    async fn scopes_question(
        &self,
        call: &Call,
        account: &Account,
        missing: Vec<String>,
    ) -> Result<Question, Refusal> {
        // Of many Calls that are refused at the same moment one asks.
        let _one = self.0.scoping.lock().await;
        let now = self.now();
        let own = |question: &Question| {
            question.account.as_ref() == Some(&account.id)
                && matches!(question.kind, QuestionKind::Scopes { .. })
        };
        let all = self.store().questions(false).map_err(internal)?;
        let waits = all.iter().find(|question| {
            own(question) && question.state == QuestionState::Pending && now < question.expires_at
        });
        if let Some(question) = waits {
            return Ok(question.clone());
        }
        let lately = |question: &&Question| now.millis_since(question.raised_at) < HOUR_MS;
        if all.iter().filter(|question| own(question)).filter(lately).count() >= MOST_AN_HOUR {
            self.want_scopes(&account.id, &missing);
            return Err(wanting(&missing));
        }
        self.may_ask(&call.agent).await?;
        self.want_scopes(&account.id, &missing);
        let text = "The server refused this call: the account's sign-in does not allow enough.";
        let asking = Asking {
            agent: Some(call.agent.clone()),
            server: Some(call.server.clone()),
            account: Some(account.id.clone()),
            digest: bound(account, &missing),
            params: "{}".to_owned(),
            why: vec![Why::new("scopes", text)],
            kind: QuestionKind::Scopes {
                call: call.id.clone(),
                method: call.method.clone(),
                target_kind: call.target.kind().to_owned(),
                target: call.target.name().to_owned(),
                had: account.scopes.clone(),
                wanted: missing,
            },
        };
        self.put_up(asking, self.subject_of(call), None).await.map_err(broken)
    }

    /// Decides with the facts of now. What the Call costs was counted with its intent.
    pub(crate) fn decided_again(&self, call: &Call, before: &Facts) -> Result<Permit, Refusal> {
        let own = before.flow.as_ref().map_or(&call.id, |flow| &flow.own);
        let (mut facts, guardrails) = self.facts_of(call, own).map_err(internal)?;
        facts.approved.clone_from(&before.approved);
        facts.arguments.clone_from(&before.arguments);
        let grants = self.grants_for(call, &facts);
        match decide(call, &grants, &guardrails, &facts) {
            Decision::Allow(permit, _) => Ok(permit),
            Decision::Ask(_) | Decision::Deny(_) => Err(changed()),
        }
    }

    /// An Account was signed in again: what waits for its scopes goes on, or hears that they were not given.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn signed_in(&self, account: &Account) -> Result<(), DelegationError> {
        self.store().put_setting(&wanted_of(&account.id), "")?;
        self.store().put_setting(&declined_of(&account.id), "")?;
        for question in self.store().questions(true)? {
            let QuestionKind::Scopes { wanted, .. } = &question.kind else { continue };
            let pending = question.state == QuestionState::Pending;
            if !pending || question.account.as_ref() != Some(&account.id) {
                continue;
            }
            let left: Vec<&str> = wanted
                .iter()
                .filter(|scope| !account.scopes.contains(scope))
                .map(String::as_str)
                .collect();
            if left.is_empty() {
                self.settle(&question, QuestionState::Used, None).await?;
            } else {
                let note = format!("The sign-in did not give {}.", left.join(" "));
                self.settle(&question, QuestionState::Denied, Some(&note)).await?;
            }
        }
        Ok(())
    }

    /// Remembers what the person declined to give.
    pub(crate) fn scopes_declined(&self, question: &Question) -> Result<(), StoreError> {
        let (QuestionKind::Scopes { wanted, .. }, Some(account)) =
            (&question.kind, &question.account)
        else {
            return Ok(());
        };
        let mut declined = self.declined_scopes(account)?;
        declined.extend(
            wanted.iter().filter(|scope| !declined.contains(scope)).cloned().collect::<Vec<_>>(),
        );
        self.store().put_setting(&declined_of(account), &declined.join(" "))?;
        self.store().put_setting(&wanted_of(account), "")?;
        self.tell(Change::Accounts);
        Ok(())
    }

    /// The person may be asked again about what was declined for this Account.
    ///
    /// # Errors
    /// Store faults.
    pub fn ask_for_scopes_again(&self, account: &AccountId) -> Result<(), DelegationError> {
        self.store().put_setting(&declined_of(account), "")?;
        self.tell(Change::Accounts);
        Ok(())
    }

    /// Remembers scopes a Server asked for, so that the next sign-in of the Account asks for them too.
    pub(crate) fn want_scopes(&self, account: &AccountId, scopes: &[String]) {
        if let Err(error) = self.store().put_setting(&wanted_of(account), &scopes.join(" ")) {
            tracing::warn!(%error, "the wanted scopes could not be remembered");
        }
        self.tell(Change::Accounts);
    }

    /// The scopes a Server asked for in vain, if any.
    ///
    /// # Errors
    /// Store faults.
    pub fn wanted_scopes(&self, account: &AccountId) -> Result<Vec<String>, StoreError> {
        self.listed(&wanted_of(account))
    }

    /// The scopes the person declined to give, until the next sign-in of the Account.
    ///
    /// # Errors
    /// Store faults.
    pub fn declined_scopes(&self, account: &AccountId) -> Result<Vec<String>, StoreError> {
        self.listed(&declined_of(account))
    }

    fn listed(&self, setting: &str) -> Result<Vec<String>, StoreError> {
        let text = self.store().setting(setting)?.unwrap_or_default();
        Ok(text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
    }

    fn reopening<'a>(&'a self, standing: &Standing<'a>) -> Reopening<'a> {
        Reopening { delegation: self, standing: *standing, armed: true }
    }
}

/// The yes to a Call that waits for scopes. The Server did not carry the Call out, so when its Agent gives up waiting, the
/// yes is good for the identical repeat.
struct Reopening<'a> {
    delegation: &'a Delegation,
    standing: Standing<'a>,
    armed: bool,
}

impl Reopening<'_> {
    /// Only while waiting goes on is the yes still good; any other end is the end of the Call.
    fn end(mut self, refusal: Option<&Refusal>) {
        self.armed = refusal.is_some_and(|refusal| refusal.code == RefusalCode::Waiting);
    }
}

impl Drop for Reopening<'_> {
    fn drop(&mut self) {
        let Some(yes) = self.standing.approved.filter(|_| self.armed) else { return };
        let (store, call) = (self.delegation.store(), self.standing.call);
        let open = store.question(&yes.question).and_then(|question| match question {
            Some(question) if self.delegation.now() < question.expires_at => {
                store.reopen_question(&question.id, (call.digest, &call.params.to_text()))
            }
            Some(_) | None => Ok(false),
        });
        if let Err(error) = open {
            tracing::warn!(%error, "an approval could not be laid open again");
        }
    }
}

/// What the Agent is told when nobody is asked.
pub(crate) fn wanting(scopes: &[String]) -> Refusal {
    let fault = UpstreamFault::ScopesNeeded(scopes.to_vec());
    Refusal::new(RefusalCode::SignInNeeded, format!("{fault}."))
}

fn not_given(question: &Question) -> Refusal {
    let note = question.note.as_deref().filter(|note| !note.is_empty());
    match (question.state, note) {
        (QuestionState::Denied, Some(note)) => Refusal::new(
            RefusalCode::DeniedByPerson,
            format!("The account was not given what the server wants: {note}"),
        ),
        (QuestionState::Denied, None) => Refusal::new(
            RefusalCode::DeniedByPerson,
            "The person declined to give the account what the server wants for this.",
        ),
        _ => crate::ask::refusal(question),
    }
}

fn bound(account: &Account, wanted: &[String]) -> Digest {
    let mut wanted = wanted.to_vec();
    wanted.sort();
    Digest::of(&[
        b"prokura-scopes-v1",
        account.id.as_str().as_bytes(),
        b"\0",
        wanted.join(" ").as_bytes(),
    ])
}

/// The setting that holds the scopes wanted of an Account.
fn wanted_of(account: &AccountId) -> String {
    format!("wanted_scopes/{account}")
}

/// The setting that holds the scopes declined for an Account.
fn declined_of(account: &AccountId) -> String {
    format!("declined_scopes/{account}")
}
