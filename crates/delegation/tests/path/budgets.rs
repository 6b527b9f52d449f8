//! Budgets, counted where the intent is written.

use prokura_delegation::{DelegationError, GrantFault, Kind, RefusalCode};
use prokura_domain::{Choice, Decimal, Effect, Grant, Json, TargetPattern};
use prokura_store::{Log, RecordQuery};

use crate::world::*;

async fn world() -> World {
    let world = World::new().await;
    world.offers(PAY).await;
    world
}

async fn grant(world: &World, effect: Effect, budget: &str, conditions: &[&str]) -> Grant {
    let mut wish = world.wish(tool("pay"), effect, conditions);
    wish.budget = Some(budget.parse().unwrap());
    world.delegation.grant(wish).await.unwrap()
}

/// Calls once: whether it went, else what the agent is told.
async fn pays(world: &World, amount: i64) -> Result<(), String> {
    let done = within(world.begin(world.pay(amount))).await.unwrap();
    done.map(drop).map_err(|refusal| {
        assert_eq!(refusal.code, RefusalCode::Denied);
        refusal.message
    })
}

fn left(world: &World, grant: &Grant) -> String {
    let budget = grant.budget.as_ref().unwrap();
    let used = world.store.budget_used(&grant.id, budget, world.delegation.moment()).unwrap();
    budget.left(&used).to_string()
}

fn intents(log: &Log) -> usize {
    let query = RecordQuery { limit: 1000, ..Default::default() };
    let records = log.records(&query).unwrap();
    records.iter().filter(|record| record.kind == "call.intent").count()
}

/// Begins 64 calls at once; how many went and how many were refused.
async fn at_once(world: &World, amount: i64) -> (usize, usize) {
    let calls: Vec<_> = (0..64).map(|_| world.begin(world.pay(amount))).collect();
    let (mut went, mut refused) = (0, 0);
    for call in calls {
        match within(call).await.unwrap() {
            Ok(_) => went += 1,
            Err(refusal) => {
                assert_eq!(refusal.code, RefusalCode::Denied, "{}", refusal.message);
                assert!(refusal.message.contains("too little left"), "{}", refusal.message);
                refused += 1;
            }
        }
    }
    (went, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_at_once_never_one_too_many_goes() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "20/1h", &[]).await;
    assert_eq!(at_once(&world, 1).await, (20, 44));
    assert_eq!((world.sent(), intents(&world.log)), (20, 20));
    assert_eq!(left(&world, &grant), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_amounts_at_once_never_one_too_much_goes() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "sum(/n)<=100/1d", &[]).await;
    assert_eq!(at_once(&world, 7).await, (14, 50));
    assert_eq!((world.sent(), intents(&world.log)), (14, 14));
    assert_eq!(left(&world, &grant), "2");
    pays(&world, 2).await.unwrap();
    pays(&world, 1).await.unwrap_err();
    pays(&world, 0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_decisive_grant_is_charged_and_the_smallest_budget_holds() {
    let world = world().await;
    let many = grant(&world, Effect::Allow, "40/1h", &[]).await;
    let few = grant(&world, Effect::Allow, "sum(/n)<=24/1h", &[]).await;
    assert_eq!(at_once(&world, 2).await, (12, 52));
    assert_eq!((left(&world, &many), left(&world, &few)), ("28".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn a_used_up_budget_denies_whatever_the_broader_grant_says() {
    let world = world().await;
    world.grant(TargetPattern::Tools("*".to_owned()), Effect::Allow).await;
    grant(&world, Effect::Allow, "1/1h", &[]).await;
    pays(&world, 1).await.unwrap();
    let told = pays(&world, 1).await.unwrap_err();
    assert!(told.contains("The budget 1/1h of a grant for pay has too little left"), "{told}");
    assert_eq!(world.sent(), 1);
    world.recorded("call.refused", "The budget 1/1h").await;
}

#[tokio::test]
async fn a_refused_call_costs_nothing_and_an_unknown_outcome_counts() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "2/1h", &["/n <= 5"]).await;
    pays(&world, 6).await.unwrap_err();
    assert_eq!(left(&world, &grant), "2");
    *world.upstream.holds.lock().unwrap() = true;
    let call = world.begin(world.pay(1));
    within(world.upstream.arrived.notified()).await;
    call.abort();
    world.recorded("call.outcome", "cancelled").await;
    assert_eq!(left(&world, &grant), "1");
}

#[tokio::test]
async fn the_period_slides() {
    let world = world().await;
    grant(&world, Effect::Allow, "2/1h", &[]).await;
    pays(&world, 1).await.unwrap();
    world.clock.advance_seconds(1800);
    pays(&world, 1).await.unwrap();
    pays(&world, 1).await.unwrap_err();
    world.clock.advance_seconds(1799);
    pays(&world, 1).await.unwrap_err();
    world.clock.advance_seconds(1);
    pays(&world, 1).await.unwrap();
    pays(&world, 1).await.unwrap_err();
}

#[tokio::test]
async fn a_clock_set_back_gives_nothing_back() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "2/1h", &[]).await;
    pays(&world, 1).await.unwrap();
    world.clock.advance_seconds(-86_400);
    assert_eq!(left(&world, &grant), "1");
    pays(&world, 1).await.unwrap();
    pays(&world, 1).await.unwrap_err();
    // Set right again: what went while it was wrong counts as gone now, not as gone yesterday.
    world.clock.advance_seconds(86_400 + 3599);
    pays(&world, 1).await.unwrap_err();
    world.clock.advance_seconds(1);
    assert_eq!(left(&world, &grant), "2");
}

#[tokio::test]
async fn an_amount_that_is_missing_negative_or_no_number_is_refused() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "sum(/n)<=100/1d", &[]).await;
    let told = pays(&world, -1).await.unwrap_err();
    assert!(told.contains("cannot be counted: the number there is negative"), "{told}");
    for arguments in ["{}", r#"{"n":"7"}"#, r#"{"n":null}"#, r#"{"n":1e-200}"#, r#"{"n":1e9999}"#] {
        let params = format!(r#"{{"name":"pay","arguments":{arguments}}}"#);
        let call = world.begin(world.inbound("tools/call", &params));
        let refusal = within(call).await.unwrap().unwrap_err();
        assert!(refusal.message.contains("cannot be counted"), "{}", refusal.message);
    }
    assert_eq!((world.sent(), left(&world, &grant).as_str()), (0, "100"));
}

