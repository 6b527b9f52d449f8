// The words of effective access. Rust decided; this only says it.
import type { AccessView } from "../generated/View";
import type { Tone } from "../parts/Badge.svelte";

const WORD: Record<string, string> = { allow: "allowed", ask: "asks you", deny: "denied" };
const TONE: Record<string, Tone> = { allow: "allow", ask: "ask", deny: "deny" };

/** What comes of a call; where that hangs on the arguments, `all` that can. */
export function comes(of: AccessView): { tone: Tone; text: string; all: string | null } {
  if (of.effect !== "partly") return { tone: TONE[of.effect] ?? "plain", text: WORD[of.effect] ?? of.effect, all: null };
  const words = of.outcomes.map((outcome) => WORD[outcome] ?? outcome);
  return { tone: "plain", text: "depends", all: `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}, by its arguments` };
}

const STOPPED: Record<string, string> = {
  "all paused": "All agents are paused: nothing goes now. This is what holds when the pause ends.",
  paused: "This agent is paused: nothing goes now. This is what holds when the pause ends.",
  revoked: "This agent was revoked: nothing goes any more.",
};
export const stopped = (word: string | null): string | null => (word === null ? null : (STOPPED[word] ?? word));

export const SHOWN = ["all", "allow", "ask", "partly", "deny"] as const;
export type Shown = (typeof SHOWN)[number];
export const SHOWN_WORD: Record<Shown, string> = { all: "All", allow: "Allowed", ask: "Asks", partly: "Depends", deny: "Denied" };

/** Whether a row has what is searched for in anything that is shown of it. */
export function hits(of: AccessView, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return [of.agent.name, of.server.name, of.account.name, of.target, of.class ?? "", ...of.why.map((why) => why.text)].some((text) => text.toLowerCase().includes(wanted));
}
