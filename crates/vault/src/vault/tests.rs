//! Opening, locking and sealing, with fake and real keyrings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::AtomicU8;
use std::sync::mpsc;

use prokura_domain::digest::Digest;
use tempfile::TempDir;

use super::*;
use crate::keyring::KeyringFault;
use crate::read_anchor_file;

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn entropy() -> Arc<dyn Entropy> {
    Arc::new(Counting(AtomicU8::new(1)))
}

/// A keyring in memory, which can be locked, forgetful, or hang until it is let go.
#[derive(Default)]
struct MemoryKeyring {
    entries: Mutex<HashMap<String, Vec<u8>>>,
    locked: AtomicBool,
    forgetful: AtomicBool,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
    reads: AtomicU8,
}

impl MemoryKeyring {
    fn check(&self) -> Result<(), KeyringFault> {
        if let Some(gate) = self.gate.lock().unwrap().take() {
            let _ = gate.recv();
        }
        if self.locked.load(Ordering::SeqCst) {
            return Err(KeyringFault(
                Trouble::Locked,
                "the keyring is locked; unlock it".to_owned(),
            ));
        }
        Ok(())
    }
}

impl Keyring for MemoryKeyring {
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        Ok(self.entries.lock().unwrap().get(entry).cloned().map(Zeroizing::new))
    }

    fn write(&self, entry: &str, value: &[u8]) -> Result<(), KeyringFault> {
        self.check()?;
        if !self.forgetful.load(Ordering::SeqCst) {
            self.entries.lock().unwrap().insert(entry.to_owned(), value.to_vec());
        }
        Ok(())
    }
}

fn keyring() -> Arc<MemoryKeyring> {
    Arc::new(MemoryKeyring::default())
}

fn in_keyring(keyring: &Arc<MemoryKeyring>, dir: &Path) -> Vault {
    let patience = Duration::from_millis(200);
    Vault::in_keyring(
        Arc::clone(keyring) as Arc<dyn Keyring>,
        "default".to_owned(),
        dir,
        entropy(),
        patience,
    )
    .unwrap()
}

fn context<'a>() -> SealContext<'a> {
    SealContext { purpose: "test", row: "r", field: "f", generation: 0, bound_to: None }
}

fn locked(vault: &Vault) -> String {
    match vault.state() {
        VaultState::Locked(why) => why,
        VaultState::Open => panic!("it is open"),
    }
}

