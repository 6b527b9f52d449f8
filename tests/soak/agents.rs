//! The agents: of both eras over HTTP, at one server or at all of them, and programs that start `prokura stdio`. Each lives
//! for a while, is killed in the middle of whatever it does, and comes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prokura_testkit::{Agent, AgentReply, TestHost};
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::{AGENTS, places};

/// How long one request may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many of the agents are programs.
const PROGRAMS: usize = 4;

/// The name of an agent. The programs share one.
pub fn name(number: usize) -> String {
    match is_program(number) {
        true => "program".to_owned(),
        false => format!("a{number}"),
    }
}

pub fn is_program(number: usize) -> bool {
    number >= AGENTS - PROGRAMS
}

/// What became of what they did.
#[derive(Debug, Default)]
pub struct Tally {
    begun: AtomicU64,
    fine: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    stuck: AtomicU64,
    killed: AtomicU64,
}

macro_rules! figures {
    ($($name:ident),*) => { impl Tally { $(pub fn $name(&self) -> u64 { self.$name.load(Ordering::SeqCst) })* } };
}
figures!(begun, fine, refused, broken, stuck, killed);

fn count(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::SeqCst);
}

/// All agents.
pub struct Crowd {
    http: String,
    keys: Vec<String>,
    command: Vec<String>,
    tally: Arc<Tally>,
    marks: AtomicU64,
}

impl Crowd {
    /// Lets the programs in, which takes a yes for the first of them.
    pub async fn new(host: &TestHost, keys: Vec<String>, tally: Arc<Tally>) -> Self {
        let program = host.folder.program().to_string_lossy().into_owned();
        let data = host.folder.data().to_string_lossy().into_owned();
        let words = ["--data", &data, "stdio", "--agent", "program", "--server", "s0"];
        let command: Vec<String> =
            std::iter::once(program.as_str()).chain(words).map(str::to_owned).collect();
        let mut first = SdkAgent::start(Sdk::Python, None).unwrap();
        let options = json!({ "command": command, "era": "legacy" });
        let (joined, question) = tokio::join!(first.join(options), host.answer(&["allow"]));
        joined.unwrap();
        question.unwrap();
        host.grant("program", "s0", "*", "allow").await.unwrap();
        Self { http: host.http(), keys, command, tally, marks: AtomicU64::new(1) }
    }

    /// Everybody lives until it is over.
    pub async fn live(&self, over: &AtomicBool) {
        let all = (0..AGENTS).map(|number| self.one(number, over));
        futures::future::join_all(all).await;
    }

    async fn one(&self, number: usize, over: &AtomicBool) {
        let mut chance = Chance::new(1000 + number as u64);
        while !over.load(Ordering::SeqCst) {
            let life = chance.millis(3_000, 20_000);
            let lived = async {
                match is_program(number) {
                    true => self.as_program(&mut chance, over, number).await,
                    false => self.over_http(&mut chance, over, number).await,
                }
            };
            if tokio::time::timeout(life, lived).await.is_err() {
                count(&self.tally.killed);
            }
        }
    }

    fn agent_url(&self, number: usize, at: usize) -> String {
        match number % 5 {
            0 => format!("{}/mcp", self.http),
            _ => format!("{}/s/s{at}/mcp", self.http),
        }
    }

    async fn connected(&self, number: usize, at: usize) -> Option<Agent> {
        let (url, key) = (self.agent_url(number, at), &self.keys[number]);
        match number % 2 {
            0 => Agent::modern(&url, key).ok(),
            _ => {
                let opening = tokio::time::timeout(PATIENCE, Agent::legacy(&url, key)).await;
                if opening.is_err() {
                    count(&self.tally.stuck);
                }
                opening.ok()?.ok()
            }
        }
    }

