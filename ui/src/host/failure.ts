import { t } from "../lang/messages.svelte";
import type { Failure } from "../generated/Failure";

/** Whatever was thrown, as a Failure a person can act on. */
export function asFailure(thrown: unknown): Failure {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown && "hint" in thrown) {
    return thrown as Failure;
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "internal", message: text, hint: t("host.try_again_if_it_stays") };
}
