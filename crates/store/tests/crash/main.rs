//! A process is killed in the middle of writing: what it was told is written is there, and the chain is whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prokura_domain::clock::{Clock, Entropy, Timestamp};
use prokura_domain::port::{Anchor, AnchorFault, SealContext, SealFault, Sealer, Signer};
use prokura_domain::{Durability, Event, Json, RecordKind};
use prokura_store::{Log, RecordQuery, Store, verify_file};

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

struct LockedVault;

impl Sealer for LockedVault {
    fn seal(&self, _: &SealContext<'_>, _: &[u8]) -> Result<Vec<u8>, SealFault> {
        Err(SealFault::Locked("unlock it".to_owned()))
    }

    fn open(
        &self,
        _: &SealContext<'_>,
        _: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, SealFault> {
        Err(SealFault::Locked("unlock it".to_owned()))
    }
}

impl Signer for LockedVault {
    fn public_key(&self) -> Option<[u8; 32]> {
        None
    }

    fn sign(&self, _: &[u8]) -> Option<[u8; 64]> {
        None
    }

    fn anchor(&self, _: &Anchor) {}

    fn anchored(&self, _: &str) -> Result<Option<Anchor>, AnchorFault> {
        Err(AnchorFault("unlock it".to_owned()))
    }
}

fn open(dir: &Path) -> Log {
    let store = Store::open(dir).unwrap();
    let vault = Arc::new(LockedVault);
    let entropy = Arc::new(Counting(AtomicU64::new(3)));
    Log::open(&store, Arc::new(Still), entropy, Arc::clone(&vault) as Arc<dyn Sealer>, vault)
        .unwrap()
}

/// The process that is killed: it tells each number once the log has answered it. Without the variable it does nothing.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let log = open(Path::new(&dir));
    let mut out = std::io::stdout();
    for number in 0i64.. {
        let event = Event::new(RecordKind::GrantAdded, Json::object([("n", Json::from(number))]));
        let seq = log.append(event, Durability::Logged).await.unwrap();
        writeln!(out, "\nwritten {seq}").unwrap();
        out.flush().unwrap();
    }
}

/// DESIGN §7: kill −9 loses nothing.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = told + 200;
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("written ") {
                told = seq.parse::<i64>().unwrap();
            }
            if told >= enough {
                child.kill().unwrap();
                break;
            }
        }
        // What it said before it died counts too.
        for line in lines.map_while(Result::ok) {
            told = line.strip_prefix("written ").and_then(|seq| seq.parse().ok()).unwrap_or(told);
        }
        child.wait().unwrap();
        let verdict = verify_file(&dir.path().join("prokura.db"), None).unwrap();
        assert_eq!(verdict.faults, Vec::<String>::new(), "round {round}");
        assert!(verdict.records >= told, "{} of {told} records are there", verdict.records);
    }
    let log = open(dir.path());
    let newest = log.records(&RecordQuery { limit: 1, ..RecordQuery::default() }).unwrap();
    assert!(newest[0].seq >= told && told >= 600);
    log.close();
}
