// What the person has chosen so far about a program that wants to sign in.
import type { ApprovalView, ConsentView } from "../generated/View";

export interface Wish {
  /** The number that was picked; empty until then. */
  number: string;
  /** The id of the agent it comes in as; empty is a new one. */
  agent: string;
  /** The name of a new agent. */
  name: string;
}

/** Nothing is picked beforehand but the agent it came in as before. */
export function freshWish(consent: ConsentView | null | undefined): Wish {
  const before = consent?.agents.find((agent) => agent.before);
  return { number: "", agent: before?.id ?? "", name: consent?.suggested ?? "" };
}

/** Whether the choice is complete. */
export const complete = (view: ApprovalView, wish: Wish): boolean => !view.consent || (wish.number !== "" && (wish.agent !== "" || wish.name.trim() !== ""));
