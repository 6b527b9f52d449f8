//! Pairs of intent and outcome: the intent is synced before the outcome is asked for, as for a Call that writes.

use std::path::Path;
use std::time::{Duration, Instant};

use prokura_domain::{Durability, Event};
use prokura_store::{Log, Payload};

use crate::raw::Raw;
use crate::stage::{self, Vault};

const ROUNDS: usize = 81;
const ALONE: i64 = 12;
const GROUPS: i64 = 4;
const WRITERS: i64 = 64;
/// After this long without a record the write-ahead log has been moved into the main file.
const SETTLING: Duration = Duration::from_millis(100);

/// Each round measures all four, one right after the other, in slices short enough that what disturbs the machine, and a disk
/// whose syncs take now a tenth of a millisecond and then four, disturbs all.
pub fn measure() -> String {
    let dir = tempfile::tempdir().unwrap();
    let (ours, plain) = (dir.path().join("ours"), dir.path().join("raw"));
    std::fs::create_dir(&plain).unwrap();
    let log = stage::log(&ours, &Vault::open(), Duration::from_millis(1));
    let mut raw = Raw::new(&plain);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut next = 0;
    let mut rates: [Vec<f64>; 4] = Default::default();
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for round in 0..=ROUNDS {
        let alone = prepared(next, ALONE);
        let many: Vec<Vec<Pair>> =
            (0..WRITERS).map(|writer| prepared(next + ALONE + writer * GROUPS, GROUPS)).collect();
        let found = [
            rate(ALONE, || {
                for _ in 0..ALONE {
                    raw.commit(1, true);
                    raw.commit(1, false);
                }
            }),
            rate(ALONE, || runtime.block_on(pairs(&log, alone))),
            rate(GROUPS * WRITERS, || {
                for _ in 0..GROUPS {
                    raw.commit(WRITERS, true);
                    raw.commit(WRITERS, false);
                }
            }),
            rate(GROUPS * WRITERS, || runtime.block_on(together(&log, many))),
        ];
        // What is searched by is derived later; what that costs is not to disturb the next round.
        while log.unindexed() > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(SETTLING);
        next += ALONE + GROUPS * WRITERS;
        // The first round only warms up.
        if round == 0 {
            continue;
        }
        for (rates, found) in rates.iter_mut().zip(found) {
            rates.push(found);
        }
        ratios[0].push(found[1] / found[0]);
        ratios[1].push(found[3] / found[2]);
    }
    log.close();
    told(&rates, &ratios, dir.path())
}

fn told(rates: &[Vec<f64>; 4], ratios: &[Vec<f64>; 2], dir: &Path) -> String {
    let [raw, ours, raw64, ours64] = rates.each_ref().map(|all| median(all));
    let [alone, grouped] = ratios.each_ref().map(|all| median(all));
    println!(
        "pairs of intent (synced) and outcome, {ROUNDS} rounds, medians, in {}:",
        dir.display()
    );
    println!(
        "  1 writer    {ours:>8.0}/s   plain SQLite {raw:>8.0}/s   ratio {alone:.2} (at least 0.9)"
    );
    println!(
        "  64 writers  {ours64:>8.0}/s   plain SQLite {raw64:>8.0}/s   ratio {grouped:.2} (at least 0.8)"
    );
    format!(
        r#"{{"pairs_1":{ours:.0},"raw_1":{raw:.0},"ratio_1":{alone:.3},"pairs_64":{ours64:.0},"raw_64":{raw64:.0},"ratio_64":{grouped:.3}}}"#
    )
}

type Pair = (Event, Payload, Event);

fn prepared(from: i64, count: i64) -> Vec<Pair> {
    (from..from + count)
        .map(|number| {
            let (event, payload) = stage::intent(number);
            (event, payload, stage::outcome(number))
        })
        .collect()
}

async fn pairs(log: &Log, prepared: Vec<Pair>) {
    for (intent, payload, outcome) in prepared {
        log.append_call(intent, Some(payload), Durability::Synced).await.unwrap();
        log.append(outcome, Durability::Logged).await.unwrap();
    }
}

async fn together(log: &Log, prepared: Vec<Vec<Pair>>) {
    let writers: Vec<_> = prepared
        .into_iter()
        .map(|own| {
            let log = log.clone();
            tokio::spawn(async move { pairs(&log, own).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

fn rate(count: i64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    count as f64 / start.elapsed().as_secs_f64()
}

pub fn median(all: &[f64]) -> f64 {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
