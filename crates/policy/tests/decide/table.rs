//! One sentence, one case.

use prokura_domain::*;
use prokura_policy::Guardrails;
use prokura_policy::{Approved, Decision, decide, forward, housekeeping, visible};

use crate::world::*;

#[test]
fn nothing_configured_is_denied() {
    assert_eq!(decided(&[], &facts()), "NoGrant");
}

#[test]
fn effects_mean_what_they_say() {
    for (effect, expected) in
        [(Effect::Allow, "allow"), (Effect::Ask, "ask"), (Effect::Deny, "Grant")]
    {
        assert_eq!(decided(&[grant(tool("send"), effect)], &facts()), expected);
    }
}

#[test]
fn an_expired_grant_is_denied() {
    let mut expired = grant(tool("send"), Effect::Allow);
    expired.until = Some(NOW);
    assert_eq!(decided(&[expired.clone()], &facts()), "NoGrant");
    expired.until = Some(Timestamp(NOW.0 + 1));
    assert_eq!(decided(&[expired], &facts()), "allow");
}

#[test]
fn a_revoked_grant_is_denied() {
    let mut revoked = grant(tool("send"), Effect::Allow);
    revoked.revoked_at = Some(Timestamp(5));
    assert_eq!(decided(&[revoked], &facts()), "NoGrant");
}

#[test]
fn a_grant_of_another_agent_server_or_account_does_not_count() {
    let own = grant(tool("send"), Effect::Allow);
    let mut others = vec![own.clone(), own.clone(), own];
    others[0].agent = AgentId::from_text("agt_2");
    others[1].server = ServerId::from_text("srv_2");
    others[2].account = Some(AccountId::from_text("acc_2"));
    assert_eq!(decided(&others, &facts()), "NoGrant");
}

#[test]
fn the_most_specific_grant_wins() {
    let class = TargetPattern::Class(ToolClass::Write);
    let cases: [(TargetPattern, TargetPattern); 5] = [
        (tool("send"), glob("sen*")),
        (glob("sen*"), glob("s*")),
        (glob("s*"), class.clone()),
        (class, glob("*")),
        (glob("?end"), glob("s*")),
    ];
    for (narrow, wide) in cases {
        let (narrow, wide) = (grant(narrow, Effect::Allow), grant(wide, Effect::Deny));
        let label = format!("{:?} over {:?}", narrow.target, wide.target);
        assert_eq!(decided(&[narrow.clone(), wide.clone()], &facts()), "allow", "{label}");
        assert_eq!(decided(&[wide, narrow], &facts()), "allow", "{label}, other order");
    }
}

#[test]
fn an_account_is_more_specific_than_a_tool_name() {
    let mut bound = grant(glob("*"), Effect::Deny);
    bound.account = Some(AccountId::from_text("acc_1"));
    assert_eq!(decided(&[grant(tool("send"), Effect::Allow), bound], &facts()), "Grant");
}

#[test]
fn deny_beats_ask_beats_allow_at_equal_specificity() {
    let all = [Effect::Allow, Effect::Ask, Effect::Deny].map(|effect| grant(tool("send"), effect));
    assert_eq!(decided(&all, &facts()), "Grant");
    assert_eq!(decided(&all[..2], &facts()), "ask");
}

#[test]
fn a_class_never_covers_an_unclassified_tool_and_a_name_does() {
    let mut unclassified = facts();
    unclassified.tool.as_mut().unwrap().class = None;
    for class in ToolClass::ALL {
        let by_class = grant(TargetPattern::Class(class), Effect::Allow);
        assert_eq!(decided(&[by_class], &unclassified), "NoGrant");
    }
    assert_eq!(decided(&[grant(tool("send"), Effect::Allow)], &unclassified), "allow");
}

#[test]
fn a_changed_new_gone_or_unseen_tool_is_quarantined_for_who_was_granted_it() {
    for pin in [Some(Pin::Changed), Some(Pin::New), Some(Pin::Gone), None] {
        let mut other = facts();
        match pin {
            Some(pin) => other.tool.as_mut().unwrap().pin = pin,
            None => other.tool = None,
        }
        assert_eq!(
            decided(&[grant(tool("send"), Effect::Allow)], &other),
            "Quarantined",
            "{pin:?}"
        );
        assert_eq!(decided(&[], &other), "NoGrant", "{pin:?}");
    }
}

#[test]
fn a_glob_does_not_cover_a_tool_nobody_has_accepted() {
    let mut new = facts();
    new.tool.as_mut().unwrap().pin = Pin::New;
    assert_eq!(decided(&[grant(glob("*"), Effect::Allow)], &new), "NoGrant");
}

#[test]
fn a_pause_and_a_revoked_agent_deny_everything() {
    let allowed = [grant(tool("send"), Effect::Allow)];
    let mut paused = facts();
    paused.paused = true;
    assert_eq!(decided(&allowed, &paused), "Paused");
    let mut revoked = facts();
    revoked.agent = AgentState::Revoked;
    assert_eq!(decided(&allowed, &revoked), "AgentRevoked");
}

