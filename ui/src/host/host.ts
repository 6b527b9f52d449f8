// What can be asked of the Host, one typed function per wish. Views know this page and nothing below it.
import type { Failure } from "../generated/Failure";
import type { AccessWish, AnswerWish, AuditFilter, ClientWish, GrantWish, LaunchWish, LocalWish, MachineWish, RulesWish, SignInChoice, SimulationWish, WireWish } from "../generated/Request";
import type {
  AccessView,
  AccountView,
  AgentAdded,
  AgentView,
  ApprovalsToldView,
  ApprovalView,
  AskingView,
  AuditMask,
  AuditStatusView,
  BundleView,
  CallView,
  CareView,
  CheckView,
  FlowView,
  DayView,
  GrantView,
  KnownServersView,
  LaunchView,
  LogView,
  NetworkView,
  GuardrailFaultView,
  GuardrailView,
  GuardrailWordsView,
  PlanView,
  ProgramView,
  RecordView,
  RulePlanView,
  RunView,
  SavedView,
  ServerView,
  SignInView,
  SimulationView,
  StateView,
  ToolView,
  TouchedView,
  VerifyView,
  WirePreviewView,
  WiredView,
} from "../generated/View";
import { invoke } from "./bridge";
import { asFailure } from "./failure";

async function ask<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    throw asFailure(thrown);
  }
}

export type { Failure };

/** Settles once the Host runs; fails with what kept it from starting. */
export const started = () => ask<null>("started");
export const state = () => ask<StateView>("state");
/** A backup of everything, in the exports of the data folder. */
export const backUp = (passphrase: string) => ask<SavedView>("back_up", { secret: passphrase });
export const pause = () => ask<StateView>("pause");
export const resume = () => ask<StateView>("resume");
export const doctor = () => ask<CheckView[]>("doctor");
export const network = () => ask<NetworkView>("network");
export const networkProxy = (url: string | null) => ask<NetworkView>("network_proxy", { url });
export const networkTrust = (name: string, pem: string) => ask<NetworkView>("network_trust", { name, pem });
export const networkDocuments = (on: boolean) => ask<NetworkView>("network_documents", { on });
export const networkDistrust = (name: string) => ask<NetworkView>("network_distrust", { name });
/** This data folder is the only one left of those that were copied. */
export const adopt = () => ask<StateView>("adopt");

export const servers = () => ask<ServerView[]>("servers");
/** Well-known servers: a list that comes with the program. */
export const serversKnown = () => ask<KnownServersView>("servers_known");
export const serverAdd = (url: string, name: string) => ask<ServerView>("server_add", { url, name });
/** Something about a server that is a program of this machine. */
const local = <T>(wish: LocalWish) => ask<T>("local", { wish });
/** What would be started; nothing is. */
export const localPreview = (launch: LaunchWish) => local<LaunchView>({ local: "preview", launch });
export const localAdd = (name: string, launch: LaunchWish) => local<ServerView>({ local: "add", name, launch });
export const localChange = (server: string, launch: LaunchWish) => local<ServerView>({ local: "change", server, launch });
/** Asks again whether it may start. */
export const localAsk = (server: string) => local<ServerView>({ local: "ask", server });
export const localStop = (server: string) => local<ServerView>({ local: "stop", server });
export const localLog = (server: string) => local<LogView>({ local: "log", server });
export interface Link {
  url: string;
  name: string | null;
}
/** The link that Prokura was opened with, once: a stranger's word. */
export const link = () => ask<Link | null>("link");
/** Whether Prokura shows what a server asks, where an agent cannot. */
export const serverQuestions = (server: string, on: boolean) => ask<ServerView>("server_questions", { server, on });
export const serverRemove = (server: string) => ask<string[]>("server_remove", { server });

/** What a sign-in would ask for; nothing is registered or kept. */
export const signInPlan = (server: string, account: string | null, choice: SignInChoice) => ask<PlanView>("sign_in_plan", { server, account, choice });
export const signIn = (server: string, account: string | null, choice: SignInChoice) => ask<SignInView>("sign_in", { server, account, choice });
export const signInPaste = (signIn: string, address: string) => ask<null>("sign_in_paste", { signIn, address });
export const signInMachine = (server: string, account: string | null, machine: MachineWish) => ask<AccountView>("sign_in_machine", { server, account, machine });
export const accountRename = (server: string, account: string, name: string) => ask<AccountView>("account_rename", { server, account, name });
export const accountUse = (server: string, account: string, agent: string) => ask<AccountView>("account_use", { server, account, agent });
export const serverExcept = (server: string, exception: string, holds: boolean) => ask<ServerView>("server_except", { server, exception, holds });
/** The address to enter where a client is made by hand. */
export const redirect = (server: string, port: number | null) => ask<string>("redirect", { server, port });
/** Opens the page of a sign-in in the system's browser; the Shell refuses anything but http and https. */
export const openPage = (url: string) => ask<null>("open_page", { url });
export const signInWait = (signIn: string) => ask<AccountView>("sign_in_wait", { signIn });
export const signInCancel = (signIn: string) => ask<null>("sign_in_cancel", { signIn });
/** Of a key, answers the public part to enter at the authorization server. */
export const clientSet = (server: string, clientId: string, proof: ClientWish) =>
  ask<string | null>("client_set", { server, clientId, proof });
