//! What is put comes back, and what belongs together goes together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod questions;

use std::sync::Arc;

use prokura_domain::call::Why;
use prokura_domain::port::{SealContext, SealFault, Sealer};
use prokura_domain::{
    Account, AccountId, AccountKind, AccountState, Agent, AgentId, AgentState, AuditLevel, CallId,
    Digest, Effect, Grant, GrantId, Labels, Origin, Pin, Question, QuestionId, QuestionKind,
    QuestionState, Server, ServerId, TargetPattern, Timestamp, Tool, ToolClass,
};
use prokura_store::{Registration, RegistrationSource, Sealed, Store, StoreError};
use tempfile::TempDir;

/// Seals so that nothing can be read as it was, and opens only where it was sealed.
struct Turned;

impl Sealer for Turned {
    fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
        let all = [context.row.as_bytes(), &[0], plain].concat();
        Ok(all.iter().map(|byte| !byte).collect())
    }

    fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, SealFault> {
        let all: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
        let head = [context.row.as_bytes(), &[0]].concat();
        let plain = all.strip_prefix(head.as_slice()).ok_or(SealFault::DoesNotOpen)?;
        Ok(plain.to_vec().into())
    }
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.seal_with(Arc::new(Turned));
    (dir, store)
}

fn server(id: &str, name: &str) -> Server {
    Server {
        id: ServerId::from_text(id),
        name: name.to_owned(),
        endpoint: "https://shop.example/mcp".to_owned(),
        resource: None,
        audit_level: AuditLevel::Arguments,
        launch: None,
        added_at: Timestamp(5),
    }
}

fn account(id: &str, at: &str, name: &str) -> Account {
    Account {
        id: AccountId::from_text(id),
        server: ServerId::from_text(at),
        name: name.to_owned(),
        kind: AccountKind::Oauth,
        state: AccountState::SignedIn,
        issuer: Some("https://issuer.example".to_owned()),
        resource: Some("https://shop.example/mcp".to_owned()),
        subject: Some("anna".to_owned()),
        tenant: None,
        scopes: vec!["read".to_owned(), "write:all".to_owned()],
        generation: 7,
        expires_at: Some(Timestamp(9)),
        added_at: Timestamp(6),
    }
}

fn agent(id: &str, name: &str, key: u8) -> Agent {
    Agent {
        id: AgentId::from_text(id),
        name: name.to_owned(),
        state: AgentState::Active,
        key: Some(Digest([key; 32])),
        claim: None,
        added_at: Timestamp(1),
        seen_at: None,
    }
}

fn tool(name: &str, seen_at: i64) -> Tool {
    Tool {
        server: ServerId::from_text("srv_1"),
        name: name.to_owned(),
        definition: "{}".to_owned(),
        digest: Digest([1; 32]),
        offered: None,
        pin: Pin::Accepted,
        class: Some(ToolClass::Read),
        suggested: ToolClass::Write,
        labels: Some(Labels { reads_private: true, reads_untrusted: false, sends_out: true }),
        seen_at: Timestamp(seen_at),
    }
}

fn grant(id: &str, server: &str) -> Grant {
    Grant {
        id: GrantId::from_text(id),
        agent: AgentId::from_text("agt_1"),
        server: ServerId::from_text(server),
        account: Some(AccountId::from_text("acc_1")),
        target: TargetPattern::Class(ToolClass::Read),
        effect: Effect::Ask,
        arguments: Some(Digest([4; 32])),
        conditions: vec![
            "/amount <= 1e400".parse().unwrap(),
            "/to in [1.0,\"ü\"]".parse().unwrap(),
        ],
        budget: "sum(/amount)<=1e200/1d".parse().ok(),
        until: Some(Timestamp(99)),
        note: Some("for the holidays".to_owned()),
        origin: Origin::Approval { question: QuestionId::from_text("qst_1") },
        added_at: Timestamp(3),
        revoked_at: None,
        used_at: None,
    }
}

fn question(id: &str, raised_at: i64) -> Question {
    Question {
        id: QuestionId::from_text(id),
        kind: QuestionKind::Call {
            call: CallId::from_text("cal_1"),
            method: "tools/call".to_owned(),
            target_kind: "tool".to_owned(),
            target: "buy".to_owned(),
            class: None,
            pin: Some(Digest([3; 32])),
            level: Default::default(),
        },
        agent: Some(AgentId::from_text("agt_1")),
        server: Some(ServerId::from_text("srv_1")),
        account: Some(AccountId::from_text("acc_1")),
        digest: Digest([2; 32]),
        params: "{\"n\": 1.0}".to_owned(),
        why: vec![Why::new("default", "nothing allows it")],
        raised_at: Timestamp(raised_at),
        expires_at: Timestamp(raised_at + 600),
        state: QuestionState::Pending,
        settled_at: None,
        note: None,
    }
}

