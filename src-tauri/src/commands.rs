//! The commands of the windows, a file for each word, one line each: they pass a wish to the Host and its answer back.
//! They must never decide; which window may call which is said in `capabilities/`.

mod access;
mod agents;
mod approvals;
mod audit;
mod elicitations;
mod flow;
mod grants;
mod guardrails;
mod names;
mod network;
mod rules;
mod servers;
mod sign_in;
mod state;
mod tools;
mod wiring;

use prokura_api::Failure;
use tauri::{Builder, Runtime, State};

use crate::Running;
pub use names::NAMES;

/// What a command answers.
type Answer<T> = Result<T, Failure>;
/// The Host behind all of them.
type Behind<'a> = State<'a, Running>;

#[rustfmt::skip] // One line for the words of one page.
pub(crate) fn register<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.invoke_handler(tauri::generate_handler![
        state::started, state::state, state::pause, state::resume, state::doctor,
        network::network, network::network_proxy, network::network_trust, network::network_distrust, network::network_documents, network::adopt,
        servers::servers, servers::server_add, servers::server_remove, servers::local, servers::link,
        servers::servers_known, state::back_up,
        sign_in::sign_in, sign_in::open_page, sign_in::sign_in_wait, sign_in::sign_in_cancel, sign_in::sign_in_plan,
        sign_in::sign_in_paste, sign_in::sign_in_machine, sign_in::account_rename, sign_in::account_use, sign_in::scopes_ask_again,
        sign_in::server_except, sign_in::redirect, sign_in::client_set, sign_in::key_set, sign_in::sign_out,
        tools::tools, tools::tools_refresh, tools::tool_classify, tools::tool_accept, tools::tools_label,
        tools::tool_run, tools::tool_run_stop,
        flow::flow, flow::flow_set, flow::flow_forget,
        guardrails::guardrails, guardrails::guardrail_add, guardrails::guardrail_change,
        guardrails::guardrail_remove, guardrails::guardrail_check, guardrails::guardrail_words,
        guardrails::simulate,
        agents::agents, agents::agent_add, agents::agent_revoke, agents::agent_unpair, agents::agent_pause,
        agents::agent_resume, agents::agent_search, agents::agent_sign_out, agents::agent_key,
        wiring::programs, wiring::wire_preview, wiring::wire, wiring::unwire_preview, wiring::unwire,
        access::access, grants::grants, grants::grant_add, grants::grant_revoke,
        rules::grants_revoke, rules::grants_change, rules::grants_preset, rules::grants_copy, rules::rules_save,
        rules::rules_import, rules::bundles, rules::bundle_look, rules::bundle_take, rules::bundle_release,
        approvals::approvals, approvals::approvals_open, approvals::approval_allow, approvals::approval_deny,
        approvals::approvals_told, approvals::do_not_disturb, approvals::consent_allow,
        approvals::scopes_give,
        elicitations::server_questions, elicitations::elicitation_cancel, elicitations::elicitation_visit,
        approvals::asking, approvals::asking_level, approvals::asking_passphrase, approvals::asking_notices,
        approvals::asking_pause_keys, approvals::pause_keys_trouble,
        audit::audit, audit::audit_show, audit::audit_call, audit::audit_days, audit::audit_touched,
        audit::audit_status, audit::audit_set, audit::audit_level, audit::audit_mask, audit::audit_filter_save,
        audit::audit_care, audit::audit_archive, audit::audit_save, audit::audit_verify,
    ])
}
