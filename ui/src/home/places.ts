// Everything the palette can lead to. It leads and pauses; it never grants, allows or removes.
import type { AgentView, GrantView, ProgramView, ServerView, StateView, ToolView } from "../generated/View";
import type { IconName } from "../parts/Icon.svelte";
import { href, SCREENS, type Screen } from "../parts/route.svelte";

export interface Goal {
  id: string;
  icon: IconName;
  kind: string;
  text: string;
  more: string;
  /** Where it leads; without one it is an action. */
  href?: string;
  act?: "pause" | "resume" | "verify";
}

export interface Known {
  state: StateView | undefined;
  servers: readonly ServerView[];
  agents: readonly AgentView[];
  grants: readonly GrantView[];
  programs: readonly ProgramView[];
  tools: ReadonlyMap<string, readonly ToolView[]>;
}

const SCREEN: Record<Screen, string> = { home: "Home", approvals: "Approvals", servers: "Servers", agents: "Agents", grants: "Grants", guardrails: "Guardrails", audit: "Audit", settings: "Settings" };
const MOST = 40;

export function goals(known: Known): Goal[] {
  const { state, servers, agents, grants, programs, tools } = known;
  const list: Goal[] = SCREENS.map((screen) => ({ id: `go-${screen}`, icon: screen, kind: "Screen", text: SCREEN[screen] ?? screen, more: "", href: href(screen) }));
  list.push(
    { id: "new-server", icon: "plus", kind: "Action", text: "Add a server", more: "", href: href("servers", "new") },
    { id: "new-agent", icon: "plus", kind: "Action", text: "Add an agent", more: "", href: href("agents", "new") },
    { id: "new-grant", icon: "plus", kind: "Action", text: "Make a grant", more: "", href: href("grants", "new") },
  );
  if (state) list.push(state.paused ? { id: "resume", icon: "play", kind: "Action", text: "Resume all agents", more: "", act: "resume" } : { id: "pause", icon: "pause", kind: "Action", text: "Pause all agents", more: "Every call is refused until you resume", act: "pause" });
  list.push({ id: "verify", icon: "check", kind: "Action", text: "Verify the audit log", more: "", act: "verify" });
  for (const server of servers) list.push({ id: server.id, icon: "servers", kind: "Server", text: server.name, more: server.endpoint, href: href("servers", server.id) });
  for (const agent of agents) list.push({ id: agent.id, icon: "agents", kind: "Agent", text: agent.name, more: agent.state === "active" ? "" : "revoked", href: href("agents") });
  for (const program of programs) if (program.installed && program.state === "free") list.push({ id: `connect-${program.id}`, icon: "agents", kind: "Action", text: `Connect ${program.name}`, more: program.file, href: href("agents", `connect-${program.id}`) });
  for (const server of servers) {
    for (const tool of tools.get(server.id) ?? []) list.push({ id: tool.id, icon: "arrow", kind: "Tool", text: tool.name, more: server.name, href: href("servers", server.id) });
  }
  for (const grant of grants) list.push({ id: grant.id, icon: "grants", kind: "Grant", text: `${grant.agent.name} at ${grant.server.name}: ${grant.effect} ${grant.target}`, more: grant.note ?? "", href: href("grants") });
  return list;
}

/** Those in which every word occurs; where a text begins with the first word comes first. */
export function matching(list: readonly Goal[], typed: string): Goal[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return list.slice(0, MOST);
  const rank = (goal: Goal) => (goal.text.toLowerCase().startsWith(first) ? 0 : goal.text.toLowerCase().includes(first) ? 1 : 2);
  return list
    .filter((goal) => words.every((word) => `${goal.kind} ${goal.text} ${goal.more}`.toLowerCase().includes(word)))
    .map((goal, at) => ({ goal, at }))
    .sort((one, other) => rank(one.goal) - rank(other.goal) || one.at - other.at)
    .slice(0, MOST)
    .map(({ goal }) => goal);
}