fn sealed(generation: u64, byte: u8) -> Sealed {
    Sealed { generation, bytes: vec![byte; 40] }
}

#[test]
fn servers_come_back_by_name_and_are_found_by_name_or_id() {
    let (_dir, store) = store();
    let (zoo, shop) = (server("srv_1", "zoo"), server("srv_2", "shop"));
    store.put_server(&zoo).unwrap();
    store.put_server(&shop).unwrap();
    assert_eq!(store.servers().unwrap(), [shop.clone(), zoo.clone()]);
    assert_eq!(store.find_server("zoo").unwrap(), Some(zoo.clone()));
    assert_eq!(store.find_server("srv_2").unwrap(), Some(shop.clone()));
    assert_eq!(store.find_server("nobody").unwrap(), None);
    let changed = Server {
        resource: Some("https://shop.example/".to_owned()),
        audit_level: AuditLevel::Digest,
        ..shop.clone()
    };
    store.put_server(&changed).unwrap();
    assert_eq!(store.server(&shop.id).unwrap(), Some(changed));
    let taken = store.put_server(&server("srv_3", "zoo")).unwrap_err();
    assert!(matches!(&taken, StoreError::NameTaken(name) if name == "zoo"), "{taken}");
}

#[test]
fn changing_a_server_keeps_what_belongs_to_it() {
    let (_dir, store) = store();
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_account(&account("acc_1", "srv_1", "anna")).unwrap();
    store.put_tools(&[tool("buy", 1)]).unwrap();
    store.put_server(&server("srv_1", "market")).unwrap();
    assert_eq!(store.accounts(&ServerId::from_text("srv_1")).unwrap().len(), 1);
    assert_eq!(store.tools(&ServerId::from_text("srv_1")).unwrap().len(), 1);
}

#[test]
fn removing_a_server_removes_what_is_sealed_for_it_and_leaves_its_grants() {
    let (_dir, store) = store();
    let (gone, stays) = (ServerId::from_text("srv_1"), ServerId::from_text("srv_10"));
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_server(&server("srv_10", "zoo")).unwrap();
    store.put_account(&account("acc_1", "srv_1", "anna")).unwrap();
    store.put_account(&account("acc_2", "srv_10", "anna")).unwrap();
    store.put_tools(&[tool("buy", 1)]).unwrap();
    store.put_grant(&grant("grt_1", "srv_1")).unwrap();
    let agent = AgentId::from_text("agt_1");
    store.choose_account(&agent, &gone, &AccountId::from_text("acc_1")).unwrap();
    for row in ["acc_1", "srv_1", "srv_1/https://issuer.example", "acc_2", "srv_10", "srv_10/x"] {
        store.put_secret(row, "tokens", &sealed(1, 1)).unwrap();
    }
    store.remove_server(&gone).unwrap();
    assert_eq!(store.server(&gone).unwrap(), None);
    assert!(store.accounts(&gone).unwrap().is_empty());
    assert!(store.tools(&gone).unwrap().is_empty());
    assert_eq!(store.active_account(&agent, &gone).unwrap(), None);
    assert_eq!(store.grants().unwrap().len(), 1);
    for row in ["acc_1", "srv_1", "srv_1/https://issuer.example"] {
        assert_eq!(store.secret(row, "tokens").unwrap(), None, "{row}");
    }
    for row in ["acc_2", "srv_10", "srv_10/x"] {
        assert!(store.secret(row, "tokens").unwrap().is_some(), "{row}");
    }
    assert_eq!(store.accounts(&stays).unwrap().len(), 1);
}

