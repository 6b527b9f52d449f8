//! What is planted in every place that strangers and agents can write into, and then looked for in everything that lies
//! on the disk or leaves it: the database and its write-ahead log, the exports, the host's own log. (AU-09, AU-12)

use std::path::Path;

use prokura_testkit::host::Folder;
use prokura_testkit::{Agent, Authority, Fixture, Offer, ResourceSpec, Run, TestHost, ToolSpec};
use prokura_tests::secrets::{Net, Planted, secrets};
use serde_json::{Map, Value, json};

use crate::scene::{fine, refused};

const SEED: u64 = 0x5eed;
/// So many secrets go into one message.
const AT_ONCE: usize = 10;

/// Where the secrets stand, and how many: five hundred.
const ARGUMENTS: std::ops::Range<usize> = 0..120;
const RESULTS: std::ops::Range<usize> = 120..230;
const TROUBLES: std::ops::Range<usize> = 230..290;
const ASKED: std::ops::Range<usize> = 290..350;
const REFUSED: std::ops::Range<usize> = 350..390;
const HEADERS: std::ops::Range<usize> = 390..440;
const ISSUER: std::ops::Range<usize> = 440..480;
const DEFINITIONS: std::ops::Range<usize> = 480..500;

struct World {
    planted: Vec<Planted>,
    authority: Authority,
    _fixture: Fixture,
    host: TestHost,
    key: String,
    agent: Agent,
}

/// A message with these secrets: named members, and texts around them.
fn message(planted: &[Planted]) -> Value {
    let items: Vec<Value> =
        planted.iter().map(|one| json!({ &one.member: &one.text, "n": 1 })).collect();
    json!({ "items": items })
}

fn tools(planted: &[Planted]) -> Vec<ToolSpec> {
    let (results, troubles) = (planted[RESULTS].to_vec(), planted[TROUBLES].to_vec());
    let number = |arguments: &Map<String, Value>| {
        usize::try_from(arguments.get("n").and_then(Value::as_u64).unwrap()).unwrap() * AT_ONCE
    };
    let tool = |name: &str, text: &str, run| {
        ToolSpec::new(name, text, json!({ "type": "object" }), Run::Answer(run))
    };
    let said: Vec<&str> = planted[DEFINITIONS].iter().map(|one| one.text.as_str()).collect();
    vec![
        tool("take", "Takes what it is given.", std::sync::Arc::new(|_: &_| Ok(json!({})))),
        tool("ask_first", "Needs an answer.", std::sync::Arc::new(|_: &_| Ok(json!({})))),
        tool("never", &said.join("\n"), std::sync::Arc::new(|_: &_| Ok(json!({})))),
        tool(
            "give",
            "Gives secrets away.",
            std::sync::Arc::new(move |arguments: &Map<String, Value>| {
                let first = number(arguments);
                Ok(message(&results[first..first + AT_ONCE]))
            }),
        ),
        tool(
            "fail",
            "Fails with secrets.",
            std::sync::Arc::new(move |arguments: &Map<String, Value>| {
                let first = number(arguments);
                let texts = troubles[first..first + AT_ONCE].iter().map(|one| {
                    let named = one.form == "named member";
                    if named { format!("{}: {}", one.member, one.text) } else { one.text.clone() }
                });
                Err(texts.collect::<Vec<_>>().join("\n"))
            }),
        ),
    ]
}

