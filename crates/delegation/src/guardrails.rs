//! Guardrails: adding, changing, removing, and the world they are checked against.

use std::sync::{Arc, PoisonError};

use prokura_domain::{
    AccountId, AgentId, Change, Durability, Event, GuardedTool, Guardrail, GuardrailFault,
    GuardrailId, GuardrailOrigin, Json, Pin, RecordKind, ServerId,
};
use prokura_policy::{Cast, Guardrails, arguments_of, check_guardrail};
use prokura_store::{Store, StoreError};

use crate::{Delegation, DelegationError, bundles};

/// The longest name.
const LONGEST_NAME: usize = 80;

/// Why a Guardrail could not be added or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardrailTrouble {
    /// There is no such Guardrail.
    #[error("there is no guardrail \"{0}\"; list them with `guardrails list`")]
    Unknown(String),
    /// The name cannot be used.
    #[error("\"{0}\" cannot be the name of a guardrail; use 1 to 80 visible characters")]
    Name(String),
    /// Another one has the name.
    #[error("a guardrail \"{0}\" exists already; choose another name, or change that one")]
    Taken(String),
    /// It belongs to a bundle.
    #[error("this guardrail belongs to the bundle \"{0}\" and is changed with it")]
    OfBundle(String),
    /// The text is wrong.
    #[error("{}", words(.0))]
    Text(Vec<GuardrailFault>),
}

