//! What was called and approved lately, in memory only: what changed since the last call of a tool, and which rule would
//! have covered the last approvals. It must never outlive the process, and never answer anything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use prokura_domain::{Call, Json, Question, QuestionKind, Target};
use prokura_policy::arguments;

use crate::Delegation;
use crate::hold::{Hold, holds};

/// Arguments larger than this are not remembered.
const LARGEST: usize = 64 * 1024;
/// Agent and tool pairs that are remembered.
const KEPT: usize = 512;
/// Approvals that are looked at for a rule.
const APPROVALS: usize = 5;
/// So many approvals alike make a suggestion.
const ENOUGH: usize = 3;

/// Agent, Server, Account, kind and name of the target.
type Key = [String; 5];

#[derive(Debug, Default)]
struct Trail {
    last: Option<Json>,
    approved: VecDeque<Json>,
    turn: u64,
}

/// What was called lately.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<(HashMap<Key, Trail>, u64)>);

/// What helps a person to answer a Question about a Call.
#[derive(Debug, Clone, Default)]
pub struct Aid {
    /// The arguments that can be held fixed.
    pub holds: Vec<Hold>,
    /// The arguments of the last Call of the same target by the same Agent, where it is known.
    pub last: Option<Json>,
    /// The narrowest rule that would have covered the last approvals.
    pub suggestion: Option<Suggestion>,
    /// The input schema of the tool, as the Server states it.
    pub schema: Option<Json>,
}

/// A rule that would have saved the last questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The arguments it holds fixed.
    pub fixed: Vec<String>,
    /// How many approvals, with this one, it covers.
    pub times: usize,
}

impl Recent {
    fn note(&self, key: Key, arguments: &Json, approved: bool) {
        if arguments.to_text().len() > LARGEST {
            return;
        }
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (trails, turns) = &mut *table;
        *turns += 1;
        if trails.len() >= KEPT
            && !trails.contains_key(&key)
            && let Some(oldest) =
                trails.iter().min_by_key(|(_, trail)| trail.turn).map(|(key, _)| key.clone())
        {
            trails.remove(&oldest);
        }
        let trail = trails.entry(key).or_default();
        trail.turn = *turns;
        trail.last = Some(arguments.clone());
        if approved {
            trail.approved.push_front(arguments.clone());
            trail.approved.truncate(APPROVALS);
        }
    }

    fn look(&self, key: &Key) -> (Option<Json>, Vec<Json>) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trail = table.0.get(key);
        trail.map_or((None, Vec::new()), |trail| {
            (trail.last.clone(), trail.approved.iter().cloned().collect())
        })
    }
}

impl Delegation {
    /// A Call was recorded and is about to leave.
    pub(crate) fn note_call(&self, call: &Call, approved: bool) {
        let key = [
            call.agent.to_string(),
            call.server.to_string(),
            call.account.to_string(),
            call.target.kind().to_owned(),
            call.target.name().to_owned(),
        ];
        self.0.recent.note(key, arguments(call), approved);
    }

    /// What helps a person to answer this Question.
    #[must_use]
    pub fn aid(&self, question: &Question) -> Aid {
        let QuestionKind::Call { target_kind, target, .. } = &question.kind else {
            return Aid::default();
        };
        let (Some(agent), Some(server), Some(account)) =
            (&question.agent, &question.server, &question.account)
        else {
            return Aid::default();
        };
        let Some(shown) = shown_arguments(question) else { return Aid::default() };
        let schema = match Target::from_parts(target_kind, target) {
            Some(Target::Tool(name)) => self.store().tool(server, &name).ok().flatten(),
            _ => None,
        };
        let schema = schema
            .and_then(|tool| Json::read(tool.definition.as_bytes()).ok())
            .and_then(|definition| definition.member("inputSchema").cloned());
        let key = [
            agent.to_string(),
            server.to_string(),
            account.to_string(),
            target_kind.clone(),
            target.clone(),
        ];
        let (last, approved) = self.0.recent.look(&key);
        let holds = holds(schema.as_ref(), &shown);
        let suggestion = suggest(&holds, &shown, &approved);
        Aid { holds, last, suggestion, schema }
    }
}

/// The arguments a Question shows.
pub(crate) fn shown_arguments(question: &Question) -> Option<Json> {
    let QuestionKind::Call { method, .. } = &question.kind else { return None };
    let params = Json::read(question.params.as_bytes()).ok()?;
    Some(match method.as_str() {
        "tools/call" | "prompts/get" => {
            params.member("arguments").cloned().unwrap_or_else(|| Json::Object(Vec::new()))
        }
        _ => params,
    })
}

/// What all of the last approvals and this question have in common is held; what differed may differ. Where a target
/// differed there is nothing to suggest.
fn suggest(holds: &[Hold], shown: &Json, approved: &[Json]) -> Option<Suggestion> {
    if approved.len() < ENOUGH {
        return None;
    }
    let mut fixed = Vec::new();
    for hold in holds {
        let now = shown.at(&hold.pointer);
        let alike = approved.iter().all(|before| before.at(&hold.pointer) == now);
        match (alike, &hold.conditions, hold.target) {
            (true, Some(_), _) => fixed.push(hold.pointer.clone()),
            (false, _, None) => {}
            (true, None, _) | (false, _, Some(_)) => return None,
        }
    }
    // What an earlier call had and this one has not is no part of the rule.
    let extra = |before: &Json| {
        before.members().unwrap_or_default().iter().any(|(name, _)| shown.member(name).is_none())
    };
    if fixed.is_empty() || fixed.len() == holds.len() || approved.iter().any(extra) {
        return None;
    }
    Some(Suggestion { fixed, times: approved.len() + 1 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn suggested(now: &str, before: &[&str]) -> Option<Vec<String>> {
        let read = |text: &str| Json::read(text.as_bytes()).unwrap();
        let shown = read(now);
        let approved: Vec<Json> = before.iter().map(|text| read(text)).collect();
        suggest(&holds(None, &shown), &shown, &approved).map(|it| it.fixed)
    }

    #[test]
    fn the_rule_holds_what_was_always_the_same_and_nothing_else() {
        let now = r##"{"channel":"#team","text":"d","silent":true}"##;
        let alike = [
            r##"{"channel":"#team","text":"a","silent":true}"##,
            r##"{"channel":"#team","text":"b","silent":true}"##,
            r##"{"channel":"#team","text":"c","silent":true}"##,
        ];
        let fixed = suggested(now, &alike).unwrap();
        assert_eq!(fixed, ["/channel", "/silent"]);
        assert_eq!(suggested(now, &alike[..2]), None, "too few");
        let other = [alike[0], alike[1], r##"{"channel":"#all","text":"c","silent":true}"##];
        assert_eq!(suggested(now, &other), None, "a target differed");
        let more =
            [alike[0], alike[1], r##"{"channel":"#team","text":"c","silent":true,"cc":"x"}"##];
        assert_eq!(suggested(now, &more), None, "an argument more");
    }
}
