//! The one path of a Call, and the use cases around it.
//! It must never hold a token, send bytes itself, or let a Call go without a Permit and a record.

mod access;
mod agents;
mod answers;
mod ask;
mod bundles;
mod care;
mod catalogue;
mod cover;
mod elicit;
mod facts;
mod flight;
mod flow;
mod grants;
mod guardrails;
mod hold;
mod intent;
mod limits;
mod listing;
mod local;
pub mod message;
mod ownership;
mod pairing;
mod path;
mod peek;
mod person;
mod pins;
mod quiet;
mod recent;
mod records;
mod registry;
mod relay;
mod reply;
mod rounds;
mod scopes;
mod search;
mod servers;
mod shown;
mod simulation;
mod step_up;
mod subscribe;
mod suggest;
mod switch;
mod told;
mod upstream;
mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prokura_domain::port::{Accounts, Passphrases, Presence, Prompter};
use prokura_domain::registry::ClientDocuments;
use prokura_domain::{Change, Clock, Entropy};
use prokura_store::{Log, Store, StoreError};
use tokio::sync::broadcast;

pub use access::Access;
pub use agents::NewAgent;
pub use answers::AnswerFault;
pub use bundles::{BundleTrouble, HeldBundle};
pub use care::{LogSettings, Mask};
pub use cover::{Covering, Granted};
pub use elicit::{Elicited, Reaction};
pub use flight::Standing;
pub use flow::{AgentFlow, Content, FlowFault};
pub use grants::{Amendment, GrantFault, NewGrant};
pub use guardrails::GuardrailTrouble;
pub use hold::Hold;
pub use message::{Broken, Inbound, Kind, Refusal, RefusalCode, Reply};
pub use pins::PinFault;
pub use quiet::Disturb;
pub use recent::{Aid, Suggestion};
pub use simulation::{SimulatedCall, Simulation, Trial};
pub use step_up::{StepUp, StepUpFault};
pub use upstream::{Programs, Upstream, UpstreamFault};
pub use wait::Wait;

