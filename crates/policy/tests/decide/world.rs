//! Builders for small worlds.

use bytes::Bytes;
use prokura_domain::*;
use prokura_policy::Guardrails;
use prokura_policy::{Decision, Facts, ToolFacts, decide};

pub const NOW: Timestamp = Timestamp(1_000_000);

pub fn call(tool: &str) -> Call {
    call_of(tool, Json::object([("name", Json::text(tool))]))
}

/// A call with these arguments, as JSON text.
pub fn call_with(tool: &str, arguments: &str) -> Call {
    let arguments = Json::read(arguments.as_bytes()).unwrap();
    call_of(tool, Json::object([("name", Json::text(tool)), ("arguments", arguments)]))
}

fn call_of(tool: &str, params: Json) -> Call {
    Call {
        id: CallId::from_text("cal_1"),
        agent: AgentId::from_text("agt_1"),
        server: ServerId::from_text("srv_1"),
        account: AccountId::from_text("acc_1"),
        method: "tools/call".to_owned(),
        target: Target::Tool(tool.to_owned()),
        digest: call::digest("tools/call", &params),
        params,
        outgoing: Outgoing {
            verb: Verb::Post,
            headers: Vec::new(),
            body: Bytes::from_static(b"{}"),
        },
    }
}

pub fn grant(target: TargetPattern, effect: Effect) -> Grant {
    Grant {
        id: GrantId::from_text("grt_1"),
        agent: AgentId::from_text("agt_1"),
        server: ServerId::from_text("srv_1"),
        account: None,
        target,
        effect,
        arguments: None,
        conditions: Vec::new(),
        budget: None,
        until: None,
        note: None,
        origin: Origin::Cli,
        added_at: Timestamp(0),
        revoked_at: None,
        used_at: None,
    }
}

/// A grant that holds only where these conditions do.
pub fn grant_where(target: TargetPattern, effect: Effect, conditions: &[&str]) -> Grant {
    let conditions = conditions.iter().map(|text| text.parse().unwrap()).collect();
    Grant { conditions, ..grant(target, effect) }
}

pub fn tool(name: &str) -> TargetPattern {
    TargetPattern::Tool(name.to_owned())
}

pub fn glob(pattern: &str) -> TargetPattern {
    TargetPattern::Tools(pattern.to_owned())
}

pub fn facts() -> Facts {
    Facts {
        now: NOW,
        paused: false,
        agent: AgentState::Active,
        tool: Some(ToolFacts {
            class: Some(ToolClass::Write),
            pin: Pin::Accepted,
            digest: Digest([1; 32]),
        }),
        approved: None,
        arguments: None,
        used: Vec::new(),
        flow: None,
        levels: Default::default(),
        cast: None,
        generation: 1,
    }
}

/// allow, ask, or the denial's name.
pub fn word(decision: &Decision) -> String {
    match decision {
        Decision::Allow(..) => "allow".to_owned(),
        Decision::Ask(_) => "ask".to_owned(),
        Decision::Deny(denied) => format!("{:?}", denied.denial),
    }
}

pub fn decided(grants: &[Grant], facts: &Facts) -> String {
    word(&decide(&call("send"), grants, &Guardrails::default(), facts))
}