impl World {
    async fn start() -> Self {
        let planted = secrets(SEED, 500);
        let resources = vec![ResourceSpec {
            uri: "vault://one".to_owned(),
            name: "one".to_owned(),
            text: "nothing".to_owned(),
        }];
        let offer =
            Offer { name: "Chatty".to_owned(), tools: tools(&planted), resources, prompts: vec![] };
        let (fixture, authority) = Fixture::with_authority(offer).await.unwrap();
        // What an issuer says beside its tokens is nobody's to keep.
        let beside = planted[ISSUER].iter().enumerate();
        authority.adds(beside.map(|(at, one)| (format!("x{at}"), json!(one.text))).collect());
        let folder = Folder::new(None).unwrap();
        let key = folder.key_file();
        let words = ["serve", "--port", "0", "--vault-key-file", key.to_str().unwrap()];
        let mut command = folder.command(&words);
        // The most it can ever log.
        command.env("PROKURA_LOG", "trace");
        let serving = folder.serve_command(command).await.unwrap();
        let host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
        host.ok(&["servers", "add", &fixture.url(), "--name", "chatty"]).await.unwrap();
        host.sign_in("chatty").await.unwrap();
        host.ok(&["audit", "level", "chatty", "arguments-and-results"]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        for tool in ["take", "give", "fail"] {
            host.grant("clerk", "chatty", tool, "allow").await.unwrap();
        }
        host.grant("clerk", "chatty", "ask_first", "ask").await.unwrap();
        let agent = Agent::legacy(&host.endpoint("chatty"), &key).await.unwrap();
        Self { planted, authority, _fixture: fixture, host, key, agent }
    }

    /// Sends everything there is to send.
    async fn live(&self) {
        for some in self.planted[ARGUMENTS].chunks(AT_ONCE) {
            fine(&self.agent.call("take", message(some)).await.unwrap());
        }
        for n in 0..RESULTS.len() / AT_ONCE {
            fine(&self.agent.call("give", json!({ "n": n })).await.unwrap());
        }
        for n in 0..TROUBLES.len() / AT_ONCE {
            assert!(!self.agent.call("fail", json!({ "n": n })).await.unwrap().is_fine());
        }
        for (at, some) in self.planted[ASKED].chunks(AT_ONCE).enumerate() {
            let answer: &[&str] = if at % 2 == 0 { &["allow"] } else { &["deny"] };
            let called = self.agent.call("ask_first", message(some));
            let (reply, answered) = tokio::join!(called, self.host.answer(answer));
            answered.unwrap();
            assert_eq!(reply.unwrap().is_fine(), at % 2 == 0);
        }
        for some in self.planted[REFUSED].chunks(AT_ONCE) {
            let reply = self.agent.call("never", message(some)).await.unwrap();
            assert!(!reply.is_fine(), "{}", reply.raw);
        }
        self.send_headers().await;
        self.fail_at_the_issuer().await;
    }

    /// In headers, in keys that open nothing, in names and addresses of what is not there.
    async fn send_headers(&self) {
        for one in &self.planted[HEADERS] {
            let value = one.text.replace('\n', " ");
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
            let headers = ["x-api-key", "cookie", "baggage", "mcp-protocol-version"];
            let headers = headers.map(|name| (name.to_owned(), value.clone()));
            self.agent.post(body, &headers).await.unwrap();
            let stranger = Agent::modern(&self.host.endpoint("chatty"), &value).unwrap();
            refused(&stranger.call("take", json!({})).await.unwrap(), "");
            if one.known && !one.text.contains('\n') && one.text != one.core {
                let uri = format!("vault://one?about={}", one.text);
                let reply = self.agent.request("resources/read", json!({ "uri": uri })).await;
                assert!(!reply.unwrap().is_fine());
                assert!(!self.agent.call(&one.text, json!({})).await.unwrap().is_fine());
            }
        }
    }

    /// The issuer refuses, and tells secrets as the reason.
    async fn fail_at_the_issuer(&self) {
        let known = self.planted[ISSUER].iter().filter(|one| one.known && one.text != one.core);
        let short: Vec<&str> =
            known.map(|one| one.text.as_str()).filter(|text| text.len() < 60).take(3).collect();
        assert_eq!(short.len(), 3);
        let said = json!({ "error_description": short.join(" and ") });
        self.authority.adds(said.as_object().unwrap().clone());
        self.authority.end_all_tokens();
        refused(&self.agent.call("take", json!({})).await.unwrap(), "sign in");
    }

    /// What was kept of every call, opened by the person who may see it.
    async fn opened(&self) -> String {
        let mut text = String::new();
        let mut seen = std::collections::BTreeSet::new();
        for record in self.host.audit().await.unwrap() {
            let call = record["call"].as_str().unwrap_or_default().to_owned();
            if record["kind"] == "call.intent" && seen.insert(call) {
                let seq = record["seq"].to_string();
                let shown = self.host.ok(&["audit", "call", &seq]).await.unwrap();
                for part in ["arguments", "result"] {
                    let pieces = shown[part]["text"].as_array().cloned().unwrap_or_default();
                    text.extend(pieces.iter().filter_map(|piece| piece["text"].as_str()));
                    text.push('\n');
                }
            }
        }
        text
    }
}

/// Every file below a folder, as it lies on the disk.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

#[tokio::test]
async fn none_of_five_hundred_secrets_lies_on_the_disk_or_leaves_it() {
    let mut world = World::start().await;
    // A question that still waits holds what it asks about.
    let waiting = world.agent.clone();
    let some = message(&world.planted[ASKED][..AT_ONCE]);
    world.live().await;
    world.authority.adds(Map::new());
    world.host.sign_in("chatty").await.unwrap();
    let asking = tokio::spawn(async move { waiting.call("ask_first", some).await });
    world.host.pending().await.unwrap();
    let opened = world.opened().await;
    let mut places = files(&world.host.folder.data());
    for format in ["jsonl", "csv", "ocsf"] {
        let said = world.host.cli(&["audit", "export", "--format", format]).await.unwrap();
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("token.failed") && said.out.len() > 100_000, "{format}");
        places.push((format!("the export as {format}"), said.out.into_bytes()));
    }
    asking.abort();
    world.host.stop().await.unwrap();
    places.extend(files(&world.host.folder.data()));
    let logs = world.host.logs();
    assert!(logs.contains("TRACE"), "the host logged nothing at its most talkative");
    places.push(("the host's log".to_owned(), logs.into_bytes()));
    let looked_at = |name: &str| {
        places.iter().any(|(place, bytes)| place.ends_with(name) && bytes.len() > 4096)
    };
    assert!(looked_at("prokura.db") && looked_at("prokura.db-wal"), "the database was not there");
    judge(&world, &places, &opened);
}

