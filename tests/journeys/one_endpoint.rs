//! Two servers behind one endpoint, for agents made with the official client: resources, prompts, news of both, and
//! searching for tools. P-08, P-15, P-21, P-22.

use prokura_testkit::{Fixture, Protection, TestHost, ledger, mailbox};
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};

const RULES: &str = "ledger://accounts/giro/rules";
const ERAS: [&str; 2] = ["2026-07-28", "legacy"];

struct Both {
    host: TestHost,
    ledger: Fixture,
    mailbox: Fixture,
    key: String,
}

impl Both {
    /// The mailbox has a resource of the same URI as the ledger, and a tool as well.
    async fn start() -> Self {
        let mut offer = mailbox::offer();
        let same = ledger::offer().resources.remove(0);
        offer.resources.insert(0, same);
        offer.resources[0].text = "Rules of another server.".to_owned();
        let ledger = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
        let mailbox = Fixture::start(offer, Protection::Open).await.unwrap();
        let host = TestHost::start().await.unwrap();
        host.ok(&["servers", "add", &ledger.url(), "--name", "ledger"]).await.unwrap();
        host.ok(&["servers", "add", &mailbox.url(), "--name", "mailbox"]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        Self { host, ledger, mailbox, key }
    }

    async fn grant(&self, server: &str, kind: &str, glob: &str) -> String {
        let wish = [
            "grants", "add", "--agent", "clerk", "--server", server, kind, glob, "--effect",
            "allow",
        ];
        let grant = self.host.ok(&wish).await.unwrap();
        grant["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn agent(&self, era: &str) -> SdkAgent {
        let url = format!("{}/mcp", self.host.http());
        SdkAgent::connect(Sdk::TypeScript, &url, &self.key, era).await.unwrap()
    }
}

fn texts(items: &Value, member: &str) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn resources_and_prompts_of_two_servers_are_told_apart_and_governed() {
    let both = Both::start().await;
    both.grant("ledger", "--resources", "ledger://*").await;
    both.grant("mailbox", "--resources", RULES).await;
    both.grant("ledger", "--prompts", "monthly_*").await;
    let url = format!("{}/mcp", both.host.http());
    for era in ERAS {
        let mut agent = SdkAgent::connect(Sdk::Python, &url, &both.key, era).await.unwrap();
        let resources = agent.ask("resources", json!({})).await.unwrap();
        let uri = texts(&resources, "uri").remove(1);
        let read = agent.ask("read", json!({ "uri": uri })).await.unwrap();
        assert_eq!(read["contents"][0]["uri"], *uri);
        assert!(read.to_string().contains("another server"), "{read}");
    }
    for era in ERAS {
        let mut agent = both.agent(era).await;
        let resources = agent.ask("resources", json!({})).await.unwrap();
        let uris = texts(&resources, "uri");
        assert_eq!(uris, [format!("prokura.ledger+{RULES}"), format!("prokura.mailbox+{RULES}")]);
        for (uri, words) in uris.iter().zip(["second signature", "another server"]) {
            let read = agent.ask("read", json!({ "uri": uri })).await.unwrap();
            assert_eq!(read["contents"][0]["uri"], **uri);
            assert!(read["contents"][0]["text"].as_str().unwrap().contains(words), "{read}");
        }
        let prompts = agent.ask("prompts", json!({})).await.unwrap();
        assert_eq!(texts(&prompts, "name"), ["ledger__monthly_review"]);
        let prompt = json!({ "name": "ledger__monthly_review" });
        let got = agent.ask("prompt", prompt).await.unwrap();
        assert!(got["messages"][0]["content"]["text"].as_str().unwrap().contains("last month"));
        for uri in ["prokura.mailbox+mailbox://x", RULES, "prokura.elsewhere+a:b"] {
            let refused = agent.ask("read", json!({ "uri": uri })).await.unwrap_err().to_string();
            assert!(refused.contains("not found"), "{uri}: {refused}");
        }
    }
    let records = both.host.audit().await.unwrap();
    let read = records
        .iter()
        .filter(|one| one["kind"] == "call.intent" && one["detail"]["method"] == "resources/read");
    let mut targets: Vec<String> = read.map(|one| one["target"].to_string()).collect();
    targets.dedup();
    assert_eq!(targets.len(), 1, "the record names the server's own URI: {targets:?}");
}

#[tokio::test]
async fn news_of_two_servers_reach_the_agent_that_asked_under_their_addresses() {
    let both = Both::start().await;
    both.grant("ledger", "--resources", "ledger://*").await;
    both.grant("ledger", "--tools", "list_accounts").await;
    both.grant("mailbox", "--tools", "list_messages").await;
    let address = format!("prokura.ledger+{RULES}");
    for era in ERAS {
        let mut agent = both.agent(era).await;
        agent.tools().await.unwrap();
        let agreed = agent.ask("subscribe", json!({ "uri": address })).await.unwrap();
        if era != "legacy" {
            assert_eq!(agreed["resourceSubscriptions"], json!([address]));
        }
        let mut news = Value::Null;
        for _ in 0..50 {
            // The same URI at the other server is none of this agent's.
            both.mailbox.touch(RULES).await;
            both.ledger.touch(RULES).await;
            let updated = json!({ "method": "notifications/resources/updated", "within": 300 });
            news = agent.ask("heard", updated).await.unwrap();
            if !news.is_null() {
                break;
            }
        }
        assert_eq!(news["params"]["uri"], *address, "{era}");
        both.mailbox.change_tools(|_| {}).await;
        let method = json!({ "method": "notifications/tools/list_changed" });
        assert!(!agent.ask("heard", method).await.unwrap().is_null(), "{era}");
        let refused = agent.ask("subscribe", json!({ "uri": "prokura.mailbox+x:y" })).await;
        if era == "legacy" {
            assert!(refused.unwrap_err().to_string().contains("not found"));
        } else {
            assert!(refused.unwrap().get("resourceSubscriptions").is_none());
        }
    }
}

#[tokio::test]
async fn an_agent_that_searches_finds_and_calls_what_it_may_use_and_nothing_else() {
    let both = Both::start().await;
    let allowed = both.grant("ledger", "--tools", "list_accounts").await;
    both.grant("mailbox", "--tools", "list_messages").await;
    both.host.ok(&["agents", "search", "clerk", "on"]).await.unwrap();
    for era in ERAS {
        let mut agent = both.agent(era).await;
        assert_eq!(agent.tools().await.unwrap(), ["call_tool", "find_tools"]);
        let find = json!({ "query": "which accounts are there, and send a payment" });
        let found = agent.call("find_tools", find).await.unwrap();
        let tools = &found["structuredContent"]["tools"];
        assert_eq!(texts(tools, "name").first().map(String::as_str), Some("ledger__list_accounts"));
        assert!(tools[0]["inputSchema"].is_object() && !found.to_string().contains("send_payment"));
        let call = |name: &str| json!({ "name": name, "arguments": {} });
        let called = agent.call("call_tool", call("ledger__list_accounts")).await.unwrap();
        assert!(called.to_string().contains("giro"), "{called}");
        let refused = agent.call("call_tool", call("ledger__send_payment")).await;
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("Unknown tool: ledger__send_payment"), "{told}");
    }
    let records = both.host.audit().await.unwrap();
    let all = |kind: &str| -> Vec<String> {
        let of = records.iter().filter(|one| one["kind"] == kind);
        of.map(Value::to_string).collect()
    };
    let intents = all("call.intent");
    assert!(
        intents.len() == 2
            && intents.iter().all(|one| one.contains("list_accounts") && one.contains(&allowed)),
        "{intents:?}"
    );
    assert!(all("call.refused").iter().all(|one| one.contains("send_payment")));
    assert!(records.iter().all(|one| !one.to_string().contains("call_tool")));
    let switched = records.iter().find(|one| one["detail"]["setting"] == "search").unwrap();
    assert_eq!(
        (&switched["kind"], &switched["detail"]["is"]),
        (&json!("setting.changed"), &json!("on"))
    );
    both.host.ok(&["agents", "search", "clerk", "off"]).await.unwrap();
    let mut agent = both.agent("legacy").await;
    assert_eq!(agent.tools().await.unwrap(), ["ledger__list_accounts", "mailbox__list_messages"]);
    assert!(agent.call("call_tool", json!({ "name": "ledger__list_accounts" })).await.is_err());
}
