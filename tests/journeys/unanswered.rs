//! What time ends: questions that nobody answers, answers, grants, budgets. A Host in this process, because its clock has
//! to be moved.

use std::sync::Arc;
use std::time::Duration;

use prokura_api::{AnswerWish, GrantWish, Request, RulesWish};
use prokura_domain::port::Prompter;
use prokura_domain::{Question, QuestionId};
use prokura_host::{Host, Options, VaultChoice};
use prokura_testkit::host::Folder;
use prokura_testkit::{Agent, FixedClock, Fixture, Protection, eventually, ledger};
use serde_json::{Value, json};

use crate::scene::{fine, payment, refused};

/// A person who is not there.
struct NobodyThere;

impl Prompter for NobodyThere {
    fn raised(&self, _question: &Question) {}

    fn settled(&self, _question: &QuestionId) {}
}

struct Waiting {
    host: Host,
    clock: FixedClock,
    fixture: Fixture,
    agent: Agent,
    _folder: Folder,
}

impl Waiting {
    async fn start() -> Self {
        let folder = Folder::new(None).unwrap();
        let clock = FixedClock::at(1_795_000_000_000);
        let options = Options {
            data: folder.data(),
            port: None,
            vault: VaultChoice::KeyFile(folder.key_file()),
            prompter: Arc::new(NobodyThere),
            client_document: None,
            new_port: false,
        };
        let host = Host::start_at(options, Arc::new(clock.clone())).await.unwrap();
        let off = Request::FlowSet { on: Some(false), window: None };
        host.api().answer(off).await.unwrap();
        let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
        let add = Request::ServerAdd { url: fixture.url(), name: "ledger".into() };
        host.api().answer(add).await.unwrap();
        let added = host.api().answer(Request::AgentAdd { name: "clerk".into() }).await.unwrap();
        let grant: GrantWish = serde_json::from_value(serde_json::json!({
            "agent": "clerk", "server": "ledger", "tools": "send_payment", "effect": "ask",
        }))
        .unwrap();
        host.api().answer(Request::GrantAdd(grant)).await.unwrap();
        let url = format!("{}/s/ledger/mcp", host.http());
        let agent = Agent::modern(&url, added["key"].as_str().unwrap()).unwrap();
        Self { host, clock, fixture, agent, _folder: folder }
    }

    async fn grant(&self, wish: Value) {
        let grant: GrantWish = serde_json::from_value(wish).unwrap();
        self.host.api().answer(Request::GrantAdd(grant)).await.unwrap();
    }

    async fn questions(&self, all: bool) -> Vec<Value> {
        let list = self.host.api().answer(Request::Approvals { all }).await.unwrap();
        list.as_array().unwrap().clone()
    }

    async fn raised(&self) -> Value {
        eventually("a question", Duration::from_secs(10), || async {
            self.questions(false).await.first().cloned()
        })
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn a_question_nobody_answers_in_ten_minutes_is_a_refusal() {
    let waiting = Waiting::start().await;
    let agent = waiting.agent.clone();
    let called = tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await });
    let question = waiting.raised().await;
    waiting.clock.advance_seconds(599);
    assert!(!called.is_finished());
    assert_eq!(waiting.questions(false).await.len(), 1);
    waiting.clock.advance_seconds(2);
    let reply =
        tokio::time::timeout(Duration::from_secs(20), called).await.unwrap().unwrap().unwrap();
    refused(&reply, "nobody answered");
    assert!(waiting.fixture.recorder().calls("send_payment").is_empty());
    let late = Request::ApprovalAnswer {
        approval: question["id"].as_str().unwrap().to_owned(),
        answer: AnswerWish::Once,
        passphrase: None,
    };
    assert!(waiting.host.api().answer(late).await.is_err(), "an expired question was answered");
    assert_eq!(waiting.questions(true).await[0]["state"], "expired");
    assert!(waiting.fixture.recorder().calls("send_payment").is_empty());
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_host_that_stops_sends_nothing_that_waits_for_a_person() {
    let waiting = Waiting::start().await;
    let agent = waiting.agent.clone();
    let called = tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await });
    waiting.raised().await;
    waiting.host.stop().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), called).await.unwrap().unwrap();
    assert!(!ended.is_ok_and(|reply| reply.is_fine()));
    assert!(waiting.fixture.recorder().calls("send_payment").is_empty());
}