#[tokio::test]
async fn nobody_is_asked_about_a_call_that_has_no_budget_left() {
    let world = world().await;
    let grant = grant(&world, Effect::Ask, "1/1h", &[]).await;
    let call = world.begin(world.pay(1));
    let question = world.question().await;
    assert_eq!(left(&world, &grant), "1", "asking costs nothing");
    world.answer(&question, Choice::Once).await;
    within(call).await.unwrap().unwrap();
    assert_eq!(left(&world, &grant), "0");
    pays(&world, 1).await.unwrap_err();
    assert_eq!(world.questions_raised(), 1);
}

#[tokio::test]
async fn what_is_remembered_from_an_answer_does_not_escape_the_budget() {
    let world = world().await;
    grant(&world, Effect::Ask, "2/1h", &[]).await;
    let call = world.begin(world.pay(1));
    let question = world.question().await;
    world.answer(&question, Choice::SameArgumentsFor { seconds: 900 }).await;
    within(call).await.unwrap().unwrap();
    pays(&world, 1).await.unwrap();
    pays(&world, 1).await.unwrap_err();
    assert_eq!(world.sent(), 2);
}

#[tokio::test]
async fn an_answer_to_the_server_is_part_of_the_call_that_was_counted() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "sum(/n)<=5/1h", &[]).await;
    let asks = r#"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}"#;
    *world.upstream.streams.lock().unwrap() = true;
    *world.upstream.answer.lock().unwrap() = Some(asks.to_owned());
    pays(&world, 5).await.unwrap();
    *world.upstream.streams.lock().unwrap() = false;
    *world.upstream.answer.lock().unwrap() = None;
    let mut answer = world.pay(5);
    answer.kind = Kind::Answer { id: Json::from(7i64), result: Json::object::<String>([]) };
    within(world.begin(answer)).await.unwrap().unwrap();
    assert_eq!(left(&world, &grant), "0");
}

#[tokio::test]
async fn rules_that_change_while_a_call_waits_do_not_count_it_twice() {
    let world = world().await;
    let grant = grant(&world, Effect::Ask, "1/1h", &[]).await;
    let call = world.begin(world.pay(1));
    let question = world.question().await;
    // Another rule: the generation moves on while the call waits, and it is decided again.
    world.grant(tool("other"), Effect::Allow).await;
    world.answer(&question, Choice::Once).await;
    within(call).await.unwrap().unwrap();
    assert_eq!(left(&world, &grant), "0");
}

#[tokio::test]
async fn what_was_used_survives_and_the_records_say_the_budget() {
    let world = world().await;
    let grant = grant(&world, Effect::Allow, "sum(/n)<=0.5e1/1d", &[]).await;
    pays(&world, 3).await.unwrap();
    world.recorded("grant.added", r#""budget":"sum(/n)<=5/1d""#).await;
    world.recorded("call.intent", &format!(r#""charged":["{}"]"#, grant.id)).await;
    let again = prokura_store::Store::open(world.store.path().parent().unwrap()).unwrap();
    let kept = again.grant(&grant.id).unwrap().unwrap();
    assert_eq!(kept.budget, grant.budget);
    let used = again.budget_used(&grant.id, &kept.budget.unwrap(), world.delegation.moment());
    assert_eq!(used.unwrap(), Decimal::from(3));
}

#[tokio::test]
async fn what_is_denied_has_no_budget() {
    let world = world().await;
    let mut wish = world.wish(tool("pay"), Effect::Deny, &[]);
    wish.budget = "1/1h".parse().ok();
    let fault = world.delegation.grant(wish).await.unwrap_err();
    assert!(matches!(fault, DelegationError::Grant(GrantFault::BudgetOfDeny)), "{fault}");
}
