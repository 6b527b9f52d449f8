// The words of effective access. Rust decided; this only says it.
import { t, type Key } from "../lang/messages.svelte";
import type { AccessView } from "../generated/View";
import type { Tone } from "../parts/Badge.svelte";

const WORD: Record<string, Key> = { allow: "access.allowed", ask: "access.asks_you", deny: "access.denied" };
const TONE: Record<string, Tone> = { allow: "allow", ask: "ask", deny: "deny" };

function word(effect: string): string {
  const key = WORD[effect];
  return key ? t(key) : effect;
}

/** What comes of a call; where that hangs on the arguments, `all` that can. */
export function comes(of: AccessView): { tone: Tone; text: string; all: string | null } {
  if (of.effect !== "partly") return { tone: TONE[of.effect] ?? "plain", text: word(of.effect), all: null };
  const words = of.outcomes.map(word);
  return { tone: "plain", text: t("access.depends"), all: t("access.last_by_its_arguments", { some: words.slice(0, -1).join(", "), last: words.at(-1) ?? "" }) };
}

const STOPPED: Record<string, Key> = {
  "all paused": "access.all_agents_are_paused_nothing",
  paused: "access.this_agent_is_paused_nothing",
  revoked: "access.this_agent_was_revoked_nothing",
};
export const stopped = (word: string | null): string | null => (word !== null && STOPPED[word] ? t(STOPPED[word]) : word);

export const SHOWN = ["all", "allow", "ask", "partly", "deny"] as const;
export type Shown = (typeof SHOWN)[number];
export const SHOWN_WORD: Record<Shown, Key> = { all: "access.all", allow: "access.allowed_capital", ask: "access.asks", partly: "access.depends_capital", deny: "access.denied_capital" };

/** Whether a row has what is searched for in anything that is shown of it. */
export function hits(of: AccessView, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return [of.agent.name, of.server.name, of.account.name, of.target, of.class ?? "", ...of.why.map((why) => why.text)].some((text) => text.toLowerCase().includes(wanted));
}
