//! Servers that ask the person something (elicitation) while an agent that cannot show it waits: Prokura shows it, where the
//! person wants that for this server.

use std::process::Stdio;
use std::time::Duration;

use prokura_testkit::reference::{Reference, Speaks};
use prokura_testkit::{TestHost, eventually};
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

const MODERN: &str = "2026-07-28";
const ADA: [&str; 5] = ["fill", "--field", "username=ada", "--field", "email=ada@example.com"];

/// A reference server under the name `desk`, and an agent that may use all of it.
async fn desk(speaks: Speaks) -> (TestHost, Reference, String) {
    let server = Reference::speaking(speaks).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &server.url(), "--name", "desk"]).await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    host.grant("clerk", "desk", "*", "allow").await.unwrap();
    (host, server, key)
}

/// The same, with its questions shown.
pub async fn shown(speaks: Speaks) -> (TestHost, Reference, String) {
    let all = desk(speaks).await;
    let on = all.0.ok(&["servers", "questions", "desk", "on"]).await.unwrap();
    assert_eq!(on["shows_questions"], true);
    all
}

async fn clerk(host: &TestHost, key: &str, era: &str) -> SdkAgent {
    SdkAgent::connect(Sdk::TypeScript, &host.endpoint("desk"), key, era).await.unwrap()
}

/// Calls the tool that asks for a name, and answers with these words.
async fn asks(host: &TestHost, agent: &mut SdkAgent, answer: &[&str]) -> (String, Value) {
    let call = agent.call("test_elicitation", json!({ "message": "Who are you?" }));
    let (said, question) = tokio::join!(call, host.answer(answer));
    (outcome(&said).1, question.unwrap())
}

