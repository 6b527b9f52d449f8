//! How much an Agent may have under way at once, and how often it may come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_domain::{AgentId, AgentLimits, Json};
use tokio::time::Instant;

use crate::away::{Away, own};

/// How many Agents are remembered before those that are quiet are forgotten.
const REMEMBERED: usize = 1024;

/// What one Agent has taken.
#[derive(Debug)]
struct Taken {
    under_way: u32,
    /// How many messages it may still send now, and when that was so.
    left: f64,
    at: Instant,
}

type Table = Mutex<HashMap<AgentId, Taken>>;

/// What is under way, by Agent.
#[derive(Debug, Default)]
pub(crate) struct Load(Arc<Table>);

/// One message under way; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    agent: AgentId,
    table: Arc<Table>,
}

impl Taken {
    fn nothing(limits: AgentLimits) -> Self {
        Self { under_way: 0, left: f64::from(limits.per_minute), at: Instant::now() }
    }
}

impl Load {
    /// Counts one more message of the Agent. A minute's worth may come at once; then they come as fast as they are let.
    pub fn arrive(&self, agent: &AgentId, limits: AgentLimits) -> Result<(), Away> {
        if limits.per_minute == 0 {
            return Ok(());
        }
        let most = f64::from(limits.per_minute);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() > REMEMBERED {
            let quiet = |taken: &Taken| taken.under_way == 0 && taken.at.elapsed().as_secs() > 60;
            table.retain(|_, taken| !quiet(taken));
        }
        let taken = table.entry(agent.clone()).or_insert_with(|| Taken::nothing(limits));
        let now = Instant::now();
        let gained = now.duration_since(taken.at).as_secs_f64() * most / 60.0;
        (taken.left, taken.at) = ((taken.left + gained).min(most), now);
        if taken.left >= 1.0 {
            taken.left -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - taken.left) * 60.0 / most).ceil().max(1.0);
        let text = format!(
            "This agent may send {most} messages in a minute, and has. Wait {seconds} s; the person can raise the limit \
             with `prokura agents limits`."
        );
        // At most a minute.
        Err(too_many("too many messages in a minute", text, "per_minute", seconds as u8))
    }

    /// Takes one more message of the Agent.
    pub fn enter(&self, agent: &AgentId, limits: AgentLimits) -> Result<Slot, Away> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = table.entry(agent.clone()).or_insert_with(|| Taken::nothing(limits));
        if taken.under_way >= limits.under_way {
            let text = format!(
                "This agent has {} messages under way, as many as it may. Wait until some of them are answered; the \
                 person can raise the limit with `prokura agents limits`.",
                taken.under_way
            );
            return Err(too_many("too many messages at once", text, "under_way", 1));
        }
        taken.under_way += 1;
        Ok(Slot { agent: agent.clone(), table: Arc::clone(&self.0) })
    }
}

fn too_many(why: &'static str, text: String, limit: &'static str, seconds: u8) -> Away {
    let data =
        [("limit", Json::text(limit)), ("retryAfterSeconds", Json::from(i64::from(seconds)))];
    Away::new(429, own::TOO_MANY, why, text).with(Json::object(data)).after(seconds)
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = table.get_mut(&self.agent) {
            taken.under_way = taken.under_way.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_agent_comes_as_often_as_it_is_let_and_no_other_is_held_up_by_it() {
        let (one, other) = (AgentId::from_text("agt_1"), AgentId::from_text("agt_2"));
        let limits = AgentLimits { per_minute: 30, ..AgentLimits::default() };
        let load = Load::default();
        for _ in 0..30 {
            load.arrive(&one, limits).unwrap();
        }
        let away = load.arrive(&one, limits).unwrap_err();
        assert_eq!((away.status.as_u16(), away.after), (429, 2));
        load.arrive(&other, limits).unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        load.arrive(&one, limits).unwrap();
        load.arrive(&one, limits).unwrap_err();
        let none = AgentLimits { per_minute: 0, ..limits };
        for _ in 0..100 {
            load.arrive(&one, none).unwrap();
        }
        tokio::time::advance(Duration::from_secs(600)).await;
        for _ in 0..30 {
            load.arrive(&one, limits).unwrap();
        }
        load.arrive(&one, limits).unwrap_err();
    }
}
