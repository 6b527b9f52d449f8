//! Whose a line is: its own Agent's, or nobody's.
#![allow(clippy::unwrap_used, clippy::panic)]

use prokura_domain::AgentId;

use super::*;
use crate::local::outlet::{self, Outlet};

fn agent(name: &str) -> Spender {
    Spender::Agent(AgentId::from_text(name))
}

fn waits(
    table: &mut Table,
    name: &str,
    session: Option<&str>,
    text: &str,
) -> (u64, String, Outlet) {
    let (inlet, outlet) = outlet::pair();
    let pending = Pending {
        id: value(text, &["id"]).unwrap().to_owned(),
        progress: value(text, &["params", "_meta", "progressToken"]).map(str::to_owned),
        session: session.map(str::to_owned),
        agent: agent(name),
        method: "tools/call".to_owned(),
        inlet,
    };
    let (number, text) = table.enter(pending, text.to_owned());
    (number, text, outlet)
}

async fn heard(outlet: &mut Outlet) -> Option<String> {
    match outlet.next().await? {
        Said::Event(text) | Said::Last(text) => Some(text),
    }
}

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#;

#[tokio::test]
async fn the_same_id_and_token_of_two_agents_lead_back_to_each_ones_own() {
    let mut table = Table::default();
    let (one, sent, mut anna) = waits(&mut table, "anna", None, CALL);
    assert_eq!(sent, CALL.replace(r#""t""#, "1"));
    let (two, _, mut berta) = waits(&mut table, "berta", None, CALL);
    assert_ne!(one, two);
    let progress = |of: u64| {
        format!(
            r#"{{"method":"notifications/progress","params":{{"progressToken":{of},"x":1e99}}}}"#
        )
    };
    assert!(table.noted("notifications/progress", progress(two)));
    assert!(table.answered("1", r#"{"id":1,"result":{"of":"anna"}}"#.to_owned()));
    assert!(table.answered("2", r#"{"id":2,"result":{"of":"berta"}}"#.to_owned()));
    assert_eq!(heard(&mut anna).await.unwrap(), r#"{"id":1,"result":{"of":"anna"}}"#);
    let said = heard(&mut berta).await.unwrap();
    assert_eq!(said, progress(two).replace(r#":2,"#, r#":"t","#));
    assert_eq!(heard(&mut berta).await.unwrap(), r#"{"id":1,"result":{"of":"berta"}}"#);
    assert!(heard(&mut anna).await.is_none() && heard(&mut berta).await.is_none());
    // Nobody waits for these any more.
    assert!(!table.answered("2", r#"{"id":2,"result":{}}"#.to_owned()));
    assert!(!table.noted("notifications/progress", progress(two)));
}

#[tokio::test]
async fn what_cannot_be_told_apart_reaches_nobody() {
    let note = r#"{"method":"notifications/message","params":{"data":"private"}}"#.to_owned();
    let mut table = Table::default();
    let (_, _, mut anna) = waits(&mut table, "anna", None, CALL);
    assert!(table.noted("notifications/message", note.clone()), "there is only one it can be for");
    assert_eq!(heard(&mut anna).await.unwrap(), note);
    let (_, _, berta) = waits(&mut table, "berta", None, CALL);
    assert!(!table.noted("notifications/message", note.clone()));
    assert!(!table.asked(r#"{"id":"q","method":"elicitation/create","params":{}}"#));
    drop((anna, berta));
}

#[tokio::test]
async fn a_resource_is_told_of_to_the_sessions_that_asked_for_it() {
    let mut table = Table::default();
    let mut listening = Vec::new();
    for (session, uri) in [("anna", Some("\"a://x\"")), ("berta", None)] {
        let (inlet, outlet) = outlet::pair();
        let mut standing = Standing::default();
        standing.uris.extend(uri.map(str::to_owned));
        standing.listen(inlet);
        table.sessions.insert(session.to_owned(), standing);
        listening.push(outlet);
    }
    let updated = r#"{"method":"notifications/resources/updated","params":{"uri":"a://x"}}"#;
    assert!(table.noted("notifications/resources/updated", updated.to_owned()));
    let changed = r#"{"method":"notifications/tools/list_changed"}"#;
    assert!(table.noted("notifications/tools/list_changed", changed.to_owned()));
    let [anna, berta] = &mut listening[..] else { panic!() };
    assert_eq!(heard(anna).await.unwrap(), updated);
    assert_eq!(heard(anna).await.unwrap(), changed);
    assert_eq!(heard(berta).await.unwrap(), changed, "and nothing before it");
}

#[tokio::test]
async fn a_subscription_is_told_of_under_the_agents_own_id() {
    let mut table = Table::default();
    let listen = r#"{"id":"mine","method":"subscriptions/listen","params":{}}"#;
    let (number, _, mut outlet) = waits(&mut table, "anna", None, listen);
    let told = |id: &str| {
        format!(
            r#"{{"method":"notifications/tools/list_changed","params":{{"_meta":{{"{META_SUBSCRIPTION}":{id}}}}}}}"#
        )
    };
    assert!(table.noted("notifications/tools/list_changed", told(&number.to_string())));
    assert_eq!(heard(&mut outlet).await.unwrap(), told("\"mine\""));
}
