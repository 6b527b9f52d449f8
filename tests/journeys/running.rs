//! The person calls a tool themselves: one path for everybody, with grants, questions and records of their own.

use prokura_testkit::TestHost;
use prokura_testkit::host::Said;
use serde_json::{Value, json};

use crate::scene::Scene;

const PAY: &str = r#"{"from":"giro","to":"Grace","amount":"9007199254740993.10","currency":"EUR"}"#;

async fn run(host: &TestHost, words: &[&str]) -> (Said, Value) {
    let said =
        host.cli(&[&["--json", "run", "--server", "ledger"][..], words].concat()).await.unwrap();
    let view = said.json();
    assert!(view.is_object(), "{} {}", said.out, said.err);
    (said, view)
}

fn text(pieces: &Value) -> String {
    let pieces = pieces.as_array().cloned().unwrap_or_default();
    pieces.iter().filter_map(|piece| piece["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_the_person_runs_asks_is_recorded_and_sent_as_it_was_written() {
    let scene = Scene::ledger().await;
    let (ran, question) =
        tokio::join!(run(&scene.host, &["send_payment", PAY]), scene.host.answer(&["allow"]));
    let question = question.unwrap();
    assert_eq!(question["agent"]["name"], "you");
    assert!(question["arguments"].to_string().contains("9007199254740993.10"), "{question}");
    let (said, view) = ran;
    assert_eq!((said.code, &view["outcome"]), (0, &json!("done")), "{view}");
    let calls = scene.fixture.recorder().calls("send_payment");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].json()["params"]["arguments"]["amount"], "9007199254740993.10");

    let trace = view["trace"].as_str().unwrap();
    let records = scene.host.ok(&["audit", "list", "--trace", trace]).await.unwrap();
    let kinds: Vec<&str> =
        records.as_array().unwrap().iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"call.intent") && kinds.contains(&"call.outcome"), "{kinds:?}");
    // The first run made the grant by which everything asks; it can be seen and taken back like any other.
    let grants = scene.host.ok(&["grants", "list"]).await.unwrap();
    assert_eq!((&grants[0]["agent"]["name"], &grants[0]["effect"]), (&json!("you"), &json!("ask")));
    let id = grants[0]["id"].as_str().unwrap();
    scene.host.ok(&["grants", "revoke", id]).await.unwrap();
    let (said, view) = run(&scene.host, &["send_payment", PAY]).await;
    assert_eq!((said.code, &view["outcome"]), (1, &json!("refused")), "{view}");
    assert_eq!(scene.host.ok(&["grants", "list"]).await.unwrap(), json!([]), "it came back");
    assert_eq!(scene.fixture.recorder().calls("send_payment").len(), 1);
}

#[tokio::test]
async fn a_no_and_a_tools_own_failure_are_told_as_what_they_are() {
    let scene = Scene::ledger().await;
    let deny = ["deny", "--note", "not today"];
    let (ran, _) = tokio::join!(run(&scene.host, &["send_payment", PAY]), scene.host.answer(&deny));
    assert_ne!(ran.0.code, 0);
    let told = format!("{}{}", text(&ran.1["message"]), text(&ran.1["parts"][0]["text"]));
    assert!(told.contains("not today"), "{}", ran.1);
    scene.host.grant("you", "ledger", "list_accounts", "allow").await.unwrap();
    let (said, view) = run(&scene.host, &["list_accounts"]).await;
    assert_eq!((said.code, &view["outcome"]), (0, &json!("done")));
    assert!(text(&view["structured"]).contains("giro"), "{view}");
    for (words, part) in [
        (&["send_payment", "[1]"][..], "another kind of value"),
        (&["send_payment", r#"{"a":1,"a":2}"#], "JSON object"),
        (&["no_such_tool"], "no tool"),
    ] {
        let said = scene.host.cli(&[&["run", "--server", "ledger"][..], words].concat()).await;
        let said = said.unwrap();
        assert!(said.code == 1 && said.err.contains(part), "{words:?}: {}", said.err);
    }
    assert_eq!(scene.fixture.recorder().calls("send_payment").len(), 0);
}

#[tokio::test]
async fn nobody_else_comes_in_as_the_person() {
    let scene = Scene::ledger().await;
    scene.host.grant("clerk", "ledger", "list_accounts", "allow").await.unwrap();
    let (ran, _) =
        tokio::join!(run(&scene.host, &["list_accounts"]), scene.host.answer(&["allow"]));
    assert_eq!(ran.1["outcome"], "done");
    for words in [
        &["agents", "add", "you", "--key"][..],
        &["agents", "key", "you"],
        &["agents", "revoke", "you"],
    ] {
        let said = scene.host.cli(words).await.unwrap();
        assert!(said.code == 1 && said.err.contains("yourself"), "{words:?}: {}", said.err);
    }
    // Its pause holds, as everybody's does.
    scene.host.ok(&["agents", "pause", "you"]).await.unwrap();
    let (_, view) = run(&scene.host, &["list_accounts"]).await;
    assert_eq!(view["outcome"], "failed", "{view}");
    assert!(text(&view["parts"][0]["text"]).contains("paused"), "{view}");
    // Whoever asks to come in belongs to an agent from then on, so this is last.
    let stdio = scene.host.folder.run_with(
        &["stdio", "--agent", "you", "--server", "ledger"],
        br#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}"#,
    );
    let said = stdio.await.unwrap();
    assert!(said.out.contains("yourself"), "{} {}", said.out, said.err);
    assert_eq!(scene.host.ok(&["approvals", "list"]).await.unwrap(), json!([]), "nobody was asked");
}
