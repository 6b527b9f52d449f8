//! Trying changed rules on the past: what would they have done to the Calls in the audit log? Nothing is changed by it.
//! It must never guess at arguments that were not kept: what depends on them cannot be told.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use prokura_domain::budget::Measure;
use prokura_domain::call::{self, Why};
use prokura_domain::{
    AccountId, AgentId, AgentState, AuditRecord, Call, CallId, Digest, Grant, GrantId, Guardrail,
    GuardrailId, GuardrailOrigin, Json, Outgoing, Pin, RecordKind, ServerId, Target, Timestamp,
    ToolClass, Verb,
};
use prokura_policy::{Cast, Decision, Facts, Flow, Guardrails, Read, ToolFacts, covers, decide};

use crate::facts::tool_facts;
use crate::{Delegation, DelegationError, GuardrailTrouble, NewGrant};

/// Calls that are shown one by one at most.
const MOST: usize = 500;
/// The identity a Guardrail has while it is tried.
const TRIED: &str = "gdr_tried";

/// A changed set of rules.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// How far back, in seconds.
    pub seconds: i64,
    /// The text of a Guardrail that is tried.
    pub guardrail: Option<String>,
    /// Guardrails that are left out.
    pub without_guardrails: Vec<String>,
    /// Grants that are tried.
    pub grants: Vec<NewGrant>,
    /// Grants that are left out.
    pub without_grants: Vec<GrantId>,
}

/// What the changed rules would have done.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    /// Calls that were looked at.
    pub calls: u64,
    /// Calls that would have gone otherwise.
    pub changed: u64,
    /// Calls of which it cannot be told, because their arguments were not kept.
    pub unknown: u64,
    /// The newest of those that are changed or unknown.
    pub shown: Vec<SimulatedCall>,
}

/// One Call of the past.
#[derive(Debug, Clone)]
pub struct SimulatedCall {
    /// Its record.
    pub record: AuditRecord,
    /// `went`, `asked` or `refused`: what happened.
    pub happened: &'static str,
    /// What the rules of now say: `allow`, `ask` or `deny`.
    pub before: Option<&'static str>,
    /// What the changed rules say.
    pub after: Option<&'static str>,
    /// The rules that matter after the change.
    pub why: Vec<Why>,
}

/// Both sets of rules.
struct Sides {
    before: (Vec<Grant>, Arc<Guardrails>),
    after: (Vec<Grant>, Arc<Guardrails>),
    /// Grants that are on one side only.
    moved: Vec<Grant>,
}

/// What is remembered while the past goes by.
#[derive(Default)]
struct Memory {
    flows: HashMap<AgentId, (Option<Read>, Option<Read>)>,
    casts: HashMap<(AgentId, ServerId, AccountId), Arc<Cast>>,
    tools: HashMap<(ServerId, String), Option<prokura_domain::Tool>>,
}

impl Delegation {
    /// Runs changed rules over the past. Blocks for as long as reading the log takes. Budgets count from nothing, and classes,
    /// labels and names are those of now.
    ///
    /// # Errors
    /// A fault of the tried Guardrail, with its place; store and log faults.
    pub fn simulate(&self, trial: &Trial) -> Result<Simulation, DelegationError> {
        let sides = self.sides(trial)?;
        let since = self.now().plus_seconds(-trial.seconds);
        let first = self.flow_rule().horizon(since);
        let (mut outcome, mut memory) = (Simulation::default(), Memory::default());
        let mut failed = None;
        self.log().each_since(first, &mut |record| {
            if record.at < first {
                return true;
            }
            if let Some(past) = past(&record) {
                match self.relive(&sides, past, record, since, (&mut memory, &mut outcome)) {
                    Ok(()) => {}
                    Err(error) => failed = Some(error),
                }
            }
            failed.is_none()
        })?;
        outcome.shown.reverse();
        failed.map_or(Ok(outcome), Err)
    }

    fn sides(&self, trial: &Trial) -> Result<Sides, DelegationError> {
        let now = self.now();
        let mut before = self.store().grants()?;
        before.retain(|grant| {
            grant.revoked_at.is_none() && grant.until.is_none_or(|until| now < until)
        });
        // They are asked about moments before they were made, or after they end.
        before.iter_mut().for_each(|grant| grant.until = None);
        let (out, mut after): (Vec<Grant>, Vec<Grant>) =
            before.iter().cloned().partition(|grant| trial.without_grants.contains(&grant.id));
        let tried: Vec<Grant> = trial
            .grants
            .iter()
            .enumerate()
            .map(|(number, wish)| tried(number, wish, now))
            .collect();
        after.extend(tried.iter().cloned());
        let moved = out.into_iter().chain(tried).collect();
        let guardrails = self.guardrails_now();
        let mut changed = self.guardrails()?;
        for name in &trial.without_guardrails {
            let found = self.guardrail_named(name)?;
            changed.retain(|guardrail| guardrail.id != found.id);
        }
        if let Some(text) = &trial.guardrail {
            let faults = self.check_guardrail(text)?;
            if !faults.is_empty() {
                return Err(GuardrailTrouble::Text(faults).into());
            }
            changed.push(Guardrail {
                id: GuardrailId::from_text(TRIED),
                name: "tried".to_owned(),
                text: text.clone(),
                enabled: true,
                origin: GuardrailOrigin::Window,
                added_at: now,
                changed_at: now,
            });
        }
        let changed = Arc::new(Guardrails::new(&changed, Some(&guardrails)));
        Ok(Sides { before: (before, guardrails), after: (after, changed), moved })
    }

