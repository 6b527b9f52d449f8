//! What a decision costs: with many Grants and Guardrails, whether it grows with those that do not concern the Call, and what
//! adding and revoking one rule costs. The last line is JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use prokura_domain::*;
use prokura_policy::{Cast, Decision, Facts, Guardrails, Ledger, ToolFacts, decide};

const NOW: Timestamp = Timestamp(1_000_000);
/// How many Calls a round decides.
const CALLS: usize = 2_000;
const ROUNDS: usize = 15;
/// How many tools the Calls go to.
const TOOLS: usize = 50;

/// Everything a Call is decided by.
struct World {
    ledger: Ledger,
    guardrails: Guardrails,
    cast: Arc<Cast>,
}

fn grant(id: usize, agent: &str, server: &str, target: TargetPattern, effect: Effect) -> Grant {
    Grant {
        id: GrantId::from_text(&format!("grt_{id}")),
        agent: AgentId::from_text(agent),
        server: ServerId::from_text(server),
        account: None,
        target,
        effect,
        arguments: None,
        conditions: Vec::new(),
        budget: None,
        until: None,
        note: None,
        origin: Origin::Cli,
        added_at: Timestamp(0),
        revoked_at: None,
        used_at: None,
    }
}

fn guardrail(id: usize, text: String) -> Guardrail {
    Guardrail {
        id: GuardrailId::from_text(&format!("gdr_{id}")),
        name: format!("rule {id}"),
        text,
        enabled: true,
        origin: GuardrailOrigin::Cli,
        added_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

/// Grants that concern the Calls: for each tool one by name with a condition; one for the class, one for all.
fn concerning_grants() -> Vec<Grant> {
    let name = |tool: usize| TargetPattern::Tool(format!("tool_{tool}"));
    let mut all: Vec<Grant> = (0..TOOLS)
        .map(|tool| Grant {
            conditions: vec!["/amount <= 500".parse().unwrap(), "/to != Mallory".parse().unwrap()],
            ..grant(10_000_000 + tool, "agt_1", "srv_1", name(tool), Effect::Allow)
        })
        .collect();
    let class = TargetPattern::Class(ToolClass::Write);
    all.push(grant(20_000_000, "agt_1", "srv_1", class, Effect::Ask));
    let every = TargetPattern::Tools("*".to_owned());
    all.push(grant(20_000_001, "agt_1", "srv_1", every, Effect::Deny));
    all
}

/// Grants of which none concerns the Calls: a third is for the same Agent and Server, but for other tools.
fn unrelated_grants(count: usize) -> Vec<Grant> {
    let one = |id: usize| match id % 6 {
        0 => {
            let tool = TargetPattern::Tool(format!("other_{id}"));
            grant(id, "agt_1", "srv_1", tool, Effect::Allow)
        }
        1 => {
            let glob = TargetPattern::Tools(format!("other_{id}_*"));
            grant(id, "agt_1", "srv_1", glob, Effect::Deny)
        }
        2 | 3 => {
            let tool = TargetPattern::Tool(format!("tool_{}", id % TOOLS));
            grant(id, &format!("agt_{}", 2 + id % 100), "srv_1", tool, Effect::Deny)
        }
        _ => {
            let every = TargetPattern::Tools("*".to_owned());
            grant(id, "agt_1", &format!("srv_{}", 2 + id % 1000), every, Effect::Deny)
        }
    };
    (0..count).map(one).collect()
}

/// Ten Guardrails that concern every Call; they read arguments, and none is true.
fn concerning_guardrails() -> Vec<Guardrail> {
    let mut all: Vec<Guardrail> = (0..5)
        .map(|id| {
            let text = format!(
                "forbid (principal, action, resource in Server::\"ledger\") when {{ context.arguments.to == \"Mallory {id}\" }};"
            );
            guardrail(id, text)
        })
        .collect();
    all.extend((5..8).map(|id| {
        let text = format!(
            "@approval(\"much\") forbid (principal == Agent::\"clerk\", action, resource) when {{ context.arguments.amount > {} }};",
            1000 + id
        );
        guardrail(id, text)
    }));
    all.push(guardrail(8, "forbid (principal, action, resource) when { context.account has tenant && context.account.tenant == \"other\" };".to_owned()));
    all.push(guardrail(9, "@approval(\"late\") forbid (principal, action in Action::\"tools\", resource) when { context.now > datetime(\"2100-01-01T00:00:00Z\") };".to_owned()));
    all
}

fn unrelated_guardrails(count: usize) -> Vec<Guardrail> {
    let one = |id: usize| {
        let text = match id % 3 {
            0 => format!(
                "forbid (principal, action == Action::\"ledger/other_{id}\", resource) when {{ context.arguments.to == \"x\" }};"
            ),
            1 => format!("forbid (principal, action, resource in Server::\"server-{id}\");"),
            _ => format!(
                "@approval(\"why\") forbid (principal == Agent::\"agent-{id}\", action, resource);"
            ),
        };
        guardrail(1000 + id, text)
    };
    (0..count).map(one).collect()
}

impl World {
    fn new(grants: usize, guardrails: usize) -> Self {
        let ledger = Ledger::new(unrelated_grants(grants).into_iter().chain(concerning_grants()));
        let all: Vec<Guardrail> =
            concerning_guardrails().into_iter().chain(unrelated_guardrails(guardrails)).collect();
        let cast = Cast {
            agent: "clerk".to_owned(),
            server: "ledger".to_owned(),
            url: "https://ledger.example/mcp".to_owned(),
            account: "ada".to_owned(),
            tenant: Some("acme".to_owned()),
            issuer: Some("https://issuer.example".to_owned()),
            scopes: vec!["pay".to_owned(), "read".to_owned()],
        };
        Self { ledger, guardrails: Guardrails::new(&all, None), cast: Arc::new(cast) }
    }

    /// What a Call pays: finding the Grants that can concern it, and the decision.
    fn decide(&self, call: &Call) -> Decision {
        let facts = Facts {
            now: NOW,
            paused: false,
            agent: AgentState::Active,
            tool: Some(ToolFacts {
                class: Some(ToolClass::Write),
                pin: Pin::Accepted,
                digest: Digest([1; 32]),
            }),
            approved: None,
            arguments: None,
            used: Vec::new(),
            flow: None,
            // As on the path: made anew for every Call.
            cast: Some(Arc::new(Cast::clone(&self.cast))),
            levels: Arc::default(),
            generation: 1,
        };
        let who = (&call.agent, &call.server, &call.account);
        let grants = self.ledger.concerning(who, &call.target, Some(ToolClass::Write));
        decide(call, &grants, &self.guardrails, &facts)
    }
}

fn calls() -> Vec<Call> {
    let one = |n: usize| {
        let tool = format!("tool_{}", n % TOOLS);
        let arguments =
            format!(r#"{{"to":"Grace {n}","amount":{n},"memo":"for the year","tags":["a","b"]}}"#);
        let arguments = Json::read(arguments.as_bytes()).unwrap();
        let params = Json::object([("name", Json::text(&tool)), ("arguments", arguments)]);
        Call {
            id: CallId::from_text("cal_1"),
            agent: AgentId::from_text("agt_1"),
            server: ServerId::from_text("srv_1"),
            account: AccountId::from_text("acc_1"),
            method: "tools/call".to_owned(),
            target: Target::Tool(tool),
            digest: call::digest("tools/call", &params),
            params,
            outgoing: Outgoing { verb: Verb::Post, headers: Vec::new(), body: Bytes::new() },
        }
    };
    (0..400).map(one).collect()
}

/// The microseconds that each of these took.
fn timed(calls: &[Call], world: &World) -> Vec<f64> {
    let mut took = Vec::with_capacity(CALLS);
    for call in calls.iter().cycle().take(CALLS) {
        let began = Instant::now();
        let decision = world.decide(call);
        took.push(began.elapsed().as_secs_f64() * 1e6);
        assert!(matches!(decision, Decision::Allow(..)), "{decision:?}");
    }
    took
}

fn quantile(mut took: Vec<f64>, share: f64) -> f64 {
    took.sort_by(f64::total_cmp);
    took[((took.len() - 1) as f64 * share) as usize]
}

/// The median and the worst milliseconds of many runs.
fn each(count: usize, mut act: impl FnMut(usize)) -> (f64, f64) {
    let mut took = Vec::new();
    for n in 0..count {
        let began = Instant::now();
        act(n);
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    (quantile(took.clone(), 0.5), quantile(took, 1.0))
}

/// Adding and revoking one Grant among 100,000, and one Guardrail among 1,000, until the next Call is decided by it.
fn changes(world: &mut World) -> [(f64, f64); 4] {
    let ledger = &mut world.ledger;
    let new = |n: usize| {
        let name = TargetPattern::Tool(format!("tool_{}", n % TOOLS));
        grant(30_000_000 + n, "agt_1", "srv_1", name, Effect::Allow)
    };
    let added = each(500, |n| ledger.put(new(n)));
    let revoked = each(500, |n| ledger.remove(&new(n).id));
    let mut all: Vec<Guardrail> =
        concerning_guardrails().into_iter().chain(unrelated_guardrails(990)).collect();
    let mut held = Guardrails::new(&all, None);
    let guarded = each(100, |n| {
        let text = format!("forbid (principal, action == Action::\"ledger/new_{n}\", resource);");
        all.push(guardrail(5_000_000 + n, text));
        held = Guardrails::new(&all, Some(&held));
    });
    let unguarded = each(100, |_| {
        all.pop();
        held = Guardrails::new(&all, Some(&held));
    });
    [added, revoked, guarded, unguarded]
}

fn main() {
    let calls = calls();
    let mut full = World::new(100_000, 990);
    let mut took = Vec::new();
    timed(&calls, &full);
    for _ in 0..ROUNDS {
        took.extend(timed(&calls, &full));
    }
    let (p50, p99) = (quantile(took.clone(), 0.5), quantile(took, 0.99));
    println!(
        "100,000 grants, 1,000 guardrails of which 10 concern the call: p50 {p50:.1} µs, p99 {p99:.1} µs"
    );
    // Flatness: both worlds in turn, so that what else the machine does falls on both. The concerning rules are the same.
    let (few, many) = (World::new(10, 10), World::new(100_000, 100_000));
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    timed(&calls, &few);
    timed(&calls, &many);
    for _ in 0..ROUNDS {
        of_few.push(quantile(timed(&calls, &few), 0.5));
        of_many.push(quantile(timed(&calls, &many), 0.5));
    }
    let (of_few, of_many) = (quantile(of_few, 0.5), quantile(of_many, 0.5));
    let ratio = of_many / of_few;
    println!(
        "10 unrelated grants and guardrails each: {of_few:.1} µs; 100,000 of each: {of_many:.1} µs; ratio {ratio:.2}"
    );
    let [added, revoked, guarded, unguarded] = changes(&mut full);
    for (what, (middle, worst)) in [
        ("adding a grant among 100,000", added),
        ("revoking one", revoked),
        ("adding a guardrail among 1,000", guarded),
        ("removing one", unguarded),
    ] {
        println!("{what}: {middle:.3} ms, at worst {worst:.3} ms");
    }
    let slowest = [added, revoked, guarded, unguarded].map(|(_, worst)| worst);
    let slowest = slowest.into_iter().fold(0.0, f64::max);
    let held = p50 <= 60.0 && p99 <= 200.0 && ratio <= 1.2 && slowest <= 5.0;
    println!(
        "{{\"p50_us\":{p50:.1},\"p99_us\":{p99:.1},\"ratio\":{ratio:.3},\"change_ms\":{slowest:.3},\"targets_held\":{held}}}"
    );
}
