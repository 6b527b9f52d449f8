// What could come next in the text of a guardrail: names of agents, servers, tools, and the arguments of the tool it is about.
import { named, t } from "../lang/messages.svelte";
import type { GuardrailWordsView } from "../generated/View";

export interface Offer {
  /** What is put in. */
  text: string;
  /** What it is. */
  more: string;
}

const MOST = 8;
const quoted = (name: string): string => JSON.stringify(name).slice(1);

/** The offers at the end of `before`, and how much of its end they replace. */
export function offers(before: string, words: GuardrailWordsView): { length: number; list: Offer[] } {
  const entity = /\b(Agent|Server|Account|Tool|Action)::"([^"\n]*)$/.exec(before);
  if (entity) {
    const [, kind, typed = ""] = entity;
    const names = kind === "Agent" ? words.agents : kind === "Server" ? words.servers : kind === "Account" ? words.accounts : words.tools.map((tool) => tool.name);
    const groups = kind === "Action" ? ["tools", "resources", "prompts", "methods", "call"] : [];
    return take(typed, [...names, ...groups].map((name) => ({ text: quoted(name), match: name, more: named("entity", kind ?? "") })));
  }
  const argument = /\bcontext\.arguments(?:\.| has )(\w*)$/.exec(before);
  if (argument) {
    const about = [...before.matchAll(/(?:Action|Tool)::"([^"\n]+)"/g)].map((match) => match[1]);
    const tools = about.length > 0 ? words.tools.filter((tool) => about.includes(tool.name)) : words.tools;
    const seen = new Map<string, string>();
    for (const tool of tools) for (const one of tool.arguments) seen.set(one.name, one.required ? one.cedar : t("guardrails.ask_has_first", { type: one.cedar }));
    return take(argument[1] ?? "", [...seen].map(([name, more]) => ({ text: name, match: name, more })));
  }
  const member = /\b(context|principal|resource)\.(\w*)$/.exec(before);
  if (member) {
    const [, of, typed = ""] = member;
    const list = of === "context" ? [["arguments", t("guardrails.what_the_call_is_made")], ["account", t("guardrails.as_whom")], ["method", t("guardrails.the_message")], ["now", t("guardrails.the_moment")]] : of === "principal" ? [["name", t("guardrails.the_agents_name")]] : [["name", t("guardrails.its_name")], ["class", t("guardrails.read_write_destructive_admin_or")]];
    return take(typed, list.map(([text = "", more = ""]) => ({ text, match: text, more })));
  }
  return { length: 0, list: [] };
}

function take(typed: string, all: { text: string; match: string; more: string }[]): { length: number; list: Offer[] } {
  const low = typed.toLowerCase();
  const hits = all.filter((one) => one.match !== typed && one.match.toLowerCase().includes(low));
  hits.sort((one, other) => Number(other.match.toLowerCase().startsWith(low)) - Number(one.match.toLowerCase().startsWith(low)));
  return { length: typed.length, list: hits.slice(0, MOST).map(({ text, more }) => ({ text, more })) };
}
