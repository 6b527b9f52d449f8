//! Two Hosts with the same tokens, many calls at one moment, and a login while agents wait.

use std::path::Path;

use prokura_testkit::host::{Folder, write_private};
use prokura_testkit::{Agent, Authority, Fixture, TestHost, mailbox};
use serde_json::json;

use crate::scene::{fine, kinds, refused};

async fn signed_in() -> (TestHost, Fixture, Authority, Agent) {
    let (fixture, authority) = Fixture::with_authority(mailbox::offer()).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "mailbox"]).await.unwrap();
    host.sign_in("mailbox").await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "mailbox", "list_messages", "allow").await.unwrap();
    let agent = Agent::modern(&host.endpoint("mailbox"), &key).unwrap();
    (host, fixture, authority, agent)
}

/// How often a refresh token was used at the authorization server.
fn refreshes(authority: &Authority) -> usize {
    let asked = authority.recorder().text();
    asked.matches("grant_type=refresh_token").count()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_copied_data_folder_never_ends_the_sign_in_of_the_original() {
    let (mut original, _fixture, authority, agent) = signed_in().await;
    original.stop().await.unwrap();
    let folder = Folder::new(None).unwrap();
    let key = std::fs::read(original.folder.key_file()).unwrap();
    write_private(&folder.key_file(), &key).unwrap();
    copy(&original.folder.data(), &folder.data());
    original.restart().await.unwrap();
    // The port is the original's: the copy takes another, as whoever restores a backup beside it has to.
    let words = ["--port", "0", "--vault-key-file", folder.key_file().to_str().unwrap()]
        .map(std::ffi::OsString::from);
    let port = original.http();
    let port = port.rsplit(':').next().unwrap().to_owned();
    let free = prokura_testkit::loopback().await.unwrap().1.to_string();
    assert_ne!(port, free);
    let words = words.map(|word| if word == "0" { free.clone().into() } else { word });
    let words: Vec<&std::ffi::OsStr> = words.iter().map(AsRef::as_ref).collect();
    let serving = folder.serve_with(&words).await.unwrap();
    let copy = TestHost::on(folder, serving);

    let theirs = copy.agent("scribe").await.unwrap();
    copy.grant("scribe", "mailbox", "list_messages", "allow").await.unwrap();
    let other = Agent::modern(&copy.endpoint("mailbox"), &theirs).unwrap();
    fine(&other.call("list_messages", json!({})).await.unwrap());
    authority.end_access_tokens();
    refused(&other.call("list_messages", json!({})).await.unwrap(), "copy");
    assert_eq!(refreshes(&authority), 0, "the copy spent the refresh token");
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    assert_eq!(refreshes(&authority), 1);
    refused(&other.call("list_messages", json!({})).await.unwrap(), "copy");
    fine(&agent.call("list_messages", json!({})).await.unwrap());

    let doctor = copy.cli(&["doctor"]).await.unwrap();
    assert!(doctor.code == 1 && doctor.out.contains("prokura adopt"), "{}", doctor.out);
    assert!(original.cli(&["doctor"]).await.unwrap().code == 0);
    // A sign-in of its own is a family of its own.
    copy.sign_in("mailbox").await.unwrap();
    fine(&other.call("list_messages", json!({})).await.unwrap());
    authority.end_access_tokens();
    fine(&other.call("list_messages", json!({})).await.unwrap());
    fine(&agent.call("list_messages", json!({})).await.unwrap());
    assert!(kinds(&copy).await.contains(&"host.copied".to_owned()));
    assert!(!kinds(&original).await.contains(&"host.copied".to_owned()));
}

#[tokio::test]
async fn two_hundred_calls_at_the_end_of_a_token_make_one_refresh() {
    let (host, _fixture, authority, agent) = signed_in().await;
    // One agent has at most 64 messages under way.
    let mut agents = vec![agent];
    for name in ["scribe", "herald", "scout"] {
        let key = host.agent(name).await.unwrap();
        host.grant(name, "mailbox", "list_messages", "allow").await.unwrap();
        agents.push(Agent::modern(&host.endpoint("mailbox"), &key).unwrap());
    }
    fine(&agents[0].call("list_messages", json!({})).await.unwrap());
    authority.end_access_tokens();
    let calls = (0..200).map(|n| agents[n % 4].call("list_messages", json!({})));
    for reply in futures::future::join_all(calls).await {
        fine(&reply.unwrap());
    }
    assert_eq!(refreshes(&authority), 1);
    assert_eq!(authority.live_refresh_tokens(), 1);
}

#[tokio::test]
async fn a_fresh_login_reaches_a_running_session_at_once() {
    let (host, _fixture, authority, _) = signed_in().await;
    let key = host.agent("scribe").await.unwrap();
    host.grant("scribe", "mailbox", "list_messages", "allow").await.unwrap();
    let session = Agent::legacy(&host.endpoint("mailbox"), &key).await.unwrap();
    fine(&session.call("list_messages", json!({})).await.unwrap());
    authority.end_all_tokens();
    refused(&session.call("list_messages", json!({})).await.unwrap(), "sign in");
    host.sign_in("mailbox").await.unwrap();
    fine(&session.call("list_messages", json!({})).await.unwrap());
}

#[tokio::test]
async fn the_network_is_set_and_shown_on_the_command_line_and_recorded() {
    let host = TestHost::start().await.unwrap();
    let set = host.ok(&["network", "proxy", "http://proxy.example:3128"]).await.unwrap();
    assert_eq!(set["proxy"], "http://proxy.example:3128/");
    assert_eq!(host.ok(&["network", "show"]).await.unwrap(), set);
    let doctor = host.cli(&["doctor"]).await.unwrap();
    assert!(doctor.out.contains("through http://proxy.example:3128/"), "{}", doctor.out);
    let wrong = host.cli(&["network", "proxy", "http://me:hush@proxy.example"]).await.unwrap();
    assert!(wrong.code != 0 && !wrong.err.contains("hush"), "{}", wrong.err);
    let file = host.folder.root().join("no.pem");
    std::fs::write(&file, "not a certificate").unwrap();
    let wrong = host.cli(&["network", "trust", "corp", file.to_str().unwrap()]).await.unwrap();
    assert!(wrong.code != 0 && wrong.err.contains("no certificate"), "{}", wrong.err);
    assert_eq!(host.ok(&["network", "proxy", "--none"]).await.unwrap()["proxy"], json!(null));
    let changed = kinds(&host).await.iter().filter(|kind| *kind == "network.changed").count();
    assert_eq!(changed, 2);
}

#[tokio::test]
async fn doctor_looks_at_a_folder_on_which_nothing_runs() {
    let (mut host, _fixture, _authority, _) = signed_in().await;
    assert_eq!(host.cli(&["doctor"]).await.unwrap().code, 0);
    host.stop().await.unwrap();
    let doctor = host.cli(&["doctor", "--json"]).await.unwrap();
    assert_eq!(doctor.code, 1);
    let checks = doctor.json();
    let check = |id: &str| {
        let found = checks.as_array().unwrap().iter().find(|check| check["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {checks}")).clone()
    };
    assert_eq!(check("host")["ok"], false);
    assert!(check("host")["hint"].as_str().unwrap().contains("prokura serve"));
    assert!(check("database")["message"].as_str().unwrap().contains("unbroken"), "{checks}");
    let empty = Folder::new(None).unwrap();
    std::fs::remove_dir(empty.data()).unwrap();
    let told = empty.run(&["doctor"]).await.unwrap();
    assert!(told.code == 1 && told.out.contains("does not exist"), "{}", told.out);
    assert!(!empty.data().exists(), "doctor only looks");
}
