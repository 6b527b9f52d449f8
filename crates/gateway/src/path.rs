//! What the gateway needs of the one path of a Call. It exists so that the gateway can be tried against paths that
//! echo, refuse or hang; in the product there is one implementation, `Delegation`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prokura_delegation::{
    Delegation, Elicited, Inbound, Reaction, Refusal, RefusalCode, Reply, Standing, Wait,
};
use prokura_domain::registry::AgentRegistry;
use prokura_domain::{
    AccountId, Agent, AgentId, AgentLimits, Change, QuestionId, Server, ServerId, Timestamp,
};
use tokio::sync::broadcast;

/// The one path of a Call, as the gateway sees it.
#[async_trait]
pub trait Path: Send + Sync + 'static {
    /// The active Agent a bearer key belongs to.
    fn prove(&self, key: &str) -> Option<Agent>;

    /// Records that a request was turned away before it was a Call.
    async fn note_refused(&self, agent: Option<&AgentId>, why: &str);

    /// The Agent was seen now, and what it says of itself.
    fn claim(&self, agent: &AgentId, client_info: Option<&str>);

    /// The Server behind `NAME` or `NAME@ACCOUNT`, and the Account the Agent uses there.
    fn server_for(
        &self,
        agent: &AgentId,
        server: &str,
    ) -> Option<(Server, Result<AccountId, Refusal>)>;

    /// The Servers that the Agent may use something of, by name.
    fn servers_for(&self, agent: &AgentId) -> Vec<(Server, AccountId)>;

    /// Carries one message. Dropping the future means that the Agent cancelled.
    ///
    /// # Errors
    /// [`Refusal`]: what the Agent is told instead of an answer.
    async fn pass(&self, inbound: Inbound) -> Result<Reply, Refusal>;

    /// The same for an Agent whose patience is known: [`prokura_delegation::RefusalCode::Waiting`] when the person has
    /// not answered by then.
    ///
    /// # Errors
    /// [`Refusal`]: what the Agent is told instead of an answer.
    async fn pass_within(&self, inbound: Inbound, _wait: Wait) -> Result<Reply, Refusal> {
        self.pass(inbound).await
    }

    /// How long a message of this Agent can wait for the person; `None` for as long as it takes.
    fn patience(&self, _agent: &AgentId, _hears_progress: bool) -> Option<Duration> {
        None
    }

    /// How much this Agent may take.
    fn limits(&self, _agent: &AgentId) -> AgentLimits {
        AgentLimits::default()
    }

    /// Whether this Agent finds its tools by searching (`find_tools`, `call_tool`) instead of being given all of them.
    fn searches(&self, _agent: &AgentId) -> bool {
        false
    }

    /// The present moment.
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    /// What changes, from now on.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Whether the Agent was revoked meanwhile.
    fn gone(&self, agent: &AgentId) -> bool;

    /// Holds a stream that rests on no Server, so that it ends with the Agent's credential.
    fn stand(&self, _agent: &AgentId) -> Option<Standing> {
        None
    }

    /// Whether the person wants to be shown what this Server asks of Agents that cannot show it.
    fn shows_questions(&self, _server: &ServerId) -> bool {
        false
    }

    /// Puts a question of a Server before the person.
    ///
    /// # Errors
    /// [`Refusal`] where it cannot be shown, or the person may not be asked now.
    async fn elicit(&self, _asked: Elicited) -> Result<QuestionId, Refusal> {
        Err(Refusal::new(RefusalCode::Denied, "Nobody is here to be asked."))
    }

    /// Waits for what the person does with it; handed out once.
    async fn reaction(&self, _question: &QuestionId) -> Reaction {
        Reaction::Cancel
    }

    /// Nobody waits for the answer any more.
    async fn withdraw(&self, _question: &QuestionId) {}

    /// Who answers the endpoints of the authorization server; without one there are only keys.
    fn registry(&self) -> Option<Arc<dyn AgentRegistry>> {
        None
    }
}

#[async_trait]
impl Path for Delegation {
    fn prove(&self, key: &str) -> Option<Agent> {
        Delegation::prove(self, key)
    }

    async fn note_refused(&self, agent: Option<&AgentId>, why: &str) {
        Delegation::note_refused(self, agent, why).await;
    }

    fn claim(&self, agent: &AgentId, client_info: Option<&str>) {
        Delegation::claim(self, agent, client_info);
    }

    fn server_for(
        &self,
        agent: &AgentId,
        server: &str,
    ) -> Option<(Server, Result<AccountId, Refusal>)> {
        Delegation::server_for(self, agent, server)
    }

    fn servers_for(&self, agent: &AgentId) -> Vec<(Server, AccountId)> {
        Delegation::servers_for(self, agent)
    }

    async fn pass(&self, inbound: Inbound) -> Result<Reply, Refusal> {
        Delegation::pass(self, inbound).await
    }

    async fn pass_within(&self, inbound: Inbound, wait: Wait) -> Result<Reply, Refusal> {
        Delegation::pass_within(self, inbound, wait).await
    }

    fn patience(&self, agent: &AgentId, hears_progress: bool) -> Option<Duration> {
        Some(Delegation::patience(self, agent, hears_progress))
    }

    fn limits(&self, agent: &AgentId) -> AgentLimits {
        Delegation::limits(self, agent)
    }

    fn searches(&self, agent: &AgentId) -> bool {
        Delegation::searches(self, agent)
    }

    fn now(&self) -> Timestamp {
        self.moment()
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        Delegation::changes(self)
    }

    fn gone(&self, agent: &AgentId) -> bool {
        Delegation::gone(self, agent)
    }

    fn stand(&self, agent: &AgentId) -> Option<Standing> {
        Some(Delegation::stand(self, agent))
    }

    fn shows_questions(&self, server: &ServerId) -> bool {
        Delegation::shows_questions(self, server)
    }

    async fn elicit(&self, asked: Elicited) -> Result<QuestionId, Refusal> {
        Delegation::elicit(self, asked).await
    }

    async fn reaction(&self, question: &QuestionId) -> Reaction {
        Delegation::reaction(self, question).await
    }

    async fn withdraw(&self, question: &QuestionId) {
        Delegation::withdraw(self, question).await;
    }

    fn registry(&self) -> Option<Arc<dyn AgentRegistry>> {
        Some(Arc::new(self.clone()))
    }
}