#[test]
fn accounts_come_back_as_they_were_and_their_names_are_unique_at_their_server() {
    let (_dir, store) = store();
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_server(&server("srv_2", "zoo")).unwrap();
    let anna = account("acc_1", "srv_1", "anna");
    store.put_account(&anna).unwrap();
    store.put_account(&account("acc_2", "srv_2", "anna")).unwrap();
    assert_eq!(store.account(&anna.id).unwrap(), Some(anna.clone()));
    assert_eq!(store.find_account(&anna.server, "anna").unwrap(), Some(anna.clone()));
    assert_eq!(store.find_account(&anna.server, "acc_1").unwrap(), Some(anna.clone()));
    assert_eq!(store.find_account(&anna.server, "acc_2").unwrap(), None);
    let twin = store.put_account(&account("acc_3", "srv_1", "anna")).unwrap_err();
    assert!(matches!(twin, StoreError::NameTaken(_)));
    let lost = store.put_account(&account("acc_4", "srv_9", "anna")).unwrap_err();
    assert!(matches!(lost, StoreError::NoSuch(_)), "{lost}");
    store.put_secret("acc_1", "tokens", &sealed(1, 1)).unwrap();
    store.remove_account(&anna.id).unwrap();
    assert_eq!(store.account(&anna.id).unwrap(), None);
    assert_eq!(store.secret("acc_1", "tokens").unwrap(), None);
}

#[test]
fn the_active_account_is_the_chosen_one_else_the_only_one_else_none() {
    let (_dir, store) = store();
    let (agent, at) = (AgentId::from_text("agt_1"), ServerId::from_text("srv_1"));
    let (anna, ben) = (AccountId::from_text("acc_1"), AccountId::from_text("acc_2"));
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_server(&server("srv_2", "zoo")).unwrap();
    assert_eq!(store.active_account(&agent, &at).unwrap(), None);
    store.put_account(&account("acc_1", "srv_1", "anna")).unwrap();
    assert_eq!(store.active_account(&agent, &at).unwrap(), Some(anna.clone()));
    store.put_account(&account("acc_2", "srv_1", "ben")).unwrap();
    assert_eq!(store.active_account(&agent, &at).unwrap(), None, "ambiguous is none");
    store.choose_account(&agent, &at, &anna).unwrap();
    store.choose_account(&agent, &at, &ben).unwrap();
    assert_eq!(store.active_account(&agent, &at).unwrap(), Some(ben.clone()));
    assert_eq!(store.active_account(&AgentId::from_text("agt_2"), &at).unwrap(), None);
    let elsewhere = store.choose_account(&agent, &ServerId::from_text("srv_2"), &anna);
    assert!(matches!(elsewhere, Err(StoreError::NoSuch(_))));
    store.remove_account(&ben).unwrap();
    assert_eq!(store.active_account(&agent, &at).unwrap(), Some(anna));
}

#[test]
fn an_account_and_its_secret_are_written_together_or_not_at_all() {
    let (_dir, store) = store();
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_account(&account("acc_2", "srv_1", "ben")).unwrap();
    let mut anna = account("acc_1", "srv_1", "anna");
    store.put_account_secret(&anna, "tokens", &sealed(7, 1)).unwrap();
    assert_eq!(store.secret("acc_1", "tokens").unwrap(), Some(sealed(7, 1)));
    anna.generation = 8;
    anna.name = "ben".to_owned();
    assert!(store.put_account_secret(&anna, "tokens", &sealed(8, 2)).is_err());
    assert_eq!(store.secret("acc_1", "tokens").unwrap(), Some(sealed(7, 1)));
    assert_eq!(store.account(&anna.id).unwrap().unwrap().generation, 7);
    anna.name = "anna".to_owned();
    store.put_account_secret(&anna, "tokens", &sealed(8, 2)).unwrap();
    assert_eq!(store.secret("acc_1", "tokens").unwrap(), Some(sealed(8, 2)));
    assert_eq!(store.account(&anna.id).unwrap().unwrap().generation, 8);
    store.remove_secrets("acc_1").unwrap();
    assert_eq!(store.secret("acc_1", "tokens").unwrap(), None);
}

#[test]
fn a_registration_belongs_to_one_server_and_one_issuer() {
    let (_dir, store) = store();
    let (shop, zoo) = (ServerId::from_text("srv_1"), ServerId::from_text("srv_2"));
    store.put_server(&server("srv_1", "shop")).unwrap();
    store.put_server(&server("srv_2", "zoo")).unwrap();
    let registration = Registration {
        issuer: "https://issuer.example".to_owned(),
        client_id: "c1".to_owned(),
        auth_method: "none".to_owned(),
        redirect_uri: Some("http://127.0.0.1/callback".to_owned()),
        source: RegistrationSource::Dcr,
        expires_at: Some(Timestamp(4)),
        added_at: Timestamp(2),
        generation: 1,
    };
    store.put_registration(&shop, &registration).unwrap();
    let issuer = registration.issuer.as_str();
    assert_eq!(store.registration(issuer, &shop).unwrap(), Some(registration.clone()));
    assert_eq!(store.registration(issuer, &zoo).unwrap(), None);
    assert_eq!(store.registration("https://other.example", &shop).unwrap(), None);
    store.remove_registration(issuer, &shop).unwrap();
    assert_eq!(store.registration(issuer, &shop).unwrap(), None);
}

