//! The power goes: of what was written since the last sync any part may be missing, torn, or there without what was before
//! it. What was acknowledged as synced is there, and the chain is whole up to where it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use prokura_domain::record::Durability;

use super::fakes::{Bench, GlassVault, event, open};
use crate::{Retention, StoreError, verify_file};

const PAGE: usize = 4096;
/// A page and what stands before it in the write-ahead log, and what stands before the first.
const FRAME: usize = PAGE + 24;
const HEAD: usize = 32;

/// The files as they lie on the disk.
#[derive(Clone)]
struct Disk {
    file: Vec<u8>,
    wal: Vec<u8>,
}

impl Disk {
    fn of(bench: &Bench) -> Self {
        let path = bench.path();
        let wal = fs::read(path.with_file_name("prokura.db-wal")).unwrap_or_default();
        Self { file: fs::read(path).unwrap(), wal }
    }

    /// After the power came back: how many records there are. Whatever is there has to be whole.
    fn records(&self, what: &str) -> i64 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prokura.db");
        fs::write(&path, &self.file).unwrap();
        fs::write(dir.path().join("prokura.db-wal"), &self.wal).unwrap();
        let verdict = verify_file(&path, None).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!(verdict.faults, Vec::<String>::new(), "{what}");
        verdict.records
    }

    /// The same, by a host that starts on it and writes on.
    fn goes_on(&self, expected: i64) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("prokura.db"), &self.file).unwrap();
        fs::write(dir.path().join("prokura.db-wal"), &self.wal).unwrap();
        let log = open(dir.path(), &GlassVault::new(7));
        let seq = log.append_waiting(event(99), Durability::Synced).unwrap();
        assert!(seq > expected, "{seq} after {expected}");
        assert!(log.verify().unwrap().is_whole());
    }
}

/// What was acknowledged, and up to where the write-ahead log reached then.
struct Told {
    seq: i64,
    synced: bool,
    reached: usize,
}

async fn some(bench: &Bench, numbers: std::ops::Range<i64>) -> Vec<Told> {
    let mut told = Vec::new();
    for number in numbers {
        let synced = number % 3 == 0;
        let durability = if synced { Durability::Synced } else { Durability::Logged };
        let seq = bench.log.append(event(number), durability).await.unwrap();
        told.push(Told { seq, synced, reached: Disk::of(bench).wal.len() });
    }
    told
}

/// The newest record that has to be there when the disk kept so much of the write-ahead log.
fn owed(told: &[Told], kept: usize) -> i64 {
    let synced = told.iter().filter(|one| one.synced && one.reached <= kept);
    synced.map(|one| one.seq).max().unwrap_or(1)
}

