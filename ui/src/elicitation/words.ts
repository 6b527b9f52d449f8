// The words of a server's question. Whatever the server itself says is shown in pieces, never in one of these.
import type { ApprovalView, ElicitationView, RecordView } from "../generated/View";
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

const ACTIONS: Record<string, Key> = { accept: "elicitation.log_accept", decline: "elicitation.log_decline", cancel: "elicitation.log_cancel" };

/** How the log tells of a server's question, and of what it was told; `undefined` for every other record. */
export function askedSentence(record: RecordView): Key | undefined {
  if (record.kind === "question.raised" && record.detail?.["kind"] === "elicitation") return "elicitation.log_raised";
  return record.kind === "question.settled" ? ACTIONS[String(record.detail?.["action"])] : undefined;
}
