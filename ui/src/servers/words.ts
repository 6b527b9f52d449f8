// The words for servers, accounts and tools, in one place.
import type { AccountView, ServerView, ToolView } from "../generated/View";
import { asName } from "../parts/name";
import type { Tone } from "../parts/Badge.svelte";
import { localState } from "./launch";

export const CLASSES = ["read", "write", "destructive", "admin"] as const;
export const CLASS_MEANS: Record<string, string> = {
  read: "Looks, changes nothing",
  write: "Changes something that can be changed back",
  destructive: "Changes something that cannot be changed back",
  admin: "Changes who may do what",
};

export const LABELS = [
  { value: "reads_private", label: "Reads private data", short: "reads private", means: "Its results can hold something that is yours." },
  { value: "reads_untrusted", label: "Reads text from strangers", short: "reads strangers", means: "Its results can hold instructions somebody planted." },
  { value: "sends_out", label: "Sends out", short: "sends out", means: "Its arguments leave for somebody else to read." },
] as const;

export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

export function serverState(server: ServerView): { tone: Tone; text: string } {
  if (server.local) return localState(server.local);
  if (server.state === "ready") return { tone: "allow", text: "ready" };
  if (server.state === "sign_in_needed") return { tone: "ask", text: "sign-in needed" };
  if (server.state === "scopes_wanted") return { tone: "ask", text: "more access wanted" };
  return { tone: "plain", text: server.state.replaceAll("_", " ") };
}

/** Whether the person has something to do before its calls go through. */
export const wantsYou = (server: ServerView): boolean => server.state === "sign_in_needed" || server.state === "scopes_wanted";

export function accountState(account: AccountView): { tone: Tone; text: string } {
  if (account.state === "signed_in") return { tone: "allow", text: account.kind === "oauth" ? "signed in" : "ready" };
  if (account.state === "needs_sign_in") return { tone: "ask", text: "needs sign-in" };
  return { tone: "plain", text: account.state.replaceAll("_", " ") };
}

export const hasTokens = (account: AccountView): boolean => account.kind !== "anonymous" && account.kind !== "key";

const PROGRAMS: Record<string, string> = {
  client: "A program, signed in with the client you entered.",
  workload: "A program, signed in with its platform's token.",
  enterprise: "Signed in through your enterprise's identity provider.",
};

export function accountKind(account: AccountView): string {
  if (account.kind === "anonymous") return "No sign-in: the server asks for nothing.";
  if (account.kind === "key") return "A key that you entered.";
  if (account.state === "needs_sign_in") return "Its sign-in no longer holds: sign in again to go on.";
  return account.state === "signed_out" ? "Signed out: its tokens were revoked and forgotten." : (PROGRAMS[account.kind] ?? "Signed in through the browser.");
}

export function pinState(tool: ToolView): { tone: Tone; text: string } {
  if (tool.pin === "accepted") return { tone: "plain", text: "accepted" };
  if (tool.pin === "gone") return { tone: "plain", text: "gone" };
  return { tone: "ask", text: tool.pin };
}

export const waits = (tool: ToolView): boolean => tool.pin === "new" || tool.pin === "changed";

/** The part of a host that a person would use as a name. */
export function suggestName(url: string): string {
  const parts = hostOf(url).replace(/:\d+$/, "").split(".").filter((part) => !["mcp", "www", "api"].includes(part));
  const name = parts.length > 1 ? parts[parts.length - 2] : parts[0];
  return asName(name ?? "");
}
