// Limits of a grant as the dialog holds them, and the words that the host reads (docs/cli.md): conditions and a budget.

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

export const OPS: readonly { value: string; label: string }[] = [
  { value: "=", label: "is" },
  { value: "!=", label: "is not" },
  { value: "<", label: "is less than" },
  { value: "<=", label: "is at most" },
  { value: ">", label: "is more than" },
  { value: ">=", label: "is at least" },
  { value: "in", label: "is one of" },
  { value: "glob", label: "matches, with * and ?" },
  { value: "matches", label: "matches the expression" },
  { value: "under", label: "is a path under" },
  { value: "host", label: "has the host" },
  { value: "len<=", label: "has a length of at most" },
  { value: "absent", label: "is not given" },
];

export const PERIODS: readonly { value: string; label: string }[] = [
  { value: "1h", label: "in any hour" },
  { value: "1d", label: "in any day" },
  { value: "7d", label: "in any 7 days" },
  { value: "30d", label: "in any 30 days" },
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