#[test]
fn tools_come_back_oldest_first_with_none_and_no_labels_apart() {
    let (_dir, store) = store();
    store.put_server(&server("srv_1", "shop")).unwrap();
    let none = Tool { labels: Some(Labels::default()), class: None, ..tool("b", 1) };
    let unlabelled = Tool {
        labels: None,
        pin: Pin::Changed,
        offered: Some("{\"a\":1}".to_owned()),
        ..tool("a", 2)
    };
    let first = tool("a-first", 1);
    store.put_tools(&[unlabelled.clone(), none.clone(), first.clone()]).unwrap();
    let at = ServerId::from_text("srv_1");
    assert_eq!(store.tools(&at).unwrap(), [first, none, unlabelled.clone()]);
    let accepted = Tool { pin: Pin::Accepted, offered: None, ..unlabelled };
    store.put_tools(std::slice::from_ref(&accepted)).unwrap();
    assert_eq!(store.tool(&at, "a").unwrap(), Some(accepted));
    assert_eq!(store.tool(&at, "zzz").unwrap(), None);
    let lost = Tool { server: ServerId::from_text("srv_9"), ..tool("x", 1) };
    assert!(store.put_tools(&[tool("new", 3), lost]).is_err());
    assert_eq!(store.tool(&at, "new").unwrap(), None, "all of them or none");
}

#[test]
fn agents_are_found_by_their_key_and_remember_their_claim() {
    let (_dir, store) = store();
    let (coder, writer) = (agent("agt_1", "coder", 1), agent("agt_2", "amber", 2));
    store.put_agent(&coder).unwrap();
    store.put_agent(&writer).unwrap();
    assert_eq!(store.agents().unwrap(), [writer.clone(), coder.clone()]);
    assert_eq!(store.agent_by_key(&Digest([1; 32])).unwrap(), Some(coder.clone()));
    assert_eq!(store.agent_by_key(&Digest([9; 32])).unwrap(), None);
    assert_eq!(store.find_agent("amber").unwrap(), Some(writer.clone()));
    assert_eq!(store.find_agent("agt_1").unwrap(), Some(coder.clone()));
    store.touch_agent(&coder.id, Timestamp(8), Some("cli 1.0")).unwrap();
    store.touch_agent(&coder.id, Timestamp(9), None).unwrap();
    let seen = store.agent(&coder.id).unwrap().unwrap();
    assert_eq!((seen.seen_at, seen.claim.as_deref()), (Some(Timestamp(9)), Some("cli 1.0")));
    assert!(matches!(store.put_agent(&agent("agt_3", "coder", 3)), Err(StoreError::NameTaken(_))));
    let dead = Agent { state: AgentState::Revoked, key: None, ..coder };
    store.put_agent(&dead).unwrap();
    assert_eq!(store.agent(&dead.id).unwrap().unwrap().state, AgentState::Revoked);
    assert_eq!(store.agent_by_key(&Digest([1; 32])).unwrap(), None);
}

#[test]
fn grants_of_an_agent_are_those_that_are_not_revoked() {
    let (_dir, store) = store();
    let held = grant("grt_1", "srv_1");
    let revoked = Grant { revoked_at: Some(Timestamp(4)), ..grant("grt_2", "srv_1") };
    let elsewhere = Grant { account: None, arguments: None, ..grant("grt_3", "srv_2") };
    for grant in [&held, &revoked, &elsewhere] {
        store.put_grant(grant).unwrap();
    }
    assert_eq!(store.grants().unwrap(), [held.clone(), revoked.clone(), elsewhere.clone()]);
    assert_eq!(store.grants_of(&held.agent, &held.server).unwrap(), std::slice::from_ref(&held));
    store.touch_grants(&[held.id.clone(), elsewhere.id.clone()], Timestamp(50)).unwrap();
    assert_eq!(store.grant(&held.id).unwrap().unwrap().used_at, Some(Timestamp(50)));
    assert_eq!(store.grant(&revoked.id).unwrap().unwrap().used_at, None);
    store.put_grant(&Grant { revoked_at: Some(Timestamp(60)), ..held.clone() }).unwrap();
    assert!(store.grants_of(&held.agent, &held.server).unwrap().is_empty());
}
