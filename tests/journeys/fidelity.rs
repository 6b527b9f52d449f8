//! What a terminal shows of a question contains, visibly, every character that is sent, whatever it tries.

use std::sync::Arc;
use std::time::Duration;

use prokura_api::{AnswerWish, Request};
use prokura_host::control::Client;
use prokura_testkit::{Agent, Run, ToolSpec, ledger};
use prokura_tests::hostile::{
    Case, Row, Shown, cases, check, definitions, unmarked, unreadable, unseen,
};
use serde_json::{Value, json};

use crate::scene::Scene;

/// What lines of a value that goes on begin with.
const ON: &str = "      │ ";
/// What a folded line goes on with.
const MORE: &str = "\n      ┊ ";
/// Ends a line after which a value goes on.
const BREAK: &str = "⟦↵⟧";
const KINDS: [&str; 6] = ["string", "number", "boolean", "null", "empty array", "empty object"];

/// The text behind what is shown: marks are characters again.
fn meant(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some((before, after)) = rest.split_once('⟦') {
        let (mark, after) = after.split_once('⟧').expect("a mark ends");
        out.push_str(before);
        out.push_str(&unmarked(mark).unwrap_or_else(|| panic!("what is {mark}?")));
        rest = after;
    }
    out + rest
}

/// A terminal's lines, read as the person is told to read them.
struct Reader<'a>(std::iter::Peekable<std::str::Lines<'a>>);

impl Reader<'_> {
    /// A text that begins with `first` and goes on wherever a mark says that its line is broken.
    fn text(&mut self, first: &str) -> String {
        let mut all = first.to_owned();
        while all.ends_with(BREAK) {
            let more = self.0.next().and_then(|line| line.strip_prefix(ON));
            all.push('\n');
            all.push_str(more.expect("a broken line goes on"));
        }
        meant(&all)
    }

    fn value(&mut self) -> String {
        let first = self.0.next().and_then(|line| line.strip_prefix(ON)).expect("a value");
        self.text(first)
    }

    /// Skips to the line that begins with `words`, and gives what follows on it.
    fn find(&mut self, words: &str) -> String {
        let rest = self.0.by_ref().find_map(|line| line.strip_prefix(words).map(str::to_owned));
        rest.unwrap_or_else(|| panic!("no line begins with {words:?}"))
    }

    fn rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        while let Some(line) = self.0.next_if(|line| !line.is_empty()) {
            if let Some(note) = line.strip_prefix("      → ") {
                self.text(note);
                continue;
            }
            let line = line.strip_prefix("  ").unwrap_or_else(|| panic!("what is {line:?}?"));
            let (kind, pointer) = line.split_once("  ").expect("a kind and a name");
            assert!(KINDS.contains(&kind), "{line}");
            let pointer = self.text(pointer);
            rows.push(Row { kind: kind.to_owned(), pointer, value: self.value() });
        }
        rows
    }
}

fn read(out: &str) -> Shown {
    let out = out.replace(MORE, "");
    let mut reader = Reader(out.lines().peekable());
    let first = reader.find("What      ");
    let tool = reader.text(&first);
    let tool = tool.strip_suffix(" (unclassified)").expect("its class").to_owned();
    reader.find("Every parameter (");
    let rows = reader.rows();
    reader.find("As the server will see it:");
    Shown { tool, rows, raw: reader.value() }
}

struct Asked {
    scene: Scene,
    control: Client,
    /// Two: one that asks as often as this would be stopped.
    agents: [Agent; 2],
}

impl Asked {
    async fn begin() -> Self {
        let mut offer = ledger::offer();
        offer.tools.extend(definitions().into_iter().map(|definition| ToolSpec {
            definition,
            scope: None,
            run: Run::Answer(Arc::new(|_: &_| Ok(json!({ "text": "done" })))),
        }));
        let scene = Scene::of(offer, "ledger").await;
        scene.grant("*", "ask").await;
        let control = Client::connect(&scene.host.folder.data()).await.unwrap();
        let other = scene.host.agent("other").await.unwrap();
        scene.host.grant("other", "ledger", "*", "ask").await.unwrap();
        let other = Agent::legacy(&scene.host.endpoint("ledger"), &other).await.unwrap();
        let agents = [scene.legacy().await, other];
        Self { scene, control, agents }
    }

