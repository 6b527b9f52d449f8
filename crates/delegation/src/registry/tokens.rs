//! Tokens: issued to what was consented to, renewed once each, ended together.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_domain::registry::{ACCESS_SECONDS, Redemption, RegistryFault, Tokens};
use prokura_domain::{
    Agent, AgentId, Change, Client, Digest, Durability, Endpoint, Event, Json, QuestionId,
    QuestionState, RecordKind, SignIn, SignInId, Timestamp,
};
use prokura_store::{KeptToken, Renewal, TokenKind};

use super::{broken, kept, secret};
use crate::{Delegation, DelegationError};

/// How long a sign-in lasts that nobody renews, in seconds.
const REFRESH_SECONDS: i64 = 30 * 86_400;
/// How often "used now" is written of one sign-in, in milliseconds.
const TOUCH_MS: i64 = 60_000;

const BAD_CODE: RegistryFault = RegistryFault::Grant("this code is not good, or not any more");
const BAD_REFRESH: RegistryFault =
    RegistryFault::Grant("this refresh token is not good, or not any more; sign in again");

/// A code that fits, as it is traded.
struct Traded {
    client: Client,
    endpoint: Endpoint,
    agent: AgentId,
    question: QuestionId,
    sign_in: SignInId,
}

impl Delegation {
    pub(super) async fn redeem_code(
        &self,
        redemption: Redemption,
    ) -> Result<Tokens, RegistryFault> {
        let key = kept(&redemption.code);
        let sign_in = SignInId::new(self.entropy());
        let traded = match self.trade(&key, &redemption, sign_in) {
            Ok(traded) => traded,
            Err((fault, Some(reused))) => {
                self.end(&reused, "a code was used twice").await.map_err(broken)?;
                return Err(fault);
            }
            Err((fault, None)) => return Err(fault),
        };
        let id = traded.sign_in.clone();
        let tokens = self
            .issue_as(
                traded.sign_in,
                traded.client,
                traded.endpoint,
                traded.agent,
                &traded.question,
            )
            .await?;
        let reused = self.0.registry.table().codes.get(&key).is_none_or(|code| code.reused);
        if reused {
            self.end(&id, "a code was used twice").await.map_err(broken)?;
            return Err(BAD_CODE);
        }
        Ok(tokens)
    }

    /// Takes a code that fits. It is good for one try: whoever has it and not the rest gets no second one.
    fn trade(
        &self,
        key: &Digest,
        redemption: &Redemption,
        sign_in: SignInId,
    ) -> Result<Traded, (RegistryFault, Option<SignInId>)> {
        let now = self.now();
        let mut table = self.0.registry.table();
        let Some(code) = table.codes.get_mut(key) else { return Err((BAD_CODE, None)) };
        if let Some(spent) = &code.spent {
            code.reused = true;
            return Err((BAD_CODE, Some(spent.clone())));
        }
        let proof = URL_SAFE_NO_PAD.encode(Digest::of(&[redemption.verifier.as_bytes()]).0);
        let same_place = redemption
            .redirect_uri
            .as_deref()
            .is_none_or(|asked| asked == code.redirect_uri.as_str());
        let fits = now < code.expires_at
            && code.client.id == redemption.client
            && same_place
            && proof == code.challenge;
        let elsewhere = redemption.endpoint.as_ref().is_some_and(|asked| *asked != code.endpoint);
        code.spent = Some(sign_in.clone());
        if !fits || elsewhere {
            let fault = if fits { RegistryFault::Target } else { BAD_CODE };
            table.codes.remove(key);
            return Err((fault, None));
        }
        Ok(Traded {
            client: code.client.clone(),
            endpoint: code.endpoint.clone(),
            agent: code.agent.clone(),
            question: code.question.clone(),
            sign_in,
        })
    }

    /// Begins a sign-in of what the person let in.
    pub(super) async fn issue(
        &self,
        client: Client,
        endpoint: Endpoint,
        agent: AgentId,
        question: &QuestionId,
    ) -> Result<Tokens, RegistryFault> {
        let id = SignInId::new(self.entropy());
        self.issue_as(id, client, endpoint, agent, question).await
    }

    async fn issue_as(
        &self,
        id: SignInId,
        client: Client,
        endpoint: Endpoint,
        agent: AgentId,
        question: &QuestionId,
    ) -> Result<Tokens, RegistryFault> {
        // A yes serves once, and not after the Agent or the Question was taken back meanwhile.
        let (from, to) = ([QuestionState::Allowed], QuestionState::Used);
        let yes = self.store().settle_question(question, &from, to, self.now(), None);
        let there = self.active(&agent).map_err(broken)?.is_some();
        if !yes.map_err(broken)? || !there {
            return Err(BAD_CODE);
        }
        let now = self.now();
        let (tokens, kept) = self.fresh_pair(now);
        let begun = SignIn {
            id,
            agent,
            client: client.id,
            name: client.name,
            endpoint,
            added_at: now,
            used_at: None,
            expires_at: now.plus_seconds(REFRESH_SECONDS),
            ended_at: None,
        };
        let detail = Json::object([
            ("sign_in", Json::text(begun.id.as_str())),
            ("client", Json::text(&begun.client)),
            ("name", Json::text(&begun.name)),
            ("endpoint", Json::text(begun.endpoint.to_text())),
            ("question", Json::text(question.as_str())),
        ]);
        self.note_agent(RecordKind::AgentSignedIn, &begun.agent, detail).await.map_err(broken)?;
        self.store().begin_sign_in(&begun, &kept).map_err(broken)?;
        self.tell(Change::Agents);
        Ok(tokens)
    }

