//! Consents: a browser or a device waits while the person decides in Prokura itself. The page shows a number and the
//! window shows three, so that only somebody who sees both can say yes; one wrong pick is a no.

use std::time::Duration;

use prokura_domain::question::{AgentChoice, ConsentWay};
use prokura_domain::registry::{DeviceStart, RegistryFault, Standing, Tokens, Visit, Waiting};
use prokura_domain::{
    Agent, AgentId, AgentState, Change, Client, Digest, Endpoint, Json, Origin, Question,
    QuestionId, QuestionKind, QuestionState, RecordKind, RedirectUri, Timestamp,
};

use super::{Code, Consent, Way, broken, kept, secret};
use crate::answers::AnswerFault;
use crate::ask::Asking;
use crate::person::{check_agent_name, not_the_person};
use crate::{Delegation, DelegationError};

/// Consents that wait at most.
const WAITING: usize = 8;
/// How long a code is good, in seconds.
const CODE_SECONDS: i64 = 60;
/// How long a spent code is remembered, in seconds.
const SPENT_SECONDS: i64 = 15 * 60;
/// Seconds between two questions of a device.
const INTERVAL: i64 = 5;
/// What a device asks too early by is forgiven, in milliseconds.
const SLACK_MS: i64 = 500;
/// Letters of a user code: no vowels, nothing that looks alike (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

impl Delegation {
    pub(super) async fn ask_for_visit(&self, visit: Visit) -> Result<Waiting, RegistryFault> {
        let handle = secret(self.entropy(), "");
        let choices = self.three(|random| (10 + random % 90).to_string());
        let name = visit.client.name.clone();
        let way = Way::Browser {
            redirect_uri: visit.redirect_uri,
            state: visit.state,
            challenge: visit.challenge,
        };
        let (number, _) =
            self.ask_for_consent(kept(&handle), visit.client, visit.endpoint, way, choices).await?;
        Ok(Waiting { handle, number, client: name })
    }

    pub(super) async fn ask_for_device(
        &self,
        client: Client,
        endpoint: Endpoint,
    ) -> Result<DeviceStart, RegistryFault> {
        let device_code = secret(self.entropy(), "prd_");
        let choices = self.three(user_code);
        let way = Way::Device { asked_at: None, interval: INTERVAL };
        let (user_code, expires_at) =
            self.ask_for_consent(kept(&device_code), client, endpoint, way, choices).await?;
        let seconds = expires_at.millis_since(self.now()) / 1000;
        Ok(DeviceStart { device_code, user_code, expires_at, seconds, interval: INTERVAL })
    }

    /// Puts the Question up. An earlier one of the same client is over: its browser asked anew.
    async fn ask_for_consent(
        &self,
        key: Digest,
        client: Client,
        endpoint: Endpoint,
        way: Way,
        choices: [String; 3],
    ) -> Result<(String, Timestamp), RegistryFault> {
        self.make_room(&client).await?;
        let redirect = match &way {
            Way::Browser { redirect_uri, .. } => Some(redirect_uri.clone()),
            Way::Device { .. } => None,
        };
        let mut shown = choices.to_vec();
        shown.sort();
        let known = match &client.agent {
            Some(agent) => self.active(agent).map_err(broken)?,
            None => None,
        };
        let known = known.map(|agent| agent.id);
        let digest = bound(&client, &endpoint, redirect.as_ref());
        let asking = Asking {
            kind: QuestionKind::Consent {
                client: client.id.clone(),
                name: client.name.clone(),
                source: client.source,
                way: if redirect.is_some() { ConsentWay::Browser } else { ConsentWay::Device },
                redirect,
                endpoint: endpoint.clone(),
                choices: shown,
            },
            agent: known.clone(),
            server: None,
            account: None,
            digest,
            params: String::new(),
            why: Vec::new(),
        };
        let subject = self.subject(known.as_ref(), None, None);
        let [number, ..] = choices;
        let question = self.put_up(asking, subject, None).await.map_err(broken)?;
        let consent = Consent {
            question: question.id,
            client,
            endpoint,
            way,
            number: number.clone(),
            expires_at: question.expires_at,
            agent: None,
        };
        self.0.registry.table().consents.insert(key, consent);
        Ok((number, question.expires_at))
    }

