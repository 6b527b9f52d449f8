// The words of a server's question. Whatever the server itself says is shown in pieces, never in one of these.
import type { ApprovalView, ElicitationView } from "../generated/View";

const named = (view: ApprovalView): string => view.server?.name ?? "A server";

/** What it asks, as a heading of Prokura's own. */
export function askedWords(view: ApprovalView, asked: ElicitationView): string {
  if (asked.mode === "url") return `${named(view)} wants you to visit a page`;
  if (asked.mode === "done") return `Have you been at ${named(view)}’s page?`;
  return `${named(view)} asks you something`;
}

/** What the button that agrees does. */
export function sendWords(view: ApprovalView, asked: ElicitationView): string {
  if (asked.mode === "url") return "Open in your browser";
  if (asked.mode === "done") return "I have been there: go on";
  return `Send to ${named(view)}`;
}

/** What it is about, in a few words. */
export const aboutAsked = (view: ApprovalView): string => `asks you something while ${view.agent.name} waits`;

const STATE: Record<string, string> = { allowed: "answered", used: "answered", denied: "declined", dropped: "cancelled" };

/** What became of it; `undefined` where there is no word of its own. */
export const askedState = (view: ApprovalView): string | undefined => STATE[view.state];
