//! One door for the control socket: a [`Request`] in, JSON out. Every wish has a typed method; nothing is decided here.

use prokura_domain::GuardrailOrigin;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, FailureCode};
use crate::request::{
    AccountWish, AskingWish, AuditWish, BundleWish, GuardrailWish, LocalWish, NetworkWish, Request,
    RulesWish, RunWish,
};
use crate::view::NetworkView;
use crate::{Api, Origin, RunCall};

fn value<T: Serialize>(view: Result<T, Failure>) -> Result<Value, Failure> {
    serde_json::to_value(view?).map_err(|error| {
        Failure::new(FailureCode::Internal, error.to_string(), "Report this as a bug.")
    })
}

impl Api {
    /// Answers a wish of the command line.
    ///
    /// # Errors
    /// [`Failure`] with what to do next.
    #[allow(clippy::wildcard_enum_match_arm)] // The others are answered below.
    pub async fn answer(&self, request: Request) -> Result<Value, Failure> {
        match request {
            Request::State => value(self.state().await),
            Request::Servers => value(self.servers().await),
            Request::ServersKnown { search } => value(self.servers_known(search).await),
            Request::ServerAdd { url, name } => value(self.server_add(url, name).await),
            Request::Local(wish) => self.answer_about_local(wish).await,
            Request::ServerRemove { server } => value(self.server_remove(server).await),
            Request::SignIn { server, account, choice } => {
                value(self.sign_in(server, account, choice).await)
            }
            Request::Account(wish) => self.answer_about_accounts(wish).await,
            Request::SignInWait { sign_in } => value(self.sign_in_wait(sign_in).await),
            Request::SignInCancel { sign_in } => value(self.sign_in_cancel(sign_in).await),
            Request::ClientSet { server, client_id, proof } => {
                value(self.client_set(server, client_id, proof).await)
            }
            Request::SignInMachine { server, account, machine, scopes } => {
                value(self.sign_in_machine(server, account, machine, scopes).await)
            }
            Request::KeySet { server, header, key } => {
                value(self.key_set(server, header, key).await)
            }
            Request::SignOut { server, account } => value(self.sign_out(server, account).await),
            Request::Doctor => value(self.doctor().await),
            Request::Network(wish) => value(self.answer_about_network(wish).await),
            Request::BackUp { passphrase, to } => value(self.back_up(passphrase, to).await),
            Request::Adopt => value(self.adopt().await),
            Request::Pause => value(self.pause().await),
            Request::Resume => value(self.resume().await),
            Request::Programs => value(self.programs().await),
            Request::WirePreview(wish) => value(self.wire_preview(wish).await),
            Request::Wire { of, digest } => value(self.wire(of, digest).await),
            Request::UnwirePreview { program } => value(self.unwire_preview(program).await),
            Request::Unwire { program, digest } => value(self.unwire(program, digest).await),
            Request::Guardrail(wish) => self.answer_about_guardrails(wish).await,
            Request::Simulate(wish) => value(self.simulate(wish).await),
            Request::Run(RunWish::Stop { name }) => value(self.run_stop(name).await),
            Request::Run(RunWish::Call { server, account, tool, arguments, name }) => {
                let call = RunCall { server, account, tool, arguments, name };
                value(self.run(call, Origin::Cli).await)
            }
            Request::Rules(wish) => self.answer_about_rules(wish).await,
            Request::Bundle(wish) => self.answer_about_bundles(wish).await,
            Request::Audit(wish) => self.answer_about_audit(wish).await,
            Request::Asking(wish) => self.answer_about_asking(wish).await,
            _ => self.answer_about_delegation(request).await,
        }
    }

    async fn answer_about_network(&self, wish: NetworkWish) -> Result<NetworkView, Failure> {
        match wish {
            NetworkWish::Show => self.network().await,
            NetworkWish::Proxy { url } => self.network_proxy(url).await,
            NetworkWish::Trust { name, pem } => self.network_trust(name, pem).await,
            NetworkWish::Documents { on } => self.network_documents(on).await,
            NetworkWish::Distrust { name } => self.network_distrust(name).await,
        }
    }