    async fn over_http(&self, chance: &mut Chance, over: &AtomicBool, number: usize) {
        while !over.load(Ordering::SeqCst) {
            let at = places(number)[chance.below(2) as usize];
            let Some(agent) = self.connected(number, at).await else {
                tokio::time::sleep(chance.millis(100, 500)).await;
                continue;
            };
            for _ in 0..20 {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let again = self.act(&agent, chance, (number, at)).await;
                tokio::time::sleep(chance.millis(150, 650)).await;
                if !again {
                    break;
                }
            }
        }
    }

    /// One thing an agent does. `false`: its session is lost.
    async fn act(&self, agent: &Agent, chance: &mut Chance, (number, at): (usize, usize)) -> bool {
        let tool = match chance.below(20) {
            0..=10 => "look",
            11..=14 => "change",
            15..=16 => "large",
            17..=18 => "slow",
            _ => {
                let listed = tokio::time::timeout(PATIENCE, agent.tools()).await;
                if listed.is_err() {
                    count(&self.tally.stuck);
                }
                return true;
            }
        };
        count(&self.tally.begun);
        let params = self.params(tool, number, at);
        match tokio::time::timeout(PATIENCE, agent.request("tools/call", params)).await {
            Err(_) => count(&self.tally.stuck),
            Ok(Err(_)) => count(&self.tally.broken),
            Ok(Ok(reply)) if reply.is_fine() => count(&self.tally.fine),
            Ok(Ok(reply)) => {
                count(&self.tally.refused);
                return reply.status != 404;
            }
        }
        true
    }

    /// A call that can be told from all others, on both sides.
    fn params(&self, tool: &str, number: usize, at: usize) -> Value {
        let mark = format!("{:032x}", 0x5a5a_0000_0000 + self.marks.fetch_add(1, Ordering::SeqCst));
        let name = match number % 5 {
            0 => format!("s{at}__{tool}"),
            _ => tool.to_owned(),
        };
        let trace = format!("00-{mark}-00f067aa0ba902b7-01");
        json!({ "name": name, "arguments": { "mark": mark }, "_meta": { "traceparent": trace } })
    }

    async fn as_program(&self, chance: &mut Chance, over: &AtomicBool, number: usize) {
        let era = if number.is_multiple_of(2) { "legacy" } else { "2026-07-28" };
        let mut agent = SdkAgent::start(Sdk::Python, None).unwrap();
        let options = json!({ "command": self.command, "era": era });
        if agent.join(options).await.is_err() {
            return;
        }
        while !over.load(Ordering::SeqCst) {
            count(&self.tally.begun);
            match tokio::time::timeout(PATIENCE, agent.call("look", json!({}))).await {
                Err(_) => count(&self.tally.stuck),
                Ok(Err(_)) => count(&self.tally.broken),
                Ok(Ok(_)) => count(&self.tally.fine),
            }
            tokio::time::sleep(chance.millis(150, 650)).await;
        }
    }

    /// Nobody was left behind.
    pub async fn everybody_reaches_both_servers(&self) {
        for number in (0..AGENTS).filter(|number| !is_program(*number)) {
            for at in places(number) {
                let agent = self.connected(number, at).await.expect("no session");
                let reply = agent.request("tools/call", self.params("look", number, at)).await;
                let reply: AgentReply = reply.unwrap();
                assert!(reply.is_fine(), "agent {number} at server {at}: {}", reply.raw);
            }
        }
    }

    /// Calls that will still be under way when the Host is killed.
    pub async fn begin_slow_calls(&self) -> Vec<tokio::task::JoinHandle<()>> {
        let mut begun = Vec::new();
        for number in (0..AGENTS).filter(|number| !is_program(*number)) {
            let at = places(number)[0];
            let Some(agent) = self.connected(number, at).await else { continue };
            let calls: Vec<Value> = (0..20).map(|_| self.params("slow", number, at)).collect();
            begun.push(tokio::spawn(async move {
                for params in calls {
                    if agent.request("tools/call", params).await.is_err() {
                        return;
                    }
                }
            }));
        }
        begun
    }
}
