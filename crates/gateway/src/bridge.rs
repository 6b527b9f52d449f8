//! Between the eras: an Agent of one reaches a Server of the other. It stands before the one path of a Call, so what is
//! decided, shown and recorded is what leaves, byte for byte; where both sides speak the same era it changes nothing.
//! It must never decide, invent an answer, or hand one Agent what belongs to another.

mod down;
mod eras;
mod line;
pub(crate) mod mirror;
pub(crate) mod reading;
mod up;
pub(crate) mod words;

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use prokura_delegation::{Elicited, Inbound, Kind, Reaction, Refusal, Reply, Standing, Wait};
use prokura_domain::registry::AgentRegistry;
use prokura_domain::{
    AccountId, Agent, AgentId, AgentLimits, Change, Entropy, Era, Json, QuestionId, Server,
    ServerId, Timestamp,
};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::path::Path;
use crate::seal::Seal;
use crate::session::Sessions;
use eras::{Eras, Spoken};
pub(crate) use reading::{json_reply, stream_reply};

/// How often what is kept is looked through.
const SWEEP: Duration = Duration::from_secs(30);

/// The one path of a Call, with an Agent of either era before it and a Server of either era behind it.
pub(crate) struct Bridge(Arc<Inner>);

pub(crate) struct Inner {
    path: Arc<dyn Path>,
    entropy: Arc<dyn Entropy>,
    seal: Seal,
    eras: Eras,
    lines: line::Lines,
    parked: down::Parked,
    sessions: up::Upward,
}

impl Bridge {
    /// To be called within a Tokio runtime.
    pub fn over(path: Arc<dyn Path>, entropy: Arc<dyn Entropy>, seal: Seal) -> Self {
        let changes = path.changes();
        let inner = Arc::new(Inner {
            path,
            entropy,
            seal,
            eras: Eras::default(),
            lines: line::Lines::default(),
            parked: down::Parked::default(),
            sessions: up::Upward::default(),
        });
        tokio::spawn(look_after(Arc::downgrade(&inner), changes));
        Self(inner)
    }
}

impl Inner {
    fn mint(&self) -> String {
        Sessions::mint(&*self.entropy)
    }

    /// One message of a modern Agent.
    async fn modern(self: &Arc<Self>, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        let spoken = match self.eras.modern(&inbound.server) {
            Some(spoken) => spoken,
            None => match self.probe(&inbound).await? {
                eras::Probed::Answered(reply) => return Ok(reply),
                eras::Probed::Speaks(spoken) => spoken,
            },
        };
        match spoken {
            Spoken::No => down::carry(self, inbound, wait).await,
            Spoken::Yes => {
                let server = inbound.server.clone();
                let reply = self.path.pass_within(inbound, wait).await?;
                if reply.status == 400 || reply.status == 405 {
                    // It may have become another server: looked at again before the next message (CM-09).
                    self.eras.forget(&server);
                }
                Ok(reply)
            }
        }
    }

    /// One message of a legacy Agent.
    async fn legacy(self: &Arc<Self>, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        let greets = matches!(&inbound.kind, Kind::Message { method, id: Some(_), .. } if method == "initialize");
        if greets {
            return up::greet(self, inbound).await;
        }
        let session = inbound.session.as_deref();
        match session.and_then(|id| self.sessions.find(id)) {
            Some(session) => up::carry(self, &session, inbound, wait).await,
            None => self.path.pass_within(inbound, wait).await,
        }
    }

    fn sweep(&self) {
        self.parked.sweep();
        self.sessions.sweep(|agent| self.path.gone(agent));
        for line in self.lines.sweep(|agent| self.path.gone(agent)) {
            let path = Arc::clone(&self.path);
            tokio::spawn(async move { line.end(&*path).await });
        }
    }
}

#[async_trait]
impl Path for Bridge {
    fn prove(&self, key: &str) -> Option<Agent> {
        self.0.path.prove(key)
    }

    async fn note_refused(&self, agent: Option<&AgentId>, why: &str) {
        self.0.path.note_refused(agent, why).await;
    }

    fn claim(&self, agent: &AgentId, client_info: Option<&str>) {
        self.0.path.claim(agent, client_info);
    }

    fn server_for(
        &self,
        agent: &AgentId,
        server: &str,
    ) -> Option<(Server, Result<AccountId, Refusal>)> {
        self.0.path.server_for(agent, server)
    }

    fn servers_for(&self, agent: &AgentId) -> Vec<(Server, AccountId)> {
        self.0.path.servers_for(agent)
    }

    async fn pass(&self, inbound: Inbound) -> Result<Reply, Refusal> {
        self.pass_within(inbound, Wait::default()).await
    }

    async fn pass_within(&self, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        match inbound.era {
            Era::Modern => self.0.modern(inbound, wait).await,
            Era::Legacy => self.0.legacy(inbound, wait).await,
        }
    }

    fn patience(&self, agent: &AgentId, hears_progress: bool) -> Option<Duration> {
        self.0.path.patience(agent, hears_progress)
    }

    fn limits(&self, agent: &AgentId) -> AgentLimits {
        self.0.path.limits(agent)
    }

    fn searches(&self, agent: &AgentId) -> bool {
        self.0.path.searches(agent)
    }

    fn now(&self) -> Timestamp {
        self.0.path.now()
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.path.changes()
    }

    fn gone(&self, agent: &AgentId) -> bool {
        self.0.path.gone(agent)
    }

    fn stand(&self, agent: &AgentId) -> Option<Standing> {
        self.0.path.stand(agent)
    }

    fn shows_questions(&self, server: &ServerId) -> bool {
        self.0.path.shows_questions(server)
    }

    async fn elicit(&self, asked: Elicited) -> Result<QuestionId, Refusal> {
        self.0.path.elicit(asked).await
    }

    async fn reaction(&self, question: &QuestionId) -> Reaction {
        self.0.path.reaction(question).await
    }

    async fn withdraw(&self, question: &QuestionId) {
        self.0.path.withdraw(question).await;
    }

    fn registry(&self) -> Option<Arc<dyn AgentRegistry>> {
        self.0.path.registry()
    }
}

async fn look_after(bridge: Weak<Inner>, mut changes: broadcast::Receiver<Change>) {
    let mut due = tokio::time::interval(SWEEP);
    loop {
        let moved = tokio::select! {
            _ = due.tick() => false,
            change = changes.recv() => match change {
                // A Server may have another address now, and so be another program.
                Ok(Change::Servers) | Err(RecvError::Lagged(_)) => true,
                Ok(_) => continue,
                Err(RecvError::Closed) => return,
            },
        };
        let Some(bridge) = bridge.upgrade() else { return };
        if moved {
            bridge.eras.clear();
        } else {
            bridge.sweep();
        }
    }
}

/// The method and parameters of a request.
fn request(inbound: &Inbound) -> Option<(&str, &Json, &Json)> {
    match &inbound.kind {
        Kind::Message { method, params, id: Some(id) } => Some((method, params, id)),
        Kind::Message { id: None, .. } | Kind::Answer { .. } | Kind::Stream | Kind::End => None,
    }
}
