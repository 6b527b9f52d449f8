// What waits for the person, most pressing first, in sentences.
import type { ApprovalView, AuditStatusView, ServerView, StateView } from "../generated/View";
import type { IconName } from "../parts/Icon.svelte";
import { href } from "../parts/route.svelte";

export interface Need {
  id: string;
  icon: IconName;
  text: string;
  action: string;
  href: string;
}

export function needs(state: StateView, servers: readonly ServerView[], approvals: readonly ApprovalView[], log?: AuditStatusView): Need[] {
  const list: Need[] = [];
  if (log?.ok === false) list.push({ id: "log", icon: "warn", text: `The audit log is not whole: ${log.faults[0] ?? "it was changed"}.`, action: "See what is wrong", href: href("audit") });
  const waiting = approvals.filter((one) => one.state === "pending");
  const first = waiting.at(-1);
  if (first) {
    const text = waiting.length === 1 ? `${first.agent.name} waits for your answer${first.server ? ` about ${first.server.name}` : ""}.` : `${waiting.length} questions wait for your answer.`;
    list.push({ id: "approvals", icon: "approvals", text, action: "Look at them", href: href("approvals") });
  }
  if (!state.vault_open) list.push({ id: "vault", icon: "lock", text: `The vault is locked: ${state.vault}`, action: "See what helps", href: href("doctor") });
  for (const server of servers) {
    if (server.state === "sign_in_needed") {
      list.push({ id: `${server.id}-sign-in`, icon: "servers", text: `${server.name} needs you to sign in.`, action: "Sign in", href: href("servers", server.id) });
    }
    if (server.state === "scopes_wanted") {
      list.push({ id: `${server.id}-scopes`, icon: "servers", text: `${server.name} refused a call: it wants more access than you gave.`, action: "Look at it", href: href("servers", server.id) });
    }
    if (server.tools_waiting > 0) {
      const tools = server.tools_waiting === 1 ? "1 new or changed tool" : `${server.tools_waiting} new or changed tools`;
      list.push({ id: `${server.id}-tools`, icon: "warn", text: `${server.name} offers ${tools} that nobody can call until you accept.`, action: "Look at the tools", href: href("servers", server.id) });
    }
  }
  return list;
}
