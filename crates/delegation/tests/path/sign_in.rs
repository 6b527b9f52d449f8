//! Agents sign in: consents, codes, tokens. (SA-02, SA-07, SA-08, SA-09, P-02, P-04, P-05, B-07)

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_delegation::AnswerFault;
use prokura_domain::question::AgentChoice;
use prokura_domain::registry::{
    AgentRegistry as _, Redemption, RegistryFault, Standing, Tokens, Visit,
};
use prokura_domain::{
    Answer, Choice, Client, ClientMetadata, Digest, Endpoint, Json, Origin, Question, QuestionId,
    QuestionKind, QuestionState, RedirectUri,
};

use crate::world::World;

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";
const PLACE: &str = "http://127.0.0.1:4000/cb";

fn metadata(name: &str) -> ClientMetadata {
    let text = format!(r#"{{"client_name":"{name}","redirect_uris":["{PLACE}"]}}"#);
    ClientMetadata::read(&Json::read(text.as_bytes()).unwrap()).unwrap()
}

fn ledger() -> Endpoint {
    Endpoint::One("ledger".to_owned())
}

fn let_in(number: &str, name: &str) -> Choice {
    Choice::LetIn { number: number.to_owned(), agent: AgentChoice::New(name.to_owned()) }
}

/// A consent that waits.
struct Asked {
    handle: String,
    number: String,
    question: QuestionId,
}

impl World {
    async fn client(&self, name: &str) -> Client {
        self.delegation.register(metadata(name)).await.unwrap()
    }

    async fn asks(&self, client: &Client) -> Asked {
        let visit = Visit {
            client: client.clone(),
            endpoint: ledger(),
            redirect_uri: RedirectUri::read(PLACE).unwrap(),
            state: Some("st".to_owned()),
            challenge: URL_SAFE_NO_PAD.encode(Digest::of(&[VERIFIER.as_bytes()]).0),
        };
        let waiting = self.delegation.visit(visit).await.unwrap();
        Asked { handle: waiting.handle, number: waiting.number, question: self.question().await }
    }

    fn kept(&self, id: &QuestionId) -> Question {
        self.store.question(id).unwrap().unwrap()
    }

    async fn says(&self, question: &QuestionId, choice: Choice) -> Result<Question, String> {
        let answer = Answer { question: question.clone(), choice, passphrase: None };
        self.delegation.answer(answer, Origin::Window).await.map_err(|fault| fault.to_string())
    }

    /// The code of a consent that was given.
    async fn code(&self, client: &Client, agent: AgentChoice) -> String {
        let asked = self.asks(client).await;
        let choice = Choice::LetIn { number: asked.number, agent };
        self.says(&asked.question, choice).await.unwrap();
        match self.delegation.standing(&asked.handle, Duration::ZERO).await {
            Standing::Granted { code, state, redirect_uri } => {
                assert_eq!((state.as_deref(), redirect_uri.as_str()), (Some("st"), PLACE));
                code
            }
            _ => panic!("it was let in"),
        }
    }

    async fn redeem(&self, client: &Client, code: &str) -> Result<Tokens, RegistryFault> {
        self.delegation.redeem(redemption(client, code)).await
    }

    /// The tokens of an agent that signed in under a new name.
    async fn signed_in(&self, client: &Client, name: &str) -> Tokens {
        let code = self.code(client, AgentChoice::New(name.to_owned())).await;
        self.redeem(client, &code).await.unwrap()
    }

    fn opens(&self, tokens: &Tokens) -> Option<String> {
        self.delegation.open(&tokens.access, &ledger()).map(|agent| agent.name)
    }
}

fn redemption(client: &Client, code: &str) -> Redemption {
    Redemption {
        code: code.to_owned(),
        client: client.id.clone(),
        redirect_uri: Some(PLACE.to_owned()),
        verifier: VERIFIER.to_owned(),
        endpoint: Some(ledger()),
    }
}

#[tokio::test]
async fn an_agent_that_was_let_in_opens_its_endpoint_and_no_other() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let tokens = world.signed_in(&client, "scribe").await;
    assert_eq!(world.opens(&tokens).as_deref(), Some("scribe"));
    for other in [Endpoint::All, Endpoint::One("mail".into()), Endpoint::One("ledger@x".into())] {
        assert!(world.delegation.open(&tokens.access, &other).is_none(), "{other:?}");
    }
    assert!(world.delegation.open(&tokens.refresh, &ledger()).is_none());
    assert!(world.delegation.open("pra_invented", &ledger()).is_none());
    assert!(world.delegation.prove(&tokens.access).is_none(), "a token is no key");
    let scribe = world.store.find_agent("scribe").unwrap().unwrap();
    assert!(world.store.grants().unwrap().iter().all(|grant| grant.agent != scribe.id));
    world.clock.advance_seconds(15 * 60);
    assert_eq!(world.opens(&tokens), None, "access tokens are short-lived");
    assert!(world.kinds().contains(&"agent.signed_in".to_owned()));
}

