//! Which window may call what, with Tauri's own mock runtime and the capability files that are shipped.

#![recursion_limit = "256"] // Every command has its arguments in one value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use prokura_api::{Failure, FailureCode};
use prokura_desktop::{APPROVAL, MAIN, NAMES, Running, wire};
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewWindow, WebviewWindowBuilder};

/// What the approval window may call.
const OF_APPROVAL: [&str; 7] = [
    "approvals",
    "approval_allow",
    "approval_deny",
    "consent_allow",
    "scopes_give",
    "elicitation_cancel",
    "elicitation_visit",
];

/// The program, whose Host was kept from starting: a command that is let through answers with this.
fn program() -> App<MockRuntime> {
    let failure = Failure::new(FailureCode::Internal, "no host here", "");
    wire(mock_builder(), Running::failed(failure))
        .build(tauri::generate_context!(test = true))
        .expect("the program is built")
}

fn window(app: &App<MockRuntime>, label: &str) -> WebviewWindow<MockRuntime> {
    WebviewWindowBuilder::new(app, label, Default::default()).build().expect("the window is made")
}

/// Whether the capabilities let the command through; what it then answers does not matter.
fn lets_through(window: &WebviewWindow<MockRuntime>, command: &str) -> bool {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().expect("an address"),
        body: InvokeBody::Json(json!({
            "url": "about:nothing", "name": "x", "server": "x", "account": "x", "signIn": "x", "number": "1", "newAgent": null, "clientId": "x",
            "clientSecret": null, "secret": "x", "arguments": "{}", "header": "x", "key": "x", "tool": "x", "class": "read", "labels": null,
            "agent": "x", "pairing": "x", "all": false, "grant": "x", "approval": "x", "seconds": null, "note": null,
            "program": "x", "digest": "x", "of": { "program": "x", "agent": "x", "way": "command", "since": "1d", "by": "agent" }, "text": "x", "enabled": true,
            "resources": null, "prompts": null, "on": true, "keys": null, "window": null,
            "limit": 1, "before": null, "filter": {}, "until": "1d", "format": "x", "seq": 1, "days": 1, "value": "1", "level": "digest", "mask": { "server": null, "tool": null, "pointer": "/a" }, "remove": false,
            "answer": "once", "pause": false, "mode": "off", "pem": "x", "scope": "class:read", "passphrase": null, "new": "x", "old": null,
            "proof": "new_key", "choice": {}, "address": "x", "machine": "client", "exception": "x", "holds": true, "port": null,
            "wish": { "agent": "x", "server": "x", "effect": "ask", "act": "export", "local": "stop" }, "grants": ["x"], "effect": null,
        })),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    match get_ipc_response(window, request) {
        Ok(_) => true,
        Err(Value::String(refusal)) => {
            assert!(refusal.contains("not allowed"), "{command}: {refusal}");
            false
        }
        Err(failure) => {
            assert!(failure.get("code").is_some(), "{command}: {failure}");
            true
        }
    }
}

#[test]
fn the_main_window_can_ask_for_everything_but_cannot_allow() {
    let app = program();
    let main = window(&app, MAIN);
    for command in NAMES.iter().filter(|name| **name != "approvals_open") {
        let allows = matches!(
            *command,
            "approval_allow" | "consent_allow" | "scopes_give" | "elicitation_visit"
        );
        assert_eq!(lets_through(&main, command), !allows, "{command}");
    }
}

#[test]
fn the_approval_window_sees_and_answers_questions_and_nothing_else() {
    let app = program();
    let approval = window(&app, APPROVAL);
    for command in NAMES {
        assert_eq!(lets_through(&approval, command), OF_APPROVAL.contains(command), "{command}");
    }
}

#[test]
fn a_window_without_a_capability_can_do_nothing() {
    let app = program();
    let other = window(&app, "other");
    for command in NAMES {
        assert!(!lets_through(&other, command), "{command}");
    }
}
