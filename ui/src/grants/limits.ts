// Limits of a grant as the dialog holds them, and the words that the host reads (docs/cli.md): conditions and a budget.
import { t } from "../lang/messages.svelte";


export interface Limit {
  pointer: string;
  op: string;
  value: string;
}

export interface Budget {
  kind: "" | "calls" | "sum";
  most: string;
  pointer: string;
  period: string;
}

export const NO_BUDGET: Budget = { kind: "", most: "", pointer: "", period: "1d" };

export const ops = (): readonly { value: string; label: string }[] => [
  { value: "=", label: t("grants.is") },
  { value: "!=", label: t("grants.is_not") },
  { value: "<", label: t("grants.is_less_than") },
  { value: "<=", label: t("grants.is_at_most") },
  { value: ">", label: t("grants.is_more_than") },
  { value: ">=", label: t("grants.is_at_least") },
  { value: "in", label: t("grants.is_one_of") },
  { value: "glob", label: t("grants.matches_with_and") },
  { value: "matches", label: t("grants.matches_the_expression") },
  { value: "under", label: t("grants.is_a_path_under") },
  { value: "host", label: t("grants.has_the_host") },
  { value: "len<=", label: t("grants.has_a_length_of_at") },
  { value: "absent", label: t("grants.is_not_given") },
];

export const periods = (): readonly { value: string; label: string }[] => [
  { value: "1h", label: t("grants.in_any_hour") },
  { value: "1d", label: t("grants.in_any_day") },
  { value: "7d", label: t("grants.in_any_7_days") },
  { value: "30d", label: t("grants.in_any_30_days") },
];

/** A name or a pointer as a pointer: `amount` is `/amount`. */
export function pointerOf(text: string): string {
  const trimmed = text.trim();
  return trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** `a, b` as a JSON array of strings; what is an array already stays as it is. */
function listOf(text: string): string {
  if (text.startsWith("[")) return text;
  return JSON.stringify(text.split(",").map((part) => part.trim()).filter((part) => part !== ""));
}

export function filled(limit: Limit): boolean {
  return limit.pointer.trim() !== "" && (limit.op === "absent" || limit.value.trim() !== "");
}

/** The conditions in the host's words. Lines that were left empty are none. */
export function conditionsOf(limits: readonly Limit[]): string[] {
  return limits.filter((limit) => limit.pointer.trim() !== "").map((limit) => {
    const value = limit.op === "in" ? listOf(limit.value.trim()) : limit.value.trim();
    return limit.op === "absent" ? `${pointerOf(limit.pointer)} absent` : `${pointerOf(limit.pointer)} ${limit.op} ${value}`;
  });
}

/** The budget in the host's words; `null` where there is none. */
export function budgetOf(budget: Budget): string | null {
  const most = budget.most.trim();
  if (budget.kind === "" || most === "") return null;
  return budget.kind === "calls" ? `${most}/${budget.period}` : `sum(${pointerOf(budget.pointer)})<=${most}/${budget.period}`;
}

/** What can be limited: the names of a tool's parameters, from its schema. */
export function parametersOf(definition: string | undefined): string[] {
  try {
    const schema = JSON.parse(definition ?? "{}") as { inputSchema?: { properties?: Record<string, unknown> } };
    return Object.keys(schema.inputSchema?.properties ?? {}).map(pointerOf);
  } catch {
    return [];
  }
}