    async fn make_room(&self, client: &Client) -> Result<(), RegistryFault> {
        let now = self.now();
        let older = {
            let mut table = self.0.registry.table();
            table.consents.retain(|_, consent| now < consent.expires_at.plus_seconds(CODE_SECONDS));
            if !table.asked.admits(now) {
                return Err(RegistryFault::Busy);
            }
            let older: Vec<Digest> = table
                .consents
                .iter()
                .filter(|(_, consent)| consent.client.id == client.id && consent.agent.is_none())
                .map(|(key, _)| *key)
                .collect();
            let older: Vec<QuestionId> = older
                .iter()
                .filter_map(|key| table.consents.remove(key))
                .map(|consent| consent.question)
                .collect();
            if table.consents.len() >= WAITING {
                return Err(RegistryFault::Busy);
            }
            older
        };
        self.drop_questions(QuestionState::Dropped, |question| older.contains(&question.id))
            .await
            .map_err(broken)?;
        Ok(())
    }

    /// Three different texts, the right one first.
    fn three(&self, make: impl Fn(u64) -> String) -> [String; 3] {
        let mut found: Vec<String> = Vec::new();
        while found.len() < 3 {
            let mut bytes = [0u8; 8];
            self.entropy().fill(&mut bytes);
            let text = make(u64::from_be_bytes(bytes));
            if !found.contains(&text) {
                found.push(text);
            }
        }
        let mut found = found.into_iter();
        std::array::from_fn(|_| found.next().unwrap_or_default())
    }

    pub(super) async fn visit_standing(&self, handle: &str, wait: Duration) -> Standing {
        let key = kept(handle);
        let Some((question, waiting)) = ({
            let table = self.0.registry.table();
            table
                .consents
                .get(&key)
                .filter(|consent| matches!(consent.way, Way::Browser { .. }))
                .map(|consent| {
                    let waiting = Waiting {
                        handle: handle.to_owned(),
                        number: consent.number.clone(),
                        client: consent.client.name.clone(),
                    };
                    (consent.question.clone(), waiting)
                })
        }) else {
            return Standing::Gone;
        };
        match tokio::time::timeout(wait, self.answered(&question)).await {
            Err(_) => Standing::Waiting(waiting),
            Ok(Err(_)) => Standing::Gone,
            Ok(Ok(settled)) => self.pick_up(&key, &settled),
        }
    }

    /// Hands a settled visit out, once.
    fn pick_up(&self, key: &Digest, settled: &Question) -> Standing {
        let now = self.now();
        let mut table = self.0.registry.table();
        let Some(consent) = table.consents.remove(key) else { return Standing::Gone };
        let Way::Browser { redirect_uri, state, challenge } = consent.way else {
            return Standing::Gone;
        };
        let Some(agent) = consent.agent else {
            return Standing::Refused { redirect_uri, state, fault: fault_of(settled.state) };
        };
        table.codes.retain(|_, code| now < code.expires_at.plus_seconds(SPENT_SECONDS));
        let code = secret(self.entropy(), "pcd_");
        table.codes.insert(
            kept(&code),
            Code {
                client: consent.client,
                endpoint: consent.endpoint,
                redirect_uri: redirect_uri.clone(),
                challenge,
                agent,
                question: consent.question,
                expires_at: now.plus_seconds(CODE_SECONDS),
                spent: None,
                reused: false,
            },
        );
        Standing::Granted { redirect_uri, state, code }
    }

    pub(super) async fn device_standing(
        &self,
        device_code: &str,
        client: &str,
    ) -> Result<Tokens, RegistryFault> {
        let key = kept(device_code);
        let question = self.device_turn(&key, client)?;
        let settled = self.store().question(&question).map_err(broken)?;
        let settled = settled.ok_or(RegistryFault::Expired)?;
        if settled.state == QuestionState::Pending && self.now() < settled.expires_at {
            return Err(RegistryFault::Pending);
        }
        let consent = self.0.registry.table().consents.remove(&key);
        let consent = consent.ok_or(RegistryFault::Grant("this device code is not good"))?;
        match consent.agent {
            Some(agent) => {
                self.issue(consent.client, consent.endpoint, agent, &consent.question).await
            }
            None => Err(fault_of(settled.state)),
        }
    }

    /// Whether the device may ask now.
    fn device_turn(&self, key: &Digest, client: &str) -> Result<QuestionId, RegistryFault> {
        let now = self.now();
        let mut table = self.0.registry.table();
        let unknown = RegistryFault::Grant("this device code is not good");
        let consent = table.consents.get_mut(key).ok_or_else(|| unknown.clone())?;
        if consent.client.id != client {
            return Err(unknown);
        }
        let Way::Device { asked_at, interval } = &mut consent.way else { return Err(unknown) };
        let early = asked_at.is_some_and(|at| now.millis_since(at) < *interval * 1000 - SLACK_MS);
        *asked_at = Some(now);
        if early {
            *interval += INTERVAL;
            return Err(RegistryFault::SlowDown);
        }
        Ok(consent.question.clone())
    }

