//! The flow rule on the path: it holds whatever is granted, for calls at once, and only a person lets a call pass it.

use prokura_delegation::{AnswerFault, DelegationError, Kind, RefusalCode};
use prokura_domain::*;

use crate::world::*;

const TOOLS: &str =
    r#"[{"name":"read_mail"},{"name":"fetch_page"},{"name":"send"},{"name":"any"}]"#;

async fn world() -> World {
    let world = World::with_flows().await;
    world.offers(TOOLS).await;
    for (tool, labels) in
        [("read_mail", "reads_private"), ("fetch_page", "reads_untrusted"), ("send", "sends_out")]
    {
        let labels = Labels::from_text(labels).unwrap();
        world.delegation.label_tool(&world.server, tool, labels).await.unwrap();
    }
    world.grant(TargetPattern::Tools("*".to_owned()), Effect::Allow).await;
    world
}

fn call(world: &World, tool: &str, n: i64) -> prokura_delegation::Inbound {
    world.inbound("tools/call", &format!(r#"{{"name":"{tool}","arguments":{{"n":{n}}}}}"#))
}

async fn goes(world: &World, tool: &str) {
    within(world.begin(call(world, tool, 1))).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_would_send_out_after_both_were_read_is_asked_about_and_says_why() {
    let world = world().await;
    goes(&world, "read_mail").await;
    goes(&world, "send").await;
    goes(&world, "fetch_page").await;
    let waiting = world.begin(call(&world, "send", 2));
    let question = world.question().await;
    let shown = world.store.question(&question).unwrap().unwrap();
    assert!(shown.only_once());
    let text = &shown.why[0].text;
    assert!(
        text.contains("read_mail of ledger") && text.contains("fetch_page of ledger"),
        "{text}"
    );
    world.answer(&question, Choice::Once).await;
    within(waiting).await.unwrap().unwrap();
    assert_eq!(world.sent(), 4);
}

#[tokio::test]
async fn a_question_of_the_flow_rule_is_answered_once_and_no_remembered_answer_overrides_it() {
    let world = world().await;
    world.grant(tool("send"), Effect::Ask).await;
    let waiting = world.begin(call(&world, "send", 1));
    let question = world.question().await;
    world.answer(&question, Choice::SameArgumentsFor { seconds: 3600 }).await;
    within(waiting).await.unwrap().unwrap();
    goes(&world, "send").await;
    goes(&world, "read_mail").await;
    goes(&world, "fetch_page").await;
    let waiting = world.begin(call(&world, "send", 1));
    let question = world.question().await;
    let choice = Choice::SameArgumentsFor { seconds: 3600 };
    let answer = Answer { question: question.clone(), choice, passphrase: None };
    let fault = world.delegation.answer(answer, Origin::Cli).await.unwrap_err();
    assert!(matches!(fault, DelegationError::Answer(AnswerFault::OnlyOnce)));
    world.answer(&question, Choice::Once).await;
    within(waiting).await.unwrap().unwrap();
    let again = world.begin(call(&world, "send", 1));
    let another = world.question().await;
    assert_ne!(another, question, "the yes was for one call");
    world.answer(&another, Choice::Deny { note: None }).await;
    assert!(within(again).await.unwrap().is_err());
}

/// The yes was given to another question: nothing had been read when it was shown.
#[tokio::test]
async fn a_yes_that_did_not_show_what_flows_is_asked_again() {
    let world = world().await;
    world.grant(tool("send"), Effect::Ask).await;
    let waiting = world.begin(call(&world, "send", 1));
    let first = world.question().await;
    goes(&world, "read_mail").await;
    goes(&world, "fetch_page").await;
    world.answer(&first, Choice::Once).await;
    let second = world.question().await;
    assert_eq!(world.sent(), 2, "nothing was sent on the first yes");
    world.answer(&second, Choice::Once).await;
    within(waiting).await.unwrap().unwrap();
    assert_eq!(world.sent(), 3);
    let state = world.store.question(&first).unwrap().unwrap().state;
    assert_eq!(state, QuestionState::Dropped, "it is good for nothing more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_at_once_none_slips_past_what_another_one_reads() {
    let world = world().await;
    // Nobody has looked at it, so it counts as all three: only the first can know of nothing that was read.
    let calls: Vec<_> = (0..64).map(|n| world.begin(call(&world, "any", n))).collect();
    within(async {
        while world.questions_raised() < 63 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(world.sent(), 1);
    assert_eq!(world.kinds().iter().filter(|kind| *kind == "call.intent").count(), 1);
    world.delegation.pause().await.unwrap();
    let mut went = 0;
    for call in calls {
        went += usize::from(within(call).await.unwrap().is_ok());
    }
    assert_eq!(went, 1);
}

#[tokio::test]
async fn the_window_slides_and_belongs_to_the_agent_whatever_the_session() {
    let world = world().await;
    goes(&world, "read_mail").await;
    let mut other = call(&world, "fetch_page", 1);
    other.session = Some("another session".to_owned());
    within(world.begin(other)).await.unwrap().unwrap();
    world.clock.advance_seconds(8 * 3600 - 1);
    let waiting = world.begin(call(&world, "send", 1));
    let question = world.question().await;
    world.answer(&question, Choice::Deny { note: None }).await;
    assert_eq!(within(waiting).await.unwrap().unwrap_err().code, RefusalCode::DeniedByPerson);
    world.clock.advance_seconds(1);
    goes(&world, "send").await;
}

#[tokio::test]
async fn another_agent_a_shorter_window_and_forgetting_are_not_stopped() {
    let world = world().await;
    goes(&world, "read_mail").await;
    goes(&world, "fetch_page").await;
    let other = world.delegation.add_agent("reader").await.unwrap().agent;
    let wish = world.wish(TargetPattern::Tools("*".to_owned()), Effect::Allow, &[]);
    let wish = prokura_delegation::NewGrant { agent: other.id.clone(), ..wish };
    world.delegation.grant(wish).await.unwrap();
    let mut inbound = call(&world, "send", 1);
    inbound.agent = other.id;
    within(world.begin(inbound)).await.unwrap().unwrap();
    world.clock.advance_seconds(61);
    let short = FlowRule { on: true, window_seconds: 60 };
    world.delegation.set_flow_rule(short).await.unwrap();
    goes(&world, "send").await;
    world.delegation.set_flow_rule(FlowRule::default()).await.unwrap();
    world.delegation.forget_flow(&world.agent).await.unwrap();
    goes(&world, "send").await;
    assert_eq!(world.questions_raised(), 0);
}

/// An answer to what a server asks within a call is part of that call.
#[tokio::test]
async fn what_a_call_reads_does_not_stop_the_answers_that_belong_to_it() {
    let world = world().await;
    let asks = r#"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{}}"#;
    *world.upstream.streams.lock().unwrap() = true;
    *world.upstream.answer.lock().unwrap() = Some(asks.to_owned());
    within(world.begin(call(&world, "any", 1))).await.unwrap().unwrap();
    *world.upstream.streams.lock().unwrap() = false;
    let mut answer = call(&world, "any", 1);
    answer.kind = Kind::Answer { id: Json::text("q1"), result: Json::object([("n", Json::Null)]) };
    within(world.begin(answer)).await.unwrap().unwrap();
    assert_eq!(world.sent(), 2);
}