#[test]
fn an_approval_fits_only_the_call_and_the_definition_that_were_shown() {
    let asks = [grant(tool("send"), Effect::Ask)];
    let shown = Approved {
        question: QuestionId::from_text("qst_1"),
        digest: call("send").digest,
        pin: Some(Digest([1; 32])),
        rules: Vec::new(),
        level: Default::default(),
    };
    let with = |approved: Approved| {
        let mut facts = facts();
        facts.approved = Some(approved);
        decided(&asks, &facts)
    };
    assert_eq!(with(shown.clone()), "allow");
    assert_eq!(with(Approved { digest: Digest([7; 32]), ..shown.clone() }), "ask");
    assert_eq!(with(Approved { pin: Some(Digest([2; 32])), ..shown.clone() }), "ask");
    assert_eq!(with(Approved { pin: None, ..shown }), "ask");
}

#[test]
fn an_approval_does_not_override_a_deny() {
    let mut facts = facts();
    facts.approved = Some(Approved {
        question: QuestionId::from_text("qst_1"),
        digest: call("send").digest,
        pin: Some(Digest([1; 32])),
        rules: Vec::new(),
        level: Default::default(),
    });
    assert_eq!(decided(&[grant(tool("send"), Effect::Deny)], &facts), "Grant");
}

#[test]
fn the_same_arguments_are_allowed_and_other_arguments_ask() {
    let mut same = grant(tool("send"), Effect::Allow);
    same.arguments = Some(call("send").digest);
    let asks = grant(tool("send"), Effect::Ask);
    assert_eq!(decided(&[same.clone(), asks.clone()], &facts()), "allow");
    same.arguments = Some(Digest([9; 32]));
    assert_eq!(decided(&[same, asks], &facts()), "ask");
}

#[test]
fn the_decision_names_the_rules_that_mattered() {
    let mut allow = grant(tool("send"), Effect::Allow);
    allow.id = GrantId::from_text("grt_9");
    let Decision::Allow(permit, why) =
        decide(&call("send"), &[allow], &Guardrails::default(), &facts())
    else {
        panic!("not allowed");
    };
    assert_eq!(why[0].rule, "grt_9");
    assert_eq!(permit.grants(), [GrantId::from_text("grt_9")]);
}

#[test]
fn what_is_listed_is_what_could_be_called() {
    let send = Target::Tool("send".to_owned());
    assert!(visible(&send, &[grant(tool("send"), Effect::Ask)], &facts()));
    assert!(!visible(&send, &[grant(tool("send"), Effect::Deny)], &facts()));
    assert!(!visible(&send, &[grant(tool("other"), Effect::Allow)], &facts()));
    let mut changed = facts();
    changed.tool.as_mut().unwrap().pin = Pin::Changed;
    assert!(!visible(&send, &[grant(tool("send"), Effect::Allow)], &changed));
}

#[test]
fn resources_prompts_and_unknown_methods_need_grants_of_their_kind() {
    let all = [
        grant(TargetPattern::Resources("file://*".to_owned()), Effect::Allow),
        grant(TargetPattern::Prompts("*".to_owned()), Effect::Allow),
        grant(glob("*"), Effect::Allow),
    ];
    let mut asked = call("send");
    for (target, expected) in [
        (Target::Resource("file:///a/b?c=1".to_owned()), "allow"),
        (Target::Resource("http://x".to_owned()), "NoGrant"),
        (Target::Prompt("p".to_owned()), "allow"),
        (Target::Method("vendor/x".to_owned()), "NoGrant"),
    ] {
        asked.target = target.clone();
        assert_eq!(
            word(&decide(&asked, &all, &Guardrails::default(), &facts())),
            expected,
            "{target:?}"
        );
    }
}

#[test]
fn a_call_is_never_forwarded_as_protocol() {
    let (agent, server, account) =
        (AgentId::from_text("agt_1"), ServerId::from_text("srv_1"), AccountId::from_text("acc_1"));
    let try_it = |method: Option<&str>, verb: Verb, paused: bool, state: AgentState| {
        let outgoing = Outgoing { verb, headers: Vec::new(), body: Default::default() };
        forward((&agent, state), (&server, &account), method, outgoing, (paused, 1)).is_ok()
    };
    let active = AgentState::Active;
    assert!(try_it(Some("tools/list"), Verb::Post, false, active));
    assert!(try_it(None, Verb::Get, false, active));
    for method in ["tools/call", "resources/read", "prompts/get", "vendor/x", "tasks/update"] {
        assert!(!try_it(Some(method), Verb::Post, false, active), "{method}");
    }
    assert!(!try_it(None, Verb::Post, false, active));
    assert!(!try_it(Some("ping"), Verb::Post, true, active));
    assert!(!try_it(Some("ping"), Verb::Post, false, AgentState::Revoked));
}

#[test]
fn the_host_itself_can_only_look() {
    let (server, account) = (ServerId::from_text("srv_1"), AccountId::from_text("acc_1"));
    let outgoing = || Outgoing { verb: Verb::Post, headers: Vec::new(), body: Default::default() };
    assert!(housekeeping(&server, &account, Some("tools/list"), outgoing()).is_some());
    for method in ["tools/call", "resources/read", "ping", "prompts/get"] {
        assert!(housekeeping(&server, &account, Some(method), outgoing()).is_none(), "{method}");
    }
    assert!(housekeeping(&server, &account, None, outgoing()).is_none());
}
