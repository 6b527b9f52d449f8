// The words of a question: what is asked, and what the button will do.
import { t, type Key } from "../lang/messages.svelte";
import type { ApprovalView, CallerView } from "../generated/View";
import { aboutAsked, askedState } from "../elicitation/words";
import { spanWords, type Chosen } from "./wish";

export const plain = (view: ApprovalView): string => view.target.map((piece) => (piece.mark ? `⟨${piece.text}⟩` : piece.text)).join("");

const cut = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

/** What the allowing button says: what happens. */
export function allowWords(view: ApprovalView, chosen: Chosen): string {
  const target = cut(plain(view));
  if (view.kind === "pairing") return t("approvals.let_this_program_in_agent", { agent: target });
  if (view.kind === "consent") return t("approvals.let_this_program_sign_in");
  if (view.kind === "scopes") return t("approvals.sign_in_to_give_this");
  if (view.kind === "local_start") return t("approvals.let_start_like_this", { server: view.server?.name ?? t("approvals.it") });
  if (chosen.kind === "same") return t("approvals.allow_these_arguments_span", { span: spanWords(chosen.seconds) });
  if (chosen.kind === "target") return t("approvals.allow_so_span", { target, span: spanWords(chosen.seconds) });
  if (view.target_kind === "tool") return t("approvals.allow_this_call_target", { target });
  if (view.target_kind === "resource") return t("approvals.allow_reading", { target });
  if (view.target_kind === "prompt") return t("approvals.allow_using", { target });
  return t("approvals.allow_this", { target });
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
  if (!caller.joins) return t("approvals.a_new_agent_it_has");
  if (caller.grants === 0) return t("approvals.an_agent_of_this_name");
  return t("approvals.an_agent_of_this_name_exists", { count: caller.grants });
}

/** What follows from a yes that is not about one call. */
export function lastingWords(view: ApprovalView): string {
  if (view.start) return t("approvals.it_holds_for_exactly_this");
  if (view.pairing?.reason === "untold") return t("approvals.the_answer_holds_for_this");
  return t("approvals.it_stays_paired_until_you");
}

const PROOFS: Record<string, Key> = { key: "approvals.its_key", pairing: "approvals.its_pairing", sign_in: "approvals.its_sign_in" };

/** By what an agent is known. */
export function knownWords(view: ApprovalView): string {
  const ways = view.agent_known_by.map((way) => (PROOFS[way] ? t(PROOFS[way]) : way));
  const last = ways.pop();
  if (last === undefined) return t("approvals.known_before_its_ways_in");
  return ways.length > 0 ? t("approvals.proved_some_last", { some: ways.join(", "), last }) : t("approvals.proved_way", { way: last });
}

/** Who asks about what, in a few words. */
export function aboutWords(view: ApprovalView): string {
  if (view.elicitation) return aboutAsked(view);
  if (view.kind === "pairing") return t("approvals.wants_to_come_in_as");
  if (view.kind === "consent") return t("approvals.wants_to_sign_in_as");
  if (view.kind === "local_start") return t("approvals.a_program_of_this_machine");
  if (view.kind === "scopes") return t("approvals.needs_more_server", { server: view.server?.name ?? t("approvals.a_server") });
  return t("approvals.server_as_account", { server: view.server?.name ?? t("approvals.no_server"), account: view.account?.name ?? t("approvals.nobody") });
}

/** Who asks: an agent, or the server that would be started. */
export const askerOf = (view: ApprovalView): string => (view.kind === "local_start" || view.elicitation ? (view.server?.name ?? "") : view.agent.name);

const STATE: Record<string, Key> = {
  pending: "approvals.waits_for_you",
  allowed: "approvals.allowed_not_used_yet",
  used: "approvals.allowed_and_it_went",
  denied: "approvals.denied_small",
  expired: "approvals.nobody_answered",
  dropped: "approvals.dropped",
};

export function stateWords(view: ApprovalView): string {
  const used = view.state === "used";
  const key = STATE[view.state];
  const told = view.elicitation && askedState(view);
  if (told) return told;
  if (view.kind === "local_start" && used) return t("approvals.may_start");
  if ((view.kind === "pairing" || view.kind === "consent") && used) return t("approvals.let_in");
  if (view.kind === "scopes" && used) return t("approvals.given");
  return key ? t(key) : view.state;
}

export function stateTone(state: string): "ask" | "allow" | "deny" | "plain" {
  if (state === "pending") return "ask";
  if (state === "allowed" || state === "used") return "allow";
  return state === "denied" ? "deny" : "plain";
}
