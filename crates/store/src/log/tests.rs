//! Appending, syncing, searching and sealing, on real files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prokura_domain::digest::Digest;
use prokura_domain::json::Json;
use prokura_domain::record::{Durability, Event, RecordKind};
use rusqlite::Connection;

use super::*;

mod budgets;
pub(crate) mod fakes;
mod finding;
mod payloads;
mod power;
mod safety;
mod segments;

use fakes::{Bench, event, of_call, open};

fn detail(log: &Log, seq: i64, member: &str) -> Option<String> {
    let body = Json::read(log.record(seq).unwrap().unwrap().body.as_bytes()).unwrap();
    body.at(&format!("/detail/{member}")).and_then(Json::as_str).map(str::to_owned)
}

#[tokio::test]
async fn a_new_log_begins_by_naming_itself_and_goes_on_after_it_is_reopened() {
    let bench = Bench::new();
    let first = bench.log.record(1).unwrap().unwrap();
    assert_eq!(first.kind, "log.opened");
    assert_eq!(first.prev, Digest([0; 32]));
    assert_eq!(detail(&bench.log, 1, "log_id").as_deref(), Some(bench.log.log_id()));
    assert_eq!(bench.log.append(event(2), Durability::Synced).await.unwrap(), 2);
    let name = bench.log.log_id().to_owned();
    bench.log.close();
    let again = open(bench.dir.path(), &bench.vault);
    assert_eq!(again.log_id(), name);
    assert_eq!(again.append(event(3), Durability::Logged).await.unwrap(), 3);
    let records = again.records(&RecordQuery { limit: 10, ..RecordQuery::default() }).unwrap();
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(records[0].prev, records[1].hash);
    assert!(again.verify().unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_appended_at_once_share_a_commit_and_form_one_chain() {
    let bench = Bench::new();
    let tasks: Vec<_> = (0..400)
        .map(|number| {
            let log = bench.log.clone();
            let durability = if number % 3 == 0 { Durability::Synced } else { Durability::Logged };
            tokio::spawn(async move { log.append(event(number), durability).await.unwrap() })
        })
        .collect();
    let mut numbers = HashSet::new();
    for task in tasks {
        numbers.insert(task.await.unwrap());
    }
    assert_eq!(numbers, (2..=401).collect());
    let verdict = bench.log.verify().unwrap();
    assert_eq!((verdict.records, verdict.faults), (401, vec![]));
}

#[tokio::test]
async fn what_waits_together_is_one_transaction() {
    let bench = Bench::new();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let order = turn::Order::Run(Box::new(move |_| held.recv().unwrap()));
    bench.log.0.turns.send(order).unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let log = bench.log.clone();
            tokio::spawn(async move { log.append(event(number), Durability::Synced).await })
        })
        .collect();
    tokio::task::yield_now().await;
    hold.send(()).unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    let moments: HashSet<_> = bench
        .log
        .records(&RecordQuery { limit: 20, ..RecordQuery::default() })
        .unwrap()
        .iter()
        .map(|record| record.at)
        .collect();
    assert_eq!(moments.len(), 1, "one transaction has one moment");
}

#[tokio::test]
async fn an_event_that_would_not_read_back_is_refused_and_the_log_goes_on() {
    let bench = Bench::new();
    for detail in [
        Json::Object(vec![("a".to_owned(), Json::Null), ("a".to_owned(), Json::Bool(true))]),
        Json::object([("n", Json::Number("1,\"at\":2".to_owned()))]),
        Json::object([("n", Json::Number(String::new()))]),
    ] {
        let event = Event::new(RecordKind::WishRefused, detail);
        let fault = bench.log.append(event, Durability::Logged).await.unwrap_err();
        assert!(matches!(fault, StoreError::NotARecord(_)), "{fault}");
    }
    assert_eq!(bench.log.append(event(2), Durability::Logged).await.unwrap(), 2);
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn an_intent_without_outcome_is_found_after_a_crash() {
    let bench = Bench::new();
    for (kind, call) in [
        (RecordKind::CallIntent, "cal_1"),
        (RecordKind::CallIntent, "cal_2"),
        (RecordKind::CallOutcome, "cal_1"),
    ] {
        bench.log.append(of_call(kind, call), Durability::Logged).await.unwrap();
    }
    let Bench { dir, vault, log } = bench;
    drop(log);
    let log = open(dir.path(), &vault);
    let open: Vec<_> = log.open_calls().unwrap();
    assert_eq!(open.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3]);
    assert!(open[0].1.body.contains("cal_2"));
    let recovered = Event::new(RecordKind::HostRecovered, Json::object([("calls", Json::Null)]));
    log.append(recovered, Durability::Synced).await.unwrap();
    assert!(log.open_calls().unwrap().is_empty());
    assert_eq!(log.records_of_call("cal_1").unwrap().len(), 2);
}

#[tokio::test]
async fn the_newest_page_is_found_without_scanning() {
    let bench = Bench::new();
    let db = Connection::open(bench.path()).unwrap();
    let query = RecordQuery { limit: 50, ..RecordQuery::default() };
    let (sql, values) = find::statement(&db, &query).unwrap().unwrap();
    let plan: String = db
        .query_row(
            &format!("EXPLAIN QUERY PLAN {sql}"),
            rusqlite::params_from_iter(values),
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.contains("USING INTEGER PRIMARY KEY"), "{plan}");
}

