//! The master key in a real keyring: gnome-keyring on a session bus of its own, with a home of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use prokura_testkit::host::{Folder, Serving, write_private};
use prokura_testkit::{Agent, Fixture, TestHost, eventually, mailbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::scene::{fine, refused};

/// A session bus; it ends when it is dropped.
struct Bus {
    _daemon: Child,
    address: String,
}

impl Bus {
    async fn start() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
        let address = lines.next_line().await.unwrap().unwrap();
        Self { _daemon: daemon, address }
    }

    /// Whatever is started with this sees this bus, no display, and the home of the folder.
    fn around(&self, command: &mut Command, folder: &Folder) {
        let run = folder.root().join("run");
        if !run.exists() {
            std::fs::create_dir(&run).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(&run, private).unwrap();
        }
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("XDG_RUNTIME_DIR", run);
        command.env("HOME", folder.root().join("home")).env_remove("DISPLAY");
        command.env_remove("XDG_DATA_HOME").env_remove("WAYLAND_DISPLAY").kill_on_drop(true);
    }

    /// A keyring that was unlocked with a password, or that nobody has unlocked.
    async fn keyring(&self, folder: &Folder, password: Option<&str>) -> Child {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if password.is_some() {
            command.arg("--unlock");
        }
        self.around(&mut command, folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = command.spawn().unwrap();
        let mut input = daemon.stdin.take().unwrap();
        input.write_all(password.unwrap_or_default().as_bytes()).await.unwrap();
        drop(input);
        daemon
    }

    async fn serve(&self, folder: &Folder) -> Serving {
        let mut command = folder.command(&["serve", "--port", "0"]);
        self.around(&mut command, folder);
        folder.serve_command(command).await.unwrap()
    }
}

async fn vault(host: &TestHost) -> Value {
    let state = host.ok(&["state"]).await.unwrap();
    json!({ "open": state["vault_open"], "told": state["vault"] })
}

async fn vault_opens(host: &TestHost) {
    eventually("the vault to open", Duration::from_secs(30), || async {
        (vault(host).await["open"] == true).then_some(())
    })
    .await
    .unwrap();
}

/// Whether a file below `folder`, except the keyring's own, holds 32 bytes that look like the master key file.
fn has_key_file(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.flatten().any(|entry| entry.metadata().unwrap().len() == 32)
}

#[tokio::test]
async fn the_master_key_is_in_the_keyring_and_a_locked_keyring_stops_nothing_else() {
    let bus = Bus::start().await;
    let folder = Folder::new(None).unwrap();
    std::fs::remove_file(folder.key_file()).unwrap();
    let keyring = bus.keyring(&folder, Some("a password")).await;
    let serving = bus.serve(&folder).await;
    let mut host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
    vault_opens(&host).await;
    assert!(!has_key_file(&host.folder.data()), "the master key lies beside the data");
    let (fixture, _authority) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "mailbox"]).await.unwrap();
    host.sign_in("mailbox").await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    host.stop().await.unwrap();

    drop(keyring);
    let locked = bus.keyring(&host.folder, None).await;
    host.serving = Some(bus.serve(&host.folder).await);
    let told = vault(&host).await;
    assert_eq!(told["open"], false, "{told}");
    assert!(told["told"].as_str().unwrap().len() > 20, "{told}");
    assert_eq!(host.ok(&["grants", "list"]).await.unwrap().as_array().unwrap().len(), 1);
    let doctor = host.cli(&["doctor"]).await.unwrap();
    assert!(
        format!("{}{}", doctor.out, doctor.err).to_lowercase().contains("keyring"),
        "{}",
        doctor.out
    );
    refused(&agent.call("list_messages", json!({})).await.unwrap(), "keyring");
    assert_eq!(fixture.recorder().calls("list_messages").len(), 1);

    drop(locked);
    let _keyring = bus.keyring(&host.folder, Some("a password")).await;
    vault_opens(&host).await;
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn without_any_keyring_it_starts_says_so_and_never_falls_back_to_plain_text() {
    let bus = Bus::start().await;
    let folder = Folder::new(None).unwrap();
    std::fs::remove_file(folder.key_file()).unwrap();
    let serving = bus.serve(&folder).await;
    let mut host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
    let told = vault(&host).await;
    assert_eq!(told["open"], false, "{told}");
    let (fixture, authority) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "mailbox"]).await.unwrap();
    let said = host.cli(&["servers", "sign-in", "mailbox", "--print-url", "--json"]).await;
    // It says at once that nothing could be stored, or names no page; in no case is a token stored in clear.
    assert!(!said.is_ok_and(|said| said.code == 0));
    assert_eq!(authority.live_tokens(), 0);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_passphrase_opens_what_it_sealed_and_another_one_does_not() {
    let folder = Folder::new(None).unwrap();
    std::fs::remove_file(folder.key_file()).unwrap();
    let passphrase = folder.root().join("passphrase");
    write_private(&passphrase, b"correct horse battery staple\n").unwrap();
    let words =
        ["--port", "0", "--vault-passphrase-file", passphrase.to_str().unwrap()].map(OsStr::new);
    let serving = folder.serve_with(&words).await.unwrap();
    let mut host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
    let (fixture, _authority) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "mailbox"]).await.unwrap();
    host.sign_in("mailbox").await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    host.stop().await.unwrap();
    write_private(&passphrase, b"wrong horse\n").unwrap();
    match host.folder.serve_with(&words).await {
        // Everything else works, and the call says what is missing.
        Ok(serving) => {
            host.serving = Some(serving);
            assert_eq!(vault(&host).await["open"], false);
            refused(&agent.call("list_messages", json!({})).await.unwrap(), "passphrase");
            host.stop().await.unwrap();
        }
        Err(error) => assert!(error.to_string().contains("passphrase"), "{error}"),
    }
    assert!(fixture.recorder().calls("list_messages").is_empty());
    write_private(&passphrase, b"correct horse battery staple\n").unwrap();
    host.serving = Some(host.folder.serve_with(&words).await.unwrap());
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    host.stop().await.unwrap();
}
