//! An agent on stdio outlives the Host, and does not outlive the leave to be there. V-05, SL-03, ST-14.

use std::time::Duration;

use prokura_testkit::{Fixture, Protection, TestHost, eventually, ledger};
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent};
use serde_json::json;

use crate::scene::payment;

struct Scene {
    host: TestHost,
    fixture: Fixture,
    agent: SdkAgent,
}

/// An agent that was let in, may read, and has to ask before it pays.
async fn scene(sdk: Sdk, era: &str) -> Scene {
    let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
    let read = ["tools", "classify", "--server", "ledger", "list_accounts", "--class", "read"];
    host.ok(&read).await.unwrap();
    let program = host.folder.program().to_string_lossy().into_owned();
    let data = host.folder.data().to_string_lossy().into_owned();
    let words = ["--data", &data, "stdio", "--agent", "coder", "--server", "ledger"];
    let command: Vec<&str> = [program.as_str()].into_iter().chain(words).collect();
    let mut agent = SdkAgent::start(sdk, None).unwrap();
    let options = json!({ "command": command, "era": era });
    let (joined, question) = tokio::join!(agent.join(options), host.answer(&["allow"]));
    joined.unwrap();
    question.unwrap();
    host.grant("coder", "ledger", "class:read", "allow").await.unwrap();
    host.grant("coder", "ledger", "send_payment", "ask").await.unwrap();
    Scene { host, fixture, agent }
}

const CLIENTS: [(Sdk, &str); 4] = [
    (Sdk::TypeScript, "2026-07-28"),
    (Sdk::TypeScript, "legacy"),
    (Sdk::Python, "2026-07-28"),
    (Sdk::Python, "legacy"),
];

#[tokio::test]
async fn a_host_that_is_killed_or_restarted_leaves_its_agents_running() {
    for (sdk, era) in CLIENTS {
        let Scene { mut host, fixture, mut agent } = scene(sdk, era).await;
        // A call that waits for the person is told to come again, whatever became of the Host.
        let waiting = async {
            host.pending().await.unwrap();
            host.kill().await.unwrap();
        };
        let (lost, ()) = tokio::join!(agent.call("send_payment", payment("1.00")), waiting);
        let (ran, said) = outcome(&lost);
        assert!(!ran && said.contains("Send this again"), "{sdk:?} {era}: {said}");
        // A request while nobody is there waits a moment for whoever comes.
        let (read, restarted) =
            tokio::join!(agent.call("list_accounts", json!({})), host.restart());
        restarted.unwrap();
        assert!(outcome(&read).0, "{sdk:?} {era}: {read:?}");
        host.restart().await.unwrap();
        let read = agent.call("list_accounts", json!({})).await;
        assert!(outcome(&read).0, "{sdk:?} {era}: {read:?}");
        assert_eq!(fixture.recorder().calls("list_accounts").len(), 2, "none was sent twice");
        let (paid, _) =
            tokio::join!(agent.call("send_payment", payment("2.00")), host.answer(&["allow"]));
        assert!(outcome(&paid).0, "{sdk:?} {era}: {paid:?}");
        assert_eq!(fixture.recorder().calls("send_payment").len(), 1);
        assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
    }
}

#[tokio::test]
async fn a_program_that_is_taken_back_is_out_at_once_and_asks_anew() {
    for (sdk, era) in [(Sdk::TypeScript, "2026-07-28"), (Sdk::Python, "legacy")] {
        let Scene { host, fixture, mut agent } = scene(sdk, era).await;
        let agents = host.ok(&["agents", "list"]).await.unwrap();
        let pairing = agents[0]["pairings"][0]["id"].as_str().unwrap().to_owned();
        let taking = async {
            host.pending().await.unwrap();
            host.ok(&["agents", "unpair", "coder", &pairing]).await.unwrap();
        };
        let (cut, ()) = tokio::join!(agent.call("send_payment", payment("1.00")), taking);
        let (ran, said) = outcome(&cut);
        assert!(!ran && said.contains("took this program back"), "{sdk:?} {era}: {said}");
        let pairings = || async {
            let open = host.ok(&["approvals", "list"]).await.ok()?;
            let open = open.as_array()?.iter().filter(|one| one["kind"] == "pairing").count();
            Some(open)
        };
        assert_eq!(pairings().await, Some(0), "it came again by itself");
        let reads = || fixture.recorder().calls("list_accounts").len();
        let before = reads();
        let asking = async {
            eventually("a question", Duration::from_secs(20), || async {
                (pairings().await? == 1).then_some(())
            })
            .await
            .unwrap();
            assert_eq!(reads(), before);
            let open = host.ok(&["approvals", "list"]).await.unwrap();
            let ids = open.as_array().unwrap().iter().filter(|one| one["kind"] == "pairing");
            let id = ids.map(|one| one["id"].as_str().unwrap().to_owned()).next().unwrap();
            host.ok(&["approvals", "answer", &id, "allow"]).await.unwrap();
        };
        let (read, ()) = tokio::join!(agent.call("list_accounts", json!({})), asking);
        assert!(outcome(&read).0, "{sdk:?} {era}: {read:?}");
        // Revoking ends it for good.
        host.ok(&["agents", "revoke", "coder"]).await.unwrap();
        let (ran, said) = outcome(&agent.call("list_accounts", json!({})).await);
        assert!(!ran && said.contains("revoked"), "{sdk:?} {era}: {said}");
        assert_eq!(reads(), before + 1);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_key_it_was_opened_with() {
    let host = TestHost::start().await.unwrap();
    let key = host.agent("clerk").await.unwrap();
    let other = host.agent("other").await.unwrap();
    let listen = |key: &str| {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "_meta": meta, "notifications": { "toolsListChanged": true } });
        reqwest::Client::new()
            .post(format!("{}/mcp", host.http()))
            .bearer_auth(key)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "subscriptions/listen")
            .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params }))
            .send()
    };
    let own = listen(&key).await.unwrap();
    let mut theirs = listen(&other).await.unwrap();
    assert_eq!((own.status().as_u16(), theirs.status().as_u16()), (200, 200));
    host.ok(&["agents", "key", "clerk"]).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), own.text()).await.unwrap().unwrap();
    assert!(
        heard.contains("acknowledged") && heard.contains(r#""resultType":"complete""#),
        "{heard}"
    );
    let first = theirs.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("acknowledged"));
    // The other agent's stream lives: it still shows signs of life.
    let sign = tokio::time::timeout(Duration::from_secs(10), theirs.chunk()).await.unwrap();
    assert!(sign.unwrap().is_some());
}