/// A data folder and a file beside it.
struct Place {
    root: TempDir,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data");
        fs::create_dir(&dir).unwrap();
        Self { root, dir }
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.root.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

fn some_key(first: u8) -> Vec<u8> {
    (0..32).map(|byte| byte ^ first).collect()
}

#[test]
fn a_fresh_key_is_made_once_and_survives_a_reopening() {
    let (place, keyring) = (Place::new(), keyring());
    let vault = in_keyring(&keyring, &place.dir);
    assert_eq!(vault.state(), VaultState::Open);
    let sealed = vault.seal(&context(), b"token").unwrap();
    let made = keyring.entries.lock().unwrap().clone();
    assert_eq!(made["default"].len(), 32);
    let again = in_keyring(&keyring, &place.dir);
    assert_eq!(Sealer::open(&again, &context(), &sealed).unwrap().as_slice(), b"token");
    assert_eq!(*keyring.entries.lock().unwrap(), made);
    let marker = fs::read_to_string(place.dir.join("vault.json")).unwrap();
    let key_hex = crate::marker::to_hex(&made["default"]);
    assert!(!marker.contains(&key_hex[..16]), "{marker}");
}

#[test]
fn a_missing_key_of_a_sealed_folder_locks_the_vault_and_none_is_made() {
    let (place, keyring) = (Place::new(), keyring());
    drop(in_keyring(&keyring, &place.dir));
    let kept = keyring.entries.lock().unwrap().remove("default").unwrap();
    let vault = in_keyring(&keyring, &place.dir);
    assert!(locked(&vault).contains("missing"), "{}", locked(&vault));
    assert!(keyring.entries.lock().unwrap().is_empty());
    assert!(matches!(vault.seal(&context(), b"x"), Err(SealFault::Locked(_))));
    assert!(vault.public_key().is_none() && vault.sign(b"x").is_none());
    keyring.entries.lock().unwrap().insert("default".to_owned(), kept);
    assert_eq!(vault.retry(), VaultState::Open);
}

#[test]
fn another_key_in_the_keyring_locks_the_vault() {
    let (place, keyring) = (Place::new(), keyring());
    drop(in_keyring(&keyring, &place.dir));
    keyring.entries.lock().unwrap().insert("default".to_owned(), vec![9; 32]);
    assert!(locked(&in_keyring(&keyring, &place.dir)).contains("another key"));
    keyring.entries.lock().unwrap().insert("default".to_owned(), vec![9; 5]);
    assert!(locked(&in_keyring(&keyring, &place.dir)).contains("5 bytes"));
}

#[test]
fn a_locked_keyring_locks_the_vault_until_it_is_asked_again() {
    let (place, keyring) = (Place::new(), keyring());
    keyring.locked.store(true, Ordering::SeqCst);
    let vault = in_keyring(&keyring, &place.dir);
    assert!(locked(&vault).contains("unlock it"));
    assert!(!place.dir.join("vault.json").exists());
    assert!(matches!(vault.retry(), VaultState::Locked(_)));
    keyring.locked.store(false, Ordering::SeqCst);
    assert_eq!(vault.retry(), VaultState::Open);
    let reads = keyring.reads.load(Ordering::SeqCst);
    assert_eq!(vault.retry(), VaultState::Open);
    assert_eq!(keyring.reads.load(Ordering::SeqCst), reads, "an open vault asks nobody");
}

#[test]
fn a_hanging_keyring_does_not_hang_the_start_and_its_late_answer_opens_the_vault() {
    let (place, keyring) = (Place::new(), keyring());
    let (let_go, gate) = mpsc::channel();
    *keyring.gate.lock().unwrap() = Some(gate);
    let vault = in_keyring(&keyring, &place.dir);
    assert_eq!(locked(&vault), UNANSWERED);
    // Asking again does not pile up threads behind the first one.
    assert!(matches!(vault.retry(), VaultState::Locked(_)));
    assert_eq!(keyring.reads.load(Ordering::SeqCst), 1);
    let_go.send(()).unwrap();
    assert_eq!(vault.retry(), VaultState::Open);
}

#[test]
fn a_keyring_that_does_not_keep_the_key_is_not_trusted_with_one() {
    let (place, keyring) = (Place::new(), keyring());
    keyring.forgetful.store(true, Ordering::SeqCst);
    let vault = in_keyring(&keyring, &place.dir);
    assert!(locked(&vault).contains("did not keep"));
    assert!(!place.dir.join("vault.json").exists());
}

#[test]
fn an_anchor_goes_to_a_second_entry_and_only_the_vault_that_signed_it_believes_it() {
    let (place, keyring) = (Place::new(), keyring());
    let vault = in_keyring(&keyring, &place.dir);
    let anchor = Anchor { log_id: "log_1".to_owned(), seq: 5, hash: Digest([3; 32]) };
    assert_eq!(vault.anchored("log_1"), Ok(None));
    vault.anchor(&anchor);
    vault.anchor(&Anchor { seq: 6, ..anchor.clone() });
    assert_eq!(vault.anchored("log_1").unwrap().map(|anchor| anchor.seq), Some(6));
    assert_eq!(vault.anchored("log_2"), Ok(None));
    let stored = keyring.entries.lock().unwrap()["default.anchor"].clone();
    // Windows keeps 2,560 bytes in an entry.
    assert!(stored.len() < 1000, "{}", stored.len());
    let changed = String::from_utf8(stored).unwrap().replace("\"seq\":6", "\"seq\":5");
    keyring.entries.lock().unwrap().insert("default.anchor".to_owned(), changed.into_bytes());
    assert_eq!(vault.anchored("log_1").unwrap_err().0, "the anchor is damaged");
}

#[test]
fn an_anchor_does_not_wait_for_a_hanging_keyring() {
    let (place, keyring) = (Place::new(), keyring());
    let vault = in_keyring(&keyring, &place.dir);
    let (let_go, gate) = mpsc::channel();
    *keyring.gate.lock().unwrap() = Some(gate);
    let anchor = Anchor { log_id: "log_1".to_owned(), seq: 5, hash: Digest([3; 32]) };
    vault.anchor(&anchor);
    vault.anchor(&anchor);
    let_go.send(()).unwrap();
    let arrived = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(2));
        vault.anchored("log_1").is_ok_and(|anchor| anchor.is_some())
    });
    assert!(arrived);
}

