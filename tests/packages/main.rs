//! The packages as people get them: installed on a system with nothing on it, used, replaced by a newer version, removed. Only on
//! demand: `cargo xtask test --slow` makes the packages first. Servers and agents are on this machine; only the package sources of
//! the distribution are asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod root;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use prokura_testkit::{Agent, Fixture, Protection, ledger};
use prokura_tests::tools::slow;
use root::{CleanRoot, obstacle, run};
use serde_json::{Value, json};

/// The packages that were made for this run.
#[allow(clippy::print_stderr)] // A suite that is put aside has to be seen.
fn packages(suite: &str) -> Option<PathBuf> {
    if !slow(suite) {
        return None;
    }
    let folder = std::env::var_os("PROKURA_TEST_PACKAGES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("put aside: {suite}; no packages were made for this run");
    }
    folder
}

fn package(folder: &Path, ending: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|found| found == ending)).max().unwrap()
}

/// The same package under a version before every other.
fn earlier(deb: &Path, folder: &Path) -> PathBuf {
    let tree = folder.join("earlier");
    run(Command::new("dpkg-deb").arg("-R").arg(deb).arg(&tree)).unwrap();
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let text: String = text
        .lines()
        .map(|line| {
            if line.starts_with("Version: ") {
                "Version: 0.0.1\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    fs::write(control, text).unwrap();
    let to = folder.join("earlier.deb");
    run(Command::new("dpkg-deb").args(["--root-owner-group", "-Zgzip", "-b"]).arg(&tree).arg(&to))
        .unwrap();
    fs::remove_dir_all(tree).unwrap();
    to
}

/// The installed host at work.
struct Serving {
    child: Child,
    http: String,
}

impl Serving {
    fn start(root: &CleanRoot) -> Self {
        let mut child = root
            .as_ada()
            .args(["prokura", "serve", "--vault-key-file", "/home/ada/vault.key"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        Self { child, http: ready["http"].as_str().unwrap().to_owned() }
    }

    fn stop(mut self) {
        run(Command::new("kill").arg(self.child.id().to_string())).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// What `prokura` says to ada.
fn prokura(root: &CleanRoot, words: &[&str]) -> Value {
    let said = run(root.as_ada().arg("prokura").args(words).arg("--json")).unwrap();
    serde_json::from_slice(&said.stdout).unwrap()
}

/// Installs a package file and what it needs, without anything that is only recommended.
fn install(root: &CleanRoot, deb: &Path) -> String {
    let name = format!("/tmp/{}", deb.file_name().unwrap().to_str().unwrap());
    fs::copy(deb, root.at(&name)).unwrap();
    root.inside(&["apt-get", "install", "-q", "-y", "--no-install-recommends", &name]).unwrap()
}

async fn assert_called(serving: &Serving, key: &str) {
    let url = format!("{}/s/ledger/mcp", serving.http);
    let agent = Agent::legacy(&url, key).await.unwrap();
    let reply = agent.call("list_accounts", json!({})).await.unwrap();
    assert!(reply.raw.contains("giro"), "{}", reply.raw);
}

/// A person's setting up: a key of the vault, a server, an agent with a grant, and a program that is wired.
fn set_up(root: &CleanRoot, ledger: &str) -> String {
    prokura(root, &["servers", "add", ledger, "--name", "ledger"]);
    let key =
        prokura(root, &["agents", "add", "clerk", "--key"])["key"].as_str().unwrap().to_owned();
    let grant =
        ["grants", "add", "--agent", "clerk", "--server", "ledger", "--tools", "list_accounts"];
    prokura(root, &[&grant[..], &["--effect", "allow"]].concat());
    prokura(root, &["flow", "set", "--off"]);
    prokura(root, &["wire", "connect", "codex", "--yes"]);
    key
}

fn give_ada(root: &CleanRoot, file: &str, bytes: &[u8]) {
    let path = root.at("/home/ada").join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    root.inside(&["chown", "-R", "ada:ada", "/home/ada"]).unwrap();
    root.inside(&["chmod", "600", &format!("/home/ada/{file}")]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_package_installs_works_keeps_data_when_upgraded_and_tells_about_wiring_when_removed() {
    let Some(folder) = packages("packages in a clean root") else { return };
    if let Some(why) = obstacle() {
        panic!("the packages cannot be tried: {why}");
    }
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let deb = package(&folder, "deb");
    let before = earlier(&deb, temporary.path());
    let root = CleanRoot::make(&temporary.path().join("root")).unwrap();
    let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    give_ada(&root, "vault.key", b"not secret: only of this test 32");
    let settings = "model = \"gpt-5-codex\"\n";
    give_ada(&root, ".codex/config.toml", settings.as_bytes());

    install(&root, &before);
    let version = root.inside(&["prokura-desktop", "--version"]).unwrap();
    assert!(version.starts_with("prokura-desktop "), "a library is missing: {version}");
    let serving = Serving::start(&root);
    let key = set_up(&root, &fixture.url());
    assert_called(&serving, &key).await;
    let wired = fs::read_to_string(root.at("/home/ada/.codex/config.toml")).unwrap();
    assert!(wired.contains("command = \"/usr/bin/prokura\""), "{wired}");
    serving.stop();

    let said = install(&root, &deb);
    assert!(said.contains("over (0.0.1)"), "that was no upgrade: {said}");
    assert!(!said.contains("wire undo"), "an upgrade is no removal: {said}");
    let serving = Serving::start(&root);
    assert_called(&serving, &key).await;
    assert_eq!(prokura(&root, &["audit", "verify"])["ok"], true);
    assert_eq!(fixture.recorder().calls("list_accounts").len(), 2);
    serving.stop();

    let said = root.inside(&["apt-get", "remove", "-q", "-y", "prokura"]).unwrap();
    let named = said.lines().any(|line| line.trim() == "ada: codex");
    assert!(named && said.contains("prokura wire undo PROGRAM"), "{said}");
    assert!(!root.at("/usr/bin/prokura").exists() && !root.at("/usr/bin/prokura-desktop").exists());
    assert!(root.at("/home/ada/.local/share/prokura/prokura.db").is_file(), "the data are gone");

    // As the removal said: install again, take back, remove.
    install(&root, &deb);
    let serving = Serving::start(&root);
    prokura(&root, &["wire", "undo", "codex", "--yes"]);
    assert_eq!(fs::read_to_string(root.at("/home/ada/.codex/config.toml")).unwrap(), settings);
    serving.stop();
    let said = root.inside(&["apt-get", "remove", "-q", "-y", "prokura"]).unwrap();
    assert!(!said.contains("wire undo"), "nothing is connected any more: {said}");
}

#[test]
fn the_package_holds_what_a_desktop_expects() {
    let Some(folder) = packages("what is in the packages") else { return };
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tree = temporary.path();
    run(Command::new("dpkg-deb").arg("-R").arg(package(&folder, "deb")).arg(tree)).unwrap();
    let at = |path: &str| tree.join(path);
    run(Command::new("desktop-file-validate").arg(at("usr/share/applications/Prokura.desktop")))
        .unwrap();
    let about = at("usr/share/metainfo/org.prokura.desktop.metainfo.xml");
    run(Command::new("appstreamcli").args(["validate", "--no-net"]).arg(&about)).unwrap();
    let version = run(Command::new(at("usr/bin/prokura")).arg("--version")).unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let version = version.trim().strip_prefix("prokura ").unwrap().to_owned();
    assert!(fs::read_to_string(about).unwrap().contains(&format!("version=\"{version}\"")));
    run(Command::new("bash").arg("-n").arg(at("usr/share/bash-completion/completions/prokura")))
        .unwrap();
    for size in ["16", "24", "32", "48", "64", "128", "256", "512"] {
        let icon = format!("usr/share/icons/hicolor/{size}x{size}/apps/prokura-desktop.png");
        assert!(at(&icon).is_file(), "{icon}");
    }
    for page in ["prokura", "prokura-desktop", "prokura-servers-sign-in"] {
        assert!(at(&format!("usr/share/man/man1/{page}.1.gz")).is_file(), "{page}");
    }
    let unpacked =
        run(Command::new("gzip").args(["-dc"]).arg(at("usr/share/doc/prokura/sbom.cdx.json.gz")))
            .unwrap();
    let bill: Value = serde_json::from_slice(&unpacked.stdout).unwrap();
    assert_eq!(
        (&bill["specVersion"], &bill["metadata"]["component"]["version"]),
        (&json!("1.6"), &json!(version))
    );
    let parts = bill["components"].as_array().unwrap();
    for name in ["tauri", "rusqlite", "cedar-policy", "svelte"] {
        assert!(parts.iter().any(|part| part["name"] == name), "{name} is not in the bill");
    }
    for tool in ["insta", "proptest", "rmcp"] {
        assert!(!parts.iter().any(|part| part["name"] == tool), "{tool} is for tests only");
    }
    let known: Vec<&str> = parts.iter().filter_map(|part| part["bom-ref"].as_str()).collect();
    for one in bill["dependencies"].as_array().unwrap() {
        for need in one["dependsOn"].as_array().unwrap() {
            assert!(known.contains(&need.as_str().unwrap()), "{need} is no part");
        }
    }
}
