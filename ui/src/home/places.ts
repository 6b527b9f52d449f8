// Everything the palette can lead to. It leads and pauses; it never grants, allows or removes.
import { named, t, type Key } from "../lang/messages.svelte";
import type { AgentView, ApprovalView, GrantView, GuardrailView, ProgramView, ServerView, StateView, ToolView } from "../generated/View";
import { targetWords } from "../grants/cover";
import type { IconName } from "../parts/Icon.svelte";
import { href, SCREENS } from "../parts/route.svelte";
import { wantsYou } from "../servers/words";
import { fits, type Span } from "./fuzzy";
import { HELP, keysOf, SCREEN } from "./shortcuts";

export type Act = "pause" | "resume" | "verify" | "answer" | "refresh" | "keys";

export interface Goal {
  id: string;
  icon: IconName;
  kind: string;
  text: string;
  more: string;
  /** Other words for it, to be found by. */
  also?: string;
  keys?: string;
  /** Where it leads; without one it is an action. */
  href?: string;
  act?: Act;
  /** Found by what is typed, but not offered before. */
  aside?: boolean;
}

/** A goal that was found, and the letters it was found by. */
export interface Found {
  goal: Goal;
  spans: readonly Span[];
}

export interface Known {
  state: StateView | undefined;
  servers: readonly ServerView[];
  agents: readonly AgentView[];
  grants: readonly GrantView[];
  approvals: readonly ApprovalView[];
  guardrails: readonly GuardrailView[];
  programs: readonly ProgramView[];
  /** What pauses all agents from any program, such as `Ctrl+Alt+P`. */
  pauseKeys?: string | null;
  tools: ReadonlyMap<string, readonly ToolView[]>;
}

const ALSO: Partial<Record<string, Key>> = {
  approvals: "home.questions_waiting_history",
  servers: "home.accounts_tools_mcp",
  agents: "home.programs_keys",
  grants: "home.permissions_delegations_matrix_list",
  guardrails: "home.policies_cedar_flow_rule",
  audit: "home.log_records_history_export",
  settings: "home.preferences_proxy_network_passphrase_notifications",
  doctor: "home.checks_health_problems_diagnose",
};
const MOST = 40;
const RECENT = 5;

export function goals(known: Known): Goal[] {
  return [...actions(known), ...screens(), ...things(known)];
}

const also = (key: Key | undefined): string => (key ? t(key) : "");
const screens = (): Goal[] => SCREENS.map((screen) => ({ id: `go-${screen}`, icon: screen, kind: "Screen", text: t(SCREEN[screen]), more: "", also: also(ALSO[screen]), keys: keysOf(screen), href: href(screen) }));

function actions({ state, servers, agents, approvals, programs, pauseKeys }: Known): Goal[] {
  const action = (id: string, icon: IconName, text: string, to: Partial<Goal>): Goal => ({ id, icon, kind: "Action", text, more: "", ...to });
  const list: Goal[] = [];
  const waiting = approvals.filter((one) => one.state === "pending").length;
  if (waiting > 0) list.push(action("answer", "approvals", t("home.answer_the_question_that_waits", { count: waiting }), { act: "answer", also: t("home.approve_deny_open_approval_window") }));
  for (const server of servers) if (wantsYou(server)) list.push(action(`sign-in-${server.id}`, "servers", t("home.sign_in_to_server", { server: server.name }), { href: href("servers", server.id), also: t("home.login") }));
  list.push(
    action("new-server", "plus", t("home.add_a_server"), { href: href("servers", "new") }),
    action("new-agent", "plus", t("home.add_an_agent"), { href: href("agents", "new") }),
  );
  for (const program of programs) if (program.installed && program.state === "free") list.push(action(`connect-${program.id}`, "agents", t("home.connect_program", { program: program.name }), { more: program.file, also: t("home.wire"), href: href("agents", `connect-${program.id}`) }));
  if (agents.length > 0 && servers.length > 0) {
    list.push(
      action("new-grant", "plus", t("home.make_a_grant"), { href: href("grants", "new"), also: t("home.new_allow_permit_delegate") }),
      action("preset", "grants", t("home.grant_by_a_preset_or"), { href: href("grants", "several"), also: t("home.template") }),
    );
  }
  list.push(action("new-guardrail", "plus", t("home.make_a_guardrail"), { href: href("guardrails", "new"), also: t("home.new_policy_rule") }));
  list.push(action("rules-file", "grants", t("home.save_or_import_the_rules"), { href: href("grants", "file"), also: t("home.export_backup") }));
  if (state) list.push(state.paused ? action("resume", "play", t("home.resume_all_agents"), { act: "resume", also: t("home.unpause_start") }) : action("pause", "pause", t("home.pause_all_agents"), { more: t("home.every_call_is_refused_until"), act: "pause", also: t("home.stop_emergency"), ...(pauseKeys ? { keys: pauseKeys } : {}) }));
  for (const server of servers) if (!wantsYou(server)) list.push(action(`refresh-${server.id}`, "refresh", t("home.ask_for_its_tools_again", { server: server.name }), { act: "refresh", also: t("home.refresh_reload"), aside: true }));
  list.push(
    action("verify", "check", t("home.verify_the_audit_log"), { act: "verify", also: t("home.integrity_hash_chain") }),
    action("keeping", "audit", t("home.how_long_the_log_is"), { href: href("audit", "keeping"), also: t("home.retention_export_collector") }),
    action("keys", "info", t("home.keyboard_shortcuts"), { act: "keys", keys: HELP, also: t("home.help_keys") }),
  );
  return list;
}

