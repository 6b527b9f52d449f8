//! A log in a folder, and events like those of real Calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use prokura_domain::clock::{Clock, Entropy, Timestamp};
use prokura_domain::port::{Anchor, AnchorFault, SealContext, SealFault, Sealer, Signer};
use prokura_domain::{CallId, Event, Json, RecordKind, Subject};
use prokura_store::{Log, Payload, Store};
use zeroize::Zeroizing;

/// The first moment of a filled log, and how far apart its records are.
const BEGIN: i64 = 1_790_000_000_000;

/// Each look is a little later, so that a million records take some months.
pub struct Stepping {
    now: AtomicI64,
    step: i64,
}

impl Clock for Stepping {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.fetch_add(self.step, Ordering::Relaxed))
    }
}

pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&count[8 - chunk.len()..]);
        }
    }
}

/// A Vault that signs and whose seals cost nothing: what sealing costs is the vault's to measure.
pub struct Vault(Option<SigningKey>);

impl Vault {
    pub fn open() -> Arc<Self> {
        Arc::new(Self(Some(SigningKey::from_bytes(&[7; 32]))))
    }

    /// One that keeps no payload and signs nothing, so that the Host's own key can sign the log later.
    pub fn locked() -> Arc<Self> {
        Arc::new(Self(None))
    }
}

impl Sealer for Vault {
    fn seal(&self, _: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        let locked = || SealFault::Locked("it is locked".to_owned());
        self.0.as_ref().map(|_| plain.to_vec()).ok_or_else(locked)
    }

    fn open(&self, _: &SealContext<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        Ok(Zeroizing::new(sealed.to_vec()))
    }
}

impl Signer for Vault {
    fn public_key(&self) -> Option<[u8; 32]> {
        self.0.as_ref().map(|key| key.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.0.as_ref().map(|key| key.sign(message).to_bytes())
    }

    fn anchor(&self, _: &Anchor) {}

    fn anchored(&self, _: &str) -> Result<Option<Anchor>, AnchorFault> {
        Ok(None)
    }
}

pub fn log(dir: &Path, vault: &Arc<Vault>, step: Duration) -> Log {
    let store = Store::open(dir).unwrap();
    let step = i64::try_from(step.as_millis()).unwrap();
    let clock = Arc::new(Stepping { now: AtomicI64::new(BEGIN), step });
    let entropy = Arc::new(Counting(AtomicU64::new(1)));
    let sealer = Arc::clone(vault) as Arc<dyn Sealer>;
    Log::open(&store, clock, entropy, sealer, Arc::clone(vault) as Arc<dyn Signer>).unwrap()
}

pub const AGENTS: i64 = 24;
pub const SERVERS: i64 = 12;
pub const TOOLS: i64 = 40;
const VERBS: [&str; 8] =
    ["search", "list", "send", "create", "update", "delete", "archive", "export"];
const NOUNS: [&str; 5] = ["issue", "payment", "message", "invoice", "calendar"];

pub fn agent(number: i64) -> String {
    format!("agent-{:02}", number.rem_euclid(AGENTS))
}

pub fn tool(number: i64) -> String {
    let place = usize::try_from(number.rem_euclid(TOOLS)).unwrap();
    format!("{}_{}", VERBS[place % VERBS.len()], NOUNS[place / VERBS.len()])
}

fn subject(number: i64) -> Subject {
    let (agent_number, server) = (number.rem_euclid(AGENTS), number.rem_euclid(SERVERS));
    Subject {
        call: Some(format!("cal_{number:016x}")),
        agent: Some((format!("agt_{agent_number:016x}"), agent(number))),
        server: Some((format!("srv_{server:016x}"), format!("server-{server:02}"))),
        account: Some((format!("acc_{server:016x}"), format!("person{server}@example.org"))),
        target: Some(("tool".to_owned(), tool(number / AGENTS))),
        trace: Some(format!("{:032x}", 0x4bf9_2f35_77b3_4da6_i128 + i128::from(number))),
    }
}

/// What a Call leaves before it goes: some 900 bytes of body, and its arguments.
pub fn intent(number: i64) -> (Event, Payload) {
    let why = Json::object([
        ("rule", Json::text(format!("grt_{:016x}", number % 97))),
        (
            "text",
            Json::text(
                "A grant allows every write tool of this server to this agent, within its budget.",
            ),
        ),
    ]);
    let flow = Json::object([
        ("rule", Json::text("flow")),
        ("text", Json::text("Nothing that this agent read before stops what it sends now.")),
    ]);
    let detail = Json::object([
        ("bytes", Json::from(212 + number % 50)),
        ("class", Json::text("write")),
        ("era", Json::text("modern")),
        ("generation", Json::from(number % 7)),
        ("method", Json::text("tools/call")),
        ("pin", Json::text(format!("{:064x}", number % 40))),
        ("revision", Json::text("2026-07-28")),
        ("session", Json::text(format!("ses_{:032x}", number / 200))),
        ("why", Json::Array(vec![why, flow])),
    ]);
    let bytes = format!(
        r#"{{"name":"{}","arguments":{{"to":"person{}@example.org","amount":{number},"text":"The meeting is moved to Thursday, four o'clock, room {}."}}}}"#,
        tool(number),
        number % 500,
        number % 30
    );
    let call = CallId::from_text(&format!("cal_{number:016x}"));
    let payload = Payload { call, part: "arguments", bytes: bytes.into_bytes(), keep: true };
    (Event::new(RecordKind::CallIntent, detail).about(subject(number)), payload)
}

/// What a Call leaves when it ended.
pub fn outcome(number: i64) -> Event {
    let result = if number % 50 == 0 { "error" } else { "ok" };
    let detail = Json::object([
        ("bytes", Json::from(1_840 + number % 300)),
        ("ms", Json::from(37 + number % 400)),
        ("result", Json::text(result)),
        ("result_digest", Json::text(format!("{:064x}", number))),
        ("session", Json::text(format!("ses_{:032x}", number / 200))),
    ]);
    Event::new(RecordKind::CallOutcome, detail).about(subject(number))
}
