//! Guardrails: Cedar policies that stand above all Grants. They can forbid or demand approval; underneath them everything is
//! permitted, so they can never allow more. What cannot be evaluated denies, and only what concerns a Call is looked at.

mod cast;
mod read;
mod schema;
mod slice;
mod value;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{AuthorizationError, Authorizer, Context, EvaluationError, Request, Response};
use prokura_domain::call::Why;
use prokura_domain::{
    Call, Effect, GuardedTool, Guardrail, GuardrailFault, GuardrailId, Json, Level, Timestamp,
};

pub use cast::Cast;
pub use schema::arguments_of;

use cast::Stage;
use read::Rule;
use slice::Slices;

use crate::condition::arguments;
use crate::decide::{Denial, Denied, Facts};

/// How many casts are kept ready.
const KEPT: usize = 1024;

/// All Guardrails in force, ready to be asked.
#[derive(Debug, Default)]
pub struct Guardrails {
    slices: Slices,
    /// Guardrails whose text cannot be read: nobody knows what they forbid, so everything is denied.
    unreadable: Vec<(GuardrailId, String)>,
    ready: Mutex<HashMap<Key, Arc<Stage>>>,
    /// What was read, by text, so that changing one does not read all again.
    read: HashMap<(GuardrailId, String), Vec<Arc<Rule>>>,
}

/// What a [`Stage`] is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    cast: Arc<Cast>,
    target: prokura_domain::Target,
    class: Option<prokura_domain::ToolClass>,
}

/// What the Guardrails say to a Call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Who has to be asked for these reasons.
    pub(crate) asks: Vec<Why>,
    /// What the yes to all of them has to be given with.
    pub(crate) level: Level,
}

/// Whether the text of a Guardrail is good, against the tools there are.
///
/// # Errors
/// Everything that is wrong with it, with its place.
pub fn check_guardrail(text: &str, tools: &[GuardedTool]) -> Result<(), Vec<GuardrailFault>> {
    read::check(text, tools)
}

/// Whether the text of a Guardrail is Cedar that forbids and nothing else, whatever tools there are.
///
/// # Errors
/// Everything that is wrong with it, with its place.
pub(crate) fn parse_guardrail(id: &GuardrailId, text: &str) -> Result<(), Vec<GuardrailFault>> {
    read::read(id, "new", text).map(drop)
}

impl Guardrails {
    /// The Guardrails that are enabled. What was read in `before` is not read again.
    #[must_use]
    pub fn new(all: &[Guardrail], before: Option<&Self>) -> Self {
        let mut made = Self::default();
        for guardrail in all.iter().filter(|guardrail| guardrail.enabled) {
            let key = (guardrail.id.clone(), guardrail.text.clone());
            let known = before.and_then(|before| before.read.get(&key)).cloned();
            let rules = match known {
                Some(rules) => rules,
                None => match read::read(&guardrail.id, &guardrail.name, &guardrail.text) {
                    Ok(rules) => rules.into_iter().map(Arc::new).collect(),
                    Err(_) => {
                        made.unreadable.push((guardrail.id.clone(), guardrail.name.clone()));
                        continue;
                    }
                },
            };
            rules.iter().for_each(|rule| made.slices.add(rule));
            made.read.insert(key, rules);
        }
        made
    }

    /// Whether there is none in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty() && self.unreadable.is_empty()
    }

    /// The policies whose head could be true for this Call.
    #[must_use]
    pub fn concerned(&self, call: &Call, cast: &Cast) -> Vec<String> {
        let rules = self.slices.concerned(call, cast);
        rules.iter().map(|rule| rule.policy.id().to_string()).collect()
    }

    /// The same with fewer rules.
    pub(crate) fn only(&self, keep: impl Fn(&Rule) -> bool) -> Self {
        let mut made = Self { unreadable: self.unreadable.clone(), ..Self::default() };
        self.read
            .values()
            .flatten()
            .filter(|rule| keep(rule))
            .for_each(|rule| made.slices.add(rule));
        made
    }

    /// The rules that may be about some such Calls and not about others, in words, with what they do then. `whole`: the target
    /// is one thing, so only arguments can make the difference. `None` where nothing can be said, and all is denied.
    pub(crate) fn open(
        &self,
        call: &Call,
        facts: &Facts,
        whole: bool,
    ) -> Option<Vec<(Why, Effect)>> {
        if self.slices.is_empty() {
            return Some(Vec::new());
        }
        let stage = self.stage(call, facts.cast.as_ref()?, facts)?;
        let open = stage.rules.iter().filter(|rule| !whole || rule.reads_arguments);
        let said = open.map(|rule| {
            let (does, reason, effect) = match &rule.approval {
                Some(reason) => ("wants you to be asked about", Some(reason), Effect::Ask),
                None => ("forbids", rule.reason.as_ref(), Effect::Deny),
            };
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let text =
                format!("The guardrail \"{}\" {does} some of these calls{reason}.", rule.name);
            (Why::new(rule.guardrail.as_str(), text.replace("..", ".")), effect)
        });
        Some(said.collect())
    }

    /// Whether what they say to such a Call can depend on its arguments.
    #[must_use]
    pub fn read_arguments(&self, call: &Call, cast: &Cast) -> bool {
        self.slices.concerned(call, cast).iter().any(|rule| rule.reads_arguments)
    }

    /// What they say to a Call; an error is their refusal.
    pub(crate) fn hear(&self, call: &Call, facts: &Facts) -> Result<Said, Denied> {
        if let Some((id, name)) = self.unreadable.first() {
            let text = format!(
                "The guardrail \"{name}\" cannot be read, so nothing may go. Mend or remove it."
            );
            return Err(Denied {
                denial: Denial::Guardrail,
                why: vec![Why::new(id.as_str(), text)],
            });
        }
        if self.slices.is_empty() {
            return Ok(Said::default());
        }
        let Some(cast) = &facts.cast else {
            return Err(unevaluable("nothing is known of who calls"));
        };
        let Some(stage) = self.stage(call, cast, facts) else {
            return Err(unevaluable("a name in this call is no name in Cedar"));
        };
        if stage.rules.is_empty() {
            return Ok(Said::default());
        }
        let own = arguments(call);
        let seen = facts.arguments.as_deref().unwrap_or(own);
        let Some(request) = request(&stage, call, seen, facts.now) else {
            return Err(unevaluable("the arguments are nothing Cedar can look at"));
        };
        let response = Authorizer::new().is_authorized(&request, &stage.policies, &stage.entities);
        weigh(&stage, &response)
    }

    fn stage(&self, call: &Call, cast: &Arc<Cast>, facts: &Facts) -> Option<Arc<Stage>> {
        let class = facts.tool.as_ref().and_then(|tool| tool.class);
        let key = Key { cast: Arc::clone(cast), target: call.target.clone(), class };
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = ready.get(&key) {
            return Some(Arc::clone(stage));
        }
        let rules = self.slices.concerned(call, cast);
        let stage = Arc::new(Stage::new(&call.target, cast, class, rules)?);
        if ready.len() >= KEPT {
            ready.clear();
        }
        ready.insert(key, Arc::clone(&stage));
        Some(stage)
    }
}