    /// A yes to a consent: the number that the page or the agent shows, and as which Agent it comes in.
    pub(crate) async fn let_in(
        &self,
        question: &Question,
        number: &str,
        choice: &AgentChoice,
        origin: &Origin,
    ) -> Result<bool, DelegationError> {
        if !matches!(question.kind, QuestionKind::Consent { .. }) {
            return Err(AnswerFault::NoNumber.into());
        }
        let right = {
            let table = self.0.registry.table();
            let mut consents = table.consents.values();
            consents.find(|consent| consent.question == question.id).map(|c| c.number == number)
        };
        match right {
            Some(true) => {}
            Some(false) => {
                let told = "another number was chosen than the one that was shown";
                self.settle(question, QuestionState::Denied, Some(told)).await?;
                return Err(AnswerFault::WrongNumber.into());
            }
            None => {
                self.settle(question, QuestionState::Dropped, None).await?;
                return Err(AnswerFault::Expired.into());
            }
        }
        self.check_choice(choice)?;
        if !self.close(question, QuestionState::Allowed, None, Some(origin)).await? {
            return Ok(false);
        }
        let done = self.join(question, choice).await;
        self.announce(&question.id);
        done.map(|()| true)
    }

    fn check_choice(&self, choice: &AgentChoice) -> Result<(), DelegationError> {
        match choice {
            AgentChoice::Existing(id) => match self.active(id)? {
                Some(agent) => not_the_person(&agent),
                None => Err(DelegationError::NotFound(format!("there is no active agent {id}"))),
            },
            AgentChoice::New(name) => {
                check_agent_name(name)?;
                match self.store().find_agent(name)? {
                    None => Ok(()),
                    Some(_) => Err(DelegationError::Name(format!(
                        "an agent \"{name}\" exists already; choose another name, or let it in as that agent"
                    ))),
                }
            }
        }
    }

    async fn join(&self, question: &Question, choice: &AgentChoice) -> Result<(), DelegationError> {
        let agent = match choice {
            AgentChoice::Existing(id) => id.clone(),
            AgentChoice::New(name) => self.add_signed_in(name).await?,
        };
        let now = self.now();
        let client = {
            let mut table = self.0.registry.table();
            let mut consents = table.consents.values_mut();
            let Some(consent) = consents.find(|consent| consent.question == question.id) else {
                return Err(AnswerFault::Expired.into());
            };
            consent.agent = Some(agent.clone());
            consent.client.agent = Some(agent);
            consent.client.clone()
        };
        self.store().put_client(&client, now)?;
        Ok(())
    }

    /// A new Agent without a key and without Grants.
    async fn add_signed_in(&self, name: &str) -> Result<AgentId, DelegationError> {
        let agent = Agent {
            id: AgentId::new(self.entropy()),
            name: name.to_owned(),
            state: AgentState::Active,
            key: None,
            claim: None,
            added_at: self.now(),
            seen_at: None,
        };
        self.store().put_agent(&agent)?;
        let detail = Json::object([("credential", Json::text("sign_in"))]);
        self.note_agent(RecordKind::AgentAdded, &agent.id, detail).await?;
        self.tell(Change::Agents);
        Ok(agent.id)
    }
}

/// What an answer is bound to.
fn bound(client: &Client, endpoint: &Endpoint, redirect: Option<&RedirectUri>) -> Digest {
    Digest::of(&[
        b"prokura-consent-v1",
        client.id.as_bytes(),
        b"\0",
        endpoint.to_text().as_bytes(),
        b"\0",
        redirect.map(RedirectUri::as_str).unwrap_or_default().as_bytes(),
    ])
}

fn fault_of(state: QuestionState) -> RegistryFault {
    match state {
        QuestionState::Denied => RegistryFault::Denied,
        QuestionState::Pending | QuestionState::Expired => RegistryFault::Expired,
        QuestionState::Allowed | QuestionState::Used | QuestionState::Dropped => {
            RegistryFault::Grant("the question was dropped")
        }
    }
}

/// Eight letters in two groups.
fn user_code(random: u64) -> String {
    let mut left = random;
    let mut code = String::new();
    for place in 0..8 {
        if place == 4 {
            code.push('-');
        }
        let at = usize::try_from(left % 20).unwrap_or(0);
        code.push(char::from(LETTERS.get(at).copied().unwrap_or(b'B')));
        left /= 20;
    }
    code
}
