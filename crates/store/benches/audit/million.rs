//! A log of a million records: how fast it is read. It lies in a temporary folder and goes with it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prokura_domain::Durability;
use prokura_store::{Log, RecordQuery, verify_file};

use crate::pairs::median;
use crate::stage::{self, Vault};

/// How many Calls are written at once while it is filled.
const ABREAST: i64 = 200;
/// How often each question is asked.
const TIMES: i64 = 200;
const PAGE: u32 = 100;

/// Writes a log of `count` records into `dir`, indexed to its end, and closes it.
pub fn fill(dir: &Path, count: i64, vault: &Arc<Vault>) {
    let start = Instant::now();
    let log = stage::log(dir, vault, Duration::from_secs(300));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(write(&log, count));
    let written = start.elapsed();
    while log.unindexed() > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    log.close();
    println!(
        "{count} records in {}: written in {:.0} s, indexed {:.0} s later",
        dir.display(),
        written.as_secs_f64(),
        (start.elapsed() - written).as_secs_f64()
    );
}

async fn write(log: &Log, count: i64) {
    let calls = count / 2;
    let writers: Vec<_> = (0..ABREAST)
        .map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut number = writer;
                while number < calls {
                    let (event, payload) = stage::intent(number);
                    log.append_call(event, Some(payload), Durability::Logged).await.unwrap();
                    log.append(stage::outcome(number), Durability::Logged).await.unwrap();
                    number += ABREAST;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

pub fn measure(count: i64) -> String {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), count, &Vault::open());
    let start = Instant::now();
    let log = stage::log(dir.path(), &Vault::open(), Duration::from_secs(300));
    let opened = start.elapsed().as_secs_f64() * 1e3;
    let newest = each(|_| page(&log, RecordQuery::default()));
    let deep = each(|number| {
        page(
            &log,
            RecordQuery { before: Some(count - number * (count / 250)), ..RecordQuery::default() },
        );
    });
    let filtered = each(|number| {
        let agent = Some(stage::agent(number));
        page(
            &log,
            RecordQuery { agent, target: Some(stage::tool(number)), ..RecordQuery::default() },
        );
    });
    let rare = each(|_| {
        let agent = Some(stage::agent(2));
        page(
            &log,
            RecordQuery { agent, decision: Some("failed".into()), ..RecordQuery::default() },
        );
    });
    let text = each(|number| {
        let words = ["payment", "send agent-07", "calendar export", "server-03 delete", "ok"];
        let search = Some(words[usize::try_from(number).unwrap() % words.len()].to_owned());
        page(&log, RecordQuery { search, ..RecordQuery::default() });
    });
    let screen = each(|_| screen(&log));
    log.close();
    let rate = verify(&dir.path().join("prokura.db"));
    println!("at {count} records, {TIMES} times each, median and slowest:");
    println!("  opening the log        {opened:>8.2} ms");
    for (name, found, limit) in [
        ("newest page", newest, "under 2 ms"),
        ("page anywhere", deep, ""),
        ("agent and tool", filtered, "under 2 ms"),
        ("agent and failed", rare, ""),
        ("text, newest first", text, "under 10 ms"),
        ("the audit screen", screen, "no scan"),
    ] {
        println!("  {name:<22} {:>8.3} ms {:>8.3} ms  {limit}", found.0, found.1);
    }
    println!("  verification           {rate:>8.0} records/s (at least 250000)");
    format!(
        r#"{{"records":{count},"open_ms":{opened:.2},"newest_ms":{:.3},"filter_ms":{:.3},"text_ms":{:.3},"text_slowest_ms":{:.3},"screen_ms":{:.3},"verify_per_s":{rate:.0}}}"#,
        newest.0, filtered.0, text.0, text.1, screen.0
    )
}

/// All that the audit screen asks for when it is opened.
fn screen(log: &Log) {
    page(log, RecordQuery::default());
    log.days(20_700, 20_900).unwrap();
    log.keeping().unwrap();
    log.extent().unwrap();
    for party in ["agent", "server", "account"] {
        log.names(party).unwrap();
    }
}

/// Records verified in a second; the median of three.
fn verify(path: &Path) -> f64 {
    let rates: Vec<f64> = (0..3)
        .map(|_| {
            let start = Instant::now();
            let verdict = verify_file(path, None).unwrap();
            assert!(verdict.is_whole(), "{:?}", verdict.faults);
            verdict.records as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    median(&rates)
}

fn page(log: &Log, query: RecordQuery) {
    let found = log.records(&RecordQuery { limit: PAGE, ..query }).unwrap();
    assert!(!found.is_empty());
}

/// The median and the slowest, in milliseconds.
fn each(mut ask: impl FnMut(i64)) -> (f64, f64) {
    let mut all: Vec<f64> = (0..TIMES)
        .map(|number| {
            let start = Instant::now();
            ask(number);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    all.sort_by(f64::total_cmp);
    (median(&all), all[all.len() - 1])
}