export const keySet = (server: string, header: string, key: string) => ask<AccountView>("key_set", { server, header, key });
export const signOut = (server: string, account: string | null) => ask<string[]>("sign_out", { server, account });

export const tools = (server: string) => ask<ToolView[]>("tools", { server });
export const toolsRefresh = (server: string) => ask<ToolView[]>("tools_refresh", { server });
export const toolClassify = (server: string, tool: string, toolClass: string, labels: string | null) =>
  ask<ToolView>("tool_classify", { server, tool, class: toolClass, labels });
/** With the server alone: take what is proposed for everything nobody has looked at. */
export const toolsLabel = (server: string, tool: string | null = null, labels: string | null = null, resources: string | null = null, prompts: string | null = null) =>
  ask<ToolView[]>("tools_label", { server, tool, labels, resources, prompts });
export const flow = () => ask<FlowView>("flow");
export const flowSet = (on: boolean | null, window: string | null) => ask<FlowView>("flow_set", { on, window });
export const flowForget = (agent: string) => ask<FlowView>("flow_forget", { agent });
export const toolAccept = (server: string, tool: string) => ask<ToolView>("tool_accept", { server, tool });

/** Calls a tool as the agent "you", and waits, where it needs approval for minutes. `name` is what it can be stopped by. */
export const toolRun = (server: string, account: string | null, tool: string, args: string, name: string) =>
  ask<RunView>("tool_run", { server, account, tool, arguments: args, name });
export const toolRunStop = (name: string) => ask<null>("tool_run_stop", { name });

export const agents = () => ask<AgentView[]>("agents");
export const agentAdd = (name: string) => ask<AgentAdded>("agent_add", { name });
export const agentPause = (agent: string) => ask<AgentView>("agent_pause", { agent });
export const agentSearch = (agent: string, on: boolean) => ask<AgentView>("agent_search", { agent, on });
export const agentResume = (agent: string) => ask<AgentView>("agent_resume", { agent });
export const agentRevoke = (agent: string) => ask<AgentView>("agent_revoke", { agent });
/** Ends one sign-in; its tokens are dead at once. */
export const agentSignOut = (agent: string, signIn: string) => ask<AgentView>("agent_sign_out", { agent, signIn });
/** Gives an agent a new key; the old one is dead at once. */
export const agentKey = (agent: string) => ask<AgentAdded>("agent_key", { agent });
export const agentUnpair = (agent: string, pairing: string) => ask<AgentView>("agent_unpair", { agent, pairing });

/** The agent programs on this machine whose settings Prokura can change. */
export const programs = () => ask<ProgramView[]>("programs");
export const wirePreview = (of: WireWish) => ask<WirePreviewView>("wire_preview", { of });
export const wire = (of: WireWish, digest: string) => ask<WiredView>("wire", { of, digest });
export const unwirePreview = (program: string) => ask<WirePreviewView>("unwire_preview", { program });
export const unwire = (program: string, digest: string) => ask<WiredView>("unwire", { program, digest });

/** What an agent can do now, or who can use a tool, and why. */
export const access = (of: AccessWish) => ask<AccessView[]>("access", { of });
export const grants = (all: boolean) => ask<GrantView[]>("grants", { all });
export const grantAdd = (wish: GrantWish) => ask<GrantView>("grant_add", { wish });
export const grantRevoke = (grant: string) => ask<GrantView>("grant_revoke", { grant });
export const grantsRevoke = (grants: string[]) => ask<GrantView[]>("grants_revoke", { grants });
/** What is null stays; an end is RFC 3339, or `never`. */
export const grantsChange = (grants: string[], effect: string | null, until: string | null) => ask<GrantView[]>("grants_change", { grants, effect, until });
/** Without a digest these only show what would happen. */
export const grantsPreset = (wish: Extract<RulesWish, { act: "preset" }>) => ask<RulePlanView>("grants_preset", { wish });
export const grantsCopy = (wish: Extract<RulesWish, { act: "copy" }>) => ask<RulePlanView>("grants_copy", { wish });
export const rulesSave = () => ask<SavedView>("rules_save");
export const rulesImport = (wish: Extract<RulesWish, { act: "import" }>) => ask<RulePlanView>("rules_import", { wish });
export const bundles = () => ask<BundleView[]>("bundles");
export const bundleLook = (text: string, key: string | null) => ask<BundleView>("bundle_look", { text, key });
export const bundleTake = (text: string, key: string | null) => ask<BundleView>("bundle_take", { text, key });
export const bundleRelease = (name: string) => ask<BundleView[]>("bundle_release", { name });

