//! What the approval window shows of a question contains, visibly, every character that is sent, whatever it tries:
//! read from the page itself, with everything opened that can be opened.

use prokura_api::{AnswerWish, Request};
use prokura_domain::{Json, protocol};
use prokura_host::control::Client;
use prokura_testkit::{Agent, Run, ToolSpec};
use prokura_tests::hostile::{Case, Row, Shown, cases, check, definitions, unmarked, unseen};
use serde_json::{Value, json};

use crate::stage::{Set, Stage};

/// What is on the page of the question with this number, once it is there.
const LOOK: &str = include_str!("fidelity.js");

/// A text in parts: 0 stands as it is, 1 is a mark, 2 a hint.
fn meant(parts: &Value) -> Result<String, String> {
    let mut out = String::new();
    for part in parts.as_array().ok_or("no text")? {
        let text = part[1].as_str().ok_or("no text")?;
        match part[0].as_u64() {
            Some(0) => match text.chars().find(|one| *one != '\n' && unseen(*one)) {
                Some(one) => return Err(format!("{:?} stands in the page as it is", one)),
                None => out.push_str(text),
            },
            Some(1) => out.push_str(&unmarked(text).ok_or_else(|| format!("what is {text}?"))?),
            _ => {}
        }
    }
    Ok(out)
}

fn read(page: &Value) -> Result<(Shown, Json), String> {
    let mut rows = Vec::new();
    for row in page["rows"].as_array().ok_or("no rows")? {
        let own = if row["own"] == true { "/arguments" } else { "" };
        let pointer = format!("{own}{}", meant(&row["pointer"])?);
        let (kind, value) = match row["label"].as_str() {
            Some("empty text") => ("string", String::new()),
            Some("empty object") => ("empty object", "{}".to_owned()),
            Some("empty array") => ("empty array", "[]".to_owned()),
            Some(other) => return Err(format!("what is {other}?")),
            None => (row["kind"].as_str().unwrap_or("string"), meant(&row["value"])?),
        };
        rows.push(Row { kind: kind.to_owned(), pointer, value });
    }
    // The window puts what is sent along after the arguments.
    let place = |row: &Row| match row.pointer.split('/').nth(1) {
        Some("name") => 0,
        Some("arguments") => 1,
        _ => 2,
    };
    rows.sort_by_key(place);
    let indented = meant(&page["json"])?;
    let indented = Json::read(indented.as_bytes()).map_err(|fault| fault.to_string())?;
    Ok((Shown { tool: meant(&page["tool"])?, rows, raw: meant(&page["raw"])? }, indented))
}

struct Window {
    stage: Stage,
    control: Client,
    turned: bool,
}

impl Window {
    async fn open() -> (Self, [Agent; 2]) {
        let more = definitions().into_iter().map(|definition| ToolSpec {
            definition,
            scope: None,
            run: Run::Answer(std::sync::Arc::new(|_: &_| Ok(json!({ "text": "done" })))),
        });
        let set = Set::ledger_with(more.collect()).await;
        let other = set.host.agent("other").await.unwrap();
        for agent in ["clerk", "other"] {
            set.host.grant(agent, "ledger", "*", "ask").await.unwrap();
        }
        let stage = set.open().await;
        let url = format!("{}/s/ledger/mcp", stage.set.http);
        let agents = [
            Agent::legacy(&url, &stage.set.key).await.unwrap(),
            Agent::legacy(&url, &other).await.unwrap(),
        ];
        let control = Client::connect(&stage.set.host.folder.data()).await.unwrap();
        (Self { stage, control, turned: false }, agents)
    }

    async fn try_one(&mut self, agent: &Agent, number: usize, case: &Case) -> Result<(), String> {
        let said = |fault: &dyn std::fmt::Display| fault.to_string();
        let (agent, body) = (agent.clone(), case.body(number));
        let era = [("mcp-protocol-version".to_owned(), protocol::LEGACY.to_owned())];
        let mut call = tokio::spawn(async move { agent.post(body, &era).await });
        if !self.turned {
            let open = self.stage.window.turn_to_approval(&self.stage.main);
            tokio::select! {
                () = open => self.turned = true,
                reply = &mut call => return Err(format!("nobody is asked: {reply:?}")),
            }
        }
        let look = LOOK.replace("NUMBER", &number.to_string());
        let page = self.stage.window.long_script(&look).await.map_err(|fault| said(&fault))?;
        if let Some(trouble) = page["trouble"].as_str() {
            return Err(trouble.to_owned());
        }
        let (shown, indented) = read(&page)?;
        let waiting = self.control.ask(&Request::Approvals { all: false }).await;
        let waiting = waiting.map_err(|failure| failure.message)?;
        let approval = waiting[0]["id"].as_str().ok_or("nobody is asked")?.to_owned();
        let yes = Request::ApprovalAnswer { approval, answer: AnswerWish::Once, passphrase: None };
        self.control.ask(&yes).await.map_err(|failure| failure.message)?;
        let reply = call.await.map_err(|fault| said(&fault))?.map_err(|fault| said(&fault))?;
        if !reply.is_fine() {
            return Err(reply.raw);
        }
        let sent = self.stage.set.ledger.recorder().calls(&case.tool);
        let sent = sent.last().map(|seen| String::from_utf8_lossy(&seen.body).into_owned());
        check(case, &shown, &sent.ok_or("nothing was sent")?)?;
        if Json::read(shown.raw.as_bytes()) != Ok(indented) {
            return Err("the indented view says something else".to_owned());
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_window_shows_every_byte_of_what_is_sent() {
    // Two agents: one that asks as often as this would be stopped.
    let (mut window, agents) = Window::open().await;
    for (number, case) in cases().iter().enumerate() {
        let tried = window.try_one(&agents[number % 2], number, case).await;
        tried.unwrap_or_else(|fault| panic!("{}: {fault:.4000}", case.cause));
    }
    let ran = window.stage.window.script("return window.approved ?? null").await.unwrap();
    assert_eq!(ran, Value::Null, "a script of a stranger ran");
}
