//! Segments: records that leave the file, and a chain that goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use prokura_domain::Timestamp;
use prokura_domain::record::{Durability, RecordKind};
use rusqlite::Connection;

use super::fakes::{Bench, event, of_call, open};
use crate::{RecordQuery, verify_file, verify_file_by};

/// A log of ten records of which the first six are in an archive.
async fn archived() -> Bench {
    let bench = Bench::filled(6).await;
    let Bench { dir, vault, log } = bench;
    drop(log);
    let log = open(dir.path(), &vault);
    let moment = log.record(6).unwrap().unwrap().at.plus_seconds(1);
    for number in 7..=10 {
        log.append(event(number), Durability::Logged).await.unwrap();
    }
    let bench = Bench { dir, vault, log };
    // Closing stops before what no checkpoint covered then: record 6 is the newest that one did.
    let log = bench.log.clone();
    let closed = tokio::task::spawn_blocking(move || log.archive(moment)).await.unwrap().unwrap();
    assert_eq!(closed.map(|segment| (segment.first, segment.last)), Some((1, 6)));
    bench
}

#[tokio::test]
async fn the_oldest_records_move_into_an_archive_and_the_chain_goes_on() {
    let bench = archived().await;
    let verdict = bench.log.verify().unwrap();
    assert_eq!(
        (verdict.records, verdict.faults),
        (5, vec![]),
        "7 to 10, and the one that tells of the segment"
    );
    let kinds = |seq| bench.log.record(seq).unwrap().map(|record| record.kind);
    assert_eq!(kinds(6), None);
    assert_eq!(kinds(11).as_deref(), Some("log.segment_closed"));
    let all = RecordQuery { limit: 20, ..RecordQuery::default() };
    assert_eq!(bench.log.records(&all).unwrap().len(), 5);
    assert_eq!(bench.log.append(event(12), Durability::Synced).await.unwrap(), 12);
    let Bench { dir, vault, log } = bench;
    log.close();
    drop(log);
    let log = open(dir.path(), &vault);
    assert_eq!(log.append(event(13), Durability::Synced).await.unwrap(), 13);
    assert!(log.verify().unwrap().is_whole());
    assert!(log.verify_tail(2).unwrap().is_whole());
}

#[tokio::test]
async fn an_archive_verifies_by_itself_with_only_the_public_key() {
    let bench = archived().await;
    let keeping = bench.log.keeping().unwrap();
    let path = bench.dir.path().join("archive").join(&keeping.segments[0].file);
    let key = keeping.segments[0].key;
    let verdict = verify_file_by(&path, None, Some(key)).unwrap();
    assert_eq!((verdict.records, verdict.faults), (6, vec![]));
    let other = verify_file_by(&path, None, Some([7; 32])).unwrap();
    assert!(!other.is_whole(), "another key is not taken");
    // Changed: found in the archive itself, and from the log that signed it.
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE record SET at = at + 1 WHERE seq = 3")
        .unwrap();
    assert!(verify_file(&path, None).unwrap().faults[0].contains("record 3 was changed"));
    let faults = bench.log.verify().unwrap().faults;
    assert!(faults[0].contains("the archive of records 1 to 6 was changed"), "{faults:?}");
    fs::remove_file(&path).unwrap();
    let verdict = bench.log.verify().unwrap();
    assert!(
        verdict.is_whole()
            && verdict.notes.iter().any(|note| note.contains("not beside this file"))
    );
}

#[tokio::test]
async fn a_made_up_segment_does_not_hide_that_records_were_removed() {
    let bench = Bench::filled(10).await;
    drop(bench.log);
    let path = bench.dir.path().join("prokura.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "INSERT INTO segment(first, last, hash, file, digest, signature, public_key, at)
         SELECT 1, 4, hash, 'x', zeroblob(32), zeroblob(64), (SELECT public_key FROM checkpoint), 0
         FROM record WHERE seq = 4;
         DELETE FROM record WHERE seq <= 4;",
    )
    .unwrap();
    let faults = verify_file(&path, None).unwrap().faults;
    assert!(
        faults.iter().any(|fault| fault.contains("segment of records 1 to 4 is not signed")),
        "{faults:?}"
    );
    assert!(faults.iter().any(|fault| fault.contains("records 1 to 4 are missing")), "{faults:?}");
}

#[tokio::test]
async fn only_what_a_segment_covers_may_leave() {
    let bench = archived().await;
    let db = Connection::open(bench.path()).unwrap();
    for sql in
        ["DELETE FROM record WHERE seq = 8", "DELETE FROM segment", "UPDATE segment SET last = 9"]
    {
        assert!(db.execute_batch(sql).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_call_under_way_is_not_archived() {
    let bench = Bench::new();
    bench.log.append(of_call(RecordKind::CallIntent, "cal_1"), Durability::Logged).await.unwrap();
    for number in 3..=6 {
        bench.log.append(event(number), Durability::Logged).await.unwrap();
    }
    let log = bench.log.clone();
    let closed =
        tokio::task::spawn_blocking(move || log.archive(Timestamp(i64::MAX))).await.unwrap();
    assert!(closed.unwrap().is_none());
    assert_eq!(bench.log.open_calls().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_crash_left_of_archiving_is_finished() {
    let bench = archived().await;
    let Bench { dir, vault, log } = bench;
    let keeping = log.keeping().unwrap();
    drop(log);
    // As if the removal had not come to its end: the archived records are put back.
    let db = Connection::open(dir.path().join("prokura.db")).unwrap();
    let archive = dir.path().join("archive").join(&keeping.segments[0].file);
    db.execute_batch("DROP TRIGGER record_is_appended").unwrap();
    db.execute("ATTACH ? AS a", [archive.to_string_lossy()]).unwrap();
    db.execute_batch("INSERT INTO main.record SELECT * FROM a.record WHERE seq >= 4").unwrap();
    drop(db);
    let log = open(dir.path(), &vault);
    assert!(log.verify().unwrap().is_whole(), "{:?}", log.verify().unwrap());
    tokio::task::spawn_blocking(move || {
        log.finish_archiving().unwrap();
        assert_eq!(log.extent().unwrap().0, 7);
        assert!(log.verify().unwrap().is_whole());
    })
    .await
    .unwrap();
}
