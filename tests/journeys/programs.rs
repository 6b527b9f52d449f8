//! The programs that people use as agents, each with its own commands and without an account: they come in by OAuth, by a
//! command or with a key, and see what they were granted. `cargo xtask test --agents` fetches and runs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use prokura_testkit::{Fixture, Protection, TestHost, eventually, ledger};
use prokura_tests::tools;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

/// How long one command of a program may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A home for one program, with a browser that only writes down what it was to open.
struct Home {
    commands: PathBuf,
    folder: tempfile::TempDir,
    host: TestHost,
    key: String,
    _ledger: Fixture,
}

impl Home {
    /// `None` where the programs are not wanted.
    async fn of(program: &str) -> Option<Self> {
        let commands = tools::agents(program)?;
        // Not below the system's temporary folder: some programs refuse to work there.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let opened = folder.path().join("opened");
        for name in ["xdg-open", "sensible-browser", "x-www-browser"] {
            let text = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\n", opened.display());
            std::fs::write(bin.join(name), text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(bin.join(name), mode).unwrap();
        }
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let ledger = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
        let host = TestHost::start().await.unwrap();
        // There is no internet here, where these programs keep the documents that name them.
        host.ok(&["network", "documents", "off"]).await.unwrap();
        host.ok(&["servers", "add", &ledger.url(), "--name", "ledger"]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
        Some(Self { commands, folder, host, key, _ledger: ledger })
    }

    fn url(&self) -> String {
        self.host.endpoint("ledger")
    }

    /// How this Prokura is started by a program, as the agent `clerk`.
    fn stdio(&self) -> Vec<String> {
        let program = self.host.folder.program().to_string_lossy().into_owned();
        let data = self.host.folder.data().to_string_lossy().into_owned();
        let words = ["stdio", "--agent", "clerk", "--server", "ledger"].map(str::to_owned);
        [vec![program, "--data".to_owned(), data], words.to_vec()].concat()
    }

    fn write(&self, path: &str, value: &Value) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A command of a program. On a terminal of its own, for those that want to talk to a person.
    fn command(&self, words: &[&str], terminal: bool) -> Command {
        let program = self.commands.join(words[0]);
        let mut command = if terminal {
            let quoted: Vec<String> = std::iter::once(program.to_str().unwrap())
                .chain(words[1..].iter().copied())
                .map(|word| format!("'{word}'"))
                .collect();
            let line = format!("stty cols 900; exec {}", quoted.join(" "));
            let mut command = Command::new("script");
            command.args(["-qefc", &line, "/dev/null"]);
            command
        } else {
            let mut command = Command::new(program);
            command.args(&words[1..]);
            command
        };
        let bin = self.folder.path().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.folder.path())
            .env("BROWSER", bin.join("xdg-open"))
            .env("DISPLAY", ":99")
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .current_dir(self.project())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end: everything it said.
    async fn run(&self, words: &[&str]) -> String {
        let child = self.command(words, false).spawn().unwrap();
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap();
        let output = output.unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Runs a command that signs in, gives the consent in Prokura, and waits until it ends or `end` is on the screen.
    async fn sign_in(&self, words: &[&str], end: &str) -> String {
        let opened = self.folder.path().join("opened");
        let _ = std::fs::remove_file(&opened);
        let mut command = self.command(words, true);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let heard = self.folder.path().join("heard");
        let listening = hear(&mut child, heard.clone());
        let page = eventually("the page of the sign-in", PATIENCE, || async {
            let text = std::fs::read_to_string(&opened).unwrap_or_default() + &said(&heard);
            text.split(|sign: char| sign.is_whitespace() || sign.is_control())
                .find(|word| word.starts_with("http") && word.contains("/oauth/authorize?"))
                .map(str::to_owned)
        })
        .await
        .unwrap_or_else(|fault| panic!("{fault}: {}", said(&heard)));
        self.host.let_in(&page, ["--agent", "clerk"]).await.unwrap();
        eventually("the end of the sign-in", PATIENCE, || async {
            (said(&heard).contains(end)).then_some(())
        })
        .await
        .unwrap_or_else(|fault| panic!("{fault}: {}", said(&heard)));
        let text = said(&heard);
        child.kill().await.unwrap();
        listening.abort();
        text
    }

    /// Runs a command that starts Prokura's, and lets the program in when Prokura asks.
    async fn paired(&self, words: &[&str]) -> String {
        let (text, question) = tokio::join!(self.run(words), self.host.answer(&["allow"]));
        assert_eq!(question.unwrap()["kind"], "pairing");
        text
    }

    /// What the agent says of itself, by which it is seen that it was there.
    async fn claim(&self) -> String {
        let agents = self.host.ok(&["agents", "list"]).await.unwrap();
        agents[0]["claim"].as_str().unwrap_or_default().to_owned()
    }
}

/// Keeps what a program says where it can be read meanwhile.
fn hear(child: &mut Child, to: PathBuf) -> tokio::task::JoinHandle<()> {
    let mut output = child.stdout.take().unwrap();
    tokio::spawn(async move {
        let (mut all, mut chunk) = (Vec::new(), [0u8; 4096]);
        while let Ok(count @ 1..) = output.read(&mut chunk).await {
            all.extend_from_slice(&chunk[..count]);
            let _ = std::fs::write(&to, &all);
        }
    })
}

fn said(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

#[tokio::test]
async fn the_inspector_sees_the_granted_tool_and_no_other() {
    let Some(home) = Home::of("the MCP Inspector").await else { return };
    let bearer = format!("Authorization: Bearer {}", home.key);
    let url = home.url();
    let inspect = ["mcp-inspector", "--cli"];
    let words = [&inspect[..], &[&url, "--header", &bearer, "--method", "tools/list"]].concat();
    let by_key: Value = serde_json::from_str(&home.run(&words).await).unwrap();
    let stdio = home.stdio();
    let command: Vec<&str> = stdio.iter().map(String::as_str).collect();
    let words = ["--connect-timeout", "60000", "--method", "tools/list", "--"];
    let by_command = home.paired(&[&inspect[..], &words, &command].concat()).await;
    let by_command: Value =
        serde_json::from_str(&by_command).unwrap_or_else(|_| panic!("{by_command}"));
    for seen in [by_key, by_command] {
        let names: Vec<&Value> =
            seen["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, [&json!("list_accounts")], "{seen}");
    }
}

#[tokio::test]
async fn mcp_remote_signs_in_and_sees_the_granted_tool_and_no_other() {
    let Some(home) = Home::of("mcp-remote").await else { return };
    let said = home.sign_in(&["mcp-remote-client", &home.url()], "Exiting OK").await;
    assert!(said.contains(r#""name": "list_accounts""#), "{said}");
    assert!(!said.contains("send_payment"), "{said}");
}

#[tokio::test]
async fn claude_code_signs_in_and_connects_and_does_so_by_a_command() {
    let Some(home) = Home::of("Claude Code").await else { return };
    home.run(&["claude", "mcp", "add", "--transport", "http", "ledger", &home.url()]).await;
    let listed = home.run(&["claude", "mcp", "list"]).await;
    assert!(listed.contains("Needs authentication"), "{listed}");
    home.sign_in(&["claude", "mcp", "login", "ledger"], "Authenticated with").await;
    let listed = home.run(&["claude", "mcp", "list"]).await;
    assert!(listed.contains("✔ Connected"), "{listed}");
    assert!(home.claim().await.contains("claude-code"), "{}", home.claim().await);

    home.run(&["claude", "mcp", "remove", "ledger"]).await;
    let stdio = home.stdio();
    let command: Vec<&str> = stdio.iter().map(String::as_str).collect();
    home.run(&[&["claude", "mcp", "add", "ledger", "--"][..], &command].concat()).await;
    let listed = home.paired(&["claude", "mcp", "list"]).await;
    assert!(listed.contains("✔ Connected"), "{listed}");
}

#[tokio::test]
async fn opencode_signs_in_and_connects() {
    let Some(home) = Home::of("opencode").await else { return };
    let config = json!({ "mcp": { "ledger": { "type": "remote", "url": home.url() } } });
    home.write("project/opencode.json", &config);
    let listed = home.run(&["opencode", "mcp", "list"]).await;
    assert!(listed.contains("needs authentication"), "{listed}");
    home.sign_in(&["opencode", "mcp", "auth", "ledger"], "Authentication successful").await;
    let listed = home.run(&["opencode", "mcp", "list"]).await;
    assert!(listed.contains("✓ ledger"), "{listed}");
    assert!(home.claim().await.contains("opencode"), "{}", home.claim().await);
}

#[tokio::test]
async fn codex_signs_in() {
    let Some(home) = Home::of("Codex").await else { return };
    // It signs in as soon as it is told of a server that wants it.
    let add = ["codex", "mcp", "add", "ledger", "--url", &home.url()];
    home.sign_in(&add, "Successfully logged in").await;
    let listed = home.run(&["codex", "mcp", "list"]).await;
    assert!(listed.contains("OAuth"), "{listed}");
    let sign_ins = home.host.ok(&["agents", "list"]).await.unwrap();
    assert_eq!(sign_ins[0]["sign_ins"][0]["name"][0]["text"], "Codex", "{sign_ins}");
}

#[tokio::test]
async fn gemini_connects_with_a_key_and_by_a_command() {
    let Some(home) = Home::of("the Gemini CLI").await else { return };
    home.write(
        ".gemini/trustedFolders.json",
        &json!({ (home.project().to_str().unwrap()): "TRUST_FOLDER" }),
    );
    let bearer = format!("Authorization: Bearer {}", home.key);
    let add = ["gemini", "mcp", "add", "--scope", "user", "--transport", "http", "ledger"];
    home.run(&[&add[..], &[&home.url(), "--header", &bearer]].concat()).await;
    let listed = home.run(&["gemini", "mcp", "list"]).await;
    assert!(listed.contains("✓ ledger"), "{listed}");
    assert!(!home.claim().await.is_empty(), "it was never there");

    let stdio = home.stdio();
    let server = json!({ "command": stdio[0], "args": stdio[1..], "timeout": 60_000 });
    home.write(".gemini/settings.json", &json!({ "mcpServers": { "ledger": server } }));
    let listed = home.paired(&["gemini", "mcp", "list"]).await;
    assert!(listed.contains("✓ ledger"), "{listed}");
}