/// All faults as sentences with their places.
fn words(faults: &[GuardrailFault]) -> String {
    let one = |fault: &GuardrailFault| {
        let place = match (fault.line, fault.column) {
            (0, _) => String::new(),
            (line, 0) => format!("line {line}: "),
            (line, column) => format!("line {line}, column {column}: "),
        };
        let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{place}{}{help}", fault.message)
    };
    faults.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The person's own, then those of bundles.
fn all(store: &Store) -> Result<Vec<Guardrail>, StoreError> {
    let mut found = store.guardrails()?;
    found.extend(bundles::guardrails(store)?);
    Ok(found)
}

/// The Guardrails as they are remembered.
pub(crate) fn stored(store: &Store) -> Result<Arc<Guardrails>, StoreError> {
    Ok(Arc::new(Guardrails::new(&all(store)?, None)))
}

impl Delegation {
    /// The Guardrails in force.
    pub(crate) fn guardrails_now(&self) -> Arc<Guardrails> {
        Arc::clone(&self.0.guardrails.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All Guardrails: the person's own by name, then those of bundles.
    ///
    /// # Errors
    /// Store faults.
    pub fn guardrails(&self) -> Result<Vec<Guardrail>, DelegationError> {
        Ok(all(self.store())?)
    }

    /// A Guardrail by name or id.
    ///
    /// # Errors
    /// [`GuardrailTrouble::Unknown`]; store faults.
    pub fn guardrail_named(&self, name: &str) -> Result<Guardrail, DelegationError> {
        let found = match self.store().find_guardrail(name)? {
            None => bundles::guardrails(self.store())?
                .into_iter()
                .find(|one| one.name == name || one.id.as_str() == name),
            own => own,
        };
        Ok(found.ok_or_else(|| GuardrailTrouble::Unknown(name.to_owned()))?)
    }

    /// The tools Guardrails can name, with their arguments.
    ///
    /// # Errors
    /// Store faults.
    pub fn guarded_tools(&self) -> Result<Vec<GuardedTool>, DelegationError> {
        let mut tools = Vec::new();
        for server in self.store().servers()? {
            for tool in self.store().tools(&server.id)? {
                if tool.pin == Pin::Gone {
                    continue;
                }
                let definition = Json::read(tool.definition.as_bytes()).unwrap_or(Json::Null);
                let arguments = arguments_of(&definition);
                tools.push(GuardedTool { server: server.name.clone(), name: tool.name, arguments });
            }
        }
        Ok(tools)
    }

    /// What is wrong with the text of a Guardrail, against the tools there are now. Empty is fine.
    ///
    /// # Errors
    /// Store faults.
    pub fn check_guardrail(&self, text: &str) -> Result<Vec<GuardrailFault>, DelegationError> {
        Ok(check_guardrail(text, &self.guarded_tools()?).err().unwrap_or_default())
    }

    /// Adds a Guardrail.
    ///
    /// # Errors
    /// [`GuardrailTrouble`] with every fault and its place; store and log faults.
    pub async fn add_guardrail(
        &self,
        name: &str,
        text: &str,
        origin: GuardrailOrigin,
    ) -> Result<Guardrail, DelegationError> {
        let visible = !name.trim().is_empty() && !name.chars().any(char::is_control);
        if !visible || name.chars().count() > LONGEST_NAME {
            return Err(GuardrailTrouble::Name(name.to_owned()).into());
        }
        if self.guardrail_named(name).is_ok() {
            return Err(GuardrailTrouble::Taken(name.to_owned()).into());
        }
        self.good(text)?;
        let now = self.now();
        let guardrail = Guardrail {
            id: GuardrailId::new(&*self.0.parts.entropy),
            name: name.to_owned(),
            text: text.to_owned(),
            enabled: true,
            origin,
            added_at: now,
            changed_at: now,
        };
        self.keep_guardrail(RecordKind::GuardrailAdded, &guardrail).await?;
        Ok(guardrail)
    }

    fn good(&self, text: &str) -> Result<(), DelegationError> {
        match self.check_guardrail(text)? {
            faults if faults.is_empty() => Ok(()),
            faults => Err(GuardrailTrouble::Text(faults).into()),
        }
    }

    /// Changes the text of a Guardrail, or switches it on or off.
    ///
    /// # Errors
    /// [`GuardrailTrouble`] with every fault and its place; store and log faults.
    pub async fn change_guardrail(
        &self,
        name: &str,
        text: Option<&str>,
        enabled: Option<bool>,
    ) -> Result<Guardrail, DelegationError> {
        let mut guardrail = self.own_guardrail(name)?;
        if let Some(text) = text {
            self.good(text)?;
            guardrail.text = text.to_owned();
        }
        guardrail.enabled = enabled.unwrap_or(guardrail.enabled);
        guardrail.changed_at = self.now();
        self.keep_guardrail(RecordKind::GuardrailChanged, &guardrail).await?;
        Ok(guardrail)
    }

    /// Removes a Guardrail.
    ///
    /// # Errors
    /// [`GuardrailTrouble`]; store and log faults.
    pub async fn remove_guardrail(&self, name: &str) -> Result<Guardrail, DelegationError> {
        let guardrail = self.own_guardrail(name)?;
        self.note_guardrail(RecordKind::GuardrailRemoved, &guardrail).await?;
        self.store().remove_guardrail(&guardrail.id)?;
        self.guardrails_changed()?;
        Ok(guardrail)
    }

    fn own_guardrail(&self, name: &str) -> Result<Guardrail, DelegationError> {
        let guardrail = self.guardrail_named(name)?;
        match &guardrail.origin {
            GuardrailOrigin::Bundle { bundle } => {
                Err(GuardrailTrouble::OfBundle(bundle.clone()).into())
            }
            GuardrailOrigin::Window | GuardrailOrigin::Cli | GuardrailOrigin::File => Ok(guardrail),
        }
    }

    /// Records a Guardrail, then keeps it.
    async fn keep_guardrail(
        &self,
        kind: RecordKind,
        guardrail: &Guardrail,
    ) -> Result<(), DelegationError> {
        self.note_guardrail(kind, guardrail).await?;
        self.store().put_guardrails(std::slice::from_ref(guardrail))?;
        self.guardrails_changed()
    }

    /// What is stored is what holds from now on.
    pub(crate) fn guardrails_changed(&self) -> Result<(), DelegationError> {
        let mut held = self.0.guardrails.write().unwrap_or_else(PoisonError::into_inner);
        let made = Guardrails::new(&all(self.store())?, Some(&held));
        *held = Arc::new(made);
        drop(held);
        self.rules_changed(Change::Guardrails);
        Ok(())
    }

    pub(crate) async fn note_guardrail(
        &self,
        kind: RecordKind,
        guardrail: &Guardrail,
    ) -> Result<(), DelegationError> {
        let by = match &guardrail.origin {
            GuardrailOrigin::Window => "window",
            GuardrailOrigin::Cli => "cli",
            GuardrailOrigin::File => "file",
            GuardrailOrigin::Bundle { .. } => "bundle",
        };
        let detail = Json::object([
            ("guardrail", Json::text(guardrail.id.as_str())),
            ("name", Json::text(&guardrail.name)),
            ("text", Json::text(&guardrail.text)),
            ("enabled", Json::from(guardrail.enabled)),
            ("by", Json::text(by)),
        ]);
        // What is written next is synced, and this with it: it is the same file.
        self.log().append(Event::new(kind, detail), Durability::Logged).await?;
        self.tell(Change::Audit);
        Ok(())
    }

    /// The names a Call goes by, for the Guardrails.
    pub(crate) fn cast_of(
        &self,
        agent: &AgentId,
        server: &ServerId,
        account: &AccountId,
    ) -> Result<Arc<Cast>, StoreError> {
        let agent = self.store().agent(agent)?;
        let server = self.store().server(server)?;
        let account = self.store().account(account)?;
        let mut cast =
            Cast { agent: agent.map(|agent| agent.name).unwrap_or_default(), ..Cast::default() };
        if let Some(server) = server {
            cast.server = server.name;
            cast.url = server.endpoint;
        }
        if let Some(account) = account {
            cast.account = account.name;
            cast.tenant = account.tenant;
            cast.issuer = account.issuer;
            cast.scopes = account.scopes;
        }
        Ok(Arc::new(cast))
    }
}