#[test]
fn a_key_file_opens_the_same_vault_again_and_nothing_else_does() {
    let place = Place::new();
    let key = place.file("key", &some_key(1), 0o600);
    let open =
        |path: &Path| Vault::open(KeySource::KeyFile(path.to_owned()), &place.dir, entropy());
    let vault = open(&key).unwrap();
    assert_eq!(vault.state(), VaultState::Open);
    let sealed = vault.seal(&context(), b"token").unwrap();
    let again = open(&key).unwrap();
    assert_eq!(Sealer::open(&again, &context(), &sealed).unwrap().as_slice(), b"token");
    assert_eq!(again.public_key(), vault.public_key());
    let other = place.file("other", &some_key(2), 0o400);
    assert!(matches!(open(&other), Err(VaultError::OtherKey { .. })));
    let passphrase = place.file("words", b"correct horse\n", 0o600);
    let wrong = Vault::open(KeySource::PassphraseFile(passphrase), &place.dir, entropy());
    assert!(matches!(wrong, Err(VaultError::OtherSource { .. })));
    let asked = Vault::in_keyring(keyring(), "d".to_owned(), &place.dir, entropy(), PATIENCE);
    assert!(matches!(asked, Err(VaultError::OtherSource { .. })), "never silently another key");
}

#[test]
fn a_key_file_is_refused_unless_it_is_32_private_random_bytes() {
    let place = Place::new();
    let files = [
        (place.file("short", &some_key(1)[..31], 0o600), "31 bytes"),
        (place.file("long", &[some_key(1), vec![1]].concat(), 0o600), "33 bytes"),
        (place.file("hex", "0a".repeat(32).as_bytes(), 0o600), "64 bytes"),
        (place.file("empty", b"", 0o600), "0 bytes"),
        (place.file("zero", &[0; 32], 0o600), "same byte"),
        (place.file("open", &some_key(1), 0o644), "mode 644"),
        (place.file("group", &some_key(1), 0o640), "mode 640"),
        (place.root.path().join("absent"), "cannot be read"),
        (place.dir.clone(), "not a file"),
    ];
    for (path, said) in files {
        let fault =
            Vault::open(KeySource::KeyFile(path.clone()), &place.dir, entropy()).unwrap_err();
        assert!(matches!(fault, VaultError::KeyFile { .. }), "{fault:?}");
        assert!(fault.to_string().contains(said), "{fault}");
        assert!(fault.to_string().contains("exactly 32 random bytes"), "{fault}");
        assert!(!place.dir.join("vault.json").exists());
    }
}

#[test]
fn a_passphrase_opens_the_same_vault_again_and_another_does_not() {
    let place = Place::new();
    let words = place.file("words", b"correct horse battery\n", 0o600);
    let open = |path: &Path| {
        Vault::open(KeySource::PassphraseFile(path.to_owned()), &place.dir, entropy())
    };
    let sealed = open(&words).unwrap().seal(&context(), b"token").unwrap();
    let without_line_end = place.file("same", b"correct horse battery", 0o600);
    let again = open(&without_line_end).unwrap();
    assert_eq!(Sealer::open(&again, &context(), &sealed).unwrap().as_slice(), b"token");
    let other = place.file("other", b"correct horse batterie\n", 0o600);
    assert!(matches!(open(&other), Err(VaultError::OtherKey { .. })));
    for (name, content, mode, said) in [
        ("empty", b"\n".as_slice(), 0o600, "empty"),
        ("two", b"a\nb\n", 0o600, "more than one line"),
        ("open", b"abc\n", 0o644, "mode 644"),
        ("bytes", b"\xff\xfe", 0o600, "not text"),
    ] {
        let fault = open(&place.file(name, content, mode)).unwrap_err();
        assert!(fault.to_string().contains(said), "{fault}");
    }
}

