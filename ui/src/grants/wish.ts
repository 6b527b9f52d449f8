// A grant as the dialog holds it, and the wish it becomes.
import { t } from "../lang/messages.svelte";
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

export const kinds = (): readonly { value: Kind; label: string }[] => [
  { value: "tool", label: t("grants.one_tool") },
  { value: "tools", label: t("grants.tools_whose_name_matches") },
  { value: "class", label: t("grants.all_tools_of_a_class") },
  { value: "resources", label: t("grants.resources_whose_address_matches") },
  { value: "prompts", label: t("grants.prompts_whose_name_matches") },
  { value: "methods", label: t("grants.other_messages_whose_method_matches") },
];

export const untils = (): readonly { value: string; label: string }[] => [
  { value: "", label: t("grants.until_revoked_capital") },
  { value: "1", label: t("grants.for_1_hour") },
  { value: "8", label: t("grants.for_8_hours") },
  { value: "24", label: t("grants.for_1_day") },
  { value: "168", label: t("grants.for_7_days") },
  { value: "720", label: t("grants.for_30_days") },
  { value: "date", label: t("grants.until_a_date") },
];

export const levels = (): readonly { value: string; label: string }[] => [
  { value: "", label: t("grants.a_click") },
  { value: "passphrase", label: t("grants.the_approval_passphrase") },
  { value: "presence", label: t("grants.proof_that_you_are_there") },
];

/** A level in the middle of a sentence. */
export const levelWord = (level: string): string => (level === "passphrase" ? t("grants.the_approval_passphrase_small") : level === "presence" ? t("grants.proof_that_you_are_there_small") : level);

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
