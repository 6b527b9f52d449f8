//! What was done to a log, and that it is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use prokura_domain::clock::Timestamp;
use prokura_domain::record::{Durability, link};
use rusqlite::params;
use tempfile::TempDir;

use super::*;
use crate::log::tests::fakes::{Bench, GlassVault, event, open};

mod evidence;
mod tamper;

const TRIGGERS: &str = "
DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_removed; DROP TRIGGER record_is_appended;
DROP TRIGGER checkpoint_is_never_changed; DROP TRIGGER checkpoint_is_never_removed;
DROP TRIGGER segment_is_never_changed; DROP TRIGGER segment_is_never_removed;
";

/// A copy of the file of `bench`, changed by `sql` with the triggers out of the way.
fn tampered(bench: &Bench, sql: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    fs::copy(bench.path(), &path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(TRIGGERS).unwrap();
    db.execute_batch(sql).unwrap();
    (dir, path)
}

fn anchor_of(bench: &Bench) -> Option<Anchor> {
    bench.vault.anchor.lock().unwrap().clone()
}

/// Computes all hashes again from record `from` on, as somebody without the key could.
fn rechain(path: &Path, from: i64) {
    let db = Connection::open(path).unwrap();
    let log_id: String = db.query_row("SELECT log_id FROM log", [], |row| row.get(0)).unwrap();
    let mut prev = read::one(&db, from - 1).unwrap().map_or(Digest([0; 32]), |record| record.hash);
    let last = read::head(&db).unwrap().seq;
    for seq in from..=last {
        let old = read::one(&db, seq).unwrap().unwrap();
        let hash = link(&log_id, seq, old.at, &old.kind, old.v, &old.body, prev);
        db.execute(
            "UPDATE record SET prev = ?, hash = ? WHERE seq = ?",
            params![prev.0, hash.0, seq],
        )
        .unwrap();
        prev = hash;
    }
}

#[tokio::test]
async fn a_whole_log_has_no_fault_with_its_anchor_and_dropped_triggers_do_not_matter() {
    let bench = Bench::filled(10).await;
    let (_dir, path) = tampered(&bench, "");
    let verdict = verify_file(&path, anchor_of(&bench)).unwrap();
    assert_eq!((verdict.records, verdict.faults), (10, vec![]));
    assert_eq!(verdict.notes.len(), 1, "{:?}", verdict.notes);
    assert!(verdict.notes[0].contains("signed by the key"));
    let verdict = verify_file(&path, None).unwrap();
    assert!(verdict.is_whole());
    assert!(verdict.notes[0].contains("cannot be detected"), "{:?}", verdict.notes);
}

#[tokio::test]
async fn a_chain_that_was_computed_again_is_not_the_one_that_was_signed() {
    let bench = Bench::filled(10).await;
    let changed = r#"UPDATE record SET body = '{"detail":{"number":6}}' WHERE seq = 5"#;
    let (_dir, path) = tampered(&bench, changed);
    rechain(&path, 5);
    let verdict = verify_file(&path, None).unwrap();
    assert_eq!(verdict.faults, ["record 10 is not the one that was signed"]);
    // Without the checkpoints only the anchor knows.
    Connection::open(&path).unwrap().execute("DELETE FROM checkpoint", []).unwrap();
    assert!(verify_file(&path, None).unwrap().is_whole());
    let verdict = verify_file(&path, anchor_of(&bench)).unwrap();
    assert_eq!(verdict.faults.len(), 1);
    assert!(verdict.faults[0].contains("record 10 is not the one that was anchored"));
}

/// The hash takes the body as it stands; so a body that closes its own braces could hide another record in itself.
#[tokio::test]
async fn a_body_that_is_not_canonical_is_a_change_even_when_all_hashes_fit() {
    let bench = Bench::filled(3).await;
    for body in [
        r#"{"detail": {"number":3}}"#,
        r#"{"detail":{"b":1,"a":1}}"#,
        r#"{"detail":{}},"kind":"grant.added","log_id":"x","seq":3,"v":1}"#,
        r#"{"a":1,"a":2}"#,
    ] {
        let sql =
            format!("UPDATE record SET body = '{body}' WHERE seq = 3; DELETE FROM checkpoint");
        let (_dir, path) = tampered(&bench, &sql);
        rechain(&path, 3);
        assert_eq!(verify_file(&path, None).unwrap().faults, ["record 3 was changed"], "{body}");
    }
}

#[tokio::test]
async fn a_checkpoint_by_another_key_is_found() {
    let bench = Bench::filled(3).await;
    let log = open(bench.dir.path(), &GlassVault::new(8));
    log.append(event(4), Durability::Synced).await.unwrap();
    log.close();
    let verdict = verify_file(&bench.path(), None).unwrap();
    assert_eq!(verdict.faults, ["the checkpoint at record 4 is signed by another key"]);
    // The Vault knows its own key, whichever came first in the file.
    let verdict = log.verify().unwrap();
    assert!(
        verdict.faults.contains(&"the checkpoint at record 3 is signed by another key".to_owned())
    );
}

#[tokio::test]
async fn a_cut_tail_and_an_older_copy_show_against_the_anchor_only() {
    let bench = Bench::filled(10).await;
    let sql = "DELETE FROM record WHERE seq > 6; DELETE FROM checkpoint";
    let (_dir, path) = tampered(&bench, sql);
    let verdict = verify_file(&path, None).unwrap();
    assert!(verdict.is_whole());
    assert!(verdict.notes.iter().any(|note| note.contains("cannot be detected")));
    let verdict = verify_file(&path, anchor_of(&bench)).unwrap();
    assert_eq!(verdict.faults.len(), 1);
    assert!(verdict.faults[0].contains("record 10 was anchored"), "{verdict:?}");
    let other = Anchor { log_id: "log_other".to_owned(), seq: 1, hash: Digest([0; 32]) };
    assert!(verify_file(&path, Some(other)).unwrap().faults[0].contains("replaced"));
}

#[tokio::test]
async fn verifying_a_copy_writes_nothing_and_needs_no_side_files() {
    let bench = Bench::filled(5).await;
    drop(bench.log);
    let dir = tempfile::tempdir().unwrap();
    // A path that has to be escaped in a URI.
    let path = dir.path().join("a copy%?#é.db");
    fs::copy(bench.dir.path().join("prokura.db"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(verify_file(&path, None).unwrap().records, 5);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_running_log_and_a_copy_with_its_write_ahead_log_are_read_to_the_end() {
    let bench = Bench::new();
    for number in 2..=5 {
        bench.log.append(event(number), Durability::Logged).await.unwrap();
    }
    assert!(wal_of(&bench.path()).exists());
    assert_eq!(verify_file(&bench.path(), None).unwrap().records, 5);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    fs::copy(bench.path(), &path).unwrap();
    fs::copy(wal_of(&bench.path()), wal_of(&path)).unwrap();
    let verdict = verify_file(&path, None).unwrap();
    assert_eq!((verdict.records, verdict.faults), (5, vec![]));
    assert!(
        verdict.notes.contains(&"Records 1 to 5 are not covered by a checkpoint yet.".to_owned())
    );
    // The running log is none the worse.
    assert_eq!(bench.log.append(event(6), Durability::Synced).await.unwrap(), 6);
}

#[tokio::test]
async fn what_is_no_log_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    assert!(verify_file(&path, None).is_err(), "missing");
    fs::write(&path, "no database at all, but long enough to have a header").unwrap();
    assert!(matches!(verify_file(&path, None), Err(StoreError::Corrupt { .. })));
    Connection::open(dir.path().join("y.db")).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    let foreign = verify_file(&dir.path().join("y.db"), None);
    assert!(matches!(foreign, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_damaged_page_is_a_fault_and_not_a_panic() {
    let bench = Bench::new();
    let padding = "x".repeat(3000);
    for number in 2..=40i64 {
        let detail = prokura_domain::Json::object([
            ("n", prokura_domain::Json::from(number)),
            ("text", prokura_domain::Json::text(&padding)),
        ]);
        let event = prokura_domain::Event::new(prokura_domain::RecordKind::GrantAdded, detail);
        bench.log.append(event, Durability::Logged).await.unwrap();
    }
    bench.log.close();
    drop(bench.log);
    let path = bench.dir.path().join("prokura.db");
    let mut bytes = fs::read(&path).unwrap();
    // Where a record's text lies, and the pages after it.
    let from = bytes.windows(64).position(|window| window == [b'x'; 64]).unwrap();
    for byte in &mut bytes[from..from + 12_288] {
        *byte ^= 0x5a;
    }
    fs::write(&path, bytes).unwrap();
    match verify_file(&path, None) {
        Ok(verdict) => assert!(!verdict.is_whole(), "{verdict:?}"),
        Err(fault) => {
            assert!(matches!(fault, StoreError::Corrupt { .. } | StoreError::Database(_)))
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_change_of_any_column_is_found(seq in 1i64..=8, column in 0usize..6, byte: u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bench = runtime.block_on(Bench::filled(8));
        let (_dir, path) = tampered(&bench, "");
        let db = Connection::open(&path).unwrap();
        let old = read::one(&db, seq).unwrap().unwrap();
        let mut new = old.clone();
        let at = usize::from(byte) % 32;
        match column {
            0 => new.at = Timestamp(old.at.0 ^ (1 << (byte % 40))),
            1 => new.kind = format!("{}{}", old.kind, char::from(b'a' + byte % 26)),
            2 => new.v = old.v + u32::from(byte) + 1,
            3 => new.body = format!("{{\"detail\":{byte}}}"),
            4 => new.prev.0[at] ^= 1 << (byte % 8),
            _ => new.hash.0[at] ^= 1 << (byte % 8),
        }
        db.execute(
            "UPDATE record SET at = ?, kind = ?, v = ?, body = ?, prev = ?, hash = ? WHERE seq = ?",
            params![new.at.0, new.kind, new.v, new.body, new.prev.0, new.hash.0, seq],
        ).unwrap();
        proptest::prop_assert!(!verify_file(&path, None).unwrap().is_whole());
    }
}
