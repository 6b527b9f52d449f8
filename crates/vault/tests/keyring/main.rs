//! A real keyring: this program starts itself again under a session bus of its own, with gnome-keyring and a scratch
//! home. Where those programs do not exist, it says so and passes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use prokura_domain::Digest;
use prokura_domain::clock::Entropy;
use prokura_domain::port::{Anchor, SealContext, Sealer, Signer};
use prokura_vault::{KeySource, Vault, VaultState};
use tempfile::TempDir;

const DIR: &str = "PROKURA_KEYRING_TEST_DIR";
const UNLOCKED: &str =
    "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
const LOCKED: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null";

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn open(dir: &Path, first: u8) -> Vault {
    let source = KeySource::Keyring {
        service: "org.example.prokura-test".to_owned(),
        entry: "default".to_owned(),
    };
    Vault::open(source, dir, Arc::new(Counting(AtomicU8::new(first)))).unwrap()
}

fn context<'a>() -> SealContext<'a> {
    SealContext { purpose: "test", row: "r", field: "f", generation: 0, bound_to: None }
}

fn anchor() -> Anchor {
    Anchor { log_id: "log_1".to_owned(), seq: 5, hash: Digest([3; 32]) }
}

fn there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
}

/// A scratch home in which the acts below play.
struct Stage {
    root: TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        let needed = ["dbus-run-session", "gnome-keyring-daemon", "sh"];
        if let Some(missing) = needed.into_iter().find(|program| !there(program)) {
            let told = format!("not run: {missing} is not installed\n");
            std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).unwrap();
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        for name in ["home", "run", "data"] {
            use std::os::unix::fs::DirBuilderExt as _;
            std::fs::DirBuilder::new().mode(0o700).create(root.path().join(name)).unwrap();
        }
        Some(Self { root })
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Plays the act named `act` in a process of its own, after `prepare` ran in its session.
    fn play(&self, prepare: &str, act: &str) {
        self.run(self.quiet(Command::new("dbus-run-session")), prepare, act);
    }

    /// The same, where a prompt can be shown.
    fn play_on_a_display(&self, prepare: &str, act: &str) {
        let mut session = self.quiet(Command::new("xvfb-run"));
        session.args(["-a", "dbus-run-session"]);
        self.run(session, prepare, act);
    }

    fn run(&self, mut session: Command, prepare: &str, act: &str) {
        let script = format!("{prepare}; exec \"$0\" --exact {act} --nocapture --test-threads=1");
        let played = session
            .args(["--", "sh", "-c", &script])
            .arg(std::env::current_exe().unwrap())
            .output()
            .unwrap();
        succeeded(&played, act);
    }

    fn quiet(&self, mut command: Command) -> Command {
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("HOME", self.root.path().join("home"))
            .env("XDG_RUNTIME_DIR", self.root.path().join("run"))
            .env_remove("XDG_DATA_HOME")
            .env(DIR, self.data());
        command
    }
}

fn succeeded(played: &Output, act: &str) {
    let out = String::from_utf8_lossy(&played.stdout);
    let err = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success() && out.contains("1 passed"), "{act}: {out}\n{err}");
}

/// The data folder when this is an act; otherwise the act does nothing.
fn acting() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

#[test]
fn act_first_start() {
    let Some(dir) = acting() else { return };
    let vault = open(&dir, 1);
    assert_eq!(vault.state(), VaultState::Open);
    std::fs::write(dir.join("sealed"), vault.seal(&context(), b"token").unwrap()).unwrap();
    vault.anchor(&anchor());
    assert_eq!(vault.anchored("log_1"), Ok(Some(anchor())));
}

#[test]
fn act_second_start() {
    let Some(dir) = acting() else { return };
    let vault = open(&dir, 100);
    assert_eq!(vault.state(), VaultState::Open);
    let sealed = std::fs::read(dir.join("sealed")).unwrap();
    assert_eq!(Sealer::open(&vault, &context(), &sealed).unwrap().as_slice(), b"token");
    assert_eq!(vault.anchored("log_1"), Ok(Some(anchor())));
}