    /// Looks at one Call of the past, and lets it read what it read.
    fn relive(
        &self,
        sides: &Sides,
        past: Past,
        record: AuditRecord,
        since: Timestamp,
        (memory, outcome): (&mut Memory, &mut Simulation),
    ) -> Result<(), DelegationError> {
        let tool = self.tool_then(memory, &past.call)?;
        let facts = self.facts_then(memory, &past, tool.as_ref(), record.at)?;
        if record.at >= since {
            outcome.calls += 1;
            let call = self.with_arguments(past.call.clone());
            let seen = look(sides, &past, call, &facts);
            match &seen {
                Seen::Same => {}
                Seen::Unknown => outcome.unknown += 1,
                Seen::Changed(..) => outcome.changed += 1,
            }
            if let Some(call) = shown(seen, record.clone(), past.happened) {
                outcome.shown.push(call);
                if outcome.shown.len() > MOST {
                    outcome.shown.remove(0);
                }
            }
        }
        if past.happened != "refused" {
            let labels = facts.flow.as_ref().and_then(|flow| flow.labels);
            let labels = labels.unwrap_or(prokura_domain::Labels::ALL);
            let reads = memory.flows.entry(past.call.agent).or_default();
            let read = || Read { what: past.call.target.name().to_owned(), at: record.at };
            if labels.reads_private {
                reads.0 = Some(read());
            }
            if labels.reads_untrusted {
                reads.1 = Some(read());
            }
        }
        Ok(())
    }

    fn tool_then(
        &self,
        memory: &mut Memory,
        call: &Call,
    ) -> Result<Option<prokura_domain::Tool>, DelegationError> {
        let Target::Tool(name) = &call.target else { return Ok(None) };
        let key = (call.server.clone(), name.clone());
        if let Some(known) = memory.tools.get(&key) {
            return Ok(known.clone());
        }
        let tool = self.store().tool(&call.server, name)?;
        memory.tools.insert(key, tool.clone());
        Ok(tool)
    }

    fn facts_then(
        &self,
        memory: &mut Memory,
        past: &Past,
        tool: Option<&prokura_domain::Tool>,
        at: Timestamp,
    ) -> Result<Facts, DelegationError> {
        let call = &past.call;
        let rule = self.flow_rule();
        let fresh = |read: &Option<Read>| read.clone().filter(|read| read.at > rule.horizon(at));
        let reads = memory.flows.get(&call.agent).cloned().unwrap_or_default();
        let flow = self.flow_of(&call.agent, &call.server, &call.target, tool, &call.id)?;
        let key = (call.agent.clone(), call.server.clone(), call.account.clone());
        let cast = match memory.casts.get(&key) {
            Some(cast) => Arc::clone(cast),
            None => {
                let cast = self.cast_of(&call.agent, &call.server, &call.account)?;
                memory.casts.insert(key, Arc::clone(&cast));
                cast
            }
        };
        let known = tool.map(tool_facts);
        let of_tool = match &call.target {
            Target::Tool(_) => Some(ToolFacts {
                class: past.class.or_else(|| known.as_ref().and_then(|tool| tool.class)),
                pin: Pin::Accepted,
                digest: known.map_or(Digest([0; 32]), |tool| tool.digest),
            }),
            Target::Resource(_) | Target::Prompt(_) | Target::Method(_) => None,
        };
        Ok(Facts {
            now: at,
            paused: false,
            agent: AgentState::Active,
            tool: of_tool,
            approved: None,
            arguments: None,
            used: Vec::new(),
            flow: Some(Flow { private: fresh(&reads.0), untrusted: fresh(&reads.1), ..flow }),
            cast: Some(cast),
            levels: Arc::default(),
            generation: 0,
        })
    }

    /// The Call with the arguments that were kept of it, where they were.
    fn with_arguments(&self, mut call: Call) -> Option<Call> {
        let kept = self.log().payload(call.id.as_str(), "arguments").ok().flatten()?;
        call.params = Json::read(&kept).ok()?;
        call.digest = call::digest(&call.method, &call.params);
        Some(call)
    }
}

/// A Call as its record tells of it.
struct Past {
    call: Call,
    class: Option<ToolClass>,
    happened: &'static str,
}