fn request(stage: &Stage, call: &Call, arguments: &Json, now: Timestamp) -> Option<Request> {
    // Whole seconds: Cedar reads a fraction of three digits only.
    let now = Timestamp(now.0 - now.0.rem_euclid(1000));
    let now = cedar_policy::RestrictedExpression::new_datetime(now.to_string());
    let method = cedar_policy::RestrictedExpression::new_string(call.method.clone());
    let account = cedar_policy::RestrictedExpression::new_entity_uid(stage.account.clone());
    let mut members = vec![
        ("account".to_owned(), account),
        ("method".to_owned(), method),
        ("now".to_owned(), now),
    ];
    if stage.reads_arguments {
        members.push(("arguments".to_owned(), value::value(arguments)?));
    }
    let context = Context::from_pairs(members).ok()?;
    let (principal, action) = (stage.principal.clone(), stage.action.clone());
    Request::new(principal, action, stage.resource.clone(), context, None).ok()
}

/// Errors deny before anything else; then what forbids; what is left may ask.
fn weigh(stage: &Stage, response: &Response) -> Result<Said, Denied> {
    let failed = response.diagnostics().errors().map(|error| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        let rule = stage.rule(error.policy_id());
        let (id, name) =
            rule.map_or(("guardrail", "?"), |rule| (rule.guardrail.as_str(), rule.name.as_str()));
        let text = format!(
            "The guardrail \"{name}\" cannot be checked for this call: {}.",
            told(error.inner())
        );
        Why::new(id, text)
    });
    let failed: Vec<Why> = distinct(failed);
    if !failed.is_empty() {
        return Err(Denied { denial: Denial::Unevaluable, why: failed });
    }
    let spoken: Vec<&Arc<Rule>> =
        response.diagnostics().reason().filter_map(|id| stage.rule(id)).collect();
    let forbids = distinct(spoken.iter().filter(|rule| rule.approval.is_none()).map(|rule| {
        let reason = rule.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        Why::new(
            rule.guardrail.as_str(),
            format!("The guardrail \"{}\" forbids this{reason}.", rule.name),
        )
    }));
    if !forbids.is_empty() {
        return Err(Denied { denial: Denial::Guardrail, why: forbids });
    }
    let asks = distinct(spoken.iter().filter_map(|rule| {
        let reason = rule.approval.as_ref()?;
        let text = format!("The guardrail \"{}\" wants you to be asked: {reason}.", rule.name);
        Some(Why::new(rule.guardrail.as_str(), text))
    }));
    let asking = spoken.iter().filter(|rule| rule.approval.is_some());
    let level = asking.map(|rule| rule.level).max().unwrap_or_default();
    Ok(Said { asks, level })
}

/// In a fixed order, each once.
fn distinct(whys: impl Iterator<Item = Why>) -> Vec<Why> {
    let set: BTreeSet<(String, String)> = whys.map(|why| (why.rule, why.text)).collect();
    set.into_iter().map(|(rule, text)| Why::new(rule, text.replace("..", "."))).collect()
}

fn unevaluable(why: &str) -> Denied {
    Denied::new(
        Denial::Unevaluable,
        "guardrail",
        &format!("The guardrails cannot be checked: {why}."),
    )
}

/// What went wrong, without any value of the arguments: Cedar's own words can hold them.
#[allow(clippy::wildcard_enum_match_arm)] // The library may add kinds.
fn told(error: &EvaluationError) -> &'static str {
    match error {
        EvaluationError::RecordAttrDoesNotExist(_) => "something it reads is not there",
        EvaluationError::TypeError(_) => {
            "something it reads is of another type, or a fraction, null or number that Cedar cannot hold"
        }
        EvaluationError::IntegerOverflow(_) => "a number in it grows past 64 bits",
        EvaluationError::FailedExtensionFunctionExecution(_) => {
            "a text in it cannot be read as what it should be"
        }
        _ => "it does not come to an end",
    }
}
