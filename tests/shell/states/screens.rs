//! Every screen and what it says in each of its states. A screen that is not here is not finished.

/// How a screen is reached in one of its states, and what it says there.
pub struct State {
    pub scene: &'static str,
    pub hash: &'static str,
    pub says: &'static [&'static str],
}

pub struct Screen {
    pub name: &'static str,
    /// What is pressed once it is there.
    pub press: Option<&'static str>,
    pub normal: State,
    pub empty: Option<State>,
    pub full: State,
}

const fn state(scene: &'static str, hash: &'static str, says: &'static [&'static str]) -> State {
    State { scene, hash, says }
}

const fn screen(name: &'static str, normal: State, empty: State, full: State) -> Screen {
    Screen { name, press: None, normal, empty: Some(empty), full }
}

pub const SCREENS: &[Screen] = &[
    screen(
        "Home",
        state("normal", "home", &["What needs you", "3 questions wait for your answer.", "Today"]),
        state("empty", "home", &["Get started", "You sign in once."]),
        state("crowded", "home", &["15 questions wait for your answer."]),
    ),
    screen(
        "Servers",
        state("normal", "servers", &["ledger", "more access wanted"]),
        state("empty", "servers", &["A server offers tools. Add one by its address", "Add server"]),
        state("crowded", "servers", &["warehouse-of-the-north-staging-eu", "and 9 more"]),
    ),
    screen(
        "a server",
        state("normal", "servers/srv_1", &["marta@northwind", "Its definition changed"]),
        state("normal", "servers/srv_3", &["Sign in to linear to see its tools."]),
        state("crowded", "servers/srv_0", &["marta-warehouse-of2", "Go through it…"]),
    ),
    screen(
        "Agents",
        state("normal", "agents", &["nightly-report", "On this machine"]),
        state("empty", "agents", &["An agent is a program that works for you.", "Add agent"]),
        state("crowded", "agents", &["worker-20"]),
    ),
    screen(
        "an agent",
        state("normal", "agents/agt_0", &["What it can do now", "A grant allows every read tool."]),
        state("normal", "agents/agt_3", &["Nothing. No grant covers anything for old-laptop"]),
        state("crowded", "agents/agt_0", &["5,027"]),
    ),
    screen(
        "Grants, the matrix",
        state("normal", "grants", &["of 49 tools", "claude-code → github"]),
        state("empty", "grants", &["A grant says which agent may use which tools.", "Add agent"]),
        state("crowded", "grants", &["worker-4", "other servers"]),
    ),
    Screen {
        name: "Grants, the list",
        press: Some("List"),
        normal: state("normal", "grants", &["Last used", "every write tool"]),
        // Without a grant there is nothing to list, and the screen is the one above.
        empty: None,
        full: state("crowded", "grants", &["501 grants", "Let them end in 7 days"]),
    },
    screen(
        "Approvals, the queue and what was answered",
        state("normal", "approvals", &["Allowing happens only in the approval window", "Earlier"]),
        state("empty", "approvals", &["Nothing waits.", "Make a grant that asks you"]),
        state("crowded", "approvals", &["delete_everything", "Show 50 more"]),
    ),
    screen(
        "Guardrails",
        state("normal", "guardrails", &["No large payments", "does not fit the tools"]),
        state("empty", "guardrails", &["Begin with what must never happen", "New guardrail"]),
        state("crowded", "guardrails", &["No large payments (60)"]),
    ),
    screen(
        "Audit",
        state("normal", "audit", &["in 30 days", "get_statement"]),
        state(
            "empty",
            "audit",
            &["Nothing happened yet. Every call and every change will stand here"],
        ),
        state("crowded", "audit", &["1000000"]),
    ),
    screen(
        "Settings",
        state("normal", "settings", &["Every destructive tool", "Trust no more"]),
        state("empty", "settings", &["Everything needs a click", "None. Servers are checked"]),
        state("crowded", "settings", &["Authority of warehouse"]),
    ),
    screen(
        "Doctor",
        state("normal", "doctor", &["One thing to look at", "Go to linear"]),
        state("empty", "doctor", &["All is well."]),
        state("crowded", "doctor", &["41 things to look at"]),
    ),
];