    async fn answer_about_guardrails(&self, wish: GuardrailWish) -> Result<Value, Failure> {
        match wish {
            GuardrailWish::List => value(self.guardrails().await),
            GuardrailWish::Show { name } => value(self.guardrail_show(name).await),
            GuardrailWish::Add { name, text } => {
                value(self.guardrail_add(name, text, GuardrailOrigin::Cli).await)
            }
            GuardrailWish::Change { name, text, enabled } => {
                value(self.guardrail_change(name, text, enabled).await)
            }
            GuardrailWish::Remove { name } => value(self.guardrail_remove(name).await),
            GuardrailWish::Check { text } => value(self.guardrail_check(text).await),
            GuardrailWish::Words => value(self.guardrail_words().await),
        }
    }

    async fn answer_about_rules(&self, wish: RulesWish) -> Result<Value, Failure> {
        match wish {
            RulesWish::Revoke { grants } => value(self.grants_revoke(grants).await),
            RulesWish::Change { grants, effect, until } => {
                value(self.grants_change(grants, effect, until, Origin::Cli).await)
            }
            wish @ RulesWish::Preset { .. } => value(self.grants_preset(wish, Origin::Cli).await),
            wish @ RulesWish::Copy { .. } => value(self.grants_copy(wish, Origin::Cli).await),
            RulesWish::Export => value(self.rules_export().await),
            wish @ RulesWish::Import { .. } => value(self.rules_import(wish, Origin::Cli).await),
        }
    }

    async fn answer_about_local(&self, wish: LocalWish) -> Result<Value, Failure> {
        match wish {
            LocalWish::Preview { launch } => value(self.local_preview(launch).await),
            LocalWish::Add { name, launch } => value(self.local_add(name, launch).await),
            LocalWish::Change { server, launch } => value(self.local_change(server, launch).await),
            LocalWish::Ask { server } => value(self.local_ask(server).await),
            LocalWish::Stop { server } => value(self.local_stop(server).await),
            LocalWish::Log { server } => value(self.local_log(server).await),
        }
    }

    async fn answer_about_bundles(&self, wish: BundleWish) -> Result<Value, Failure> {
        match wish {
            BundleWish::List => value(self.bundles().await),
            BundleWish::Look { text, key } => value(self.bundle_look(text, key).await),
            BundleWish::Take { text, key } => value(self.bundle_take(text, key).await),
            BundleWish::Release { name } => value(self.bundle_release(name).await),
        }
    }

    async fn answer_about_asking(&self, wish: AskingWish) -> Result<Value, Failure> {
        value(match wish {
            AskingWish::Questions { server, on } => {
                return value(self.server_questions(server, on).await);
            }
            AskingWish::Show => self.asking().await,
            AskingWish::Level { scope, level, passphrase } => {
                self.asking_level(scope, level, passphrase).await
            }
            AskingWish::Passphrase { new, old } => self.asking_passphrase(new, old).await,
            AskingWish::Notices { on } => self.asking_notices(on).await,
            AskingWish::PauseKeys { keys } => self.asking_pause_keys(keys).await,
        })
    }

