//! A process is killed in the middle of writing: what it was told is written is there, and the chain is whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use prokura_domain::clock::{Clock, Entropy, Timestamp};
use prokura_domain::port::{Anchor, AnchorFault, SealContext, SealFault, Sealer, Signer};
use prokura_domain::{CallId, Durability, Event, Json, RecordKind, Subject};
use prokura_store::{Log, Payload, RecordQuery, Store, verify_file};

const DIR: &str = "PROKURA_CRASH_TEST_DIR";

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1)
    }
}

struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0];
        }
    }
}

/// A Vault that is open: it signs, and its seals are none.
struct OpenVault(SigningKey);

impl Sealer for OpenVault {
    fn seal(&self, _: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        Ok(plain.to_vec())
    }

    fn open(
        &self,
        _: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, SealFault> {
        Ok(zeroize::Zeroizing::new(sealed.to_vec()))
    }
}

impl Signer for OpenVault {
    fn public_key(&self) -> Option<[u8; 32]> {
        Some(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        Some(self.0.sign(message).to_bytes())
    }

    fn anchor(&self, _: &Anchor) {}

    fn anchored(&self, _: &str) -> Result<Option<Anchor>, AnchorFault> {
        Err(AnchorFault("unlock it".to_owned()))
    }
}

fn open(dir: &Path) -> Log {
    let store = Store::open(dir).unwrap();
    let vault = Arc::new(OpenVault(SigningKey::from_bytes(&[7; 32])));
    let entropy = Arc::new(Counting(AtomicU64::new(3)));
    Log::open(&store, Arc::new(Still), entropy, Arc::clone(&vault) as Arc<dyn Sealer>, vault)
        .unwrap()
}

/// The process that is killed: many write at once, calls with payloads among them, while checkpoints are made. It tells
/// each number once the log has answered it. Without the variable it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let log = open(Path::new(&dir));
    let writers: Vec<_> = (0..6).map(|writer| tokio::spawn(write(log.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(log: Log, writer: i64) {
    for number in 0i64.. {
        let call = CallId::from_text(&format!("cal_{writer}_{number}"));
        let kind = match number % 3 {
            0 => RecordKind::CallIntent,
            1 => RecordKind::CallOutcome,
            _ => RecordKind::GrantAdded,
        };
        let subject = Subject {
            call: Some(call.to_string()),
            agent: Some((format!("agt_{writer}"), "crash".to_owned())),
            target: Some(("tool".to_owned(), format!("tool_{}", number % 7))),
            ..Subject::default()
        };
        let event = Event::new(kind, Json::object([("n", Json::from(number))])).about(subject);
        let payload =
            Payload { call, part: "arguments", bytes: vec![b'x'; 300], keep: number % 2 == 0 };
        let durability = if number % 4 == 0 { Durability::Synced } else { Durability::Logged };
        let seq = log.append_call(event, Some(payload), durability).await.unwrap();
        if number % 20 == 0 && writer == 0 {
            log.checkpoint().unwrap();
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nwritten {seq}").unwrap();
        out.flush().unwrap();
    }
}

/// How many times: a thousand with `PROKURA_TEST_SLOW`, else fifty.
fn rounds() -> u64 {
    if std::env::var_os("PROKURA_TEST_SLOW").is_some() { 1000 } else { 50 }
}

/// DESIGN §7: kill −9 loses nothing, whenever it comes, and nothing is taken for tampering.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = HashSet::new();
    for round in 1..=rounds() {
        // Anywhere from its first record to some way into the load; the same places every time this runs.
        let enough = 1 + (round * 7919) % 150;
        told.extend(kill_after(dir.path(), enough));
        if round % 10 != 0 && round != rounds() {
            continue;
        }
        let verdict = verify_file(&dir.path().join("prokura.db"), None).unwrap();
        assert_eq!(verdict.faults, Vec::<String>::new(), "round {round}");
        let last = told.iter().max().copied().unwrap_or_default();
        assert!(verdict.records >= last, "{} of {last} records are there", verdict.records);
    }
    let log = open(dir.path());
    for seq in &told {
        assert!(log.record(*seq).unwrap().is_some(), "record {seq} was acknowledged and is lost");
    }
    // The index caught up with what the kills left out.
    let query = RecordQuery { limit: 1, agent: Some("crash".to_owned()), ..RecordQuery::default() };
    while log.unindexed() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.records(&query).unwrap().len(), 1);
    assert!(log.verify().unwrap().is_whole());
    assert!(told.len() as u64 >= rounds(), "{} records in {} rounds", told.len(), rounds());
    log.close();
}

/// Runs the writer until it acknowledged so many records, kills it, and answers all it acknowledged.
fn kill_after(dir: &Path, enough: u64) -> Vec<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    let mut killed = false;
    // What it said before it died counts too.
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        told.extend(line.strip_prefix("written ").and_then(|seq| seq.parse::<i64>().ok()));
        if told.len() as u64 >= enough && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "it ended by itself");
    told
}