#[tokio::test]
async fn what_a_server_asks_is_answered_in_prokura_whatever_both_sides_speak() {
    // U-06, U-07, CP-20
    for speaks in [Speaks::Sessions("2025-11-25"), Speaks::Modern] {
        let (host, _server, key) = shown(speaks).await;
        for era in ["legacy", MODERN] {
            let mut agent = clerk(&host, &key, era).await;
            let (said, question) = asks(&host, &mut agent, &ADA).await;
            let told = r#"action="accept", content={"username":"ada","email":"ada@example.com"}"#;
            let same = said.replace(
                r#"{"email":"ada@example.com","username":"ada"}"#,
                r#"{"username":"ada","email":"ada@example.com"}"#,
            );
            assert_eq!(same, told, "{speaks:?} {era}");
            assert_eq!(question["kind"], "elicitation");
            assert_eq!(question["server"]["name"], "desk");
            assert_eq!(question["agent"]["name"], "clerk");
            assert_eq!(question["target"][0]["text"], "test_elicitation");
            assert_eq!(question["elicitation"]["message"][0]["text"], "Who are you?");
            let (said, _) = asks(&host, &mut agent, &["deny"]).await;
            assert_eq!(said, r#"action="decline", content=null"#, "{speaks:?} {era}");
            let (said, _) = asks(&host, &mut agent, &["cancel"]).await;
            assert_eq!(said, r#"action="cancel", content=null"#, "{speaks:?} {era}");
        }
    }
}

#[tokio::test]
async fn an_agent_that_can_show_questions_keeps_getting_them_itself() {
    // CP-14, V-01
    for speaks in [Speaks::Sessions("2025-11-25"), Speaks::Modern] {
        let (host, _server, key) = shown(speaks).await;
        for era in ["legacy", MODERN] {
            let options = json!({
                "url": host.endpoint("desk"), "key": key, "era": era,
                "capabilities": { "elicitation": {} },
                "answer": { "username": "own", "email": "own@example.com" },
            });
            let mut agent = SdkAgent::connect_as(Sdk::TypeScript, options).await.unwrap();
            let said = agent.call("test_elicitation", json!({ "message": "Who?" })).await;
            assert!(outcome(&said).1.contains(r#""username":"own""#), "{speaks:?} {era} {said:?}");
        }
        assert_eq!(host.ok(&["approvals", "list", "--all"]).await.unwrap(), json!([]));
    }
}

#[tokio::test]
async fn nothing_is_said_or_shown_for_an_agent_where_the_person_did_not_want_it() {
    // CP-14
    for speaks in [Speaks::Sessions("2025-11-25"), Speaks::Modern] {
        let (host, server, key) = desk(speaks).await;
        let claims = |word: &str| {
            let all = server.recorder().all();
            all.iter().filter(|seen| seen.text().contains(word)).count()
        };
        for era in ["legacy", MODERN] {
            let mut agent = clerk(&host, &key, era).await;
            let said = agent.call("test_elicitation", json!({ "message": "Who?" })).await;
            assert!(!outcome(&said).1.contains("action="), "{speaks:?} {era} {said:?}");
        }
        assert_eq!(claims("\"elicitation\""), 0, "{speaks:?}");
        assert_eq!(host.ok(&["approvals", "list", "--all"]).await.unwrap(), json!([]));
        // Off again: from the next session or message on nothing is said any more.
        host.ok(&["servers", "questions", "desk", "on"]).await.unwrap();
        drop(clerk(&host, &key, "legacy").await);
        assert!(claims("\"elicitation\"") > 0, "{speaks:?}");
        let off = host.ok(&["servers", "questions", "desk", "off"]).await.unwrap();
        assert_eq!(off["shows_questions"], false);
        let before = claims("\"elicitation\"");
        drop(clerk(&host, &key, "legacy").await);
        assert_eq!(claims("\"elicitation\""), before, "{speaks:?}");
        let told = host.audit().await.unwrap();
        let set = told.iter().find(|record| record["kind"] == "setting.changed").unwrap();
        let body = set.to_string();
        assert!(body.contains("shows_questions") && body.contains("desk"), "{body}");
    }
}

/// `approvals watch`, as a person at a terminal has it.
struct Watching {
    child: tokio::process::Child,
    said: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Watching {
    fn start(host: &TestHost) -> Self {
        let mut command = host.folder.command(&["approvals", "watch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let (heard, out) = (said.clone(), child.stdout.take().unwrap());
        tokio::spawn(async move {
            let mut lines = BufReader::new(out).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { child, said }
    }

    async fn types(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn says(&self, words: &str) {
        let heard = || async { self.said.lock().unwrap().contains(words).then_some(()) };
        let seen = eventually(words, Duration::from_secs(20), heard).await;
        assert!(seen.is_ok(), "\"{words}\" is not in:\n{}", self.said.lock().unwrap());
    }
}

#[tokio::test]
async fn a_form_is_filled_in_field_by_field_in_a_terminal() {
    // U-08
    let (host, _server, key) = shown(Speaks::Modern).await;
    let mut agent = clerk(&host, &key, MODERN).await;
    let mut watching = Watching::start(&host);
    let asking = tokio::spawn(async move {
        agent.call("test_elicitation_sep1330_enums", json!({})).await.unwrap()
    });
    watching.says("desk says:").await;
    // What is typed before the question could be read answers nothing.
    for _ in 0..200 {
        watching.types("").await;
        let soon = eventually("it listens", Duration::from_millis(300), || async {
            watching.said.lock().unwrap().contains("Type allow or deny.").then_some(())
        });
        if soon.await.is_ok() {
            break;
        }
    }
    watching.types("fill").await;
    for (field, line) in [
        ("untitledSingle (its number)", "2"),
        ("titledSingle (its number)", "1"),
        ("legacyEnum (its number)", "-"),
        ("untitledMulti (their numbers)", "1 3"),
        ("titledMulti (their numbers)", ""),
    ] {
        watching.says(field).await;
        watching.types(line).await;
    }
    let said = asking.await.unwrap().to_string();
    for part in ["option2", "value1", "option1", "option3"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("legacyEnum"), "{said}");
    watching.says("Answered.").await;
}
