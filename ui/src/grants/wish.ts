// A grant as the dialog holds it, and the wish it becomes.
import type { GrantWish } from "../generated/Request";
import { budgetOf, conditionsOf, type Budget, type Limit } from "./limits";

export type Kind = "tool" | "tools" | "class" | "resources" | "prompts" | "methods";

export interface Draft {
  agent: string;
  server: string;
  account: string;
  kind: Kind;
  tool: string;
  glob: string;
  class: string;
  effect: "allow" | "ask" | "deny";
  until: string;
  date: string;
  /** What a yes takes where it asks; empty is a click. */
  level: string;
  note: string;
  limits: Limit[];
  budget: Budget;
}

export const KINDS: readonly { value: Kind; label: string }[] = [
  { value: "tool", label: "One tool" },
  { value: "tools", label: "Tools whose name matches" },
  { value: "class", label: "All tools of a class" },
  { value: "resources", label: "Resources whose address matches" },
  { value: "prompts", label: "Prompts whose name matches" },
  { value: "methods", label: "Other messages whose method matches" },
];

export const UNTILS: readonly { value: string; label: string }[] = [
  { value: "", label: "Until revoked" },
  { value: "1", label: "For 1 hour" },
  { value: "8", label: "For 8 hours" },
  { value: "24", label: "For 1 day" },
  { value: "168", label: "For 7 days" },
  { value: "720", label: "For 30 days" },
  { value: "date", label: "Until a date…" },
];

export const LEVELS: readonly { value: string; label: string }[] = [
  { value: "", label: "A click" },
  { value: "passphrase", label: "The approval passphrase" },
  { value: "presence", label: "Proof that you are there" },
];

/** A level in the middle of a sentence. */
export const LEVEL_WORDS: Readonly<Record<string, string>> = { passphrase: "the approval passphrase", presence: "proof that you are there" };

/** What it covers as target text, or an empty text while it is not filled in. */
export function targetOf(draft: Draft): string {
  if (draft.kind === "tool") return draft.tool ? `tool:${draft.tool}` : "";
  if (draft.kind === "class") return `class:${draft.class}`;
  const glob = draft.glob.trim();
  if (!glob) return "";
  if (draft.kind === "tools") return `tools:${glob}`;
  return `${draft.kind.replace(/s$/, "")}:${glob}`;
}

export function wishOf(draft: Draft, now: number): GrantWish {
  const glob = draft.glob.trim();
  const over = (kind: Kind) => (draft.kind === kind ? glob : null);
  return {
    agent: draft.agent,
    server: draft.server,
    account: draft.account || null,
    tools: draft.kind === "tool" ? draft.tool : draft.kind === "class" ? `class:${draft.class}` : over("tools"),
    resources: over("resources"),
    prompts: over("prompts"),
    methods: over("methods"),
    effect: draft.effect,
    where: conditionsOf(draft.limits),
    budget: draft.effect === "deny" ? null : budgetOf(draft.budget),
    until: untilOf(draft, now),
    ...(draft.effect === "ask" && draft.level ? { level: draft.level } : {}),
    note: draft.note.trim() || null,
  };
}

function untilOf(draft: Draft, now: number): string | null {
  if (draft.until === "date") return draft.date ? new Date(draft.date).toISOString() : null;
  return draft.until ? new Date(now + Number(draft.until) * 3_600_000).toISOString() : null;
}
