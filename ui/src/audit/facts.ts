// What else a record says: reasons as sentences, everything else as it stands. Nothing is left out.
import { number, t, type Key } from "../lang/messages.svelte";

export interface Fact {
  name: string;
  text: string;
  code: boolean;
}

interface Reason {
  rule: string;
  text: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isReason = (value: unknown): value is Reason => isRecord(value) && typeof value["text"] === "string";
const holdsReasons = (value: unknown): value is Reason[] => Array.isArray(value) && value.length > 0 && value.every(isReason);

export function whys(detail: Record<string, unknown> | null): Reason[] {
  return Object.values(detail ?? {}).filter(holdsReasons).flat().map(({ rule, text }) => ({ rule: typeof rule === "string" ? rule : "", text }));
}

/** Names and units of the record that mean little to a person as they stand. */
const NAMES: Record<string, Key> = { ms: "audit.took", bytes: "audit.size", told: "audit.agent_was_told" };
const UNITS: Record<string, Key> = { ms: "audit.ms", bytes: "audit.bytes" };

export function facts(detail: Record<string, unknown> | null): Fact[] {
  return Object.entries(detail ?? {})
    .filter(([, value]) => !holdsReasons(value))
    .map(([name, value]) => {
      const said = worded(value);
      return { name: NAMES[name] ? t(NAMES[name]) : name, text: typeof value === "number" && UNITS[name] ? t(UNITS[name], { count: value }) : said.text, code: said.code };
    });
}

function worded(value: unknown): { text: string; code: boolean } {
  if (typeof value === "string") return { text: value === "" ? t("audit.empty") : value, code: !/\s/.test(value) && value.length > 24 };
  if (typeof value === "boolean") return { text: value ? t("audit.yes") : t("audit.no"), code: false };
  if (typeof value === "number") return { text: number(value), code: false };
  if (value === null) return { text: t("audit.none"), code: false };
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return { text: value.join(", ") || t("audit.none"), code: false };
  if (Array.isArray(value) && value.every(isRecord)) return { text: value.map(line).join("\n"), code: false };
  return { text: JSON.stringify(value, null, 2), code: true };
}

/** One thing of a list on one line: `tool: send_payment · what: changed`. */
function line(item: Record<string, unknown>): string {
  return Object.entries(item)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
}