/// What a use case can run into besides its own refusals.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DelegationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name is taken or cannot be used.
    #[error("{0}")]
    Name(String),
    /// A grant could not be made.
    #[error(transparent)]
    Grant(#[from] GrantFault),
    /// A question could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerFault),
    /// A yes was not given with enough.
    #[error(transparent)]
    StepUp(#[from] StepUpFault),
    /// A tool could not be accepted or classified.
    #[error(transparent)]
    Pin(#[from] PinFault),
    /// The flow rule or labels could not be set.
    #[error(transparent)]
    Flow(#[from] FlowFault),
    /// A guardrail could not be added or changed.
    #[error(transparent)]
    Guardrail(#[from] GuardrailTrouble),
    /// A bundle was not taken or released.
    #[error(transparent)]
    Bundle(#[from] BundleTrouble),
    /// A local Server cannot be started like that.
    #[error("{0}")]
    Launch(String),
    /// The person said no a moment ago.
    #[error("{0}")]
    Refused(String),
    /// What was named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The Server did not answer as it should.
    #[error(transparent)]
    Upstream(#[from] UpstreamFault),
}

/// Whether a Grant's target covers a tool as it stands now.
#[must_use]
pub fn covers_tool(grant: &prokura_domain::Grant, tool: &prokura_domain::Tool) -> bool {
    let target = prokura_domain::Target::Tool(tool.name.clone());
    prokura_policy::covers(&grant.target, &target, Some(&facts::tool_facts(tool)))
}

/// What `host` hands in.
pub struct Parts {
    /// What is remembered.
    pub store: Store,
    /// The audit log.
    pub log: Log,
    /// The way out.
    pub upstream: Arc<dyn Upstream>,
    /// The programs of this machine that are Servers.
    pub programs: Arc<dyn Programs>,
    /// The way to the person.
    pub prompter: Arc<dyn Prompter>,
    /// Sign-out and revocation.
    pub accounts: Arc<dyn Accounts>,
    /// The documents by which programs of agents name themselves.
    pub documents: Arc<dyn ClientDocuments>,
    /// Checks approval passphrases.
    pub passphrases: Arc<dyn Passphrases>,
    /// Asks the system whether the person is there.
    pub presence: Arc<dyn Presence>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where changes are told.
    pub changes: broadcast::Sender<Change>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// The one path of a Call, and the use cases around it.
#[derive(Clone)]
pub struct Delegation(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// Counts changes of the rules; a Permit made under an older one is decided again.
    generation: AtomicU64,
    paused: AtomicBool,
    waiting: ask::Waiting,
    patience: wait::Patience,
    unheard: wait::Unheard,
    floods: quiet::Floods,
    recent: recent::Recent,
    flights: flight::Flights,
    /// Streams that rest on no Server, by Agent.
    standers: flight::Flights,
    cursors: ownership::Cursors,
    elicits: elicit::Elicits,
    limits: limits::Kept,
    searching: search::Searching,
    asked: answers::Asked,
    running: answers::Running,
    rounds: rounds::Rounds,
    refused: records::Throttle,
    registry: registry::Registry,
    pinning: std::sync::Mutex<()>,
    flow: std::sync::RwLock<prokura_domain::FlowRule>,
    guardrails: std::sync::RwLock<Arc<prokura_policy::Guardrails>>,
    /// What the table of Grants holds, ready to be asked. Only `keep_grants` changes either.
    ledger: std::sync::RwLock<prokura_policy::Ledger>,
    standing: care::Standing,
    /// Held while somebody asks for more scopes.
    scoping: tokio::sync::Mutex<()>,
    /// Held while somebody asks whether a local Server may start.
    starting: tokio::sync::Mutex<()>,
    steps: step_up::Steps,
}

impl std::fmt::Debug for Delegation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delegation").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

impl Delegation {
    /// The path over these parts. Questions left from an earlier run are dropped: their Calls are gone.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let paused = parts.store.setting(switch::PAUSED)?.as_deref() == Some("true");
        let rule = flow::stored_rule(&parts.store)?;
        let guardrails = guardrails::stored(&parts.store)?;
        let ledger = prokura_policy::Ledger::new(parts.store.open_grants()?);
        let steps = step_up::Steps::stored(&parts.store)?;
        let elicits = elicit::Elicits::stored(&parts.store)?;
        let delegation = Self(Arc::new(Inner {
            parts,
            flow: std::sync::RwLock::new(rule),
            guardrails: std::sync::RwLock::new(guardrails),
            ledger: std::sync::RwLock::new(ledger),
            generation: AtomicU64::new(1),
            paused: AtomicBool::new(paused),
            waiting: ask::Waiting::default(),
            patience: wait::Patience::default(),
            unheard: wait::Unheard::default(),
            floods: quiet::Floods::default(),
            recent: recent::Recent::default(),
            flights: flight::Flights::default(),
            standers: flight::Flights::default(),
            cursors: ownership::Cursors::default(),
            elicits,
            limits: limits::Kept::default(),
            searching: search::Searching::default(),
            asked: answers::Asked::default(),
            running: answers::Running::default(),
            rounds: rounds::Rounds::default(),
            refused: records::Throttle::default(),
            registry: registry::Registry::default(),
            pinning: std::sync::Mutex::new(()),
            standing: care::Standing::default(),
            scoping: tokio::sync::Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            steps,
        }));
        delegation.drop_left_over()?;
        delegation.apply_log_settings()?;
        Ok(delegation)
    }

    /// Where changes are told.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.parts.changes.subscribe()
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    /// The rules changed: Permits made before are decided again.
    fn rules_changed(&self, change: Change) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        self.tell(change);
    }

    fn tell(&self, change: Change) {
        // Nobody listening is fine.
        let _ = self.0.parts.changes.send(change);
    }

    fn store(&self) -> &Store {
        &self.0.parts.store
    }

    fn log(&self) -> &Log {
        &self.0.parts.log
    }

    /// The present moment, so that the border shows what the rules see.
    #[must_use]
    pub fn moment(&self) -> prokura_domain::Timestamp {
        self.0.parts.clock.now()
    }

    fn now(&self) -> prokura_domain::Timestamp {
        self.moment()
    }
}