function things({ servers, agents, grants, guardrails, tools }: Known): Goal[] {
  const list: Goal[] = [];
  for (const server of servers) list.push({ id: server.id, icon: "servers", kind: "Server", text: server.name, more: server.endpoint, href: href("servers", server.id) });
  for (const agent of agents) list.push({ id: agent.id, icon: "agents", kind: "Agent", text: agent.name, more: agent.state === "active" ? (agent.claim ?? "") : named("agent", agent.state), href: href("agents", agent.id) });
  for (const server of servers) {
    for (const account of server.accounts) list.push({ id: account.id, icon: "lock", kind: "Account", text: account.name, more: server.name, href: href("servers", server.id) });
  }
  for (const one of guardrails) list.push({ id: one.id, icon: "guardrails", kind: "Guardrail", text: one.name, more: one.enabled ? "" : t("home.off"), href: one.bundle === null ? href("guardrails", one.id) : href("guardrails") });
  for (const server of servers) {
    for (const tool of tools.get(server.id) ?? []) list.push({ id: `tool ${tool.id}`, icon: "arrow", kind: "Tool", text: tool.name, more: server.name, also: tool.title ?? "", href: href("servers", server.id, tool.name) });
  }
  for (const grant of grants) {
    const what = targetWords(grant.target);
    list.push({ id: grant.id, icon: "grants", kind: "Grant", text: `${grant.agent.name} → ${grant.server.name}: ${named("verb", grant.effect)} ${[what.text, what.code].filter(Boolean).join(" ")}`, more: grant.note ?? "", also: grant.account?.name ?? "", href: href("grants", `${grant.agent.id}~${grant.server.id}`) });
  }
  return list;
}

/** What is shown before anything is typed: what was used last, then what can be done, then where one can go. */
export function offered(list: readonly Goal[], recent: readonly string[]): { title: string; found: Found[] }[] {
  const known = new Map(list.map((goal) => [goal.id, goal]));
  const last = recent.map((id) => known.get(id)).filter((goal) => goal !== undefined).slice(0, RECENT);
  const rest = (kind: string) => list.filter((goal) => goal.kind === kind && !goal.aside && !last.includes(goal));
  const groups = [{ title: t("home.last_used"), all: last }, { title: t("home.do"), all: rest("Action") }, { title: t("home.go_to"), all: rest("Screen") }];
  return groups.filter((group) => group.all.length > 0).map(({ title, all }) => ({ title, found: all.slice(0, MOST).map((goal) => ({ goal, spans: [] })) }));
}

/** What fits what was typed, the best first; of equals the one that was used last, then the order of the list. */
export function matching(list: readonly Goal[], typed: string, recent: readonly string[] = []): Found[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found: (Found & { score: number; at: number })[] = [];
  for (const [at, goal] of list.entries()) {
    const text = goal.text.toLowerCase();
    const fitted = fits(words, text, `${named("kind", goal.kind)} ${goal.more} ${goal.also ?? ""}`.toLowerCase());
    if (!fitted) continue;
    const used = recent.indexOf(goal.id);
    // Letters that grew longer in small letters (İ) would mark the wrong ones.
    const spans = text.length === goal.text.length ? fitted.spans : [];
    found.push({ goal, spans, at, score: fitted.score + (used < 0 ? 0 : 120 - used * 10) + (goal.kind === "Screen" ? 50 : 0) });
  }
  return found.sort((one, other) => other.score - one.score || one.at - other.at).slice(0, MOST);
}

/** What is typed, looked for where everything that happened stands. */
export const inTheLog = (typed: string): Goal => ({ id: "in-the-log", icon: "search", kind: "Audit", text: t("home.search_the_audit_log_for", { text: typed.trim() }), more: "", href: href("audit", "find", typed.trim()) });