/// A log whose main file has its first record, and whose write-ahead log begins anew.
fn settled() -> Bench {
    let bench = Bench::new();
    bench.look(|writer| {
        writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    });
    bench
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_power_may_go_at_any_point_of_the_write_ahead_log() {
    let bench = settled();
    let told = some(&bench, 2..20).await;
    let disk = Disk::of(&bench);
    let frames = (disk.wal.len() - HEAD) / FRAME;
    assert!(frames >= 18, "{frames} frames");
    for frame in 0..=frames {
        // Whole frames only, a frame's head, half a page.
        for more in [0, 11, 24 + PAGE / 2] {
            let kept = (HEAD + frame * FRAME + more).min(disk.wal.len());
            let cut = Disk { wal: disk.wal[..kept].to_vec(), ..disk.clone() };
            let found = cut.records(&format!("frame {frame} and {more} bytes"));
            assert!(found >= owed(&told, kept), "{found} of {} at {kept}", owed(&told, kept));
            if frame % 5 == 0 && more == 0 {
                let place = owed(&told, kept);
                tokio::task::spawn_blocking(move || cut.goes_on(place)).await.unwrap();
            }
        }
    }
}

/// What was not synced reaches the disk in any order: any one frame after the last sync may be the old bytes or zeros.
#[tokio::test]
async fn frames_that_were_not_synced_may_be_lost_one_by_one() {
    let bench = settled();
    let told = some(&bench, 2..20).await;
    let disk = Disk::of(&bench);
    let frames = (disk.wal.len() - HEAD) / FRAME;
    for frame in 0..frames {
        let at = HEAD + frame * FRAME;
        let mut lost = disk.clone();
        lost.wal[at..at + FRAME].fill(0);
        let found = lost.records(&format!("without frame {frame}"));
        // The syncs before it were done; none after it was.
        assert!(found >= owed(&told, at), "{found} of {}", owed(&told, at));
    }
}

/// While the write-ahead log is moved into the main file, it is synced before and whole until the file is.
#[tokio::test]
async fn the_power_may_go_while_the_main_file_is_written() {
    let bench = settled();
    let told = some(&bench, 2..80).await;
    let before = Disk::of(&bench);
    bench.look(|writer| {
        writer.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    });
    let after = Disk::of(&bench);
    assert_eq!(before.wal[..HEAD], after.wal[..HEAD], "the same write-ahead log");
    let newest = told.last().unwrap().seq;
    let pages = after.file.len() / PAGE;
    let changed = (0..pages).filter(|page| {
        let place = page * PAGE..(page + 1) * PAGE;
        before.file.get(place.clone()) != after.file.get(place)
    });
    let changed: Vec<usize> = changed.collect();
    assert!(changed.len() >= 4, "{changed:?}");
    for (count, page) in changed.iter().enumerate() {
        // All before it and half of it, and it alone.
        for alone in [false, true] {
            let mut torn = Disk { file: before.file.clone(), wal: after.wal.clone() };
            torn.file.resize(after.file.len(), 0);
            let whole = if alone { &[][..] } else { &changed[..count] };
            for page in whole {
                torn.file[page * PAGE..(page + 1) * PAGE]
                    .copy_from_slice(&after.file[page * PAGE..(page + 1) * PAGE]);
            }
            let half = if alone { PAGE } else { PAGE / 2 };
            torn.file[page * PAGE..page * PAGE + half]
                .copy_from_slice(&after.file[page * PAGE..page * PAGE + half]);
            assert!(torn.records(&format!("page {page} of {changed:?}")) >= newest);
        }
    }
    // Then the write-ahead log is written over from its beginning: any part of it may be the old one.
    let more = some(&bench, 80..84).await;
    let anew = Disk::of(&bench);
    assert_ne!(before.wal[..HEAD], anew.wal[..HEAD], "it began anew");
    for kept in (0..anew.wal.len()).step_by(FRAME / 3) {
        let mut wal = after.wal.clone();
        wal.resize(anew.wal.len().max(after.wal.len()), 0);
        wal[..kept].copy_from_slice(&anew.wal[..kept]);
        let found = Disk { file: anew.file.clone(), wal }.records(&format!("{kept} bytes anew"));
        assert!(found >= newest, "{found} of {newest} at {kept}");
    }
    assert!(anew.records("all of it") >= more.last().unwrap().seq);
}

/// The file becomes read-only under a running log: nothing is let through, nothing is lost, and it goes on afterwards.
#[tokio::test]
async fn a_file_that_becomes_read_only_refuses_appends_until_it_is_not() {
    let bench = Bench::new();
    bench.log.append(event(2), Durability::Synced).await.unwrap();
    let read_only = |on: bool| {
        bench.look(move |writer| writer.connection.pragma_update(None, "query_only", on).unwrap());
    };
    read_only(true);
    for durability in [Durability::Synced, Durability::Logged] {
        let fault = bench.log.append(event(3), durability).await.unwrap_err();
        assert!(matches!(&fault, StoreError::AuditBroken(_)), "{fault}");
    }
    let log = bench.log.clone();
    let gone = tokio::task::spawn_blocking(move || {
        log.delete_payloads(Retention { before: None, most_bytes: Some(0) })
    });
    gone.await.unwrap().ok();
    assert!(bench.log.record(3).unwrap().is_none());
    read_only(false);
    assert_eq!(bench.log.append(event(3), Durability::Synced).await.unwrap(), 3);
    assert!(bench.log.verify().unwrap().is_whole());
}

/// A clock that is set back changes times only: numbers go on, and the chain is whole.
#[tokio::test]
async fn a_clock_that_is_set_back_changes_nothing_but_times() {
    let bench = Bench::new();
    for number in 2..=6 {
        bench.log.append(event(number), Durability::Synced).await.unwrap();
    }
    bench.log.close();
    // The clock of the fakes begins anew with every log.
    let log = open(bench.dir.path(), &bench.vault);
    assert_eq!(log.append(event(7), Durability::Synced).await.unwrap(), 7);
    let at = |seq| log.record(seq).unwrap().unwrap().at;
    assert!(at(7) < at(6), "it was set back");
    log.checkpoint().unwrap();
    assert!(log.verify().unwrap().is_whole());
    // Everything since a moment is visited, whatever the clock did.
    let mut seen = 0;
    log.each_since(at(7), &mut |_| {
        seen += 1;
        true
    })
    .unwrap();
    assert_eq!(seen, 7);
    let later = prokura_domain::Timestamp(at(6).0 + 3 * 86_400_000);
    let mut seen = Vec::new();
    while log.unindexed() > 0 {
        tokio::task::yield_now().await;
    }
    log.each_since(later, &mut |record| {
        seen.push(record.seq);
        true
    })
    .unwrap();
    assert_eq!(seen, Vec::<i64>::new());
}