#[test]
fn act_locked() {
    let Some(dir) = acting() else { return };
    let started = Instant::now();
    let vault = open(&dir, 100);
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    let VaultState::Locked(why) = vault.state() else { panic!("it is open") };
    assert!(!why.is_empty());
    if std::env::var_os("DISPLAY").is_some() {
        assert!(why.contains("has not answered yet"), "nothing blocked: {why}");
    }
    assert!(vault.seal(&context(), b"x").is_err());
    assert!(vault.anchored("log_1").is_err(), "nobody knows whether there is one");
    let marker = dir.join("vault.json").exists();
    assert_eq!(marker, dir.join("sealed").exists(), "a marker came from nowhere");
}

#[test]
fn act_key_was_deleted() {
    let Some(dir) = acting() else { return };
    let marker = std::fs::read(dir.join("vault.json")).unwrap();
    for _ in 0..2 {
        let vault = open(&dir, 100);
        let VaultState::Locked(why) = vault.state() else { panic!("it made a new key") };
        assert!(why.contains("missing"), "{why}");
        assert!(matches!(vault.retry(), VaultState::Locked(_)));
    }
    assert_eq!(std::fs::read(dir.join("vault.json")).unwrap(), marker);
}

#[test]
fn act_unlocked_later() {
    let Some(dir) = acting() else { return };
    let vault = open(&dir, 1);
    assert!(matches!(vault.state(), VaultState::Locked(_)));
    let replace = UNLOCKED.replace("--unlock", "--replace --unlock");
    let unlocked = Command::new("sh").args(["-c", &replace]).status().unwrap();
    assert!(unlocked.success());
    // The new daemon takes the name over when it is ready.
    let opened = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        vault.retry() == VaultState::Open
    });
    assert!(opened, "{vault:?}");
}

#[test]
fn a_key_in_the_keyring_survives_a_restart_of_the_keyring_and_the_program() {
    let Some(stage) = Stage::new() else { return };
    stage.play(UNLOCKED, "act_first_start");
    stage.play(UNLOCKED, "act_second_start");
}

#[test]
fn a_locked_keyring_locks_the_vault_quickly() {
    let Some(stage) = Stage::new() else { return };
    stage.play(UNLOCKED, "act_first_start");
    stage.play(LOCKED, "act_locked");
    stage.play(UNLOCKED, "act_second_start");
}

/// With a display a locked keyring shows a prompt, and its call blocks for as long as that stands.
#[test]
fn a_prompt_that_nobody_answers_does_not_hang_the_start() {
    let Some(stage) = Stage::new() else { return };
    if !there("xvfb-run") {
        std::io::Write::write_all(&mut std::io::stderr(), b"not run: xvfb-run is not installed\n")
            .unwrap();
        return;
    }
    stage.play(UNLOCKED, "act_first_start");
    stage.play_on_a_display(LOCKED, "act_locked");
}

#[test]
fn without_a_bus_the_vault_is_locked_quickly() {
    let Some(stage) = Stage::new() else { return };
    let mut act = stage.quiet(Command::new(std::env::current_exe().unwrap()));
    let played =
        act.args(["--exact", "act_locked", "--nocapture", "--test-threads=1"]).output().unwrap();
    succeeded(&played, "act_locked");
    stage.play(":", "act_locked");
}

#[test]
fn a_deleted_key_locks_the_vault_and_no_new_one_is_made() {
    let Some(stage) = Stage::new() else { return };
    stage.play(UNLOCKED, "act_first_start");
    std::fs::remove_dir_all(stage.root.path().join("home/.local/share/keyrings")).unwrap();
    stage.play(UNLOCKED, "act_key_was_deleted");
}

#[test]
fn a_keyring_that_appears_later_opens_the_vault_when_it_is_asked_again() {
    let Some(stage) = Stage::new() else { return };
    // A failed first connection must not be remembered by the process.
    stage.play(":", "act_unlocked_later");
}
