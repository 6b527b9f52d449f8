//! The processes of one local Server: one for all Agents where the protocol allows it, one for each session where the
//! Server may ask its client something and nothing would say whom. They are started when they are needed, and again
//! after a while when they end by themselves; who ends too often is not started any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prokura_delegation::UpstreamFault;
use prokura_domain::{Incident, Running, ServerId};
use prokura_policy::Spender;
use tokio::time::Instant;

use super::journal::Journal;
use super::talk::Talk;
use super::{Launched, LocalParts, Told, find, process};

/// The wait after the first crash; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// So many crashes within [`COUNTED`] are too many.
const MOST_CRASHES: usize = 4;
const COUNTED: Duration = Duration::from_secs(5 * 60);
/// A process that nobody uses is stopped after so long.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Slot {
    server: ServerId,
    pub journal: Arc<Journal>,
    /// Held by whoever starts a process that others may share.
    pub turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Everything that runs.
    all: Vec<Arc<Talk>>,
    /// The one that all Agents without sessions share.
    modern: Option<Arc<Talk>>,
    /// One that was asked what it speaks and knows only sessions: ready for the first.
    spare: Option<Arc<Talk>>,
    /// The one that sessions share which cannot be asked anything.
    shared: Option<Arc<Talk>>,
    /// Whether it speaks the modern era, once it said so.
    speaks_modern: Option<bool>,
    sessions: HashMap<String, (Spender, Arc<Talk>)>,
    crashes: Vec<Instant>,
    last: String,
    given_up: bool,
}

