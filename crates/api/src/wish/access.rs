//! Effective access: what an agent can do now, and who can use a tool.

use prokura_delegation::Access;
use prokura_domain::Effect;

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::AccessWish;
use crate::view::{AccessView, Named, WhyView};

impl Api {
    /// What an agent can do now, or who can use a tool, and why.
    ///
    /// # Errors
    /// [`Failure`] when nothing of that name exists, or the store cannot be read.
    pub async fn access(&self, wish: AccessWish) -> Result<Vec<AccessView>, Failure> {
        let delegation = self.0.delegation.clone();
        // There may be thousands of tools.
        let looked = match wish {
            AccessWish::Agent { agent } => {
                let agent = self.agent_named(&agent)?;
                tokio::task::spawn_blocking(move || delegation.access_of(&agent)).await
            }
            AccessWish::Tool { server, tool } => {
                let server = self.server_named(&server)?;
                tokio::task::spawn_blocking(move || delegation.access_to(&server, &tool)).await
            }
        };
        let found = looked.map_err(|error| {
            Failure::new(FailureCode::Internal, error.to_string(), "Try again.")
        })??;
        Ok(found.into_iter().map(view).collect())
    }
}

fn view(access: Access) -> AccessView {
    let Access { agent, server, account, target, tool, reach, stopped } = access;
    let outcomes: Vec<&str> =
        reach.outcomes.iter().map(|effect: &Effect| effect.as_str()).collect();
    let effect = match outcomes.as_slice() {
        [only] => only,
        _ => "partly",
    };
    AccessView {
        agent: Named { id: agent.id.to_string(), name: agent.name },
        server: Named { id: server.id.to_string(), name: server.name },
        account: Named { id: account.id.to_string(), name: account.name },
        target: target.to_text(),
        class: tool.as_ref().and_then(|tool| tool.class).map(|class| class.as_str().to_owned()),
        pin: tool.as_ref().map(|tool| tool.pin.as_str().to_owned()),
        effect: effect.to_owned(),
        outcomes: outcomes.iter().map(|outcome| (*outcome).to_owned()).collect(),
        why: reach.why.into_iter().map(|why| WhyView { rule: why.rule, text: why.text }).collect(),
        stopped: stopped.map(str::to_owned),
    }
}
