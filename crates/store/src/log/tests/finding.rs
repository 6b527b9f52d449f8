//! The index that trails behind: what it finds, that it is never waited for, and that it can be made again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use prokura_domain::Json;
use prokura_domain::record::{Durability, Event, RecordKind, Subject};
use rusqlite::Connection;

use super::fakes::{Bench, event, of_call, open};
use crate::{RecordQuery, Touched};

fn call(kind: RecordKind, number: i64, agent: &str, tool: &str, detail: Json) -> Event {
    Event::new(kind, detail).about(Subject {
        call: Some(format!("cal_{number}")),
        agent: Some((format!("agt_{agent}"), agent.to_owned())),
        server: Some(("srv_1".to_owned(), "shop".to_owned())),
        account: Some(("acc_1".to_owned(), "anna".to_owned())),
        target: Some(("tool".to_owned(), tool.to_owned())),
        trace: (number % 2 == 0).then(|| format!("{number:032x}")),
    })
}

async fn filled() -> Bench {
    let bench = Bench::new();
    let ok = || Json::object([("result", Json::text("ok"))]);
    for (kind, number, agent, tool, detail) in [
        (
            RecordKind::CallIntent,
            1,
            "coder",
            "buy",
            Json::object([("method", Json::text("tools/call"))]),
        ),
        (RecordKind::CallOutcome, 1, "coder", "buy", ok()),
        (RecordKind::CallIntent, 2, "clerk", "buy", Json::object([("session", Json::text("s1"))])),
        (
            RecordKind::CallOutcome,
            2,
            "clerk",
            "buy",
            Json::object([("result", Json::text("failed"))]),
        ),
        (RecordKind::CallRefused, 3, "coder", "sell", ok()),
        (RecordKind::QuestionRaised, 4, "coder", "buy", ok()),
    ] {
        let event = call(kind, number, agent, tool, detail);
        bench.log.append(event, Durability::Logged).await.unwrap();
    }
    bench
}

fn found(bench: &Bench, query: RecordQuery) -> Vec<i64> {
    let query = RecordQuery { limit: 20, ..query };
    bench.log.records(&query).unwrap().iter().map(|record| record.seq).collect()
}

#[tokio::test]
async fn records_are_found_by_everything_they_are_about() {
    let bench = filled().await;
    let some = |text: &str| Some(text.to_owned());
    let none = RecordQuery::default;
    for (query, expected) in [
        (RecordQuery { agent: some("coder"), ..none() }, vec![7, 6, 3, 2]),
        (RecordQuery { agent: some("agt_coder"), target: some("buy"), ..none() }, vec![7, 3, 2]),
        (RecordQuery { agent: some("nobody"), ..none() }, vec![]),
        (RecordQuery { server: some("shop"), decision: some("failed"), ..none() }, vec![5]),
        (RecordQuery { account: some("anna"), before: Some(4), ..none() }, vec![3, 2]),
        (RecordQuery { decision: some("denied"), ..none() }, vec![6]),
        (RecordQuery { decision: some("asked"), ..none() }, vec![7]),
        (RecordQuery { kind: some("call"), ..none() }, vec![6, 5, 4, 3, 2]),
        (RecordQuery { kind: some("call.intent"), ..none() }, vec![4, 2]),
        (RecordQuery { call: some("cal_1"), ..none() }, vec![3, 2]),
        (RecordQuery { session: some("s1"), ..none() }, vec![4]),
        (RecordQuery { trace: some(&format!("{:032X}", 2)), ..none() }, vec![5, 4]),
        (RecordQuery { search: some("sell cod"), agent: some("coder"), ..none() }, vec![6]),
    ] {
        assert_eq!(found(&bench, query.clone()), expected, "{query:?}");
    }
}

#[tokio::test]
async fn a_time_is_found_also_when_the_clock_was_set_back_meanwhile() {
    let bench = filled().await;
    let at = |seq| bench.log.record(seq).unwrap().unwrap().at;
    let between = RecordQuery { since: Some(at(3)), until: Some(at(5)), ..RecordQuery::default() };
    assert_eq!(found(&bench, between.clone()), [5, 4, 3]);
    let Bench { dir, vault, log } = bench;
    drop(log);
    // The clock of the fakes begins anew with every log: it was set back.
    let log = open(dir.path(), &vault);
    log.append(event(8), Durability::Logged).await.unwrap();
    let bench = Bench { dir, vault, log };
    assert!(at_of(&bench, 8) < at_of(&bench, 7), "the clock was set back");
    let early = RecordQuery { until: Some(at_of(&bench, 2)), ..RecordQuery::default() };
    assert_eq!(found(&bench, early), [8, 2, 1]);
    assert_eq!(found(&bench, between), [5, 4, 3]);
    assert!(bench.log.verify().unwrap().is_whole(), "the chain does not rest on the clock");
}

