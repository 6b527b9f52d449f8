// The words of a server's question. Whatever the server itself says is shown in pieces, never in one of these.
import type { ApprovalView, ElicitationView } from "../generated/View";
import { t, type Key } from "../lang/messages.svelte";

const named = (view: ApprovalView): string => view.server?.name ?? t("elicitation.a_server");

/** What it asks, as a heading of Prokura's own. */
export function askedWords(view: ApprovalView, asked: ElicitationView): string {
  const server = named(view);
  if (asked.mode === "url") return t("elicitation.wants_you_to_visit", { server });
  if (asked.mode === "done") return t("elicitation.have_you_been_there", { server });
  return t("elicitation.asks_you_something", { server });
}

/** What the button that agrees does. */
export function sendWords(view: ApprovalView, asked: ElicitationView): string {
  if (asked.mode === "url") return t("elicitation.open_in_your_browser");
  if (asked.mode === "done") return t("elicitation.been_there_go_on");
  return t("elicitation.send_to", { server: named(view) });
}

/** What it is about, in a few words. */
export const aboutAsked = (view: ApprovalView): string => t("elicitation.while_agent_waits", { agent: view.agent.name });

const STATE: Record<string, Key> = { allowed: "elicitation.answered", used: "elicitation.answered", denied: "elicitation.declined", dropped: "elicitation.cancelled" };

/** What became of it; `undefined` where there is no word of its own. */
export function askedState(view: ApprovalView): string | undefined {
  const key = STATE[view.state];
  return key && t(key);
}