#[tokio::test]
async fn only_the_number_that_is_shown_lets_it_in() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let asked = world.asks(&client).await;
    let QuestionKind::Consent { choices, .. } = world.kept(&asked.question).kind else { panic!() };
    assert_eq!(choices.len(), 3);
    assert!(choices.contains(&asked.number));
    let plain = world.says(&asked.question, Choice::Once).await.unwrap_err();
    assert_eq!(plain, AnswerFault::NumberNeeded.to_string());
    let wrong = choices.iter().find(|choice| **choice != asked.number).unwrap();
    let told = world.says(&asked.question, let_in(wrong, "scribe")).await.unwrap_err();
    assert_eq!(told, AnswerFault::WrongNumber.to_string());
    assert_eq!(world.kept(&asked.question).state, QuestionState::Denied);
    assert!(world.says(&asked.question, let_in(&asked.number, "scribe")).await.is_err());
    assert!(world.store.find_agent("scribe").unwrap().is_none());
    let standing = world.delegation.standing(&asked.handle, Duration::ZERO).await;
    assert!(matches!(standing, Standing::Refused { fault: RegistryFault::Denied, .. }));
}

#[tokio::test]
async fn a_number_answers_nothing_but_a_consent() {
    let world = World::new().await;
    world.offers(r#"[{"name":"pay","inputSchema":{"type":"object"}}]"#).await;
    let pay = prokura_domain::TargetPattern::Tool("pay".to_owned());
    world.grant(pay, prokura_domain::Effect::Ask).await;
    let waiting = world.begin(world.pay(1));
    let question = world.question().await;
    let told = world.says(&question, let_in("10", "scribe")).await.unwrap_err();
    assert_eq!(told, AnswerFault::NoNumber.to_string());
    world.answer(&question, Choice::Deny { note: None }).await;
    waiting.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_known_agent_is_joined_only_where_the_person_says_so() {
    let world = World::new().await;
    let client = world.client("clerk").await;
    let asked = world.asks(&client).await;
    let taken = world.says(&asked.question, let_in(&asked.number, "clerk")).await.unwrap_err();
    assert!(taken.contains("exists already"), "{taken}");
    let joined = AgentChoice::Existing(world.agent.id.clone());
    let choice = Choice::LetIn { number: asked.number, agent: joined };
    world.says(&asked.question, choice).await.unwrap();
    let known = world.delegation.client(&client.id).await.unwrap();
    assert_eq!(known.agent, Some(world.agent.id.clone()));
}

#[tokio::test]
async fn a_code_needs_everything_it_was_asked_with_and_is_good_for_one_try() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let stranger = world.client("Stranger").await;
    let other = |change: fn(&mut Redemption)| {
        let mut redemption = redemption(&client, "");
        change(&mut redemption);
        redemption
    };
    let wrong = [
        other(|r| r.verifier = VERIFIER.replace('a', "b")),
        other(|r| r.redirect_uri = Some("http://127.0.0.1:4001/cb".to_owned())),
        other(|r| r.endpoint = Some(Endpoint::All)),
        Redemption { client: stranger.id.clone(), ..other(|_| {}) },
    ];
    for (at, wrong) in wrong.into_iter().enumerate() {
        let code = world.code(&client, AgentChoice::New(format!("scribe-{at}"))).await;
        assert!(world.delegation.redeem(Redemption { code: code.clone(), ..wrong }).await.is_err());
        assert!(world.redeem(&client, &code).await.is_err(), "no second try: {at}");
    }
    let late = world.code(&client, AgentChoice::New("late".to_owned())).await;
    world.clock.advance_seconds(60);
    assert!(world.redeem(&client, &late).await.is_err());
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_gave() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let code = world.code(&client, AgentChoice::New("scribe".to_owned())).await;
    let tokens = world.redeem(&client, &code).await.unwrap();
    assert!(world.opens(&tokens).is_some());
    assert!(world.redeem(&client, &code).await.is_err());
    assert_eq!(world.opens(&tokens), None);
    assert!(world.delegation.renew(&tokens.refresh, &client.id, None).await.is_err());
}

#[tokio::test]
async fn a_refresh_token_is_traded_once_and_a_second_time_ends_the_sign_in() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let first = world.signed_in(&client, "scribe").await;
    let stranger = world.client("Stranger").await;
    assert!(world.delegation.renew(&first.refresh, &stranger.id, None).await.is_err());
    let elsewhere = world.delegation.renew(&first.refresh, &client.id, Some(&Endpoint::All)).await;
    assert!(matches!(elsewhere, Err(RegistryFault::Target)));
    assert!(world.delegation.renew(&first.access, &client.id, None).await.is_err());
    world.clock.advance_seconds(20 * 60);
    let second = world.delegation.renew(&first.refresh, &client.id, None).await.unwrap();
    assert_eq!(world.opens(&second).as_deref(), Some("scribe"));
    assert!(world.delegation.renew(&first.refresh, &client.id, None).await.is_err());
    assert_eq!(world.opens(&second), None, "the whole family is dead");
    assert!(world.delegation.renew(&second.refresh, &client.id, None).await.is_err());
    world.recorded("agent.sign_in_ended", "a refresh token was used twice").await;
}

