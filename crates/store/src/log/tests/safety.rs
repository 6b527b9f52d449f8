//! How safely records lie, and what happens when they cannot be written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use prokura_domain::json::Json;
use prokura_domain::record::{Durability, Event, RecordKind};
use rusqlite::Connection;

use super::fakes::{Bench, event};
use crate::StoreError;
use crate::log::ticker::PERIOD;
use crate::log::turn;

/// A failed write refuses the call, leaves the chain whole, and does not end the log.
#[tokio::test]
async fn a_full_disk_breaks_the_append_and_nothing_else() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Synced).await.unwrap();
    bench.look(|writer| limit(&writer.connection, 0));
    let large = Event::new(
        RecordKind::ToolChanged,
        Json::object([("text", Json::text("x".repeat(200_000)))]),
    );
    let fault = bench.log.append(large.clone(), Durability::Synced).await.unwrap_err();
    assert!(matches!(&fault, StoreError::AuditBroken(why) if why.contains("full")), "{fault}");
    assert!(bench.log.record(3).unwrap().is_none());
    assert!(bench.log.verify().unwrap().is_whole());
    bench.look(|writer| limit(&writer.connection, 1_000_000));
    assert_eq!(bench.log.append(large, Durability::Synced).await.unwrap(), 3);
    assert_eq!(bench.log.append(event(4), Durability::Logged).await.unwrap(), 4);
    let verdict = bench.log.verify().unwrap();
    assert_eq!((verdict.records, verdict.faults), (4, vec![]));
}

#[tokio::test]
async fn one_record_too_large_for_the_disk_does_not_refuse_those_beside_it() {
    let bench = Bench::new();
    bench.look(|writer| limit(&writer.connection, 3));
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let order = turn::Order::Run(Box::new(move |_| held.recv().unwrap()));
    bench.log.0.turns.send(order).unwrap();
    let large = Event::new(
        RecordKind::ToolChanged,
        Json::object([("text", Json::text("x".repeat(200_000)))]),
    );
    let append = |event: Event| {
        let log = bench.log.clone();
        tokio::spawn(async move { log.append(event, Durability::Logged).await })
    };
    let waiting = [append(event(2)), append(large), append(event(3))];
    tokio::task::yield_now().await;
    hold.send(()).unwrap();
    let [small, large, other] = waiting;
    assert_eq!(small.await.unwrap().unwrap(), 2);
    assert!(matches!(large.await.unwrap(), Err(StoreError::AuditBroken(_))));
    assert_eq!(other.await.unwrap().unwrap(), 3);
    assert!(bench.log.verify().unwrap().is_whole());
}

/// What need not be synced is written where it comes from, and before anything that comes after its answer.
#[tokio::test]
async fn a_logged_record_is_written_at_once_and_keeps_its_place_among_those_that_wait() {
    let bench = Bench::new();
    for number in 2..200 {
        let durability = if number % 5 == 0 { Durability::Synced } else { Durability::Logged };
        assert_eq!(bench.log.append(event(number), durability).await.unwrap(), number);
    }
    assert!(bench.look(|writer| writer.by_callers) > 0, "none was written at once");
    assert!(bench.log.verify().unwrap().is_whole());
    // Nobody asks for anything, and they are indexed all the same.
    let indexed = async {
        while bench.log.unindexed() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), indexed).await.unwrap();
}

/// A caller never waits in the middle of its work for another who writes to the file: the thread does.
#[tokio::test]
async fn a_record_waits_on_the_thread_while_another_writes_to_the_file() {
    let bench = Bench::new();
    let other = Connection::open(bench.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let log = bench.log.clone();
    let waiting = tokio::spawn(async move { log.append(event(2), Durability::Logged).await });
    let start = std::time::Instant::now();
    tokio::task::yield_now().await;
    // This thread also runs what waits: if that waited for the file, it would be here only when it gave up.
    assert!(start.elapsed() < crate::store::PATIENCE / 2);
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
    assert_eq!(bench.look(|writer| writer.by_callers), 0);
}

/// Lets the file grow by `more` pages and no further.
fn limit(connection: &Connection, more: i64) {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update_and_check(None, "max_page_count", pages + more, |_| Ok(())).unwrap();
}

#[tokio::test]
async fn a_logged_record_is_synced_within_a_second() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    assert!(bench.look(|writer| writer.unsynced));
    // The reminder comes in time; that it comes at all is awaited patiently, for the machine may be busy.
    assert!(PERIOD <= Duration::from_millis(500));
    let synced = async {
        while bench.look(|writer| writer.unsynced) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), synced).await.unwrap();
}

#[tokio::test]
async fn a_synced_record_leaves_nothing_unsynced_behind_it() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    bench.log.append(event(3), Durability::Synced).await.unwrap();
    let (unsynced, mode) = bench.look(|writer| {
        let mode: i64 =
            writer.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        (writer.unsynced, mode)
    });
    assert!(!unsynced);
    assert_eq!(mode, 2, "FULL");
}

/// One reminder comes every half second; a minute of them asks for a checkpoint.
#[tokio::test]
async fn a_checkpoint_is_made_by_itself_after_a_minute() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Logged).await.unwrap();
    let tick = || bench.log.0.turns.send(turn::Order::Tick).unwrap();
    (0..100).for_each(|_| tick());
    assert_eq!(bench.look(|writer| writer.signed), 0);
    (0..20).for_each(|_| tick());
    assert_eq!(bench.look(|writer| writer.signed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grows_meanwhile_is_whole_whenever_it_is_verified() {
    let bench = Bench::new();
    let log = bench.log.clone();
    let growing = tokio::spawn(async move {
        for number in 0..600 {
            log.append(event(number), Durability::Logged).await.unwrap();
            if number % 50 == 0 {
                log.checkpoint().unwrap();
            }
        }
    });
    let mut verified = 0;
    while !growing.is_finished() || verified == 0 {
        let verdict = bench.log.verify().unwrap();
        assert!(verdict.is_whole(), "{verdict:?}");
        verified += 1;
        tokio::task::yield_now().await;
    }
    growing.await.unwrap();
}