fn past(record: &AuditRecord) -> Option<Past> {
    let kind = RecordKind::from_text(&record.kind)?;
    if kind != RecordKind::CallIntent && kind != RecordKind::CallRefused {
        return None;
    }
    let body = Json::read(record.body.as_bytes()).ok()?;
    let text = |pointer: &str| body.at(pointer).and_then(Json::as_str);
    let method = text("/detail/method")?;
    // An answer to a Server belongs to the Call that raised the question.
    if method == "answer" {
        return None;
    }
    let happened = match (kind, text("/detail/question")) {
        (RecordKind::CallRefused, _) => "refused",
        (_, Some(_)) => "asked",
        (_, None) => "went",
    };
    let call = Call {
        id: CallId::from_text(text("/call")?),
        agent: AgentId::from_text(text("/agent/id")?),
        server: ServerId::from_text(text("/server/id")?),
        account: AccountId::from_text(text("/account/id")?),
        method: method.to_owned(),
        target: Target::from_parts(text("/target/kind")?, text("/target/name")?)?,
        params: Json::Object(Vec::new()),
        digest: Digest([0; 32]),
        outgoing: Outgoing { verb: Verb::Post, headers: Vec::new(), body: Bytes::new() },
    };
    let class = text("/detail/class").and_then(ToolClass::from_text);
    Some(Past { call, class, happened })
}

enum Seen {
    Same,
    Unknown,
    Changed(&'static str, &'static str, Vec<Why>),
}

fn look(sides: &Sides, past: &Past, call: Option<Call>, facts: &Facts) -> Seen {
    if !touched(sides, &past.call, facts) {
        return Seen::Same;
    }
    let call = match call {
        Some(call) => call,
        None if arguments_matter(sides, &past.call, facts) => return Seen::Unknown,
        None => past.call.clone(),
    };
    let (before, _) = word(decide(&call, &sides.before.0, &sides.before.1, facts));
    let (after, why) = word(decide(&call, &sides.after.0, &sides.after.1, facts));
    if before == after { Seen::Same } else { Seen::Changed(before, after, why) }
}

/// Whether the change can matter for this Call at all.
fn touched(sides: &Sides, call: &Call, facts: &Facts) -> bool {
    let guarded = |guardrails: &Guardrails| {
        facts.cast.as_ref().map(|cast| guardrails.concerned(call, cast)).unwrap_or_default()
    };
    sides.moved.iter().any(|grant| concerns(grant, call, facts))
        || guarded(&sides.before.1) != guarded(&sides.after.1)
}

fn concerns(grant: &Grant, call: &Call, facts: &Facts) -> bool {
    grant.agent == call.agent
        && grant.server == call.server
        && grant.account.as_ref().is_none_or(|account| *account == call.account)
        && covers(&grant.target, &call.target, facts.tool.as_ref())
}

/// Whether what either side says can depend on arguments.
fn arguments_matter(sides: &Sides, call: &Call, facts: &Facts) -> bool {
    let limited = |grant: &&Grant| {
        grant.arguments.is_some()
            || !grant.conditions.is_empty()
            || grant.budget.as_ref().is_some_and(|budget| budget.measure != Measure::Calls)
    };
    let grants = sides.before.0.iter().chain(&sides.moved);
    let guarded = |guardrails: &Guardrails| {
        facts.cast.as_ref().is_some_and(|cast| guardrails.read_arguments(call, cast))
    };
    grants.filter(limited).any(|grant| concerns(grant, call, facts))
        || guarded(&sides.before.1)
        || guarded(&sides.after.1)
}

fn word(decision: Decision) -> (&'static str, Vec<Why>) {
    match decision {
        Decision::Allow(_, why) => ("allow", why),
        Decision::Ask(question) => ("ask", question.why),
        Decision::Deny(denied) => ("deny", denied.why),
    }
}

fn shown(seen: Seen, record: AuditRecord, happened: &'static str) -> Option<SimulatedCall> {
    match seen {
        Seen::Same => None,
        Seen::Unknown => {
            Some(SimulatedCall { record, happened, before: None, after: None, why: Vec::new() })
        }
        Seen::Changed(before, after, why) => {
            Some(SimulatedCall { record, happened, before: Some(before), after: Some(after), why })
        }
    }
}

fn tried(number: usize, wish: &NewGrant, now: Timestamp) -> Grant {
    Grant {
        id: GrantId::from_text(&format!("grt_tried{number}")),
        agent: wish.agent.clone(),
        server: wish.server.clone(),
        account: wish.account.clone(),
        target: wish.target.clone(),
        effect: wish.effect,
        arguments: None,
        conditions: wish.conditions.clone(),
        budget: wish.budget.clone(),
        until: None,
        note: wish.note.clone(),
        origin: wish.origin.clone(),
        added_at: now,
        revoked_at: None,
        used_at: None,
    }
}