    async fn answer_about_accounts(&self, wish: AccountWish) -> Result<Value, Failure> {
        match wish {
            AccountWish::Plan { server, account, choice } => {
                value(self.sign_in_plan(server, account, choice).await)
            }
            AccountWish::Paste { sign_in, address } => {
                value(self.sign_in_paste(sign_in, address).await)
            }
            AccountWish::Rename { server, account, name } => {
                value(self.account_rename(server, account, name).await)
            }
            AccountWish::Use { server, account, agent } => {
                value(self.account_use(server, account, agent).await)
            }
            AccountWish::Except { server, exception, holds } => {
                value(self.server_except(server, exception, holds).await)
            }
            AccountWish::Redirect { server, port } => value(self.redirect(server, port).await),
            AccountWish::Give { approval } => value(self.scopes_give(approval).await),
            AccountWish::AskAgain { server, account } => {
                value(self.scopes_ask_again(server, account).await)
            }
            AccountWish::ForgetClient { server } => value(self.client_forget(server).await),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `answer` took the others.
    async fn answer_about_delegation(&self, request: Request) -> Result<Value, Failure> {
        match request {
            Request::Tools { server } => value(self.tools(server).await),
            Request::ToolsRefresh { server } => value(self.tools_refresh(server).await),
            Request::ToolClassify { server, tool, class, labels } => {
                value(self.tool_classify(server, tool, class, labels).await)
            }
            Request::ToolAccept { server, tool } => value(self.tool_accept(server, tool).await),
            Request::ToolsLabel { server, tool, labels, resources, prompts } => {
                value(self.tools_label(server, tool, labels, resources, prompts).await)
            }
            Request::Flow => value(self.flow().await),
            Request::FlowSet { on, window } => value(self.flow_set(on, window).await),
            Request::FlowForget { agent } => value(self.flow_forget(agent).await),
            Request::Agents => value(self.agents().await),
            Request::AgentAdd { name } => value(self.agent_add(name).await),
            Request::AgentRevoke { agent } => value(self.agent_revoke(agent).await),
            Request::AgentUnpair { agent, pairing } => {
                value(self.agent_unpair(agent, pairing).await)
            }
            Request::AgentSignOut { agent, sign_in } => {
                value(self.agent_sign_out(agent, sign_in).await)
            }
            Request::AgentKey { agent } => value(self.agent_key(agent).await),
            Request::Access(wish) => value(self.access(wish).await),
            Request::Grants { all } => value(self.grants(all).await),
            Request::GrantAdd(wish) => value(
                self.grant_add(wish, Origin::Cli).await.map(|grant| json!({ "grant": grant })),
            ),
            Request::GrantRevoke { grant } => value(self.grant_revoke(grant).await),
            Request::AgentLimits(wish) => value(self.agent_limits(wish).await),
            Request::AgentSearch { agent, on } => value(self.agent_search(agent, on).await),
            Request::AgentPause { agent } => value(self.agent_pause(agent).await),
            Request::AgentResume { agent } => value(self.agent_resume(agent).await),
            Request::ApprovalsTold => value(self.approvals_told().await),
            Request::DoNotDisturb { mode } => value(self.do_not_disturb(mode).await),
            Request::Approvals { all } => value(self.approvals(all).await),
            Request::ApprovalShow { approval } => value(self.approval(approval).await),
            Request::ApprovalAnswer { approval, answer, passphrase } => {
                value(self.approval_answer(approval, answer, passphrase, Origin::Cli).await)
            }
            _ => Err(Failure::new(
                FailureCode::Internal,
                "This wish has no answer here.",
                "Report this as a bug.",
            )),
        }
    }

    async fn answer_about_audit(&self, wish: AuditWish) -> Result<Value, Failure> {
        match wish {
            AuditWish::List { limit, before, filter } => {
                value(self.audit(limit, before, filter).await)
            }
            AuditWish::Show { seq } => value(self.audit_show(seq).await),
            AuditWish::Call { seq } => value(self.audit_call(seq).await),
            AuditWish::Days { days } => value(self.audit_days(days).await),
            AuditWish::Touched { agent } => value(self.audit_touched(agent).await),
            AuditWish::Status => value(self.audit_status().await),
            AuditWish::Set { name, value: set } => value(self.audit_set(name, set).await),
            AuditWish::Level { server, level } => value(self.audit_level(server, level).await),
            AuditWish::Mask { mask, remove } => value(self.audit_mask(mask, remove).await),
            AuditWish::FilterSave { name, filter } => {
                value(self.audit_filter_save(name, filter).await)
            }
            AuditWish::Care => value(self.audit_care().await),
            AuditWish::Archive { before } => value(self.audit_archive(before).await),
            AuditWish::Verify => value(self.audit_verify().await),
            AuditWish::Save { format } => value(self.audit_save(format).await),
            AuditWish::Bundle { first, last } => value(self.audit_bundle(first, last).await),
            AuditWish::Export { after } => value(self.audit_export(after).await),
        }
    }
}
