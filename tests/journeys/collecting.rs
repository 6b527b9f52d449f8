//! The audit log at an OpenTelemetry collector that is down, slow, full, forgetful, and started again, while the host is
//! killed and started again too: every record arrives, in order, and nothing of what is sealed does. (U-05)

use std::time::Duration;

use prokura_testkit::collector::{Taken, TakenSpan};
use prokura_testkit::{Collector, Mood, eventually};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

const PATIENCE: Duration = Duration::from_secs(90);

struct World {
    scene: Scene,
    collector: Collector,
}

impl World {
    async fn start() -> Self {
        let scene = Scene::ledger().await;
        scene.grant("*", "allow").await;
        Self { scene, collector: Collector::new().await.unwrap() }
    }

    async fn set(&self) {
        let url = self.collector.url();
        let said = self.scene.host.ok(&["audit", "set", "collector", &url]).await.unwrap();
        assert!(said["collector"]["url"].as_str().unwrap().starts_with(&url), "{said}");
    }

    async fn calls(&self, count: usize) {
        let agent = self.scene.agent();
        for _ in 0..count {
            fine(&agent.call("send_payment", payment("31337.42")).await.unwrap());
        }
    }

    async fn status(&self) -> Value {
        self.scene.host.ok(&["audit", "status"]).await.unwrap()["collector"].clone()
    }

    /// Waits until the collector has what the log has now; answers with the log, oldest first.
    async fn caught_up(&self) -> Vec<Value> {
        let mut log = self.scene.host.audit().await.unwrap();
        log.reverse();
        let newest = log.last().unwrap()["seq"].as_i64().unwrap();
        eventually("the newest record to be taken", PATIENCE, || async {
            (self.status().await["sent"].as_i64()? >= newest).then_some(())
        })
        .await
        .unwrap();
        assert!(self.collector.taken().iter().any(|taken| taken.seq == newest));
        log
    }
}

/// Each record for the first time comes right after the one before it, and is what the log says.
fn in_order(taken: &[Taken], log: &[Value]) {
    let mut newest = 0;
    for one in taken {
        assert!(one.seq <= newest + 1, "{} came after {newest}", one.seq);
        newest = newest.max(one.seq);
    }
    for record in log {
        let seq = record["seq"].as_i64().unwrap();
        let found: Vec<&Taken> = taken.iter().filter(|one| one.seq == seq).collect();
        assert!(!found.is_empty(), "record {seq} is missing");
        for one in found {
            assert_eq!((&json!(one.hash), &json!(one.kind)), (&record["hash"], &record["kind"]));
            let body: Value = serde_json::from_str(&one.body).unwrap();
            assert_eq!(body["detail"], record["detail"]);
        }
    }
}

#[tokio::test]
async fn a_collector_that_is_down_slow_full_and_restarted_gets_every_record_in_order() {
    let mut world = World::start().await;
    world.calls(3).await;
    // Down: nothing listens at all.
    world.set().await;
    eventually("the fault to be shown", PATIENCE, || async {
        world.status().await["fault"].is_string().then_some(())
    })
    .await
    .unwrap();
    assert_eq!(world.status().await["sent"], 0);
    world.calls(3).await;
    world.collector.start().await.unwrap();
    in_order(&world.collector.taken(), &[]);
    let log = world.caught_up().await;
    in_order(&world.collector.taken(), &log);
    // Slow, while calls go on: nobody waits for it.
    world.collector.mood(Mood { slow: Duration::from_secs(2), ..Mood::default() });
    world.calls(5).await;
    let log = world.caught_up().await;
    in_order(&world.collector.taken(), &log);
    // Stopped; meanwhile the host is killed and started again.
    world.collector.mood(Mood::default());
    world.collector.stop().await;
    world.calls(4).await;
    world.scene.host.kill().await.unwrap();
    world.scene.host.restart().await.unwrap();
    world.calls(2).await;
    let before = world.collector.taken().len();
    world.collector.start().await.unwrap();
    let log = world.caught_up().await;
    let taken = world.collector.taken();
    in_order(&taken, &log);
    // What it had was remembered: it was not sent all over again.
    assert!(taken[before].seq > 1, "{} began at {}", before, taken[before].seq);
    assert_eq!(world.status().await["fault"], Value::Null);
    // Only what records say: no arguments, no results.
    let bytes = world.collector.bytes();
    assert!(!bytes.windows(8).any(|part| part == b"31337.42"), "an argument left the machine");
}

#[tokio::test]
async fn a_collector_that_refuses_forgets_or_takes_little_at_once_misses_nothing() {
    let world = World::start().await;
    world.calls(6).await;
    world.collector.start().await.unwrap();
    world.collector.mood(Mood { refuses: Some(503), ..Mood::default() });
    world.set().await;
    eventually("a refused message", PATIENCE, || async {
        (world.collector.messages() > 0).then_some(())
    })
    .await
    .unwrap();
    // It takes the records and its answer gets lost: they come again.
    world.collector.mood(Mood { forgets_to_answer: true, ..Mood::default() });
    eventually("records that were not acknowledged", PATIENCE, || async {
        (!world.collector.taken().is_empty()).then_some(())
    })
    .await
    .unwrap();
    world.collector.mood(Mood { most: 5, ..Mood::default() });
    let log = world.caught_up().await;
    let taken = world.collector.taken();
    in_order(&taken, &log);
    assert!(taken.iter().filter(|one| one.seq == 1).count() > 1, "nothing came twice");
    // What lies in an archive by now is sent from there.
    world.collector.stop().await;
    for _ in 0..2 {
        // What a checkpoint covers can be archived; the first wish makes one.
        world.calls(2).await;
        let before = ["audit", "archive", "--before", "2999-01-01T00:00:00Z"];
        world.scene.host.ok(&before).await.unwrap();
    }
    let untaken = world.collector.taken().iter().map(|one| one.seq).max().unwrap() + 1;
    world.collector.start().await.unwrap();
    let log = world.caught_up().await;
    let taken = world.collector.taken();
    in_order(&taken, &log);
    assert!(log[0]["seq"].as_i64().unwrap() > untaken, "nothing that it lacked was archived");
    assert!(taken.iter().any(|one| one.seq == untaken));
    // Switched off, it gets nothing more.
    world.scene.host.ok(&["audit", "set", "collector", "off"]).await.unwrap();
    assert_eq!(world.status().await, Value::Null);
    assert!(world.scene.kinds().await.contains(&"setting.changed".to_owned()));
}