#[tokio::test]
async fn records_are_searched_by_the_beginnings_of_their_words_whatever_the_case() {
    let bench = Bench::new();
    bench.log.append(of_call(RecordKind::CallIntent, "cal_1"), Durability::Logged).await.unwrap();
    bench.log.append(event(3), Durability::Logged).await.unwrap();
    let found = |text: &str| -> Vec<i64> {
        let query =
            RecordQuery { limit: 10, search: Some(text.to_owned()), ..RecordQuery::default() };
        bench.log.records(&query).unwrap().iter().map(|record| record.seq).collect()
    };
    for (text, expected) in [
        ("CODER", vec![2]),
        ("shop_100%", vec![2]),
        ("anna@", vec![2]),
        ("buy_", vec![2]),
        ("call.INTENT", vec![2]),
        ("grant", vec![3]),
        ("thin", vec![2]),
        ("cod sho", vec![2]),
        ("cod grant", vec![]),
        ("  ", vec![3, 2, 1]),
        (".", vec![]),
        ("b%s", vec![]),
        ("oder", vec![]),
        ("\" NOT *", vec![]),
        ("cal_1", vec![]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
    let second = RecordQuery { limit: 1, before: Some(3), ..RecordQuery::default() };
    assert_eq!(bench.log.records(&second).unwrap()[0].seq, 2);
}

#[tokio::test]
async fn each_visits_oldest_first_until_it_has_enough_and_may_ask_the_log_meanwhile() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    bench.log.append(event(3), Durability::Logged).await.unwrap();
    let mut seen = Vec::new();
    bench
        .log
        .each(&mut |record| {
            seen.push(bench.log.record(record.seq).unwrap().unwrap().seq);
            seen.len() < 2
        })
        .unwrap();
    assert_eq!(seen, [1, 2]);
}

/// Invariant 9: AuditRecords are never changed or removed.
#[tokio::test]
async fn sql_cannot_change_or_remove_a_record() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    bench.log.checkpoint().unwrap();
    let db = Connection::open(bench.path()).unwrap();
    for sql in [
        "UPDATE record SET body = '{}' WHERE seq = 1",
        "DELETE FROM record WHERE seq = 2",
        "INSERT INTO record SELECT 4, at, kind, v, body, prev, hash FROM record WHERE seq = 2",
        "INSERT OR REPLACE INTO record SELECT 1, at, kind, v, body, prev, hash FROM record WHERE seq = 2",
        "UPDATE checkpoint SET seq = 1",
        "DELETE FROM checkpoint",
    ] {
        assert!(db.execute_batch(sql).is_err(), "{sql}");
    }
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn closing_signs_and_anchors_the_last_record_and_ends_the_log() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    bench.log.close();
    let anchor = bench.vault.anchor.lock().unwrap().clone().unwrap();
    let last = bench.log.record(2).unwrap().unwrap();
    assert_eq!((anchor.seq, anchor.hash), (2, last.hash));
    assert_eq!(anchor.log_id, bench.log.log_id());
    let late = bench.log.append(event(3), Durability::Logged).await;
    assert!(matches!(late, Err(StoreError::AuditBroken(_))));
    bench.log.close();
    let verdict = bench.log.verify().unwrap();
    assert_eq!((verdict.faults, verdict.notes), (vec![], vec![]));
}

#[tokio::test]
async fn a_checkpoint_is_made_by_itself_after_a_thousand_records() {
    let bench = Bench::new();
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let log = bench.log.clone();
            tokio::spawn(async move { log.append(event(number), Durability::Logged).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let signed = bench.look(|writer| writer.signed);
    assert!(signed >= 1000, "{signed}");
    let anchored = async {
        while bench.vault.anchor.lock().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), anchored).await.unwrap();
}

/// After a rollback the anchor stays where it was: going on must not wipe the evidence.
#[tokio::test]
async fn the_anchor_does_not_follow_a_log_that_was_put_back() {
    let bench = Bench::filled(3).await;
    let old = tempfile::tempdir().unwrap();
    std::fs::copy(bench.path(), old.path().join("prokura.db")).unwrap();
    let log = open(bench.dir.path(), &bench.vault);
    for number in 4..=6 {
        log.append(event(number), Durability::Logged).await.unwrap();
    }
    log.close();
    let before = bench.vault.anchor.lock().unwrap().clone().unwrap();
    assert_eq!(before.seq, 6);

    let vault = Arc::clone(&bench.vault);
    let rolled_back = open(old.path(), &vault);
    for number in 0..10 {
        rolled_back.append(event(number), Durability::Logged).await.unwrap();
        rolled_back.checkpoint().unwrap();
    }
    assert_eq!(vault.anchor.lock().unwrap().clone().unwrap(), before);
    let verdict = rolled_back.verify().unwrap();
    assert!(verdict.faults.iter().any(|fault| fault.contains("record 6 is not")), "{verdict:?}");
}

/// An anchor that cannot be read may be the only witness of a rollback: it is not written over, and not said to be absent.
#[tokio::test]
async fn an_anchor_that_cannot_be_read_is_unknown_and_stays() {
    let bench = Bench::filled(3).await;
    let before = bench.vault.anchor.lock().unwrap().clone();
    bench.vault.blind.store(true, Ordering::SeqCst);
    let again = open(bench.dir.path(), &bench.vault);
    again.append(event(4), Durability::Logged).await.unwrap();
    again.checkpoint().unwrap();
    assert_eq!(bench.vault.anchor.lock().unwrap().clone(), before, "it was written over unread");
    let verdict = again.verify().unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    let told = verdict.notes.join(" ");
    assert!(told.contains("could not be read (the keyring does not answer)"), "{told}");
    assert!(!told.contains("There is no anchor"), "{told}");
    bench.vault.blind.store(false, Ordering::SeqCst);
    again.append(event(5), Durability::Logged).await.unwrap();
    again.checkpoint().unwrap();
    assert_eq!(bench.vault.anchor.lock().unwrap().clone().unwrap().seq, 5);
}
