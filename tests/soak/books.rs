//! What the audit log says, against what was sent.

use std::collections::{HashMap, HashSet};
use std::process::Stdio;

use prokura_testkit::TestHost;
use serde_json::Value;

/// The log, as far as it tells of calls.
#[derive(Debug, Default)]
pub struct Books {
    records: usize,
    /// Intents by call: their number, and the trace that the agent sent along.
    intents: HashMap<String, (u64, Option<String>)>,
    outcomes: HashMap<String, u32>,
    unknown: HashSet<u64>,
}

fn text(record: &Value, name: &str) -> Option<String> {
    record[name].as_str().map(str::to_owned)
}

impl Books {
    /// Reads all of it.
    pub async fn of(host: &TestHost) -> Self {
        let path = host.folder.root().join("exported.jsonl");
        let file = std::fs::File::create(&path).unwrap();
        let mut command = host.folder.command(&["audit", "export"]);
        let status = command.stdout(Stdio::from(file)).stderr(Stdio::inherit()).status().await;
        assert!(status.unwrap().success());
        let mut books = Self::default();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            books.records += 1;
            let call = text(&record, "call");
            match (record["kind"].as_str().unwrap(), call) {
                ("call.intent", Some(call)) => {
                    let entry = (record["seq"].as_u64().unwrap(), text(&record, "trace"));
                    assert!(books.intents.insert(call, entry).is_none(), "two intents: {record}");
                }
                ("call.outcome", Some(call)) => *books.outcomes.entry(call).or_default() += 1,
                ("host.recovered", _) => {
                    let told = record["detail"]["outcome_unknown"].as_array().unwrap();
                    books.unknown.extend(told.iter().map(|seq| seq.as_u64().unwrap()));
                }
                _ => {}
            }
        }
        books
    }

    pub fn records(&self) -> usize {
        self.records
    }

    /// How many calls left.
    pub fn sent(&self) -> usize {
        self.intents.len()
    }

    /// Calls that have no outcome.
    pub fn open(&self) -> Vec<(&str, u64)> {
        let open = self.intents.iter().filter(|(call, _)| !self.outcomes.contains_key(*call));
        open.map(|(call, (seq, _))| (call.as_str(), *seq)).collect()
    }

    /// Every intent has one outcome or is told to be unknown, never both, and there is no outcome without an intent. Gives
    /// how many are unknown.
    pub fn outcomes_fit_intents(&self) -> usize {
        for (call, (seq, _)) in &self.intents {
            let outcomes = self.outcomes.get(call).copied().unwrap_or(0);
            let expected = u32::from(!self.unknown.contains(seq));
            assert_eq!(outcomes, expected, "{call}, record {seq}");
        }
        for call in self.outcomes.keys() {
            assert!(self.intents.contains_key(call), "an outcome of nothing: {call}");
        }
        self.unknown.len()
    }

    /// Every call that reached a server has an intent of its own.
    pub fn hold_every_mark(&self, marks: &[String]) {
        let traces: HashSet<&str> =
            self.intents.values().filter_map(|(_, trace)| trace.as_deref()).collect();
        let mut seen = HashSet::new();
        for mark in marks.iter().filter(|mark| *mark != "-") {
            assert!(traces.contains(mark.as_str()), "no record of a call that was carried: {mark}");
            assert!(seen.insert(mark), "a call was carried twice: {mark}");
        }
        assert!(marks.len() <= self.sent(), "{} reached, {} recorded", marks.len(), self.sent());
        assert!(seen.len() > 100, "hardly any mark was found");
    }
}