#[tokio::test]
async fn taking_back_kills_tokens_at_once() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let tokens = world.signed_in(&client, "scribe").await;
    let scribe = world.store.find_agent("scribe").unwrap().unwrap();
    let sign_in = world.store.sign_ins(&scribe.id).unwrap().remove(0);
    assert!(world.delegation.end_sign_in(&world.agent.id, &sign_in.id).await.is_err());
    world.delegation.end_sign_in(&scribe.id, &sign_in.id).await.unwrap();
    assert_eq!(world.opens(&tokens), None);

    let code = world.code(&client, AgentChoice::Existing(scribe.id.clone())).await;
    let tokens = world.redeem(&client, &code).await.unwrap();
    world.delegation.revoke(&tokens.refresh, "prc_other").await.unwrap();
    assert!(world.opens(&tokens).is_some(), "only its own client revokes a token");
    world.delegation.revoke(&tokens.refresh, &client.id).await.unwrap();
    assert_eq!(world.opens(&tokens), None);
    world.delegation.revoke("prr_unknown", &client.id).await.unwrap();

    let code = world.code(&client, AgentChoice::Existing(scribe.id.clone())).await;
    let open = world.code(&client, AgentChoice::Existing(scribe.id.clone())).await;
    let tokens = world.redeem(&client, &code).await.unwrap();
    world.delegation.revoke_agent(&scribe).await.unwrap();
    assert_eq!(world.opens(&tokens), None);
    assert!(world.delegation.renew(&tokens.refresh, &client.id, None).await.is_err());
    assert!(world.redeem(&client, &open).await.is_err(), "a code on its way dies too");
}

#[tokio::test]
async fn a_browser_that_asks_anew_replaces_its_question() {
    let world = World::new().await;
    let client = world.client("My agent").await;
    let first = world.asks(&client).await;
    let second = world.asks(&client).await;
    assert_eq!(world.kept(&first.question).state, QuestionState::Dropped);
    let gone = world.delegation.standing(&first.handle, Duration::ZERO).await;
    assert!(matches!(gone, Standing::Gone));
    world.says(&second.question, let_in(&second.number, "scribe")).await.unwrap();
    let granted = world.delegation.standing(&second.handle, Duration::ZERO).await;
    assert!(matches!(granted, Standing::Granted { .. }));
    let again = world.delegation.standing(&second.handle, Duration::ZERO).await;
    assert!(matches!(again, Standing::Gone), "a code is handed out once");
}

