//! Payloads beside the chain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::Ordering;

use prokura_domain::digest::Digest;
use prokura_domain::id::CallId;
use prokura_domain::port::SealFault;
use prokura_domain::record::{Durability, RecordKind};
use rusqlite::Connection;

use super::detail;
use super::fakes::{Bench, of_call};
use crate::{Payload, StoreError};

fn payload(call: &str, bytes: &[u8], keep: bool) -> Payload {
    Payload { call: CallId::from_text(call), part: "arguments", bytes: bytes.to_vec(), keep }
}

#[tokio::test]
async fn a_kept_payload_is_sealed_and_its_record_carries_only_a_salted_digest() {
    let bench = Bench::new();
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let kept = Some(payload("cal_1", b"{\"pin\":1234}", true));
    let seq = bench.log.append_call(intent, kept, Durability::Synced).await.unwrap();
    let opened = bench.log.payload("cal_1", "arguments").unwrap().unwrap();
    assert_eq!(opened.as_slice(), b"{\"pin\":1234}");
    let said = detail(&bench.log, seq, "arguments_digest").unwrap();
    assert_ne!(said, Digest::of(&[b"{\"pin\":1234}"]).to_string(), "unsalted could be guessed");
    assert!(!bench.log.record(seq).unwrap().unwrap().body.contains("1234"));
    assert!(bench.log.payload("cal_1", "result").unwrap().is_none());
    assert!(bench.log.payload("cal_2", "arguments").unwrap().is_none());
}

#[tokio::test]
async fn a_payload_that_is_not_kept_leaves_its_digest() {
    let bench = Bench::new();
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let unkept = Some(payload("cal_1", b"abc", false));
    let seq = bench.log.append_call(intent, unkept, Durability::Logged).await.unwrap();
    assert!(detail(&bench.log, seq, "arguments_digest").is_some());
    assert_eq!(detail(&bench.log, seq, "payload"), None);
    assert!(bench.log.payload("cal_1", "arguments").unwrap().is_none());
}

#[tokio::test]
async fn a_locked_vault_loses_no_record() {
    let bench = Bench::new();
    bench.vault.locked.store(true, Ordering::SeqCst);
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let kept = Some(payload("cal_1", b"abc", true));
    let seq = bench.log.append_call(intent, kept, Durability::Synced).await.unwrap();
    assert_eq!(detail(&bench.log, seq, "payload").as_deref(), Some("not kept"));
    assert!(detail(&bench.log, seq, "arguments_digest").is_some());
    assert!(matches!(bench.log.checkpoint(), Err(StoreError::NoCheckpoint)));
    let verdict = bench.log.verify().unwrap();
    assert!(verdict.is_whole() && verdict.notes.iter().any(|note| note.contains("locked")));
    bench.vault.locked.store(false, Ordering::SeqCst);
    assert!(bench.log.payload("cal_1", "arguments").unwrap().is_none());
    bench.log.checkpoint().unwrap();
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn a_payload_moved_to_another_call_or_record_does_not_open() {
    let bench = Bench::new();
    for (call, bytes) in [("cal_1", b"one"), ("cal_2", b"two"), ("cal_1", b"six")] {
        let event = of_call(RecordKind::CallIntent, call);
        let kept = Some(payload(call, bytes, true));
        bench.log.append_call(event, kept, Durability::Logged).await.unwrap();
    }
    let thief = Connection::open(bench.path()).unwrap();
    thief
        .execute_batch(
            "UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE call = 'cal_1' LIMIT 1) WHERE call = 'cal_2'",
        )
        .unwrap();
    let refused = |call: &str| bench.log.payload(call, "arguments").unwrap_err();
    assert!(matches!(refused("cal_2"), StoreError::Sealed(SealFault::DoesNotOpen)));
    // Of the same call, but of another record: it opens, and the digest tells.
    thief
        .execute_batch(
            "UPDATE payload SET sealed = (SELECT sealed FROM payload WHERE seq = 2), salt = (SELECT salt FROM payload
             WHERE seq = 2) WHERE seq = 4",
        )
        .unwrap();
    assert!(matches!(refused("cal_1"), StoreError::Sealed(SealFault::DoesNotOpen)));
}

