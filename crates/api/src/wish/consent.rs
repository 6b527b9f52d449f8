//! Consents: a program that wants to sign in as an agent, as the person sees it. What is verified stands apart from what
//! it says of itself.

use prokura_domain::client::ClientSource;
use prokura_domain::question::{AgentChoice, ConsentWay};
use prokura_domain::{Agent, AgentState, Endpoint, Question, QuestionKind, QuestionState};
use url::Url;

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::view::{ConsentAgent, ConsentView};

impl Api {
    /// As whom a program is let in.
    pub(super) fn choice(
        &self,
        agent: Option<String>,
        new_agent: Option<String>,
    ) -> Result<AgentChoice, Failure> {
        match (agent, new_agent) {
            (Some(name), None) => Ok(AgentChoice::Existing(self.agent_named(&name)?.id)),
            (None, Some(name)) => Ok(AgentChoice::New(name)),
            (Some(_), Some(_)) | (None, None) => Err(Failure::new(
                FailureCode::BadRequest,
                "Say as which agent it comes in: one you have, or a new one.",
                "Use --agent NAME or --new-agent NAME.",
            )),
        }
    }

    pub(super) fn consent_view(&self, question: &Question) -> Result<Option<ConsentView>, Failure> {
        let QuestionKind::Consent { client, name, source, way, redirect, endpoint, choices } =
            &question.kind
        else {
            return Ok(None);
        };
        let vouched_by = match source {
            ClientSource::Registered => None,
            ClientSource::Document => {
                Url::parse(client).ok().and_then(|url| url.host_str().map(str::to_owned))
            }
        };
        let agents = match question.state {
            QuestionState::Pending => self.consent_agents(question, endpoint)?,
            QuestionState::Allowed
            | QuestionState::Used
            | QuestionState::Denied
            | QuestionState::Expired
            | QuestionState::Dropped => Vec::new(),
        };
        Ok(Some(ConsentView {
            name: pieces(name),
            client: pieces(client),
            vouched_by,
            way: match way {
                ConsentWay::Browser => "browser".to_owned(),
                ConsentWay::Device => "device".to_owned(),
            },
            redirect_host: redirect.as_ref().map(|uri| uri.host()),
            redirect: redirect.as_ref().map(|uri| pieces(uri.as_str())).unwrap_or_default(),
            loopback: redirect.as_ref().is_some_and(|uri| uri.is_loopback()),
            endpoint: endpoint.to_text(),
            known: self.endpoint_known(endpoint)?,
            choices: choices.clone(),
            agents,
            suggested: self.name_for(&slug(name))?,
        }))
    }

    fn endpoint_known(&self, endpoint: &Endpoint) -> Result<bool, Failure> {
        Ok(match endpoint {
            Endpoint::All => true,
            Endpoint::One(place) => self.store().find_server(server_of(place))?.is_some(),
        })
    }

    /// The agents it may come in as, the one it was last let in as first.
    fn consent_agents(
        &self,
        question: &Question,
        endpoint: &Endpoint,
    ) -> Result<Vec<ConsentAgent>, Failure> {
        let mut agents: Vec<Agent> = self.store().agents()?;
        agents.retain(|agent| agent.state == AgentState::Active);
        agents.sort_by_key(|agent| question.agent.as_ref() != Some(&agent.id));
        agents
            .iter()
            .map(|agent| {
                Ok(ConsentAgent {
                    id: agent.id.to_string(),
                    name: agent.name.clone(),
                    before: question.agent.as_ref() == Some(&agent.id),
                    may: self.may(agent, endpoint)?,
                })
            })
            .collect()
    }

    /// What an agent may do at an endpoint now.
    fn may(&self, agent: &Agent, endpoint: &Endpoint) -> Result<Vec<String>, Failure> {
        let now = self.0.delegation.moment();
        let servers = self.store().servers()?;
        let mut may = Vec::new();
        for grant in self.store().grants()? {
            if grant.agent != agent.id || !super::grants::active(&grant, now) {
                continue;
            }
            let Some(server) = servers.iter().find(|server| server.id == grant.server) else {
                continue;
            };
            let here = match endpoint {
                Endpoint::All => true,
                Endpoint::One(place) => server_of(place) == server.name,
            };
            if here {
                let effect = grant.effect.as_str();
                may.push(format!("{}: {effect} {}", server.name, grant.target.to_text()));
            }
        }
        may.sort();
        may.dedup();
        Ok(may)
    }

    /// The name itself, or with a number where an agent has it.
    fn name_for(&self, name: &str) -> Result<String, Failure> {
        let mut found = name.to_owned();
        let mut number = 2;
        while self.store().find_agent(&found)?.is_some() {
            let short: String = name.chars().take(28).collect();
            found = format!("{short}-{number}");
            number += 1;
        }
        Ok(found)
    }
}

/// The server of `NAME` or `NAME@ACCOUNT`.
fn server_of(place: &str) -> &str {
    place.split('@').next().unwrap_or(place)
}

/// What a program calls itself, as a name an agent can have.
pub(super) fn slug(claimed: &str) -> String {
    let mut name = String::new();
    for sign in claimed.chars() {
        if sign.is_ascii_alphanumeric() {
            name.push(sign.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_start_matches(|sign: char| !sign.is_ascii_lowercase());
    let name: String = name.chars().take(32).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "agent".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_name_becomes_a_plain_one() {
        for (claimed, name) in [
            ("Claude Code (prokura)", "claude-code-prokura"),
            ("  \u{202e}evil\u{200b} ", "evil"),
            ("4711 agent", "agent"),
            ("", "agent"),
            ("日本", "agent"),
            ("a--very--long--name--that--goes--on--and--on", "a-very-long-name-that-goes-on-an"),
        ] {
            assert_eq!(slug(claimed), name);
            assert!(prokura_domain::server::check_name(name).is_ok());
        }
    }
}
