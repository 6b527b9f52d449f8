// What a set of grants means for each tool, for the eye only: policy decides in Rust, this draws the bars.
import { named, t } from "../lang/messages.svelte";
import type { GrantView, ToolView } from "../generated/View";

/** What a grant says, or `quarantined`: granted, but nobody has accepted what the tool has become. */
export type Effect = "allow" | "ask" | "deny" | "quarantined";

export interface Covered {
  tool: ToolView;
  effect: Effect | null;
  through: GrantView | null;
}

export interface Cover {
  tools: Covered[];
  allow: number;
  ask: number;
  deny: number;
}

const STRICT: Record<string, number> = { deny: 3, ask: 2, allow: 1 };

export function matcher(target: string): (tool: ToolView) => boolean {
  const at = target.indexOf(":");
  const [kind, rest] = [target.slice(0, at), target.slice(at + 1)];
  if (kind === "tool") return (tool) => tool.name === rest;
  if (kind === "class") return (tool) => tool.pin !== "new" && tool.class === rest;
  if (kind !== "tools") return () => false;
  const pattern = globPattern(rest);
  return (tool) => tool.pin !== "new" && pattern.test(tool.name);
}

/** A glob as a pattern: `*` for anything, `?` for one character, all else as written. */
function globPattern(glob: string): RegExp {
  const text = glob.replace(/[\\^$.|+()[\]{}*?]/g, (sign) => (sign === "*" ? ".*" : sign === "?" ? "." : `\\${sign}`));
  return new RegExp(`^${text}$`, "su");
}

/** Account before all accounts, name before longer glob before class; then the stricter effect. */
function rank(grant: GrantView): number[] {
  const [kind = "", ...rest] = grant.target.split(":");
  const literal = rest.join(":").replace(/[*?]/g, "").length;
  const width = kind === "tool" ? 3 : kind === "class" ? 1 : literal > 0 ? 2 : 0;
  return [grant.account ? 1 : 0, width, kind === "tools" ? literal : 0, STRICT[grant.effect] ?? 0];
}

function closer(one: GrantView, other: GrantView): number {
  const [ranks, others] = [rank(one), rank(other)];
  for (let at = 0; at < ranks.length; at++) {
    const apart = (others[at] ?? 0) - (ranks[at] ?? 0);
    if (apart !== 0) return apart;
  }
  return 0;
}

/** Whether it holds for some arguments only, so that it says nothing of a tool as a whole. */
export function narrowed(grant: GrantView): boolean {
  return grant.same_arguments || grant.conditions.length > 0;
}

export function cover(tools: readonly ToolView[], grants: readonly GrantView[]): Cover {
  const rules = grants.filter((grant) => grant.state === "active" && !narrowed(grant)).sort(closer).map((grant) => ({ grant, matches: matcher(grant.target) }));
  // A name is looked up, so that thousands of grants for single tools cost no more than one.
  const named = new Map<string, number>();
  const wide: number[] = [];
  rules.forEach(({ grant }, at) => {
    const name = grant.target.startsWith("tool:") ? grant.target.slice(5) : null;
    if (name === null) wide.push(at);
    else if (!named.has(name)) named.set(name, at);
  });
  const first = (tool: ToolView) => {
    const own = named.get(tool.name) ?? rules.length;
    return Math.min(own, wide.find((at) => at < own && rules[at]?.matches(tool)) ?? rules.length);
  };
  const result: Cover = { tools: [], allow: 0, ask: 0, deny: 0 };
  for (const tool of tools.filter((one) => one.pin !== "gone")) {
    const through = rules[first(tool)]?.grant ?? null;
    const granted = (through?.effect ?? null) as "allow" | "ask" | "deny" | null;
    const held = granted !== null && granted !== "deny" && (tool.pin === "changed" || tool.pin === "new");
    if (granted && !held) result[granted]++;
    const effect: Effect | null = held ? "quarantined" : granted;
    result.tools.push({ tool, effect, through });
  }
  return result;
}

/** A grant's target in words: `tools that match get_*`. */
export function targetWords(target: string): { text: string; code: string } {
  const at = target.indexOf(":");
  const [kind, rest] = [target.slice(0, at), target.slice(at + 1)];
  switch (kind) {
    case "tool": return { text: "", code: rest };
    case "tools": return rest === "*" ? { text: t("grants.all_tools_2"), code: "" } : { text: t("grants.tools_like"), code: rest };
    case "class": return { text: t("grants.class_tool", { class: named("class", rest) }), code: "" };
    case "resource": return { text: t("grants.resources_like"), code: rest };
    case "prompt": return { text: t("grants.prompts_like"), code: rest };
    case "method": return { text: t("grants.messages_like"), code: rest };
    default: return { text: "", code: target };
  }
}
