// What the person is about to answer: for how long, and with which arguments held fixed.
import { t } from "../lang/messages.svelte";
import type { AnswerWish } from "../generated/Request";
import type { ApprovalView } from "../generated/View";

export interface Chosen {
  kind: "once" | "same" | "target";
  seconds: number;
  fixed: readonly string[];
}

export const SPANS = [900, 3600, 28_800];

export const spanWords = (seconds: number): string => seconds === 900 ? t("approvals.15_minutes") : seconds === 3600 ? t("approvals.1_hour") : seconds === 28_800 ? t("approvals.8_hours") : t("approvals.seconds", { seconds });

/** What is held unless the person says otherwise: whatever says whom or what a call reaches. */
export const targetsOf = (view: ApprovalView): string[] => view.holds.filter((hold) => hold.target !== null && hold.holdable).map((hold) => hold.pointer);

/** Nothing is remembered unless the person says so. */
export const onceOf = (view: ApprovalView | undefined): Chosen => ({ kind: "once", seconds: 900, fixed: view ? targetsOf(view) : [] });

export function wishOf(chosen: Chosen): AnswerWish {
  if (chosen.kind === "same") return { same_arguments_for: chosen.seconds };
  if (chosen.kind === "target") return { target_for: { seconds: chosen.seconds, fixed: [...chosen.fixed] } };
  return "once";
}
