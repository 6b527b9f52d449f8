//! Stand-ins for the ports of the log, and a log to try things on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ed25519_dalek::{Signer as _, SigningKey};
use prokura_domain::clock::{Clock, Entropy, Timestamp};
use prokura_domain::json::Json;
use prokura_domain::port::{Anchor, AnchorFault, SealContext, SealFault, Sealer, Signer};
use prokura_domain::record::{Durability, Event, RecordKind, Subject};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::log::turn::Order;
use crate::log::writer::Writer;
use crate::{Log, Store};

/// Each look is a millisecond later.
#[derive(Default)]
pub(crate) struct SteppingClock(AtomicI64);

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_790_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Never the same twice, also across logs.
pub(crate) struct CountingEntropy;

static COUNT: AtomicU64 = AtomicU64::new(1);

impl Entropy for CountingEntropy {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&count[8 - chunk.len()..]);
        }
    }
}

/// A Vault whose seals anyone can read, but which ties them to their place; it can be locked.
pub(crate) struct GlassVault {
    pub(crate) locked: AtomicBool,
    /// Whether its anchor cannot be read.
    pub(crate) blind: AtomicBool,
    pub(crate) anchor: Mutex<Option<Anchor>>,
    key: SigningKey,
}

impl GlassVault {
    pub(crate) fn new(key: u8) -> Arc<Self> {
        Arc::new(Self {
            locked: AtomicBool::new(false),
            blind: AtomicBool::new(false),
            anchor: Mutex::new(None),
            key: SigningKey::from_bytes(&[key; 32]),
        })
    }

    fn is_open(&self) -> bool {
        !self.locked.load(Ordering::SeqCst)
    }
}

impl Sealer for GlassVault {
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        if !self.is_open() {
            return Err(SealFault::Locked("unlock it".to_owned()));
        }
        let mut out = format!("{context:?}|").into_bytes();
        out.extend_from_slice(plain);
        Ok(out)
    }

    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        if !self.is_open() {
            return Err(SealFault::Locked("unlock it".to_owned()));
        }
        sealed
            .strip_prefix(format!("{context:?}|").as_bytes())
            .map(|plain| Zeroizing::new(plain.to_vec()))
            .ok_or(SealFault::DoesNotOpen)
    }
}

impl Signer for GlassVault {
    fn public_key(&self) -> Option<[u8; 32]> {
        self.is_open().then(|| self.key.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.is_open().then(|| self.key.sign(message).to_bytes())
    }

    fn anchor(&self, checkpoint: &Anchor) {
        *self.anchor.lock().unwrap() = Some(checkpoint.clone());
    }

    fn anchored(&self, log_id: &str) -> Result<Option<Anchor>, AnchorFault> {
        if self.blind.load(Ordering::SeqCst) {
            return Err(AnchorFault("the keyring does not answer".to_owned()));
        }
        Ok(self.anchor.lock().unwrap().clone().filter(|anchor| anchor.log_id == log_id))
    }
}

/// A log in a scratch folder.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) vault: Arc<GlassVault>,
    pub(crate) log: Log,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = GlassVault::new(7);
        let log = open(dir.path(), &vault);
        Self { dir, vault, log }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("prokura.db")
    }

    /// Lets `look` see the writer between two of its turns.
    pub(crate) fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = std::sync::mpsc::channel();
        let order = Order::Run(Box::new(move |writer| answer.send(look(writer)).unwrap()));
        self.log.0.turns.send(order).unwrap();
        answered.recv().unwrap()
    }

    /// A whole log of `count` records, closed in good order, as a path to its file.
    pub(crate) async fn filled(count: i64) -> Self {
        let bench = Self::new();
        for number in 2..=count {
            bench.log.append(event(number), Durability::Logged).await.unwrap();
        }
        bench.log.close();
        bench
    }
}

pub(crate) fn open(dir: &Path, vault: &Arc<GlassVault>) -> Log {
    let store = Store::open(dir).unwrap();
    Log::open(
        &store,
        Arc::new(SteppingClock::default()),
        Arc::new(CountingEntropy),
        Arc::clone(vault) as Arc<dyn Sealer>,
        Arc::clone(vault) as Arc<dyn Signer>,
    )
    .unwrap()
}

pub(crate) fn event(number: i64) -> Event {
    Event::new(RecordKind::GrantAdded, Json::object([("number", Json::from(number))]))
}

pub(crate) fn of_call(kind: RecordKind, call: &str) -> Event {
    Event::new(kind, Json::object([("n", Json::from(1i64))])).about(Subject {
        call: Some(call.to_owned()),
        agent: Some(("agt_1".to_owned(), "coder".to_owned())),
        server: Some(("srv_1".to_owned(), "Shop_100%".to_owned())),
        account: Some(("acc_1".to_owned(), "anna@example.org".to_owned())),
        target: Some(("tool".to_owned(), "buy_things".to_owned())),
        trace: None,
    })
}