fn judge(world: &World, places: &[(String, Vec<u8>)], opened: &str) {
    let mut all: Vec<(String, String)> =
        world.planted.iter().map(|one| (one.form.to_owned(), one.core.clone())).collect();
    assert_eq!(all.len(), 500);
    let issued = world.authority.issued();
    assert!(issued.len() >= 6, "{}", issued.len());
    all.extend(issued.into_iter().map(|text| ("token of the issuer".to_owned(), text)));
    all.push(("the agent's key".to_owned(), world.key.clone()));
    let net = Net::new(all.iter().map(|(_, core)| core.as_str()));
    let mut faults = Vec::new();
    for (place, bytes) in places {
        // A tool's definition is what its server tells everybody: it is kept word for word, to see it change.
        let kept = place.contains("prokura.db");
        for at in net.caught(bytes) {
            if !(kept && DEFINITIONS.contains(&at)) {
                faults.push(format!("{place}: {} ({at})", all[at].0));
            }
        }
    }
    assert!(faults.is_empty(), "{} of them:\n{}", faults.len(), faults.join("\n"));
    // What masking knows is not even under the seal; what it cannot know is, so it was really there to be found.
    let under_seal = net.caught(opened.as_bytes());
    let wrongly: Vec<_> =
        under_seal.iter().filter_map(|at| world.planted.get(*at)).filter(|one| one.known).collect();
    assert!(wrongly.is_empty(), "not masked: {wrongly:?}");
    let sealed =
        |at: &usize| ARGUMENTS.contains(at) || RESULTS.contains(at) || TROUBLES.contains(at);
    let unknown = (0..500).filter(|at| sealed(at) && !world.planted[*at].known);
    for at in unknown {
        assert!(under_seal.contains(&at), "{} was not kept", world.planted[at].form);
    }
}

#[test]
fn the_net_finds_a_piece_in_clear_in_base64_and_in_hexadecimal_digits() {
    use base64::Engine as _;
    let planted = secrets(SEED, 500);
    let distinct: std::collections::BTreeSet<&str> =
        planted.iter().map(|one| one.core.as_str()).collect();
    assert_eq!(distinct.len(), 500);
    let net = Net::new(planted.iter().map(|one| one.core.as_str()));
    for (at, one) in planted.iter().enumerate() {
        assert!(one.text.contains(&one.core));
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("x{}y", one.core));
        let hex: String = one.core.bytes().map(|byte| format!("{byte:02x}")).collect();
        for text in [format!("..{}..", &one.core[..16]), format!("..{encoded}.."), hex] {
            assert_eq!(net.caught(text.as_bytes()), [at], "{}", one.form);
        }
    }
    assert!(net.caught(b"Nothing of it is here, nor anything that looks alike.").is_empty());
}
