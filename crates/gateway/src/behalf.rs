//! In the Agent's place: where the person wants that for a Server, what the Server asks of an Agent that cannot show it
//! (elicitation) is put before the person by Prokura. It stands before the bridge, so it knows one era at a time. An Agent
//! that says it can show questions keeps getting them itself; it must never answer without the person, and never let an
//! Agent answer what the person was asked.

mod ask;
mod claims;
mod front;
mod handed;
mod modern;
mod pages;
mod seat;
mod session;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prokura_delegation::{
    Elicited, Inbound, Kind, Reaction, Refusal, RefusalCode, Reply, Standing, Wait,
};
use prokura_domain::registry::AgentRegistry;
use prokura_domain::{
    AccountId, Agent, AgentId, AgentLimits, Change, Era, QuestionId, Server, ServerId, Timestamp,
};
use tokio::sync::broadcast;

use crate::path::Path;
use seat::Seats;

/// The path, with somebody who answers for Agents that cannot show questions.
pub(crate) struct Behalf(Arc<Inner>);

struct Inner {
    path: Arc<dyn Path>,
    seats: Seats,
    held: front::Holds,
    handed: handed::Handed,
}

impl Behalf {
    pub fn over(path: Arc<dyn Path>) -> Self {
        Self(Arc::new(Inner {
            path,
            seats: Seats::default(),
            held: front::Holds::default(),
            handed: handed::Handed::default(),
        }))
    }
}

impl Inner {
    /// A message of a modern Agent: what it can do stands in every one.
    async fn modern(self: &Arc<Self>, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        let shows = self.path.shows_questions(&inbound.server);
        let Some(claiming) = shows.then(|| claims::message(&inbound)).flatten() else {
            return self.path.pass_within(inbound, wait).await;
        };
        let asks = matches!(&claiming.kind, Kind::Message { method, id: Some(_), .. } if claims::can_ask(method));
        if !asks {
            return self.path.pass_within(claiming, wait).await;
        }
        self.handed.check(&claiming)?;
        let front = match self.held.take(&claiming, wait.resumes.as_ref()) {
            Some(front) => front,
            None => modern::start(self, claiming.clone(), wait.clone()),
        };
        front.respond(self, &claiming, &wait).await
    }

    /// A message of a legacy Agent: what it can do was said in its handshake.
    async fn legacy(self: &Arc<Self>, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        let Some(session) = inbound.session.clone() else {
            return self.path.pass_within(inbound, wait).await;
        };
        if matches!(&inbound.kind, Kind::Message { method, id: Some(_), .. } if method == "initialize")
        {
            let shows = self.path.shows_questions(&inbound.server);
            return match shows.then(|| claims::greeting(&inbound)).flatten() {
                Some((claiming, pages)) => {
                    self.seats.put(&session, &inbound.agent, pages, |agent| self.path.gone(agent));
                    self.path.pass_within(claiming, wait).await
                }
                None => self.path.pass_within(inbound, wait).await,
            };
        }
        let Some(seat) = self.seats.find(&session) else {
            return self.path.pass_within(inbound, wait).await;
        };
        match &inbound.kind {
            Kind::End => self.seats.end(&session),
            // Only what it was asked itself is its own to answer.
            Kind::Answer { id, .. } if !seat.takes_back(id) => {
                let text = "No request of the server is open under this id.";
                return Err(Refusal::new(RefusalCode::Malformed, text));
            }
            Kind::Stream => {
                let reply = self.path.pass_within(inbound.clone(), wait).await?;
                return Ok(standing::standing(self, &seat, inbound, reply));
            }
            // A session has no such answers; a modern server behind it would take them for the person's.
            Kind::Message { id: Some(_), .. } if handed::answers(&inbound) => {
                return Err(handed::unasked());
            }
            Kind::Message { id: Some(_), .. } => {
                let front = match self.held.take(&inbound, wait.resumes.as_ref()) {
                    Some(front) => front,
                    None => session::start(self, &seat, inbound.clone(), wait.clone()),
                };
                return front.respond(self, &inbound, &wait).await;
            }
            Kind::Answer { .. } | Kind::Message { .. } => {}
        }
        self.path.pass_within(inbound, wait).await
    }
}

#[async_trait]
impl Path for Behalf {
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
