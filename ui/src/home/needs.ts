// What waits for the person, most pressing first, in sentences.
import { t } from "../lang/messages.svelte";
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
  if (log?.ok === false) list.push({ id: "log", icon: "warn", text: t("home.the_audit_log_is_not", { fault: log.faults[0] ?? t("home.it_was_changed") }), action: t("home.see_what_is_wrong"), href: href("audit") });
  const waiting = approvals.filter((one) => one.state === "pending");
  const first = waiting.at(-1);
  if (first) {
    const text = waiting.length > 1
      ? t("home.questions_wait_for_your_answer", { count: waiting.length })
      : first.server
        ? t("home.waits_for_your_answer_server", { agent: first.agent.name, server: first.server.name })
        : t("home.waits_for_your_answer", { agent: first.agent.name });
    list.push({ id: "approvals", icon: "approvals", text, action: t("home.look_at_them"), href: href("approvals") });
  }
  if (!state.vault_open) list.push({ id: "vault", icon: "lock", text: t("home.the_vault_is_locked", { why: state.vault }), action: t("home.see_what_helps"), href: href("doctor") });
  for (const server of servers) {
    if (server.state === "sign_in_needed") {
      list.push({ id: `${server.id}-sign-in`, icon: "servers", text: t("home.needs_you_to_sign_in", { server: server.name }), action: t("home.sign_in"), href: href("servers", server.id) });
    }
    if (server.state === "scopes_wanted") {
      list.push({ id: `${server.id}-scopes`, icon: "servers", text: t("home.refused_a_call_it_wants", { server: server.name }), action: t("home.look_at_it"), href: href("servers", server.id) });
    }
    if (server.tools_waiting > 0) {
      const text = t("home.offers_1_new_or_changed", { server: server.name, count: server.tools_waiting });
      list.push({ id: `${server.id}-tools`, icon: "warn", text, action: t("home.look_at_the_tools"), href: href("servers", server.id) });
    }
  }
  return list;
}
