//! Secrets of the environment: in the vault, and in the process that needs them, and nowhere else.

use serde_json::{Value, json};

use prokura_testkit::{Agent, TestHost};

use super::{clerk, looked_at, rough, runs, standing};
use crate::scene::fine;

const SECRET: &str = "correct-horse-battery-staple-4711";

#[tokio::test]
async fn a_secret_reaches_its_server_and_lies_nowhere_in_the_clear() {
    // CA-45
    let host = TestHost::start().await.unwrap();
    let command = rough(&[]);
    let mut words =
        vec!["servers", "add-local", "rough", "--env", "PLAIN=1", "--secret", "ROUGH_SECRET", "--"];
    words.extend(command.iter().map(String::as_str));
    let added = host.folder.run_with(&words, format!("{SECRET}\n").as_bytes()).await.unwrap();
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(added.out.contains("ROUGH_SECRET = (a secret in the vault)"), "{}", added.out);
    let question = host.answer(&["allow"]).await.unwrap();
    looked_at(&host, "rough").await;
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "rough", "*", "allow").await.unwrap();
    let agent = clerk(&host, &key).await;
    let said = agent.call("secret", json!({})).await.unwrap();
    fine(&said);
    assert_eq!(said.text(), SECRET.len().to_string(), "the server has it");

    only_little_is_handed_on(&agent).await;
    let log = host.cli(&["servers", "log", "rough"]).await.unwrap().out;
    assert!(
        log.contains("the secret is [ROUGH_SECRET]") && log.contains("token=[masked]"),
        "{log}"
    );
    let pid = standing(&host, "rough").await["pids"][0].as_u64().unwrap();
    assert!(runs(pid));
    let mut seen = String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap())
        .into_owned();
    let audit = host.ok(&["audit", "list", "--limit", "1000"]).await.unwrap();
    seen.push_str(&format!("{audit} {question} {log} {}", host.logs()));
    for entry in walk(&host.folder.data()) {
        seen.push_str(&String::from_utf8_lossy(&std::fs::read(entry).unwrap_or_default()));
    }
    assert!(seen.contains("rough.py"), "something was looked at");
    assert!(!seen.contains(SECRET), "the secret was found in the clear");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

async fn only_little_is_handed_on(agent: &Agent) {
    // Of the Host's environment only the small set is handed on.
    let told = agent.call("environment", json!({})).await.unwrap();
    let told: Value = serde_json::from_str(&told.text()).unwrap();
    let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|name| !["LC_CTYPE", "PWD", "SHLVL", "_"].contains(name));
    for name in &names {
        let known = [
            "HOME",
            "LANG",
            "LANGUAGE",
            "LC_ALL",
            "LC_MESSAGES",
            "LOGNAME",
            "PATH",
            "PLAIN",
            "SHELL",
            "TERM",
            "TMPDIR",
            "TZ",
            "USER",
        ];
        assert!(known.contains(name), "{name} was handed on");
    }
    assert_eq!(told["PLAIN"], "1");
}
