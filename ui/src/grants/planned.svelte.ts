// A plan that follows what was chosen: asked for again when that changes, and done only as it was shown.
import { t } from "../lang/messages.svelte";
import type { Failure } from "../generated/Failure";
import type { RulePlanView } from "../generated/View";
import { asFailure } from "../host/failure";

export class Planned {
  plan = $state.raw<RulePlanView>();
  failure = $state.raw<Failure>();
  busy = $state(false);
  #turn = 0;

  /** Shows what `ask` says without a digest. */
  show = async (ask: () => Promise<RulePlanView>): Promise<void> => {
    const turn = ++this.#turn;
    try {
      const plan = await ask();
      if (turn !== this.#turn) return;
      this.plan = plan;
      this.failure = undefined;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.plan = undefined;
      this.failure = asFailure(thrown);
    }
  };

  /** Does what is shown; `true` when it was done. What changed since is shown anew. */
  act = async (ask: (digest: string | null) => Promise<RulePlanView>): Promise<boolean> => {
    const digest = this.plan?.digest;
    if (digest === undefined) return false;
    this.busy = true;
    try {
      await ask(digest);
      return true;
    } catch (thrown) {
      const failure = asFailure(thrown);
      await this.show(() => ask(null));
      this.failure = failure;
      return false;
    } finally {
      this.busy = false;
    }
  };
}

/** `1 grant`, `12 grants`. */
export const grantCount = (count: number): string => t("grants.count_grants", { count });