    async fn waiting(&mut self) -> Vec<Value> {
        let list = self.control.ask(&Request::Approvals { all: false }).await.unwrap();
        list.as_array().unwrap().clone()
    }

    async fn try_one(&mut self, number: usize, case: &Case) {
        let cause = case.cause;
        let (agent, body) = (self.agents[number % 2].clone(), case.body(number));
        let call = tokio::spawn(async move { agent.post(body, &legacy()).await });
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        let id = loop {
            if let Some(first) = self.waiting().await.first() {
                break first["id"].as_str().unwrap().to_owned();
            }
            assert!(std::time::Instant::now() < deadline, "{cause}: nobody is asked");
            if call.is_finished() {
                panic!("{cause}: nobody is asked: {:?}", call.await);
            }
            tokio::task::yield_now().await;
        };
        let said = self.scene.host.cli(&["approvals", "show", &id]).await.unwrap();
        assert_eq!(said.code, 0, "{cause}: {}", said.err);
        let hidden = said.out.chars().find(|one| *one != '\n' && unseen(*one));
        assert_eq!(hidden, None, "{cause}: a character nobody sees is printed as it is");
        let wide = said.out.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{cause}: a terminal would begin a line of its own");
        let shown = read(&said.out);
        let yes =
            Request::ApprovalAnswer { approval: id, answer: AnswerWish::Once, passphrase: None };
        self.control.ask(&yes).await.unwrap();
        let reply = call.await.unwrap().unwrap();
        assert!(reply.is_fine(), "{cause}: {}", reply.raw);
        let sent = self.scene.fixture.recorder().calls(&case.tool);
        let sent = String::from_utf8(sent.last().unwrap().body.to_vec()).unwrap();
        check(case, &shown, &sent).unwrap_or_else(|fault| panic!("{cause}: {fault}"));
    }
}

fn legacy() -> [(String, String); 1] {
    [("mcp-protocol-version".to_owned(), prokura_domain::protocol::LEGACY.to_owned())]
}

#[tokio::test]
async fn a_terminal_shows_every_byte_of_what_is_sent() {
    let mut asked = Asked::begin().await;
    // What the agent calls itself stands beside every question.
    let claim = json!({
        "protocolVersion": prokura_domain::protocol::LEGACY,
        "capabilities": {},
        "clientInfo": { "name": "\u{202e}krelc\u{1b}[2J\u{200b}\nWhat      list_accounts", "version": "1" },
    });
    for agent in &asked.agents {
        agent.request("initialize", claim.clone()).await.unwrap();
    }
    let all = cases();
    assert!(all.len() >= 60, "{}", all.len());
    for (number, case) in all.iter().enumerate() {
        asked.try_one(number, case).await;
    }
    let causes: std::collections::BTreeSet<_> = all.iter().map(|case| case.cause).collect();
    assert_eq!(causes.len(), all.len(), "each has a cause of its own");
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_before_anybody_is_asked() {
    let mut asked = Asked::begin().await;
    for (number, (cause, written)) in unreadable().into_iter().enumerate() {
        let case = Case { cause, tool: "note".to_owned(), written };
        let reply = asked.agents[0].post(case.body(number), &legacy()).await.unwrap();
        assert!(!reply.is_fine(), "{cause}: {}", reply.raw);
        assert!(asked.waiting().await.is_empty(), "{cause}: somebody is asked");
    }
    assert!(asked.scene.fixture.recorder().calls("note").is_empty());
    // The same tool and the same agent, with something that can be read.
    let case = Case { cause: "readable", tool: "note".to_owned(), written: "{}".to_owned() };
    asked.try_one(99, &case).await;
}
