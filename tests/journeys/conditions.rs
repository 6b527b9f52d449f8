//! Every kind of condition through a real call: where it holds the call goes, where it does not or cannot be told it stays.

use std::sync::Arc;

use prokura_testkit::fixture::{Offer, Run, ToolSpec};
use prokura_testkit::{Agent, AgentReply};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, refused};

/// A tool of its own for a condition, and arguments for which it holds, for which it does not, and for which it cannot be told.
struct Kind {
    tool: &'static str,
    condition: &'static str,
    holds: &'static [&'static str],
    fails: &'static [&'static str],
    untold: &'static [&'static str],
}

const KINDS: [Kind; 14] = [
    Kind {
        tool: "equals",
        condition: "/x = 1.50",
        holds: &[r#"{"x":1.5}"#, r#"{"x":1.50}"#, r#"{"x":15e-1}"#],
        fails: &[r#"{"x":1.51}"#, r#"{"x":-1.5}"#],
        untold: &["{}", r#"{"x":"1.5"}"#, r#"{"x":null}"#],
    },
    Kind {
        tool: "equals_text",
        condition: "/x = Grace",
        holds: &[r#"{"x":"Grace"}"#, r#"{"x":"Gr\u0061ce"}"#],
        // The second has a Cyrillic "a".
        fails: &[r#"{"x":"grace"}"#, r#"{"x":"Gr\u0430ce"}"#, r#"{"x":"Grace "}"#],
        untold: &[r#"{"y":"Grace"}"#, r#"{"x":["Grace"]}"#],
    },
    Kind {
        tool: "differs",
        condition: "/x != Mallory",
        holds: &[r#"{"x":"Grace"}"#],
        fails: &[r#"{"x":"Mallory"}"#],
        untold: &["{}", r#"{"x":7}"#],
    },
    Kind {
        tool: "less",
        condition: "/x < 10",
        holds: &[r#"{"x":9.99}"#, r#"{"x":-1e30}"#],
        fails: &[r#"{"x":10}"#, r#"{"x":10.001}"#],
        untold: &[r#"{"x":"9"}"#],
    },
    Kind {
        tool: "at_most",
        condition: "/x <= 10",
        holds: &[r#"{"x":10}"#, r#"{"x":1e1}"#],
        fails: &[r#"{"x":10.01}"#, r#"{"x":9007199254740993}"#],
        untold: &[r#"{"x":[10]}"#],
    },
    Kind {
        tool: "greater",
        condition: "/x > 10",
        holds: &[r#"{"x":10.01}"#],
        fails: &[r#"{"x":10}"#],
        untold: &[r#"{"x":true}"#],
    },
    Kind {
        tool: "at_least",
        condition: "/in/x >= 10",
        holds: &[r#"{"in":{"x":10}}"#],
        fails: &[r#"{"in":{"x":9.99}}"#],
        untold: &[r#"{"x":10}"#, r#"{"in":[10]}"#],
    },
    Kind {
        tool: "one_of",
        condition: r#"/x in ["EUR","USD"]"#,
        holds: &[r#"{"x":"EUR"}"#, r#"{"x":"USD"}"#],
        fails: &[r#"{"x":"eur"}"#, r#"{"x":"EUR,USD"}"#],
        untold: &[r#"{"x":["EUR"]}"#, "{}"],
    },
    Kind {
        tool: "glob",
        condition: "/x glob feature/*",
        holds: &[r#"{"x":"feature/login"}"#],
        fails: &[r#"{"x":"main"}"#, r#"{"x":"a/feature/login"}"#],
        untold: &[r#"{"x":1}"#],
    },
    Kind {
        tool: "under",
        condition: "/x under /srv/reports",
        holds: &[r#"{"x":"/srv/reports/may.txt"}"#],
        fails: &[r#"{"x":"/srv/reports-of-others/may.txt"}"#, r#"{"x":"/etc/passwd"}"#],
        untold: &[
            r#"{"x":"/srv/reports/../secrets"}"#,
            r#"{"x":"reports/may.txt"}"#,
            r#"{"x":"/srv/reports/%2e%2e/secrets"}"#,
        ],
    },
    Kind {
        tool: "host",
        condition: "/x host *.example.com",
        holds: &[r#"{"x":"https://docs.example.com/a"}"#, r#"{"x":"https://DOCS.EXAMPLE.COM/"}"#],
        fails: &[
            r#"{"x":"https://example.com.evil.test/"}"#,
            r#"{"x":"https://evil.test/?docs.example.com"}"#,
        ],
        untold: &[r#"{"x":"docs.example.com"}"#, r#"{"x":7}"#],
    },
    Kind {
        tool: "length",
        condition: "/x len<= 3",
        holds: &[r#"{"x":"äöü"}"#, r#"{"x":[1,2,3]}"#, r#"{"x":""}"#],
        fails: &[r#"{"x":"four"}"#, r#"{"x":[1,2,3,4]}"#],
        untold: &[r#"{"x":3}"#, r#"{"x":{"a":1}}"#],
    },
    Kind {
        tool: "matches",
        condition: "/x matches [A-Z]{2}-[0-9]+",
        holds: &[r#"{"x":"AB-12"}"#],
        fails: &[r#"{"x":"AB-12 and more"}"#, r#"{"x":"x\nAB-12"}"#, r#"{"x":"AB-12\n"}"#],
        untold: &[r#"{"x":null}"#],
    },
    Kind {
        tool: "absent",
        condition: "/in/bcc absent",
        holds: &[r#"{"in":{}}"#, r#"{"in":{"cc":"x"}}"#],
        fails: &[r#"{"in":{"bcc":null}}"#, r#"{"in":{"bcc":"m@example.com"}}"#],
        untold: &[r#"{"in":"text"}"#],
    },
];

fn offer() -> Offer {
    let tool = |kind: &Kind| {
        let run = Run::Answer(Arc::new(|_| Ok(json!({ "text": "done" }))));
        ToolSpec::new(kind.tool, "Does something.", json!({ "type": "object" }), run)
    };
    Offer { name: "Kinds".into(), tools: KINDS.iter().map(tool).collect(), ..Offer::default() }
}

async fn call(agent: &Agent, tool: &str, text: &str) -> AgentReply {
    let arguments: Value = serde_json::from_str(text).unwrap();
    agent.call(tool, arguments).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_condition_holds_through_a_real_call() {
    let scene = Scene::of(offer(), "kinds").await;
    for kind in &KINDS {
        let words = [
            "grants",
            "add",
            "--agent",
            "clerk",
            "--server",
            "kinds",
            "--tools",
            kind.tool,
            "--effect",
            "allow",
            "--where",
            kind.condition,
        ];
        scene.host.ok(&words).await.unwrap();
    }
    let agent = Agent::modern(&scene.host.endpoint("kinds"), &scene.key).unwrap();
    for kind in &KINDS {
        for text in kind.holds {
            let reply = call(&agent, kind.tool, text).await;
            assert!(reply.is_fine(), "{} {text}: {}", kind.condition, reply.raw);
        }
        for text in kind.fails {
            let reply = call(&agent, kind.tool, text).await;
            assert!(!reply.is_fine(), "{} let {text} through", kind.condition);
            refused(&reply, "only where");
        }
        for text in kind.untold {
            let reply = call(&agent, kind.tool, text).await;
            assert!(!reply.is_fine(), "{} let {text} through", kind.condition);
            refused(&reply, "cannot be checked");
        }
        let carried = scene.fixture.recorder().calls(kind.tool).len();
        assert_eq!(carried, kind.holds.len(), "{}", kind.condition);
    }
}

#[tokio::test]
async fn of_several_conditions_all_have_to_hold_and_a_broader_grant_answers_where_one_does_not() {
    let scene = Scene::of(offer(), "kinds").await;
    let words = [
        "grants",
        "add",
        "--agent",
        "clerk",
        "--server",
        "kinds",
        "--tools",
        "equals",
        "--effect",
        "allow",
        "--where",
        "/x = Grace",
        "--where",
        "/amount <= 5",
    ];
    scene.host.ok(&words).await.unwrap();
    let agent = Agent::modern(&scene.host.endpoint("kinds"), &scene.key).unwrap();
    fine(&call(&agent, "equals", r#"{"x":"Grace","amount":5}"#).await);
    refused(&call(&agent, "equals", r#"{"x":"Grace","amount":6}"#).await, "/amount");
    refused(&call(&agent, "equals", r#"{"x":"Mallory","amount":5}"#).await, "/x");
    // One that is false settles it, whatever cannot be told of the other.
    refused(&call(&agent, "equals", r#"{"x":"Mallory"}"#).await, "only where");
    scene.host.grant("clerk", "kinds", "*", "allow").await.unwrap();
    fine(&call(&agent, "equals", r#"{"x":"Mallory","amount":5}"#).await);
    refused(&call(&agent, "equals", r#"{"x":"Grace"}"#).await, "cannot be checked");
}