#[tokio::test]
async fn deleting_a_payload_leaves_the_chain_whole() {
    let bench = Bench::new();
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let kept = Some(payload("cal_1", b"abc", true));
    bench.log.append_call(intent, kept, Durability::Logged).await.unwrap();
    Connection::open(bench.path()).unwrap().execute("DELETE FROM payload", []).unwrap();
    assert!(bench.log.payload("cal_1", "arguments").unwrap().is_none());
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn secrets_are_masked_before_they_are_sealed_and_the_digest_is_of_what_was_sent() {
    let bench = Bench::new();
    bench.log.set_capture(crate::Capture {
        most: 1000,
        rules: vec![crate::MaskRule {
            server: Some("srv_1".to_owned()),
            tool: Some("buy_things".to_owned()),
            pointer: "/card".parse().unwrap(),
        }],
    });
    let bytes =
        br#"{"name":"buy_things","arguments":{"card":"4111 1111","password":"hunter2","n":1}}"#;
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let kept = Some(payload("cal_1", bytes, true));
    let seq = bench.log.append_call(intent, kept, Durability::Logged).await.unwrap();
    let opened = bench.log.payload("cal_1", "arguments").unwrap().unwrap();
    let said = String::from_utf8(opened.to_vec()).unwrap();
    assert_eq!(
        said,
        r#"{"name":"buy_things","arguments":{"card":"[masked]","password":"[masked]","n":1}}"#
    );
    let body = bench.log.record(seq).unwrap().unwrap().body;
    assert!(
        body.contains(r#""arguments_masked":["/arguments/card","/arguments/password"]"#),
        "{body}"
    );
    assert_ne!(
        detail(&bench.log, seq, "arguments_digest"),
        detail(&bench.log, seq, "arguments_kept_digest")
    );
}

#[tokio::test]
async fn of_a_long_payload_only_the_beginning_is_kept() {
    let bench = Bench::new();
    bench.log.set_capture(crate::Capture { most: 4, rules: Vec::new() });
    let intent = of_call(RecordKind::CallIntent, "cal_1");
    let kept = Some(payload("cal_1", b"no json, and long", true));
    let seq = bench.log.append_call(intent, kept, Durability::Logged).await.unwrap();
    assert_eq!(bench.log.payload("cal_1", "arguments").unwrap().unwrap().as_slice(), b"no j");
    assert!(bench.log.record(seq).unwrap().unwrap().body.contains(r#""arguments_kept_bytes":4"#));
}

#[tokio::test]
async fn payloads_go_by_age_and_by_size_oldest_first_and_it_is_recorded() {
    let bench = Bench::new();
    for number in 1..=6 {
        let call = format!("cal_{number}");
        let intent = of_call(RecordKind::CallIntent, &call);
        let kept = Some(payload(&call, &[b'x'; 100], true));
        bench.log.append_call(intent, kept, Durability::Logged).await.unwrap();
    }
    let log = bench.log.clone();
    tokio::task::spawn_blocking(move || {
        let moment = log.record(4).unwrap().unwrap().at;
        let gone = log
            .delete_payloads(crate::Retention { before: Some(moment), most_bytes: None })
            .unwrap();
        assert_eq!(gone.payloads, 2);
        let each = log.keeping().unwrap().kept.bytes / 4;
        let gone = log
            .delete_payloads(crate::Retention { before: None, most_bytes: Some(each * 2) })
            .unwrap();
        assert_eq!(gone.payloads, 2);
        for (call, there) in [("cal_1", false), ("cal_4", false), ("cal_5", true), ("cal_6", true)]
        {
            assert_eq!(log.payload(call, "arguments").unwrap().is_some(), there, "{call}");
        }
        assert!(log.verify().unwrap().is_whole());
        let last = log.records(&crate::RecordQuery { limit: 1, ..Default::default() }).unwrap();
        assert_eq!(last[0].kind, "log.payloads_deleted");
    })
    .await
    .unwrap();
}