#[tokio::test]
async fn a_yes_for_a_while_ends_with_its_while() {
    let waiting = Waiting::start().await;
    let agent = waiting.agent.clone();
    let called = tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await });
    let question = waiting.raised().await;
    let yes = Request::ApprovalAnswer {
        approval: question["id"].as_str().unwrap().to_owned(),
        answer: AnswerWish::SameArgumentsFor(900),
        passphrase: None,
    };
    waiting.host.api().answer(yes).await.unwrap();
    assert!(called.await.unwrap().unwrap().is_fine());
    waiting.clock.advance_seconds(899);
    assert!(waiting.agent.call("send_payment", payment("1.00")).await.unwrap().is_fine());
    waiting.clock.advance_seconds(2);
    let agent = waiting.agent.clone();
    let called = tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await });
    waiting.raised().await;
    called.abort();
    assert_eq!(waiting.fixture.recorder().calls("send_payment").len(), 2);
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_grant_ends_with_its_time_and_no_millisecond_later() {
    let waiting = Waiting::start().await;
    let wish = json!({
        "agent": "clerk", "server": "ledger", "tools": "list_accounts", "effect": "allow", "until": "1h",
    });
    waiting.grant(wish).await;
    let lists = || waiting.agent.call("list_accounts", json!({}));
    fine(&lists().await.unwrap());
    waiting.clock.advance_seconds(3599);
    fine(&lists().await.unwrap());
    assert!(waiting.agent.tools().await.unwrap().contains(&"list_accounts".to_owned()));
    waiting.clock.advance_seconds(1);
    // Nothing else is granted for it, so it does not exist any more.
    refused(&lists().await.unwrap(), "unknown tool");
    assert!(!waiting.agent.tools().await.unwrap().contains(&"list_accounts".to_owned()));
    assert_eq!(waiting.fixture.recorder().calls("list_accounts").len(), 2);
    let all = waiting.host.api().answer(Request::Grants { all: true }).await.unwrap();
    let states: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert!(states.contains(&&json!("expired")), "{all}");
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_grant_that_nothing_went_through_for_thirty_days_is_told_of_until_it_is_used_or_ends() {
    let waiting = Waiting::start().await;
    let clerk = |tools: &str, effect: &str, until: Value| json!({ "agent": "clerk", "server": "ledger", "tools": tools, "effect": effect, "until": until });
    waiting.grant(clerk("list_accounts", "allow", Value::Null)).await;
    waiting.grant(clerk("close_account", "deny", Value::Null)).await;
    waiting.grant(clerk("get_statement", "allow", json!("90d"))).await;
    let unused = async || {
        let all = waiting.host.api().answer(Request::Grants { all: false }).await.unwrap();
        let told = all.as_array().unwrap().iter().filter(|one| one["unused_days"].is_number());
        let mut told: Vec<(String, i64)> = told
            .map(|one| {
                (one["target"].as_str().unwrap().to_owned(), one["unused_days"].as_i64().unwrap())
            })
            .collect();
        told.sort();
        told
    };
    let day = 86_400;
    waiting.clock.advance_seconds(30 * day - 1);
    assert_eq!(unused().await, []);
    fine(&waiting.agent.call("list_accounts", json!({})).await.unwrap());
    waiting.clock.advance_seconds(1);
    // A deny holds back and is never used; one that ends by itself needs no reminder.
    assert_eq!(unused().await, [("tool:send_payment".to_owned(), 30)]);
    waiting.clock.advance_seconds(30 * day);
    let both = unused().await;
    assert_eq!(both, [("tool:list_accounts".to_owned(), 30), ("tool:send_payment".to_owned(), 60)]);
    let all = waiting.host.api().answer(Request::Grants { all: false }).await.unwrap();
    let ids = all.as_array().unwrap().iter().filter(|one| one["unused_days"].is_number());
    let grants = ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    let until = Some("7d".to_owned());
    let end = RulesWish::Change { grants, effect: None, until };
    waiting.host.api().answer(Request::Rules(end)).await.unwrap();
    assert_eq!(unused().await, []);
    fine(&waiting.agent.call("list_accounts", json!({})).await.unwrap());
    waiting.clock.advance_seconds(7 * day);
    refused(&waiting.agent.call("list_accounts", json!({})).await.unwrap(), "unknown tool");
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_narrower_grant_that_ended_gives_the_broader_one_its_word_back() {
    let waiting = Waiting::start().await;
    let (place, until) = (("clerk", "ledger"), "2h");
    for (tools, effect, until) in [("*", "deny", None), ("get_statement", "allow", Some(until))] {
        waiting
            .grant(json!({
                "agent": place.0, "server": place.1, "tools": tools, "effect": effect, "until": until,
            }))
            .await;
    }
    let looks = || waiting.agent.call("get_statement", json!({ "account": "giro" }));
    fine(&looks().await.unwrap());
    waiting.clock.advance_seconds(7200);
    refused(&looks().await.unwrap(), "denies");
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_budget_is_full_again_after_its_period_and_not_before() {
    let waiting = Waiting::start().await;
    let wish = json!({
        "agent": "clerk", "server": "ledger", "tools": "list_accounts", "effect": "allow", "budget": "2/1h",
    });
    waiting.grant(wish).await;
    let lists = || waiting.agent.call("list_accounts", json!({}));
    fine(&lists().await.unwrap());
    waiting.clock.advance_seconds(1800);
    fine(&lists().await.unwrap());
    waiting.clock.advance_seconds(1799);
    refused(&lists().await.unwrap(), "budget");
    waiting.clock.advance_seconds(2);
    // The first is an hour old now, the second is not.
    fine(&lists().await.unwrap());
    refused(&lists().await.unwrap(), "budget");
    waiting.host.stop().await;
}

#[tokio::test]
async fn a_yes_that_nobody_used_ends_when_its_question_would_have() {
    let waiting = Waiting::start().await;
    let call = |amount: &str| {
        let (agent, own) = (waiting.agent.clone(), payment(amount));
        tokio::spawn(async move { agent.call("send_payment", own).await })
    };
    let answered = async |answer: AnswerWish| {
        let approval = waiting.raised().await["id"].as_str().unwrap().to_owned();
        let wish = Request::ApprovalAnswer { approval, answer, passphrase: None };
        waiting.host.api().answer(wish).await.unwrap();
    };
    // In time it serves its call; a second too late it is as if nobody had said it.
    for (amount, seconds) in [("1.00", 599), ("2.00", 601)] {
        let given_up = call(amount);
        waiting.raised().await;
        given_up.abort();
        let _ = given_up.await;
        answered(AnswerWish::Once).await;
        waiting.clock.advance_seconds(seconds);
        let again = call(amount);
        if seconds > 600 {
            answered(AnswerWish::Deny(None)).await;
            refused(&again.await.unwrap().unwrap(), "denied");
        } else {
            assert!(again.await.unwrap().unwrap().is_fine());
        }
    }
    assert_eq!(waiting.fixture.recorder().calls("send_payment").len(), 1);
    waiting.host.stop().await;
}