#[test]
fn the_same_passphrase_makes_another_key_for_another_folder() {
    let (one, two) = (Place::new(), Place::new());
    let words = one.file("words", b"correct horse battery\n", 0o600);
    let salts: Arc<dyn Entropy> = Arc::new(Counting(AtomicU8::new(1)));
    let key = |dir: &Path| {
        let source = KeySource::PassphraseFile(words.clone());
        Vault::open(source, dir, Arc::clone(&salts)).unwrap().public_key().unwrap()
    };
    assert_ne!(key(&one.dir), key(&two.dir));
}

#[test]
fn with_a_key_file_the_anchor_lies_beside_the_folder_and_is_read_without_a_vault() {
    let place = Place::new();
    let key = place.file("key", &some_key(1), 0o600);
    let vault = Vault::open(KeySource::KeyFile(key), &place.dir, entropy()).unwrap();
    let anchor = Anchor { log_id: "log_1".to_owned(), seq: 5, hash: Digest([3; 32]) };
    vault.anchor(&anchor);
    assert_eq!(vault.anchored("log_1"), Ok(Some(anchor.clone())));
    let path = place.root.path().join("data.anchor.json");
    let found = read_anchor_file(&path).unwrap();
    assert_eq!((Some(found.public_key), found.anchor), (vault.public_key(), anchor));
    let inside: Vec<_> =
        fs::read_dir(&place.dir).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(inside, ["vault.json"]);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"seq\":5", "\"seq\":4")).unwrap();
    assert!(read_anchor_file(&path).is_err());
    assert_eq!(vault.anchored("log_1").unwrap_err().0, "the anchor is damaged");
    // One that somebody else signed is whole in itself, but not this Vault's.
    let elsewhere = Place::new();
    let other = elsewhere.file("key", &some_key(2), 0o600);
    let other = Vault::open(KeySource::KeyFile(other), &elsewhere.dir, entropy()).unwrap();
    other.anchor(&Anchor { log_id: "log_1".to_owned(), seq: 9, hash: Digest([3; 32]) });
    fs::copy(elsewhere.root.path().join("data.anchor.json"), &path).unwrap();
    assert!(read_anchor_file(&path).is_ok());
    let told = vault.anchored("log_1").unwrap_err().0;
    assert_eq!(told, "the anchor is signed with another key");
    fs::remove_file(&path).unwrap();
    assert_eq!(vault.anchored("log_1"), Ok(None));
    fs::create_dir(&path).unwrap();
    assert!(vault.anchored("log_1").is_err(), "nobody knows whether there is one");
}

#[test]
fn a_damaged_marker_is_an_error_and_stays_as_it_is() {
    let place = Place::new();
    let key = place.file("key", &some_key(1), 0o600);
    for text in ["", "{}", "{\"version\":2,\"source\":\"keyring\",\"key_id\":\"0011223344556677\"}"]
    {
        fs::write(place.dir.join("vault.json"), text).unwrap();
        let fault =
            Vault::open(KeySource::KeyFile(key.clone()), &place.dir, entropy()).unwrap_err();
        assert!(matches!(fault, VaultError::Marker { .. }), "{fault:?}");
        assert_eq!(fs::read_to_string(place.dir.join("vault.json")).unwrap(), text);
    }
}

#[test]
fn nothing_of_the_key_is_shown_when_a_vault_is_debugged() {
    let place = Place::new();
    let key = place.file("key", &some_key(1), 0o600);
    let vault = Vault::open(KeySource::KeyFile(key), &place.dir, entropy()).unwrap();
    assert_eq!(format!("{vault:?}"), "Vault(Open)");
}
