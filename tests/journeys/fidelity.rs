//! What a terminal shows of a question contains, visibly, every character that is sent, whatever it tries.

use std::sync::Arc;
use std::time::Duration;

use prokura_testkit::{Agent, Run, ToolSpec, eventually, ledger};
use prokura_tests::hostile::{cases, leaves, unmarked, unseen};
use serde_json::json;

use crate::scene::Scene;

/// What lines of a value begin with.
const ON: &str = "      │ ";

/// The text behind what is shown: marks are characters again.
fn meant(shown: &str) -> String {
    let shown = shown.replace(&format!("\n{ON}"), "\n");
    let mut out = String::new();
    let mut rest = shown.as_str();
    while let Some((before, after)) = rest.split_once('⟦') {
        let (mark, after) = after.split_once('⟧').expect("a mark ends");
        out.push_str(before);
        out.push_str(&unmarked(mark).unwrap_or_else(|| panic!("what is {mark}?")));
        rest = after;
    }
    out + rest
}

/// The arguments as they stand under "Every parameter": pointer and value, each with its kind taken off.
fn rows(text: &str) -> Vec<(String, String)> {
    let from = text.find("\nEvery parameter (").expect("the parameters are shown");
    let body = text.get(from + 1..).unwrap();
    let body = body.split_once(":\n").unwrap().1;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut at: Option<String> = None;
    for line in body.lines() {
        if let Some(more) = line.strip_prefix(ON) {
            match (&mut at, all.last_mut()) {
                (Some(pointer), _) if pointer.ends_with(" =") => {
                    let pointer = at.take().unwrap();
                    let pointer = pointer.strip_suffix(" =").unwrap().to_owned();
                    all.push((pointer, more.to_owned()));
                }
                (Some(pointer), _) => pointer.push_str(&format!("\n{ON}{more}")),
                (None, Some((_, value))) => value.push_str(&format!("\n{ON}{more}")),
                (None, None) => panic!("a value without a name: {line}"),
            }
        } else if line.starts_with("      → ") {
        } else if let Some(pointer) = line.strip_prefix("  ") {
            at = Some(pointer.to_owned());
        } else {
            break;
        }
    }
    all.into_iter().map(|(at, value)| (meant(&at), meant(&value))).collect()
}

#[tokio::test]
async fn a_terminal_shows_every_character_of_what_is_sent() {
    let mut offer = ledger::offer();
    let run = Run::Answer(Arc::new(|_: &_| Ok(json!({ "text": "done" }))));
    offer.tools.push(ToolSpec::new("note", "Writes.", json!({ "type": "object" }), run));
    let scene = Scene::of(offer, "ledger").await;
    scene.grant("note", "ask").await;
    let all = cases();
    assert!(all.len() >= 60, "{}", all.len());
    for case in all {
        let agent: Agent = scene.agent();
        let (arguments, cause) = (case.arguments.clone(), case.cause);
        let call = tokio::spawn(async move { agent.call("note", arguments).await });
        let question = eventually(cause, Duration::from_secs(90), || async {
            let waiting = scene.host.ok(&["approvals", "list"]).await.ok()?;
            waiting.as_array()?.first().cloned()
        })
        .await
        .unwrap();
        let id = question["id"].as_str().unwrap().to_owned();
        let said = scene.host.cli(&["approvals", "show", &id]).await.unwrap();
        assert_eq!(said.code, 0, "{cause}: {}", said.err);
        let hidden = said.out.chars().find(|one| *one != '\n' && unseen(*one));
        assert_eq!(hidden, None, "{cause}: a character nobody sees is printed as it is");
        let shown: Vec<(String, String)> = rows(&said.out)
            .into_iter()
            .filter(|(at, _)| at == "/arguments" || at.starts_with("/arguments/"))
            .collect();
        let sent = leaves(&case.arguments);
        assert_eq!(shown.len(), sent.len(), "{cause}");
        for ((at, value), (sent_at, sent_value)) in shown.iter().zip(&sent) {
            assert_eq!(at, sent_at, "{cause}");
            let kinds =
                ["  (number)", "  (boolean)", "  (null)", "  (empty object)", "  (empty array)"];
            let plain = kinds.iter().find_map(|kind| value.strip_suffix(kind)).unwrap_or(value);
            assert!(
                plain == sent_value || same_number(plain, sent_value),
                "{cause}: {at}: {plain:?}"
            );
        }
        scene.host.ok(&["approvals", "answer", &id, "deny"]).await.unwrap();
        call.await.unwrap().unwrap();
    }
    assert!(scene.fixture.recorder().calls("note").is_empty());
}

/// Both are the number that was sent; only the test's own JSON writes it in another way.
fn same_number(shown: &str, sent: &str) -> bool {
    matches!((shown.parse::<f64>(), sent.parse::<f64>()), (Ok(shown), Ok(sent)) if shown == sent)
}