export const guardrails = () => ask<GuardrailView[]>("guardrails");
export const guardrailAdd = (name: string, text: string) => ask<GuardrailView>("guardrail_add", { name, text });
/** What is null stays. */
export const guardrailChange = (name: string, text: string | null, enabled: boolean | null) => ask<GuardrailView>("guardrail_change", { name, text, enabled });
export const guardrailRemove = (name: string) => ask<GuardrailView>("guardrail_remove", { name });
export const guardrailCheck = (text: string) => ask<GuardrailFaultView[]>("guardrail_check", { text });
export const guardrailWords = () => ask<GuardrailWordsView>("guardrail_words");
export const simulate = (of: SimulationWish) => ask<SimulationView>("simulate", { of });

export const approvals = (all: boolean) => ask<ApprovalView[]>("approvals", { all });
/** Only the approval window holds the permission for this one. */
export const approvalAllow = (approval: string, answer: AnswerWish, passphrase: string | null) =>
  ask<ApprovalView>("approval_allow", { approval, answer, passphrase });
export const approvalDeny = (approval: string, note: string | null, pause = false) =>
  ask<ApprovalView>("approval_deny", { approval, note, pause });
export const approvalsTold = () => ask<ApprovalsToldView>("approvals_told");
export const doNotDisturb = (mode: string) => ask<StateView>("do_not_disturb", { mode });
/** How answers have to be given, and how questions come. */
export const asking = () => ask<AskingView>("asking");
export const askingLevel = (scope: string, level: string, passphrase: string | null) => ask<AskingView>("asking_level", { scope, level, passphrase });
export const askingPassphrase = (to: string, old: string | null) => ask<AskingView>("asking_passphrase", { new: to, old });
export const askingPauseKeys = (keys: string | null) => ask<AskingView>("asking_pause_keys", { keys });
export const pauseKeysTrouble = () => ask<string | null>("pause_keys_trouble", {});
export const askingNotices = (on: boolean) => ask<AskingView>("asking_notices", { on });
/** Only the approval window holds the permission for this one too. */
export const consentAllow = (approval: string, number: string, agent: string | null, newAgent: string | null) =>
  ask<ApprovalView>("consent_allow", { approval, number, agent, newAgent });
/** Only the approval window: opens the sign-in that answers a question about scopes, and waits until it is over. */
/** Opens the page of a server's question in the person's browser, and agrees to it where that is what was asked. */
export const elicitationVisit = (approval: string, passphrase: string | null) => ask<ApprovalView>("elicitation_visit", { approval, passphrase });
export const elicitationCancel = (approval: string) => ask<ApprovalView>("elicitation_cancel", { approval });
export const scopesGive = (approval: string) => ask<AccountView>("scopes_give", { approval });
export const scopesAskAgain = (server: string, account: string) => ask<AccountView>("scopes_ask_again", { server, account });
/** Brings the approval window to the front. */
export const approvalsOpen = () => ask<null>("approvals_open");

export const audit = (limit: number, before: number | null, filter: Partial<AuditFilter>) =>
  ask<RecordView[]>("audit", { limit, before, filter });
export const auditShow = (seq: number) => ask<RecordView>("audit_show", { seq });
export const auditCall = (seq: number) => ask<CallView>("audit_call", { seq });
export const auditDays = (days: number) => ask<DayView[]>("audit_days", { days });
export const auditTouched = (agent: string) => ask<TouchedView[]>("audit_touched", { agent });
export const auditStatus = () => ask<AuditStatusView>("audit_status");
export const auditSet = (name: string, value: string) => ask<AuditStatusView>("audit_set", { name, value });
export const auditLevel = (server: string, level: string) => ask<AuditStatusView>("audit_level", { server, level });
export const auditMask = (mask: AuditMask, remove: boolean) => ask<AuditStatusView>("audit_mask", { mask, remove });
export const auditFilterSave = (name: string, filter: Partial<AuditFilter> | null) =>
  ask<AuditStatusView>("audit_filter_save", { name, filter });
export const auditCare = () => ask<CareView>("audit_care");
export const auditArchive = (until: string) => ask<CareView>("audit_archive", { until });
export const auditSave = (format: string) => ask<SavedView>("audit_save", { format });
export const auditVerify = () => ask<VerifyView>("audit_verify");
