//! Agent programs on this machine: found in their real settings, connected with a preview, and taken back.

use std::fs;
use std::path::PathBuf;

use prokura_testkit::{Fixture, Offer, Protection, TestHost, ledger};
use serde_json::{Value, json};

use crate::scene::kinds;

/// Settings of one program in the home folder of the Host.
struct Settings(PathBuf);

impl Settings {
    fn put(host: &TestHost, file: &str, text: &str) -> Self {
        let path = host.folder.home().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }
}

async fn program(host: &TestHost, id: &str) -> Value {
    let programs = host.ok(&["wire", "list"]).await.unwrap();
    programs.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
}

fn offer() -> Offer {
    ledger::offer()
}

#[tokio::test]
async fn a_program_is_connected_as_it_was_shown_and_taken_back_to_the_byte() {
    let host = TestHost::start().await.unwrap();
    let golden = "# mine\nmodel = \"gpt-5-codex\"\n\n[mcp_servers.files] # keep\ncommand = \"npx\"\nenv = { K = \"sk-1234567890\" }\n";
    let codex = Settings::put(&host, ".codex/config.toml", golden);
    assert_eq!(program(&host, "codex").await["state"], "free");
    assert_eq!(program(&host, "cursor").await["installed"], false);

    let shown = host.cli(&["wire", "connect", "codex"]).await.unwrap();
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("+ [mcp_servers.prokura]"), "{}", shown.out);
    assert!(!shown.out.contains("sk-1234567890"), "{}", shown.out);
    assert_eq!(codex.text(), golden, "a preview wrote");

    host.ok(&["wire", "connect", "codex", "--yes"]).await.unwrap();
    let wired: toml::Table = codex.text().parse().unwrap();
    let entry = &wired["mcp_servers"]["prokura"];
    assert!(PathBuf::from(entry["command"].as_str().unwrap()).is_file());
    assert_eq!(entry["args"].as_array().unwrap()[1].as_str().unwrap(), "--agent");
    assert!(codex.text().starts_with("# mine\n"), "{}", codex.text());
    let now = program(&host, "codex").await;
    assert_eq!((now["state"].as_str(), now["agent"].as_str()), (Some("connected"), Some("codex")));

    let again = host.cli(&["wire", "connect", "codex", "--yes"]).await.unwrap();
    assert!(again.code != 0 && again.err.contains("wire undo codex"), "{}", again.err);
    host.ok(&["wire", "undo", "codex", "--yes"]).await.unwrap();
    assert_eq!(codex.text(), golden);
    let kinds = kinds(&host).await;
    assert!(
        kinds.contains(&"agent.wired".to_owned()) && kinds.contains(&"agent.unwired".to_owned())
    );
}

#[tokio::test]
async fn servers_are_taken_over_with_their_keys_and_nothing_keeps_them_in_clear() {
    let key = "tok-mailbox-5566778899";
    let remote = Fixture::start(offer(), Protection::Key(key.into())).await.unwrap();
    let host = TestHost::start().await.unwrap();
    let settings = json!({ "mcpServers": {
        "The Ledger": { "type": "http", "url": remote.url(), "headers": { "Authorization": format!("Bearer {key}") } },
        "local": { "command": "npx", "args": ["x"] }
    } });
    let text = serde_json::to_string_pretty(&settings).unwrap();
    let claude = Settings::put(&host, ".claude.json", &text);
    let found = program(&host, "claude-code").await;
    assert_eq!(found["servers"][0]["has_key"], true, "{found}");
    assert!(!found.to_string().contains(key));

    let wired = host
        .ok(&["wire", "connect", "claude-code", "--as", "claude", "--take", "The Ledger", "--yes"])
        .await
        .unwrap();
    assert_eq!(wired["servers"], json!(["the-ledger"]));
    assert!(!claude.text().contains(key), "{}", claude.text());
    let servers = host.ok(&["servers", "list"]).await.unwrap();
    assert_eq!(servers[0]["state"], "ready", "{servers}");
    let tools = host.ok(&["tools", "list", "--server", "the-ledger", "--refresh"]).await.unwrap();
    assert!(!tools.as_array().unwrap().is_empty(), "the key opens the server");
    for file in walk(host.folder.data()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()), "{}", file.display());
    }
    assert!(!host.logs().contains(key));

    host.ok(&["wire", "undo", "claude-code", "--yes"]).await.unwrap();
    assert_eq!(claude.text(), text);
}

