//! The table: every row is played on a stage of its own, and then shown.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::row::Row;
use crate::stage::Stage;
use crate::{bodies, callback, challenge, clients, legs, metadata, network, refresh, tokens};

/// How many distinct causes there are at least.
const CAUSES: usize = 60;

fn rows() -> Vec<Row> {
    [
        challenge::rows(),
        metadata::rows(),
        clients::rows(),
        callback::rows(),
        tokens::rows(),
        refresh::rows(),
        bodies::rows(),
        legs::rows(),
        network::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is wrong with a row. A runtime of its own: its clock can stand.
fn judged(row: &Row) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let stage = match network::over(row.cause) {
                Some(network) => Stage::over(network).await,
                None => Stage::set().await,
            };
            stage.play(row).await
        })
    }));
    runtime.shutdown_background();
    played.unwrap_or_else(|_| vec!["it panicked".to_owned()])
}

#[test]
fn every_misbehaviour_is_told_and_loses_nothing() {
    let only = std::env::var("PROKURA_FAULT").unwrap_or_default();
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.cause.contains(&only)).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let wrong = judged(row);
                    found.lock().unwrap().push((row, wrong));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(row, _)| (row.cause, row.leg));
    let mut table = String::new();
    let mut wrong = String::new();
    for (row, faults) in &found {
        let mark = if faults.is_empty() { "ok  " } else { "FAIL" };
        table +=
            &format!("{mark} {:<58} {:<17} {:<14} {}\n", row.cause, row.leg, row.rule, row.told);
        for fault in faults {
            wrong += &format!("{} · {}\n    {fault}\n", row.cause, row.leg);
        }
    }
    let causes: BTreeSet<&str> = rows.iter().map(|row| row.cause).collect();
    table += &format!("{} causes in {} rows\n", causes.len(), rows.len());
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(!only.is_empty() || causes.len() >= CAUSES, "only {} causes", causes.len());
}
