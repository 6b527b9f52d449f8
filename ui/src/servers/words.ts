// The words for servers, accounts and tools, in one place.
import { named, t, type Key } from "../lang/messages.svelte";
import type { AccountView, ServerView, ToolView } from "../generated/View";
import { asName } from "../parts/name";
import type { Tone } from "../parts/Badge.svelte";
import { localState } from "./launch";

export const CLASSES = ["read", "write", "destructive", "admin"] as const;
const CLASS_MEANS: Record<string, Key> = {
  read: "servers.looks_changes_nothing",
  write: "servers.changes_something_that_can_be",
  destructive: "servers.changes_something_that_cannot_be",
  admin: "servers.changes_who_may_do_what",
};

/** What a class says of a tool, of those that are known. */
export function classMeans(of: string): string | undefined {
  const key = CLASS_MEANS[of];
  return key && t(key);
}

export const LABELS = [
  { value: "reads_private", label: "servers.reads_private_data", short: "servers.reads_private", means: "servers.its_results_can_hold_something" },
  { value: "reads_untrusted", label: "servers.reads_text_from_strangers", short: "servers.reads_strangers", means: "servers.its_results_can_hold_instructions" },
  { value: "sends_out", label: "servers.sends_out", short: "servers.sends_out_small", means: "servers.its_arguments_leave_for_somebody" },
] as const satisfies readonly { value: string; label: Key; short: Key; means: Key }[];

export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

export function serverState(server: ServerView): { tone: Tone; text: string } {
  if (server.local) return localState(server.local);
  if (server.state === "ready") return { tone: "allow", text: t("servers.ready") };
  if (server.state === "sign_in_needed") return { tone: "ask", text: t("servers.sign_in_needed") };
  if (server.state === "scopes_wanted") return { tone: "ask", text: t("servers.more_access_wanted") };
  return { tone: "plain", text: named("state", server.state) };
}

/** Whether the person has something to do before its calls go through. */
export const wantsYou = (server: ServerView): boolean => server.state === "sign_in_needed" || server.state === "scopes_wanted";

export function accountState(account: AccountView): { tone: Tone; text: string } {
  if (account.state === "signed_in") return { tone: "allow", text: account.kind === "oauth" ? t("servers.signed_in") : t("servers.ready") };
  if (account.state === "needs_sign_in") return { tone: "ask", text: t("servers.needs_sign_in") };
  return { tone: "plain", text: named("state", account.state) };
}

export const hasTokens = (account: AccountView): boolean => account.kind !== "anonymous" && account.kind !== "key";

const PROGRAMS: Record<string, Key> = {
  client: "servers.a_program_signed_in_with",
  workload: "servers.a_program_signed_in_with_its",
  enterprise: "servers.signed_in_through_your_enterprises",
};

export function accountKind(account: AccountView): string {
  if (account.kind === "anonymous") return t("servers.no_sign_in_the_server");
  if (account.kind === "key") return t("servers.a_key_that_you_entered");
  if (account.state === "needs_sign_in") return t("servers.its_sign_in_no_longer");
  return account.state === "signed_out" ? t("servers.signed_out_its_tokens_were") : t(PROGRAMS[account.kind] ?? "servers.signed_in_through_the_browser");
}

export function pinState(tool: ToolView): { tone: Tone; text: string } {
  if (tool.pin === "accepted") return { tone: "plain", text: t("servers.accepted") };
  if (tool.pin === "gone") return { tone: "plain", text: t("servers.gone") };
  return { tone: "ask", text: named("pin", tool.pin) };
}

export const waits = (tool: ToolView): boolean => tool.pin === "new" || tool.pin === "changed";

/** The part of a host that a person would use as a name. */
export function suggestName(url: string): string {
  const parts = hostOf(url).replace(/:\d+$/, "").split(".").filter((part) => !["mcp", "www", "api"].includes(part));
  const name = parts.length > 1 ? parts[parts.length - 2] : parts[0];
  return asName(name ?? "");
}