#[tokio::test]
async fn a_program_that_an_agent_started_is_taken_over_and_waits_for_the_person() {
    // U-17
    let host = TestHost::start().await.unwrap();
    let secret = "tok-notes-9988776655";
    let settings = json!({ "mcpServers": { "notes": {
        "command": "sh", "args": ["-c", "exit 3"], "env": { "NOTES_TOKEN": secret, "EMPTY": "" }
    } } });
    let text = serde_json::to_string_pretty(&settings).unwrap();
    let cursor = Settings::put(&host, ".cursor/mcp.json", &text);
    let wired = host
        .ok(&["wire", "connect", "cursor", "--as", "cursor", "--take", "notes", "--yes"])
        .await
        .unwrap();
    assert_eq!(wired["servers"], json!(["notes"]));
    assert!(!cursor.text().contains("exit 3"), "{}", cursor.text());
    let servers = host.ok(&["servers", "list"]).await.unwrap();
    let local = &servers[0]["local"];
    assert_eq!(
        (&local["state"], &local["entered"]["secrets"]),
        (&json!("unapproved"), &json!(["NOTES_TOKEN"]))
    );
    assert_eq!(host.pending().await.unwrap()["kind"], "local_start");
    assert!(!kinds(&host).await.contains(&"server.started".to_owned()));
    for file in walk(host.folder.data()) {
        let bytes = fs::read(&file).unwrap();
        assert!(
            !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
            "{}",
            file.display()
        );
    }
    host.ok(&["wire", "undo", "cursor", "--yes"]).await.unwrap();
    assert_eq!(cursor.text(), text);
}

#[tokio::test]
async fn a_server_that_cannot_be_added_leaves_the_settings_as_they_are() {
    let host = TestHost::start().await.unwrap();
    let text = r#"{ "mcpServers": { "gone": { "url": "http://127.0.0.1:9/mcp" } } }"#;
    let cursor = Settings::put(&host, ".cursor/mcp.json", text);
    let said = host.cli(&["wire", "connect", "cursor", "--take", "gone", "--yes"]).await.unwrap();
    assert!(said.code != 0 && said.err.lines().count() >= 2, "{}", said.err);
    assert_eq!(cursor.text(), text);
    assert_eq!(host.ok(&["servers", "list"]).await.unwrap(), json!([]));
    let said = host.cli(&["wire", "connect", "cursor", "--as", "--evil", "--yes"]).await.unwrap();
    assert!(said.code != 0, "{}", said.out);
    assert_eq!(cursor.text(), text);
}

#[tokio::test]
async fn a_broken_file_is_named_and_not_touched() {
    let host = TestHost::start().await.unwrap();
    let goose = Settings::put(&host, ".config/goose/config.yaml", "extensions:\n  x: {\n");
    let found = program(&host, "goose").await;
    assert_eq!(found["state"], "unreadable");
    assert!(found["problem"].as_str().unwrap().contains("by hand"), "{found}");
    let said = host.cli(&["wire", "connect", "goose", "--yes"]).await.unwrap();
    assert!(said.code != 0 && said.err.contains("config.yaml"), "{}", said.err);
    assert_eq!(goose.text(), "extensions:\n  x: {\n");
}

#[tokio::test]
async fn taking_back_keeps_what_the_program_wrote_meanwhile() {
    let host = TestHost::start().await.unwrap();
    let gemini =
        Settings::put(&host, ".gemini/settings.json", "{\n  // mine\n  \"theme\": \"dark\"\n}\n");
    host.ok(&["wire", "connect", "gemini-cli", "--way", "sign-in", "--yes"]).await.unwrap();
    assert!(gemini.text().contains(&format!("{}/mcp", host.http())), "{}", gemini.text());
    fs::write(&gemini.0, gemini.text().replace("dark", "light")).unwrap();
    host.ok(&["wire", "undo", "gemini-cli", "--yes"]).await.unwrap();
    let text = gemini.text();
    assert!(
        text.contains("// mine") && text.contains("light") && !text.contains("prokura"),
        "{text}"
    );
}

fn walk(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