    fn fresh_pair(&self, now: Timestamp) -> (Tokens, [KeptToken; 2]) {
        let access = secret(self.entropy(), "pra_");
        let refresh = secret(self.entropy(), "prr_");
        let one = |token: &str, kind, seconds| KeptToken {
            digest: kept(token),
            kind,
            expires_at: now.plus_seconds(seconds),
            spent_at: None,
        };
        let kept = [
            one(&access, TokenKind::Access, ACCESS_SECONDS),
            one(&refresh, TokenKind::Refresh, REFRESH_SECONDS),
        ];
        (Tokens { access, refresh }, kept)
    }

    pub(super) async fn renew_tokens(
        &self,
        refresh: &str,
        client: &str,
        endpoint: Option<&Endpoint>,
    ) -> Result<Tokens, RegistryFault> {
        let digest = kept(refresh);
        let found = self.store().token(&digest).map_err(broken)?;
        let (_, sign_in) = found.ok_or(BAD_REFRESH)?;
        if sign_in.client != client || self.active(&sign_in.agent).map_err(broken)?.is_none() {
            return Err(BAD_REFRESH);
        }
        if endpoint.is_some_and(|asked| *asked != sign_in.endpoint) {
            return Err(RegistryFault::Target);
        }
        let now = self.now();
        let (tokens, kept) = self.fresh_pair(now);
        let until = now.plus_seconds(REFRESH_SECONDS);
        match self.store().renew_sign_in(&digest, now, until, &kept).map_err(broken)? {
            Renewal::Done => {}
            Renewal::NotGood => return Err(BAD_REFRESH),
            Renewal::Reused => {
                self.end(&sign_in.id, "a refresh token was used twice").await.map_err(broken)?;
                return Err(BAD_REFRESH);
            }
        }
        let detail = Json::object([
            ("sign_in", Json::text(sign_in.id.as_str())),
            ("client", Json::text(&sign_in.client)),
        ]);
        let event = Event::new(RecordKind::AgentRenewed, detail).about(self.subject(
            Some(&sign_in.agent),
            None,
            None,
        ));
        self.append_quietly(event, None).await;
        Ok(tokens)
    }

    pub(super) async fn revoke_token(
        &self,
        token: &str,
        client: &str,
    ) -> Result<(), RegistryFault> {
        match self.store().token(&kept(token)).map_err(broken)? {
            Some((_, sign_in)) if sign_in.client == client => {
                self.end(&sign_in.id, "the agent's program ended it").await.map_err(broken)
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn open_with(&self, token: &str, endpoint: &Endpoint) -> Option<Agent> {
        let (token, sign_in) = self.store().token(&kept(token)).ok().flatten()?;
        let now = self.now();
        let good = token.kind == TokenKind::Access
            && now < token.expires_at
            && sign_in.ended_at.is_none()
            && sign_in.endpoint == *endpoint;
        if !good {
            return None;
        }
        let agent = self.active(&sign_in.agent).ok().flatten()?;
        if sign_in.used_at.is_none_or(|at| now.millis_since(at) >= TOUCH_MS)
            && let Err(error) = self.store().touch_sign_in(&sign_in.id, now)
        {
            tracing::warn!(%error, "the last use of a sign-in could not be written");
        }
        Some(agent)
    }

    /// Ends one sign-in of an Agent, because the person wants so.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`] when the Agent has no such sign-in; store and log faults.
    pub async fn end_sign_in(&self, agent: &AgentId, id: &SignInId) -> Result<(), DelegationError> {
        match self.store().sign_in(id)? {
            Some(sign_in) if sign_in.agent == *agent => self.end(id, "the person ended it").await,
            Some(_) | None => {
                Err(DelegationError::NotFound(format!("this agent has no sign-in {id}")))
            }
        }
    }

    /// Ends every sign-in of every Agent: their tokens were issued under an address that is given up.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn end_all_sign_ins(&self) -> Result<(), DelegationError> {
        for agent in self.store().agents()? {
            self.end_sign_ins_of(&agent.id, "the address of the endpoint was given up").await?;
        }
        Ok(())
    }

    /// Ends every sign-in of an Agent.
    pub(crate) async fn end_sign_ins_of(
        &self,
        agent: &AgentId,
        why: &'static str,
    ) -> Result<(), DelegationError> {
        for sign_in in self.store().sign_ins(agent)? {
            self.end(&sign_in.id, why).await?;
        }
        Ok(())
    }

    /// Ends a sign-in: its tokens are dead first, then its Calls, then it is recorded.
    async fn end(&self, id: &SignInId, why: &'static str) -> Result<(), DelegationError> {
        let Some(sign_in) = self.store().sign_in(id)? else { return Ok(()) };
        if !self.store().end_sign_in(id, self.now())? {
            return Ok(());
        }
        self.rules_changed(Change::Agents);
        let cancelled = self.end_all_of(&sign_in.agent);
        let detail = Json::object([
            ("sign_in", Json::text(sign_in.id.as_str())),
            ("client", Json::text(&sign_in.client)),
            ("why", Json::text(why)),
            ("calls_cancelled", Json::from(cancelled as u64)),
        ]);
        let event = Event::new(RecordKind::AgentSignInEnded, detail).about(self.subject(
            Some(&sign_in.agent),
            None,
            None,
        ));
        self.log().append(event, Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}
