//! What a whole governed Call pays on its way, from the Agent's message to the outcome in the log, with a Server that answers at
//! once: with few and with many Grants and Guardrails that do not concern it. And what adding and revoking one rule costs with
//! everything that belongs to it, the disk too. The last line is JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, dead_code)]

#[path = "../tests/path/doorman.rs"]
mod doorman;
#[path = "../tests/path/world.rs"]
mod world;

use std::time::Instant;

use prokura_domain::*;
use world::{PAY, World, body, tool};

const CALLS: usize = 300;
const ROUNDS: usize = 9;

/// Grants that do not concern the Calls, straight into the table, and Guardrails likewise.
async fn filled(grants: usize, guardrails: usize) -> World {
    let world = World::new_over(&mut |store, agent, server| {
        let one = |id: usize| Grant {
            id: GrantId::from_text(&format!("grt_{id}")),
            agent: if id.is_multiple_of(2) { agent.clone() } else { AgentId::from_text("agt_other") },
            server: if id.is_multiple_of(3) { ServerId::from_text("srv_other") } else { server.clone() },
            account: None,
            target: match id % 5 {
                0 => TargetPattern::Tools(format!("other_{id}_*")),
                _ => TargetPattern::Tool(format!("other_{id}")),
            },
            effect: Effect::Allow,
            arguments: None,
            conditions: Vec::new(),
            budget: None,
            until: None,
            note: None,
            origin: Origin::Cli,
            added_at: Timestamp(0),
            revoked_at: None,
            used_at: None,
        };
        store.put_grants(&(0..grants).map(one).collect::<Vec<_>>()).unwrap();
        let rule = |id: usize| Guardrail {
            id: GuardrailId::from_text(&format!("gdr_{id}")),
            name: format!("rule {id}"),
            text: match id {
                0..10 => format!(
                    "forbid (principal, action, resource in Server::\"ledger\") when {{ context.arguments.n == {} }};",
                    1_000_000 + id
                ),
                _ => format!("forbid (principal, action == Action::\"ledger/other_{id}\", resource);"),
            },
            enabled: true,
            origin: GuardrailOrigin::Cli,
            added_at: Timestamp(0),
            changed_at: Timestamp(0),
        };
        store.put_guardrails(&(0..guardrails).map(rule).collect::<Vec<_>>()).unwrap();
    })
    .await;
    world.offers(PAY).await;
    world
        .delegation
        .classify_tool(&world.server, "pay", ToolClass::Read, Some(Labels::default()))
        .await
        .unwrap();
    world.grant(tool("pay"), Effect::Allow).await;
    world
}

async fn median(world: &World) -> f64 {
    let mut took = Vec::with_capacity(CALLS);
    for n in 0..CALLS {
        let inbound = world.pay(n as i64);
        let began = Instant::now();
        body(world.delegation.pass(inbound).await.unwrap()).await;
        took.push(began.elapsed().as_secs_f64() * 1e6);
        world.upstream.sent.lock().unwrap().clear();
    }
    quantile(took, 0.5)
}

fn quantile(mut took: Vec<f64>, share: f64) -> f64 {
    took.sort_by(f64::total_cmp);
    took[((took.len() - 1) as f64 * share) as usize]
}

/// The median milliseconds of adding and of revoking a Grant, and of adding and removing a Guardrail.
async fn changes(world: &World) -> [f64; 4] {
    let mut took: [Vec<f64>; 4] = Default::default();
    for n in 0..40 {
        let mut timed = |at: usize, began: Instant| {
            took[at].push(began.elapsed().as_secs_f64() * 1e3);
        };
        let began = Instant::now();
        let grant = world.grant(tool(&format!("new_{n}")), Effect::Allow).await;
        timed(0, began);
        let began = Instant::now();
        world.delegation.revoke_grant(&grant.id).await.unwrap();
        timed(1, began);
        let (name, text) = (
            format!("new {n}"),
            "forbid (principal, action == Action::\"ledger/pay\", resource) when { principal.name == \"x\" };",
        );
        let began = Instant::now();
        world.delegation.add_guardrail(&name, text, GuardrailOrigin::Cli).await.unwrap();
        timed(2, began);
        let began = Instant::now();
        world.delegation.remove_guardrail(&name).await.unwrap();
        timed(3, began);
    }
    took.map(|took| quantile(took, 0.5))
}

#[tokio::main]
async fn main() {
    let (few, many) = (filled(10, 20).await, filled(100_000, 1_000).await);
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    median(&few).await;
    median(&many).await;
    for _ in 0..ROUNDS {
        of_few.push(median(&few).await);
        of_many.push(median(&many).await);
    }
    let (of_few, of_many) = (quantile(of_few, 0.5), quantile(of_many, 0.5));
    let ratio = of_many / of_few;
    println!(
        "a governed read, whole: {of_few:.0} µs among 10 grants and 20 guardrails, {of_many:.0} µs among 100,000 and 1,000; ratio {ratio:.2}"
    );
    let [add, revoke, guard, unguard] = changes(&many).await;
    println!(
        "with the log and the disk: a grant added in {add:.1} ms, revoked in {revoke:.1} ms; a guardrail added in {guard:.1} ms, removed in {unguard:.1} ms"
    );
    println!(
        "{{\"few_us\":{of_few:.1},\"many_us\":{of_many:.1},\"ratio\":{ratio:.3},\"grant_added_ms\":{add:.2},\"grant_revoked_ms\":{revoke:.2},\"guardrail_added_ms\":{guard:.2},\"guardrail_removed_ms\":{unguard:.2}}}"
    );
}
