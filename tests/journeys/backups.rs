//! A backup moves everything to another folder, as to another machine, and says nothing to whoever finds it.

use std::ffi::OsStr;

use prokura_testkit::host::{Folder, Said};
use prokura_testkit::{Agent, Fixture, TestHost, mailbox};
use serde_json::{Value, json};

use crate::scene::fine;

const WORDS: &str = "correct horse battery staple";

async fn backup(host: &TestHost, passphrases: [&str; 2]) -> Said {
    let typed = format!("{}\n{}\n", passphrases[0], passphrases[1]);
    host.folder.run_with(&["--json", "backup"], typed.as_bytes()).await.unwrap()
}

/// Whatever becomes of the restoring.
async fn what_lay_there_stays(folder: &Folder, words: &[&str]) {
    let before = folder.data().join("archive");
    std::fs::create_dir_all(&before).unwrap();
    std::fs::write(before.join("mine"), b"mine").unwrap();
    let taken = folder.run_with(words, b"correct horse battery\n").await.unwrap();
    assert!(taken.code == 1 && taken.err.contains("archive"), "{}", taken.err);
    assert_eq!(std::fs::read(before.join("mine")).unwrap(), b"mine");
    std::fs::remove_dir_all(&before).unwrap();
}

#[tokio::test]
async fn everything_goes_into_a_backup_and_comes_back_elsewhere() {
    let (fixture, _authority) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    let mut host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "mailbox"]).await.unwrap();
    host.sign_in("mailbox").await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());

    for (typed, why) in
        [(["short", "short"], "12"), ([WORDS, "another one of them"], "not the same")]
    {
        let said = backup(&host, typed).await;
        assert!(said.code == 1 && said.err.contains(why), "{typed:?}: {}", said.err);
    }
    let said = backup(&host, [WORDS, WORDS]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let file = said.json()["path"].as_str().unwrap().to_owned();
    let sealed = std::fs::read(&file).unwrap();
    for clear in ["mailbox", "SQLite", "clerk", "prokura.db"] {
        assert!(!sealed.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear}");
    }
    let twice = ["--json", "backup", &file];
    let typed = format!("{WORDS}\n{WORDS}\n");
    let twice = host.folder.run_with(&twice, typed.as_bytes()).await.unwrap();
    assert!(twice.code == 1 && twice.err.contains("already"), "{}", twice.err);
    host.stop().await.unwrap();

    let folder = Folder::new(None).unwrap();
    let kept = folder.root().join("restored-key");
    let kept = kept.to_str().unwrap();
    let words = ["--json", "restore", &file, "--vault-key-file", kept];
    let wrong = folder.run_with(&words, b"correct horse battery\n").await.unwrap();
    assert!(wrong.code == 1 && wrong.err.contains("passphrase"), "{}", wrong.err);
    assert!(!folder.data().join("prokura.db").exists() && !std::path::Path::new(kept).exists());
    what_lay_there_stays(&folder, &words).await;
    let typed = format!("{WORDS}\n");
    let back = folder.run_with(&words, typed.as_bytes()).await.unwrap();
    assert_eq!(back.code, 0, "{}", back.err);
    let again = folder.run_with(&words, typed.as_bytes()).await.unwrap();
    assert!(again.code == 1 && again.err.contains("holds a Prokura already"), "{}", again.err);

    let serving = folder.serve_with(&["--vault-key-file", kept].map(OsStr::new)).await.unwrap();
    let moved = TestHost::on(folder, serving);
    let agent = Agent::modern(&moved.endpoint("mailbox"), &key).unwrap();
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    let grants = moved.ok(&["grants", "list"]).await.unwrap();
    assert_eq!(grants[0]["agent"]["name"], "clerk");
    assert_eq!(moved.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
    let records = moved.audit().await.unwrap();
    let kinds: Vec<&str> = records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert!(kinds.contains(&"log.exported") && kinds.contains(&"host.copied"), "{kinds:?}");
    moved.ok(&["adopt"]).await.unwrap();
    let doctor: Value = moved.cli(&["--json", "doctor"]).await.unwrap().json();
    assert!(doctor.as_array().is_some(), "{doctor}");
}
