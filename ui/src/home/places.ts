// Everything the palette can lead to. It leads and pauses; it never grants, allows or removes.
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

const ALSO: Partial<Record<string, string>> = {
  approvals: "questions waiting history",
  servers: "accounts tools mcp",
  agents: "programs keys",
  grants: "permissions delegations matrix list",
  guardrails: "policies cedar flow rule",
  audit: "log records history export",
  settings: "preferences proxy network passphrase notifications",
  doctor: "checks health problems diagnose",
};
const MOST = 40;
const RECENT = 5;

export function goals(known: Known): Goal[] {
  return [...actions(known), ...screens(), ...things(known)];
}

const screens = (): Goal[] => SCREENS.map((screen) => ({ id: `go-${screen}`, icon: screen, kind: "Screen", text: SCREEN[screen], more: "", also: ALSO[screen] ?? "", keys: keysOf(screen), href: href(screen) }));

function actions({ state, servers, agents, approvals, programs, pauseKeys }: Known): Goal[] {
  const action = (id: string, icon: IconName, text: string, to: Partial<Goal>): Goal => ({ id, icon, kind: "Action", text, more: "", ...to });
  const list: Goal[] = [];
  const waiting = approvals.filter((one) => one.state === "pending").length;
  if (waiting > 0) list.push(action("answer", "approvals", waiting === 1 ? "Answer the question that waits" : `Answer the ${waiting} questions that wait`, { act: "answer", also: "approve deny open approval window" }));
  for (const server of servers) if (wantsYou(server)) list.push(action(`sign-in-${server.id}`, "servers", `Sign in to ${server.name}`, { href: href("servers", server.id), also: "login" }));
  list.push(
    action("new-server", "plus", "Add a server", { href: href("servers", "new") }),
    action("new-agent", "plus", "Add an agent", { href: href("agents", "new") }),
  );
  for (const program of programs) if (program.installed && program.state === "free") list.push(action(`connect-${program.id}`, "agents", `Connect ${program.name}`, { more: program.file, also: "wire", href: href("agents", `connect-${program.id}`) }));
  if (agents.length > 0 && servers.length > 0) {
    list.push(
      action("new-grant", "plus", "Make a grant", { href: href("grants", "new"), also: "new allow permit delegate" }),
      action("preset", "grants", "Grant by a preset, or copy grants", { href: href("grants", "several"), also: "template" }),
    );
  }
  list.push(action("new-guardrail", "plus", "Make a guardrail", { href: href("guardrails", "new"), also: "new policy rule" }));
  list.push(action("rules-file", "grants", "Save or import the rules as a file", { href: href("grants", "file"), also: "export backup" }));
  if (state) list.push(state.paused ? action("resume", "play", "Resume all agents", { act: "resume", also: "unpause start" }) : action("pause", "pause", "Pause all agents", { more: "Every call is refused until you resume", act: "pause", also: "stop emergency", ...(pauseKeys ? { keys: pauseKeys } : {}) }));
  for (const server of servers) if (!wantsYou(server)) list.push(action(`refresh-${server.id}`, "refresh", `Ask ${server.name} for its tools again`, { act: "refresh", also: "refresh reload", aside: true }));
  list.push(
    action("verify", "check", "Verify the audit log", { act: "verify", also: "integrity hash chain" }),
    action("keeping", "audit", "How long the log is kept", { href: href("audit", "keeping"), also: "retention export collector" }),
    action("keys", "info", "Keyboard shortcuts", { act: "keys", keys: HELP, also: "help keys" }),
  );
  return list;
}

function things({ servers, agents, grants, guardrails, tools }: Known): Goal[] {
  const list: Goal[] = [];
  for (const server of servers) list.push({ id: server.id, icon: "servers", kind: "Server", text: server.name, more: server.endpoint, href: href("servers", server.id) });
  for (const agent of agents) list.push({ id: agent.id, icon: "agents", kind: "Agent", text: agent.name, more: agent.state === "active" ? (agent.claim ?? "") : agent.state, href: href("agents", agent.id) });
  for (const server of servers) {
    for (const account of server.accounts) list.push({ id: account.id, icon: "lock", kind: "Account", text: account.name, more: server.name, href: href("servers", server.id) });
  }
  for (const one of guardrails) list.push({ id: one.id, icon: "guardrails", kind: "Guardrail", text: one.name, more: one.enabled ? "" : "off", href: one.bundle === null ? href("guardrails", one.id) : href("guardrails") });
  for (const server of servers) {
    for (const tool of tools.get(server.id) ?? []) list.push({ id: `tool ${tool.id}`, icon: "arrow", kind: "Tool", text: tool.name, more: server.name, also: tool.title ?? "", href: href("servers", server.id, tool.name) });
  }
  for (const grant of grants) {
    const what = targetWords(grant.target);
    list.push({ id: grant.id, icon: "grants", kind: "Grant", text: `${grant.agent.name} → ${grant.server.name}: ${grant.effect} ${[what.text, what.code].filter(Boolean).join(" ")}`, more: grant.note ?? "", also: grant.account?.name ?? "", href: href("grants", `${grant.agent.id}~${grant.server.id}`) });
  }
  return list;
}

/** What is shown before anything is typed: what was used last, then what can be done, then where one can go. */
export function offered(list: readonly Goal[], recent: readonly string[]): { title: string; found: Found[] }[] {
  const known = new Map(list.map((goal) => [goal.id, goal]));
  const last = recent.map((id) => known.get(id)).filter((goal) => goal !== undefined).slice(0, RECENT);
  const rest = (kind: string) => list.filter((goal) => goal.kind === kind && !goal.aside && !last.includes(goal));
  const groups = [{ title: "Last used", all: last }, { title: "Do", all: rest("Action") }, { title: "Go to", all: rest("Screen") }];
  return groups.filter((group) => group.all.length > 0).map(({ title, all }) => ({ title, found: all.slice(0, MOST).map((goal) => ({ goal, spans: [] })) }));
}

/** What fits what was typed, the best first; of equals the one that was used last, then the order of the list. */
export function matching(list: readonly Goal[], typed: string, recent: readonly string[] = []): Found[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found: (Found & { score: number; at: number })[] = [];
  for (const [at, goal] of list.entries()) {
    const text = goal.text.toLowerCase();
    const fitted = fits(words, text, `${goal.kind} ${goal.more} ${goal.also ?? ""}`.toLowerCase());
    if (!fitted) continue;
    const used = recent.indexOf(goal.id);
    // Letters that grew longer in small letters (İ) would mark the wrong ones.
    const spans = text.length === goal.text.length ? fitted.spans : [];
    found.push({ goal, spans, at, score: fitted.score + (used < 0 ? 0 : 120 - used * 10) + (goal.kind === "Screen" ? 50 : 0) });
  }
  return found.sort((one, other) => other.score - one.score || one.at - other.at).slice(0, MOST);
}

/** What is typed, looked for where everything that happened stands. */
export const inTheLog = (typed: string): Goal => ({ id: "in-the-log", icon: "search", kind: "Audit", text: `Search the audit log for “${typed.trim()}”`, more: "", href: href("audit", "find", typed.trim()) });