/// OTLP: what a collector refuses for good is not sent again; that it did is seen, also after a restart.
#[tokio::test]
async fn records_that_a_collector_refuses_for_good_are_counted_and_shown() {
    let mut world = World::start().await;
    world.collector.start().await.unwrap();
    world.collector.mood(Mood { rejects: 2, ..Mood::default() });
    world.set().await;
    world.caught_up().await;
    world.collector.mood(Mood::default());
    world.calls(2).await;
    let log = world.caught_up().await;
    in_order(&world.collector.taken(), &log);
    let before = world.status().await;
    assert!(before["refused"].as_i64().unwrap() >= 2, "{before}");
    assert_eq!(
        (&before["why"], &before["fault"]),
        (&json!("attribute limit exceeded"), &Value::Null)
    );
    world.scene.host.restart().await.unwrap();
    world.calls(1).await;
    world.caught_up().await;
    assert_eq!(world.status().await["refused"], before["refused"]);
}

/// Calls come as spans and totals too, made from the same records: each once, whatever came between, and a collector that
/// takes logs only gets its logs.
#[tokio::test]
async fn calls_arrive_as_spans_and_totals_and_count_the_same_when_they_come_twice() {
    let mut world = World::start().await;
    world.scene.host.grant("clerk", "ledger", "get_statement", "deny").await.unwrap();
    world.collector.start().await.unwrap();
    world.collector.mood(Mood { only_logs: true, ..Mood::default() });
    world.set().await;
    world.calls(3).await;
    world.caught_up().await;
    eventually("what it does not take to be said", PATIENCE, || async {
        let status = world.status().await;
        let said = |name: &str| status[name].as_str().is_some_and(|text| text.contains("404"));
        (said("traces") && said("metrics") && status["fault"].is_null()).then_some(())
    })
    .await
    .unwrap();
    assert!(world.collector.spans().is_empty() && world.collector.points().is_empty());
    // It learns to; a new start asks again at once.
    world.collector.mood(Mood::default());
    world.scene.host.restart().await.unwrap();
    let agent = world.scene.agent();
    world.calls(2).await;
    refused(&agent.call("get_statement", json!({ "account": "giro" })).await.unwrap(), "denies");
    let whole = |world: &World| {
        let points = world.collector.points();
        let of = |name: &str| points.get(name).copied();
        let calls = of("prokura.calls{clerk,ledger,ok}") == Some(5);
        let refused = of("prokura.calls{clerk,ledger,refused}") == Some(1);
        let times = of("mcp.client.operation.duration{ledger,tools/call}") == Some(5);
        calls && refused && times
    };
    let reached = eventually("the totals", PATIENCE, || async { whole(&world).then_some(()) });
    reached.await.unwrap_or_else(|_| panic!("{:?}", world.collector.points()));
    eventually("the spans", PATIENCE, || async {
        (world.collector.spans().len() >= 6).then_some(())
    })
    .await
    .unwrap();
    as_they_went(&world.collector.spans());
    // Killed, and the answer to the last message lost: the totals are no larger for it.
    world.scene.host.kill().await.unwrap();
    world.scene.host.restart().await.unwrap();
    world.calls(1).await;
    eventually("one call more", PATIENCE, || async {
        (world.collector.points().get("prokura.calls{clerk,ledger,ok}") == Some(&6)).then_some(())
    })
    .await
    .unwrap();
    let bytes = world.collector.bytes();
    assert!(!bytes.windows(8).any(|part| part == b"31337.42"), "an argument left the machine");
}

/// Six calls, five paid and one refused.
fn as_they_went(spans: &[TakenSpan]) {
    let mut ids: Vec<_> = spans.iter().map(|span| span.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6, "{spans:?}");
    let paid = spans.iter().find(|span| span.name == "tools/call send_payment").unwrap();
    assert!(!paid.faulty && paid.trace.len() == 16 && paid.id.len() == 8);
    let has = |name: &str, value: &str| {
        paid.attributes.iter().any(|(key, held)| key == name && held == value)
    };
    assert!(has("mcp.method.name", "tools/call") && has("gen_ai.agent.name", "clerk"), "{paid:?}");
    let denied = spans.iter().find(|span| span.name == "tools/call get_statement").unwrap();
    assert!(denied.faulty && denied.ms == 0, "{denied:?}");
}

#[tokio::test]
async fn records_go_only_to_https_or_to_this_machine() {
    let world = World::start().await;
    for (url, why) in [
        ("http://otel.example:4318", "https"),
        ("http://10.0.0.7:4318", "https"),
        ("https://ada:word@otel.example", "password"),
        ("https://otel.example/?key=1", "query"),
        ("not an address", "address"),
    ] {
        let said = world.scene.host.cli(&["audit", "set", "collector", url]).await.unwrap();
        assert_ne!(said.code, 0, "{url}");
        assert!(said.err.contains(why), "{url}: {}", said.err);
    }
    assert_eq!(world.status().await, Value::Null);
}
