// The words of a question: what is asked, and what the button will do.
import type { ApprovalView, CallerView } from "../generated/View";
import { spanWords, type Chosen } from "./wish";

export const plain = (view: ApprovalView): string => view.target.map((piece) => (piece.mark ? `⟨${piece.text}⟩` : piece.text)).join("");

const cut = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

/** What the allowing button says: what happens. */
export function allowWords(view: ApprovalView, chosen: Chosen): string {
  const target = cut(plain(view));
  if (view.kind === "pairing") return `Let this program in as ${target}`;
  if (view.kind === "consent") return "Let this program sign in";
  if (view.kind === "scopes") return "Sign in to give this…";
  if (view.kind === "local_start") return `Let ${view.server?.name ?? "it"} start like this`;
  if (chosen.kind === "same") return `Allow these arguments for ${spanWords(chosen.seconds)}`;
  if (chosen.kind === "target") return `Allow ${target} so for ${spanWords(chosen.seconds)}`;
  if (view.target_kind === "tool") return `Allow this call to ${target}`;
  if (view.target_kind === "resource") return `Allow reading ${target}`;
  if (view.target_kind === "prompt") return `Allow using ${target}`;
  return `Allow this ${target}`;
}

/** What cannot be taken back, or is not known to be harmless: never answered by a habit of the fingers. */
export function grave(view: ApprovalView): boolean {
  // The yes to more scopes is given at the issuer, after this.
  if (view.kind === "scopes") return false;
  if (view.kind !== "call") return true;
  if (view.target_kind === "tool") return view.class !== "read" && view.class !== "write";
  return view.target_kind === "method";
}

/** What the agent that a program would join has. */
export function joinWords(caller: CallerView): string {
  if (!caller.joins) return "A new agent. It has no grants, so it can use nothing yet.";
  if (caller.grants === 0) return "An agent of this name exists. It has no grants.";
  return `An agent of this name exists. This program would use its ${caller.grants === 1 ? "one grant" : `${caller.grants} grants`}.`;
}

/** What follows from a yes that is not about one call. */
export function lastingWords(view: ApprovalView): string {
  if (view.start) return "It holds for exactly this. Anything else of it, or another program behind it, asks again.";
  if (view.pairing?.reason === "untold") return "The answer holds for this one start.";
  return "It stays paired until you take it back under Agents. A changed program asks again.";
}

const PROOFS: Record<string, string> = { key: "its key", pairing: "its pairing", sign_in: "its sign-in" };

/** By what an agent is known. */
export function knownWords(view: ApprovalView): string {
  const ways = view.agent_known_by.map((way) => PROOFS[way] ?? way);
  const last = ways.pop();
  if (last === undefined) return "known before; its ways in were taken back";
  return `proved by ${ways.length > 0 ? `${ways.join(", ")} or ` : ""}${last}`;
}

/** What a call does with its target. */
export const verbWords = (view: ApprovalView): string => (view.target_kind === "tool" ? "calling" : view.target_kind === "resource" ? "reading" : view.target_kind === "prompt" ? "using" : "sending");

/** Who asks about what, in a few words. */
export function aboutWords(view: ApprovalView): string {
  if (view.kind === "pairing") return "wants to come in as an agent";
  if (view.kind === "consent") return "wants to sign in as an agent";
  if (view.kind === "local_start") return "a program of this machine, wants to be started";
  if (view.kind === "scopes") return `needs more from ${view.server?.name ?? "a server"}`;
  return `→ ${view.server?.name ?? "no server"} as ${view.account?.name ?? "nobody"}`;
}

/** Who asks: an agent, or the server that would be started. */
export const askerOf = (view: ApprovalView): string => (view.kind === "local_start" ? (view.server?.name ?? "") : view.agent.name);

const STATE: Record<string, string> = {
  pending: "waits for you",
  allowed: "allowed, not used yet",
  used: "allowed, and it went",
  denied: "denied",
  expired: "nobody answered",
  dropped: "dropped",
};

export const stateWords = (view: ApprovalView): string => (view.kind === "local_start" && view.state === "used" ? "may start" : (view.kind === "pairing" || view.kind === "consent") && view.state === "used" ? "let in" : view.kind === "scopes" && view.state === "used" ? "given" : (STATE[view.state] ?? view.state));

export function stateTone(state: string): "ask" | "allow" | "deny" | "plain" {
  if (state === "pending") return "ask";
  if (state === "allowed" || state === "used") return "allow";
  return state === "denied" ? "deny" : "plain";
}