impl Slot {
    pub fn new(server: ServerId, journal: Journal) -> Self {
        let journal = Arc::new(journal);
        Self { server, journal, turn: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process, if the person approved exactly this one and it did not end too often.
    pub async fn start(
        self: &Arc<Self>,
        parts: &LocalParts,
        launched: &Launched,
    ) -> Result<Arc<Talk>, UpstreamFault> {
        let name = &launched.name;
        let failed = |why: String| {
            (parts.told)(&self.server, Incident::Failed { why: why.clone() });
            UpstreamFault::Unreachable(format!("{name} cannot be started: {why}."))
        };
        let plan = find::plan(&launched.launch).map_err(failed)?;
        if launched.approved.as_ref() != Some(&plan) {
            return Err(UpstreamFault::NotApproved(name.clone()));
        }
        let secrets = process::secrets(parts, &self.server, (name, &plan))?;
        self.wait_after_crash(name).await?;
        let talk = process::start(parts, self, &plan, secrets)
            .map_err(|error| failed(error.to_string()))?;
        let started = Incident::Started { pid: talk.pid, program: plan.program };
        (parts.told)(&self.server, started);
        self.state().all.push(Arc::clone(&talk));
        tokio::spawn(watch_idle(Arc::clone(&talk)));
        Ok(talk)
    }

    async fn wait_after_crash(&self, name: &str) -> Result<(), UpstreamFault> {
        let until = {
            let mut state = self.state();
            state.crashes.retain(|at| at.elapsed() < COUNTED);
            if state.given_up {
                return Err(UpstreamFault::Unreachable(format!(
                    "{name} ended by itself too often, so Prokura does not start it any more. Ask the person to look at it in Prokura, Servers, {name}."
                )));
            }
            let doubled = u32::try_from(state.crashes.len().saturating_sub(1)).unwrap_or(0);
            let wait = FIRST_WAIT.saturating_mul(2u32.saturating_pow(doubled));
            state.crashes.last().map(|at| *at + wait)
        };
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
        Ok(())
    }

    /// A process ended.
    pub fn ended(&self, talk: &Arc<Talk>, how: &str, told: &Told) {
        let pid = talk.pid;
        let incident = {
            let mut state = self.state();
            state.drop_talk(talk);
            match talk.why() {
                Some(why) => Incident::Stopped { pid, why },
                None => {
                    state.crashes.retain(|at| at.elapsed() < COUNTED);
                    state.crashes.push(Instant::now());
                    state.given_up = state.crashes.len() >= MOST_CRASHES;
                    how.clone_into(&mut state.last);
                    Incident::Crashed { pid, why: how.to_owned(), given_up: state.given_up }
                }
            }
        };
        told(&self.server, incident);
    }

    /// Where it stands.
    pub fn running(&self) -> Running {
        let state = self.state();
        let up: Vec<u32> =
            state.all.iter().filter(|talk| talk.lives()).map(|talk| talk.pid).collect();
        match state.crashes.last() {
            _ if !up.is_empty() => Running::Up(up),
            _ if state.given_up => Running::GivenUp(state.last.clone()),
            Some(at) if at.elapsed() < COUNTED => Running::Crashed(state.last.clone()),
            Some(_) | None => Running::Stopped,
        }
    }

    /// Stops everything and waits for it.
    pub async fn stop(&self, why: &str) {
        let all = self.state().all.clone();
        futures::future::join_all(all.iter().map(|talk| talk.end(why))).await;
        self.state().speaks_modern = None;
    }

    /// Forgets that it crashed.
    pub fn forgive(&self) {
        let mut state = self.state();
        state.crashes.clear();
        state.given_up = false;
    }

    pub fn speaks_modern(&self) -> Option<bool> {
        self.state().speaks_modern
    }

    pub fn spoke(&self, modern: bool) {
        self.state().speaks_modern = Some(modern);
    }

    pub fn modern(&self) -> Option<Arc<Talk>> {
        self.state().modern.clone().filter(|talk| talk.lives())
    }

    pub fn keep_modern(&self, talk: &Arc<Talk>) {
        self.state().modern = Some(Arc::clone(talk));
    }

    pub fn take_spare(&self) -> Option<Arc<Talk>> {
        self.state().spare.take().filter(|talk| talk.lives())
    }

    pub fn keep_spare(&self, talk: Arc<Talk>) {
        self.state().spare = Some(talk);
    }

    /// The process that sessions of this revision share.
    pub fn shared(&self, version: &str) -> Option<Arc<Talk>> {
        let shared = self.state().shared.clone().filter(|talk| talk.lives())?;
        shared.greeting.get().is_some_and(|(of, _)| of == version).then_some(shared)
    }

    pub fn keep_shared(&self, talk: &Arc<Talk>) {
        self.state().shared = Some(Arc::clone(talk));
    }

    /// A session begins.
    pub fn open(&self, session: &str, agent: &Spender, talk: &Arc<Talk>) {
        let mut state = self.state();
        state.sessions.insert(session.to_owned(), (agent.clone(), Arc::clone(talk)));
    }

    /// The conversation of a session, if it is this Agent's own (SL-03).
    pub fn session(&self, session: &str, agent: &Spender) -> Option<Arc<Talk>> {
        let state = self.state();
        let (owner, talk) = state.sessions.get(session)?;
        (owner == agent && talk.lives()).then(|| Arc::clone(talk))
    }

    /// A session is over. A process that is its own ends with it.
    pub fn close(&self, session: &str) {
        let Some((_, talk)) = self.state().sessions.remove(session) else { return };
        if talk.close(session) == 0 && talk.greeting.get().is_none() {
            talk.end_soon("Its session was ended.");
        }
    }
}

impl State {
    fn drop_talk(&mut self, gone: &Arc<Talk>) {
        let is = |talk: &Arc<Talk>| Arc::ptr_eq(talk, gone);
        self.all.retain(|talk| !is(talk));
        self.sessions.retain(|_, (_, talk)| !is(talk));
        for held in [&mut self.modern, &mut self.spare, &mut self.shared] {
            if held.as_ref().is_some_and(is) {
                *held = None;
            }
        }
    }
}

async fn watch_idle(talk: Arc<Talk>) {
    loop {
        tokio::select! {
            () = talk.over.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if talk.idle().is_some_and(|since| since.elapsed() > IDLE) {
            talk.end_soon("Nobody used it for ten minutes.");
        }
    }
}