#[tokio::test]
async fn strangers_cannot_flood_the_person() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for at in 0..9 {
        clients.push(world.client(&format!("agent {at}")).await);
    }
    for client in clients.iter().take(8) {
        world.asks(client).await;
    }
    let visit = |client: &Client| Visit {
        client: client.clone(),
        endpoint: ledger(),
        redirect_uri: RedirectUri::read(PLACE).unwrap(),
        state: None,
        challenge: String::new(),
    };
    let more = world.delegation.visit(visit(&clients[8])).await;
    assert!(matches!(more, Err(RegistryFault::Busy)));
    let mut registered = 9;
    while world.delegation.register(metadata("x")).await.is_ok() {
        registered += 1;
    }
    assert_eq!(registered, 40);
    world.clock.advance_seconds(11 * 60);
    world.delegation.expire_questions().await.unwrap();
    world.delegation.visit(visit(&clients[8])).await.unwrap();
}

#[tokio::test]
async fn a_document_vouches_for_a_client_only_under_its_own_url() {
    let world = World::new().await;
    let url = "https://agent.example/client.json";
    let hold = |text: String| {
        world.documents.held.lock().unwrap().insert(url.to_owned(), text);
    };
    assert!(world.delegation.client(url).await.is_err(), "there is none");
    for bad in [
        format!(
            r#"{{"client_id":"https://evil.example/client.json","redirect_uris":["{PLACE}"]}}"#
        ),
        format!(r#"{{"redirect_uris":["{PLACE}"]}}"#),
        format!(r#"{{"client_id":"{url}","redirect_uris":["http://evil.example/"]}}"#),
        format!(
            r#"{{"client_id":"{url}","redirect_uris":["{PLACE}"],"token_endpoint_auth_method":"private_key_jwt"}}"#
        ),
        "not JSON".to_owned(),
    ] {
        hold(bad.clone());
        assert!(world.delegation.client(url).await.is_err(), "{bad}");
    }
    hold(format!(r#"{{"client_id":"{url}","client_name":"A","redirect_uris":["{PLACE}"]}}"#));
    let client = world.delegation.client(url).await.unwrap();
    assert_eq!(client.vouched_by().as_deref(), Some("agent.example"));
    let read = *world.documents.read.lock().unwrap();
    world.delegation.client(url).await.unwrap();
    assert_eq!(*world.documents.read.lock().unwrap(), read, "it is fresh for a while");
    world.clock.advance_seconds(61);
    world.delegation.client(url).await.unwrap();
    assert_eq!(*world.documents.read.lock().unwrap(), read + 1);
    let tokens = world.signed_in(&client, "scribe").await;
    assert!(world.opens(&tokens).is_some());
    let known = world.delegation.client(url).await.unwrap();
    assert!(known.agent.is_some());
}

#[tokio::test]
async fn a_device_shows_a_code_and_the_person_picks_it() {
    // RFC 8628
    let world = World::new().await;
    let client = world.client("In a box").await;
    let started = world.delegation.device(client.clone(), ledger()).await.unwrap();
    let question = world.question().await;
    let QuestionKind::Consent { choices, redirect, .. } = world.kept(&question).kind else {
        panic!()
    };
    assert!(redirect.is_none() && choices.contains(&started.user_code));
    assert_eq!(started.user_code.len(), 9);
    let poll = || world.delegation.device_tokens(&started.device_code, &client.id);
    assert!(matches!(poll().await, Err(RegistryFault::Pending)));
    assert!(matches!(poll().await, Err(RegistryFault::SlowDown)));
    let other = world.delegation.device_tokens(&started.device_code, "prc_other").await;
    assert!(matches!(other, Err(RegistryFault::Grant(_))));
    let standing = world.delegation.standing(&started.device_code, Duration::ZERO).await;
    assert!(matches!(standing, Standing::Gone), "a device code is no browser's handle");
    world.says(&question, let_in(&started.user_code, "boxed")).await.unwrap();
    world.clock.advance_seconds(10);
    let tokens = poll().await.unwrap();
    assert_eq!(world.opens(&tokens).as_deref(), Some("boxed"));
    assert!(poll().await.is_err(), "a device code is traded once");
    let denied = world.delegation.device(client.clone(), ledger()).await.unwrap();
    let question = world.question().await;
    world.says(&question, Choice::Deny { note: None }).await.unwrap();
    let told = world.delegation.device_tokens(&denied.device_code, &client.id).await;
    assert!(matches!(told, Err(RegistryFault::Denied)));
}
