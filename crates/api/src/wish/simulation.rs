//! Trying rules on the past.

use prokura_delegation::{SimulatedCall, Trial};
use prokura_domain::{GrantId, Origin};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::{SimulationWish, seconds_in};
use crate::view::{Named, SimulatedCallView, SimulationView, WhyView};

impl Api {
    /// Runs a changed set of grants and guardrails over the past. Nothing is changed by it.
    ///
    /// # Errors
    /// [`Failure`] when something named does not exist, or the tried guardrail has a fault.
    pub async fn simulate(&self, wish: SimulationWish) -> Result<SimulationView, Failure> {
        let seconds = seconds_in(&wish.since).ok_or_else(|| {
            let message = format!("\"{}\" is not a length of time.", wish.since);
            Failure::new(FailureCode::BadRequest, message, "For example: `--since 30d`.")
        })?;
        let mut grants = Vec::new();
        for grant in wish.grants {
            grants.push(self.new_grant(grant, Origin::Window)?);
        }
        let without = wish.without_grants.iter().map(|id| GrantId::from_text(id)).collect();
        let trial = Trial {
            seconds,
            guardrail: wish.guardrail,
            without_guardrails: wish.without_guardrails,
            grants,
            without_grants: without,
        };
        let delegation = self.0.delegation.clone();
        // The whole log may be read.
        let simulated = tokio::task::spawn_blocking(move || delegation.simulate(&trial)).await;
        let simulation = simulated.map_err(|error| {
            Failure::new(FailureCode::Internal, error.to_string(), "Try again.")
        })??;
        Ok(SimulationView {
            calls: simulation.calls,
            changed: simulation.changed,
            unknown: simulation.unknown,
            shown: simulation.shown.iter().map(view).collect(),
        })
    }
}

fn view(call: &SimulatedCall) -> SimulatedCallView {
    let record = super::audit::view(&call.record);
    let nobody = || Named { id: String::new(), name: String::new() };
    SimulatedCallView {
        seq: record.seq,
        at: record.at,
        agent: record.agent.unwrap_or_else(nobody),
        server: record.server.unwrap_or_else(nobody),
        target_kind: record.target_kind.unwrap_or_default(),
        target: record.target.unwrap_or_default(),
        happened: call.happened.to_owned(),
        before: call.before.map(str::to_owned),
        after: call.after.map(str::to_owned),
        why: call
            .why
            .iter()
            .map(|why| WhyView { rule: why.rule.clone(), text: why.text.clone() })
            .collect(),
    }
}
