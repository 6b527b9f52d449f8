//! What a thief of the file can do to it, one way each; every one is found, and its place is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// How the file is changed.
enum How {
    Sql(&'static str),
    /// Like `Sql`, then all hashes from this record on are computed again, as anybody can without the key.
    Rechained(&'static str, i64),
    /// The bytes where this text stands in the file are replaced.
    Bytes(&'static [u8], &'static [u8]),
    /// The page where this text stands is emptied.
    Page(&'static [u8]),
}
use How::{Bytes, Page, Rechained, Sql};

/// What is done, and what has to be said of it.
const HARMS: &[(&str, How, &str)] = &[
    (
        "a body",
        Sql(r#"UPDATE record SET body = '{"detail":{"number":6}}' WHERE seq = 5"#),
        "record 5 was changed",
    ),
    (
        "a kind",
        Sql("UPDATE record SET kind = 'grant.revoked' WHERE seq = 5"),
        "record 5 was changed",
    ),
    ("a time", Sql("UPDATE record SET at = at + 1 WHERE seq = 5"), "record 5 was changed"),
    ("a version", Sql("UPDATE record SET v = 7 WHERE seq = 5"), "record 5 was changed"),
    (
        "the hash before",
        Sql("UPDATE record SET prev = zeroblob(32) WHERE seq = 5"),
        "record 5 does not follow",
    ),
    (
        "a hash",
        Sql("UPDATE record SET hash = zeroblob(32) WHERE seq = 5"),
        "record 6 does not follow",
    ),
    (
        "the last hash",
        Sql("UPDATE record SET hash = zeroblob(32) WHERE seq = 10"),
        "record 10 was changed",
    ),
    (
        "a hash of another length",
        Sql("UPDATE record SET hash = zeroblob(31) WHERE seq = 5"),
        "record 5 was changed: it does not read",
    ),
    (
        "spaces in a body",
        Sql("UPDATE record SET body = replace(body, ':', ': ') WHERE seq = 5"),
        "record 5 was changed",
    ),
    ("one removed", Sql("DELETE FROM record WHERE seq = 5"), "record 5 is missing"),
    (
        "several removed",
        Sql("DELETE FROM record WHERE seq IN (4, 5)"),
        "records 4 to 5 are missing",
    ),
    ("the first removed", Sql("DELETE FROM record WHERE seq = 1"), "record 1 is missing"),
    ("all removed", Sql("DELETE FROM record"), "holds no record"),
    (
        "the last removed",
        Sql("DELETE FROM record WHERE seq = 10"),
        "the log ends at record 9, and record 10 was signed",
    ),
    (
        "two exchanged",
        Sql(
            "UPDATE record SET seq = 100 WHERE seq = 5; UPDATE record SET seq = 5 WHERE seq = 6; UPDATE record SET seq = 6 WHERE seq = 100",
        ),
        "record 5 does not follow",
    ),
    (
        "one copied to the end",
        Sql(
            "INSERT INTO record SELECT 11, at, kind, v, body, prev, hash FROM record WHERE seq = 10",
        ),
        "record 11 does not follow",
    ),
    (
        "one inserted before the first",
        Sql("INSERT INTO record SELECT 0, at, kind, v, body, prev, hash FROM record WHERE seq = 1"),
        "record 1 does not follow",
    ),
    (
        "one moved far away",
        Sql("UPDATE record SET seq = 40 WHERE seq = 10"),
        "records 10 to 39 are missing",
    ),
    ("the name of the log", Sql("UPDATE log SET log_id = 'log_other'"), "record 1 was changed"),
    ("the log unnamed", Sql("DELETE FROM log"), "has no name"),
    (
        "a signature",
        Sql("UPDATE checkpoint SET signature = zeroblob(64)"),
        "signature of the checkpoint at record 10",
    ),
    (
        "a short signature",
        Sql("UPDATE checkpoint SET signature = zeroblob(3)"),
        "checkpoint at record 10 does not read",
    ),
    (
        "a checkpoint moved",
        Sql("UPDATE checkpoint SET seq = 9"),
        "signature of the checkpoint at record 9",
    ),
    ("a key", Sql("UPDATE checkpoint SET public_key = randomblob(32)"), "checkpoint at record 10"),
    (
        "what was signed",
        Sql("UPDATE checkpoint SET hash = (SELECT hash FROM record WHERE seq = 9)"),
        "signature of the checkpoint at record 10",
    ),
    (
        "rewritten with all hashes",
        Rechained(r#"UPDATE record SET body = '{"detail":{"number":6}}' WHERE seq = 5"#, 5),
        "record 10 is not the one that was signed",
    ),
    (
        "rewritten, checkpoints gone",
        Rechained("UPDATE record SET at = at + 1 WHERE seq = 5; DELETE FROM checkpoint", 5),
        "record 10 is not the one that was anchored",
    ),
    (
        "removed and closed up",
        Rechained(
            "DELETE FROM record WHERE seq = 5; UPDATE record SET seq = seq - 1 WHERE seq > 5; DELETE FROM checkpoint",
            5,
        ),
        "the log ends at record 9, and record 10 was anchored",
    ),
    (
        "the end cut with its checkpoint",
        Sql("DELETE FROM record WHERE seq > 6; DELETE FROM checkpoint"),
        "the log ends at record 6, and record 10 was anchored",
    ),
    (
        "records called archived",
        Sql(
            "INSERT INTO segment SELECT 1, 4, hash, 'x', zeroblob(32), zeroblob(64), (SELECT public_key FROM checkpoint), 0 FROM record WHERE seq = 4; DELETE FROM record WHERE seq <= 4",
        ),
        "the segment of records 1 to 4 is not signed",
    ),
    (
        "one byte of a body on the disk",
        Bytes(br#"{"detail":{"number":5}}"#, br#"{"detail":{"number":7}}"#),
        "record 5 was changed",
    ),
    (
        "a name of a member on the disk",
        Bytes(br#"{"detail":{"number":8}}"#, br#"{"detail":{"lumber":8}}"#),
        "record 8 was changed",
    ),
    ("a page of the disk emptied", Page(br#"{"detail":{"number":5}}"#), "damaged after record"),
];

/// A copy of `bench`, harmed.
fn harmed(bench: &Bench, how: &How) -> (TempDir, PathBuf) {
    let sql = match how {
        Sql(sql) | Rechained(sql, _) => sql,
        Bytes(..) | Page(_) => "",
    };
    let (dir, path) = tampered(bench, sql);
    match how {
        Sql(_) => {}
        Rechained(_, from) => rechain(&path, *from),
        Bytes(old, new) => {
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.windows(old.len()).position(|window| window == *old).unwrap();
            bytes[at..at + old.len()].copy_from_slice(new);
            fs::write(&path, bytes).unwrap();
        }
        Page(text) => {
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.windows(text.len()).position(|window| window == *text).unwrap();
            let page = at / 4096 * 4096;
            bytes[page..page + 4096].fill(0);
            fs::write(&path, bytes).unwrap();
        }
    }
    (dir, path)
}

#[tokio::test]
async fn every_manipulation_is_found_and_its_place_is_named() {
    let bench = Bench::filled(10).await;
    let (_dir, whole) = tampered(&bench, "");
    assert_eq!(verify_file(&whole, anchor_of(&bench)).unwrap().faults, Vec::<String>::new());
    let mut missed = Vec::new();
    for (what, how, said) in HARMS {
        let (_dir, path) = harmed(&bench, how);
        let faults = match verify_file(&path, anchor_of(&bench)) {
            Ok(verdict) => verdict.faults,
            Err(fault) => vec![fault.to_string()],
        };
        if !faults.iter().any(|fault| fault.contains(said)) {
            missed.push(format!("{what}: {faults:?}"));
        }
    }
    assert_eq!(missed, Vec::<String>::new());
    assert!(HARMS.len() >= 25, "{}", HARMS.len());
}