fn at_of(bench: &Bench, seq: i64) -> prokura_domain::Timestamp {
    bench.log.record(seq).unwrap().unwrap().at
}

#[tokio::test]
async fn days_and_what_an_agent_touched_are_counted() {
    let bench = filled().await;
    let days = bench.log.days(0, i64::MAX).unwrap();
    let coder = days.iter().find(|day| day.agent == "agt_coder").unwrap();
    assert_eq!(
        (coder.records, coder.calls, coder.prompts, coder.denials, coder.failures),
        (4, 1, 1, 1, 0)
    );
    let clerk = days.iter().find(|day| day.agent == "agt_clerk").unwrap();
    assert_eq!((clerk.calls, clerk.failures), (1, 1));
    let touched = bench.log.touched("agt_coder", 10).unwrap();
    let said: Vec<_> = touched
        .iter()
        .map(|Touched { target, calls, denials, .. }| (target.as_str(), *calls, *denials))
        .collect();
    assert_eq!(said, [("sell", 0, 1), ("buy", 1, 0)]);
    assert_eq!(bench.log.names("agent").unwrap().len(), 2);
}

#[tokio::test]
async fn an_index_that_was_lost_is_made_again_from_the_records() {
    let bench = filled().await;
    let before =
        found(&bench, RecordQuery { search: Some("buy".to_owned()), ..RecordQuery::default() });
    let Bench { dir, vault, log } = bench;
    log.close();
    drop(log);
    let db = Connection::open(dir.path().join("prokura.db")).unwrap();
    db.execute_batch(
        "DELETE FROM record_index; DELETE FROM record_text; DELETE FROM record_day; DELETE FROM record_touch;",
    )
    .unwrap();
    drop(db);
    let log = open(dir.path(), &vault);
    let bench = Bench { dir, vault, log };
    let again =
        found(&bench, RecordQuery { search: Some("buy".to_owned()), ..RecordQuery::default() });
    assert_eq!((again.len(), again), (5, before));
    assert_eq!(bench.log.unindexed(), 0);
}

/// What every list and filter of the audit screen asks for is answered by an index, newest first, without sorting.
#[tokio::test]
async fn no_filter_of_the_screen_scans_or_sorts() {
    let bench = filled().await;
    assert_eq!(found(&bench, RecordQuery::default()).len(), 7);
    let db = Connection::open(bench.path()).unwrap();
    let some = |text: &str| Some(text.to_owned());
    let none = RecordQuery::default;
    for query in [
        RecordQuery { agent: some("coder"), ..none() },
        RecordQuery { agent: some("coder"), target: some("buy"), ..none() },
        RecordQuery { agent: some("coder"), decision: some("denied"), ..none() },
        RecordQuery { server: some("shop"), ..none() },
        RecordQuery { account: some("anna"), ..none() },
        RecordQuery { target: some("buy"), ..none() },
        RecordQuery { decision: some("denied"), ..none() },
        RecordQuery { kind: some("call"), ..none() },
        RecordQuery { call: some("cal_1"), ..none() },
        RecordQuery { trace: some("00"), ..none() },
        RecordQuery { search: some("buy"), ..none() },
    ] {
        let (sql, values) = crate::log::find::statement(&db, &query).unwrap().unwrap();
        let plan: Vec<String> = db
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map(rusqlite::params_from_iter(values), |row| row.get("detail"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let said = plan.join("; ");
        assert!(!said.contains("TEMP B-TREE"), "{query:?}: {said}");
        assert!(
            said.contains("INDEX record_index_") || said.contains("VIRTUAL TABLE"),
            "{query:?}: {said}"
        );
    }
}

#[tokio::test]
async fn what_looks_like_a_secret_in_a_record_is_masked_before_it_is_written() {
    let bench = Bench::new();
    let mut event = of_call(RecordKind::CallOutcome, "cal_1");
    event.subject.target =
        Some(("resource".to_owned(), "https://x.example/a?token=abcdef123456".to_owned()));
    event.detail = Json::object([("told", Json::text("refused: Bearer abcdefghijklmnopqrst"))]);
    let seq = bench.log.append(event, Durability::Logged).await.unwrap();
    let body = bench.log.record(seq).unwrap().unwrap().body;
    assert!(body.contains("token=[masked]") && body.contains("Bearer [masked]"), "{body}");
    assert!(!body.contains("abcdef"), "{body}");
}
