//! A server asks the person something while an agent that cannot show it waits: its form and its page in the approval
//! window, and what they do not do.

use std::path::{Path, PathBuf};

use prokura_testkit::{Agent, AgentReply, Asker};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::hands::ALLOW;
use crate::stage::{Set, Stage};

struct Desk {
    stage: Stage,
    agent: Agent,
    _server: Asker,
}

impl Desk {
    async fn open(dark: bool) -> Self {
        let server = Asker::start().await.unwrap();
        let set = Set::ledger().await;
        let host = &set.host;
        host.ok(&["servers", "add", &server.url(), "--name", "desk"]).await.unwrap();
        host.grant("clerk", "desk", "*", "allow").await.unwrap();
        host.ok(&["servers", "questions", "desk", "on"]).await.unwrap();
        let theme = if dark { "Adwaita:dark" } else { "Adwaita" };
        let stage = set.open_with(&[("GTK_THEME", theme)]).await;
        let url = format!("{}/s/desk/mcp", stage.set.http);
        let agent = Agent::legacy(&url, &stage.set.key).await.unwrap();
        Self { stage, agent, _server: server }
    }

    /// Calls the tool that asks, and waits until the question is on the screen.
    async fn asks(&self, params: Value, words: &str) -> JoinHandle<AgentReply> {
        let agent = self.agent.clone();
        let call = json!({ "params": params });
        let asking = tokio::spawn(async move { agent.call("ask", call).await.unwrap() });
        let window = &self.stage.window;
        if window.window().await.unwrap() == self.stage.main {
            window.turn_to_approval(&self.stage.main).await;
        }
        window.sees(words).await;
        window.armed().await;
        asking
    }

    async fn picture(&self, name: &str) {
        let folder = std::env::var_os("PROKURA_PROMPTS")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        self.stage.display.place("Approval", 1220, 60).unwrap();
        self.stage.window.painted().await;
        let file = folder.join(format!("{name}.png"));
        self.stage.display.picture(Some("Approval"), &file).unwrap();
        self.stage.display.shrink(&file).unwrap();
        self.stage.window.accessible(name).await;
    }
}

fn form() -> Value {
    json!({
        "message": "To book the table we need a few details.",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "name": { "type": "string", "title": "Name for the booking", "minLength": 3, "default": "Marta" },
                "seats": { "type": "integer", "title": "How many are you?", "minimum": 1, "maximum": 12 },
                "place": { "type": "string", "title": "Where?", "oneOf": [
                    { "const": "in", "title": "Inside" }, { "const": "out", "title": "On the terrace" },
                ], "default": "in" },
                "code": { "type": "string", "title": "Your access token" },
            },
            "required": ["name", "seats"],
        },
    })
}

#[tokio::test]
async fn a_form_is_filled_in_refused_in_place_and_sent_and_pictured() {
    // U-06, U-07, U-08, SB-16
    {
        let desk = Desk::open(true).await;
        let asking = desk.asks(form(), "desk asks you something").await;
        desk.picture("14-asked-form-dark").await;
        desk.stage.window.press("Decline").await;
        assert_eq!(asking.await.unwrap().text(), r#"{"action":"decline"}"#);
    }
    let desk = Desk::open(false).await;
    let window = &desk.stage.window;
    let asking = desk.asks(form(), "desk asks you something").await;
    window.sees("Words of desk, not of Prokura").await;
    window.sees("This looks like a password, a key or a code.").await;
    desk.picture("13-asked-form-light").await;
    window.type_into("How many are you? needed", "13").await;
    window.click_on(ALLOW).await;
    window.sees("is more than 12").await;
    assert!(!asking.is_finished());
    window.type_into("How many are you? needed", "4").await;
    window.press("On the terrace out").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    let told = asking.await.unwrap().text();
    let told: Value = serde_json::from_str(&told).unwrap();
    let content = json!({ "name": "Marta", "seats": 4, "place": "out" });
    assert_eq!(told, json!({ "action": "accept", "content": content }));
}

#[tokio::test]
async fn closing_the_window_is_a_cancel_and_enter_sends_nothing() {
    // U-07
    let desk = Desk::open(false).await;
    let window = &desk.stage.window;
    let asking = desk.asks(form(), "desk asks you something").await;
    window.type_into("How many are you? needed", "4\u{e007}").await;
    window.type_into("Name for the booking needed", "Grace\u{e007}").await;
    assert!(!asking.is_finished(), "Enter sent it");
    desk.stage.display.close_window("Approval").await;
    assert_eq!(asking.await.unwrap().text(), r#"{"action":"cancel"}"#);
}

#[tokio::test]
async fn a_page_opens_in_the_persons_browser_once_it_was_agreed_to() {
    // U-09, U-10, U-11, U-12
    let desk = Desk::open(false).await;
    let window = &desk.stage.window;
    let url = "https://pay.harbour.example/confirm?order=7731";
    let params =
        json!({ "mode": "url", "elicitationId": "v", "url": url, "message": "Confirm it." });
    let asking = desk.asks(params, "desk wants you to visit a page").await;
    window.sees("pay.harbour.example").await;
    let file = desk.stage.set.host.folder.root().join("opened");
    assert!(!file.exists(), "it was opened before anybody agreed");
    window.click_on(ALLOW).await;
    assert_eq!(desk.stage.opened_page().await, url);
    assert_eq!(asking.await.unwrap().text(), r#"{"action":"accept"}"#);
}
