// The groups that scopes are shown in. What a name says is the server's claim.
import { t } from "../lang/messages.svelte";
import type { ScopeView } from "../generated/View";

const GROUPS = [
  ["admin", "accounts.say_who_may_do_what"],
  ["delete", "accounts.delete"],
  ["change", "accounts.change_and_send"],
  ["other", "accounts.other_the_name_does_not"],
  ["read", "accounts.read"],
  ["identity", "accounts.know_who_you_are"],
  ["stay", "accounts.stay_signed_in"],
] as const;

export interface ScopeGroup {
  allows: string;
  label: string;
  scopes: ScopeView[];
}

/** The strongest first; groups without scopes are left out. */
export function groupScopes(scopes: ScopeView[]): ScopeGroup[] {
  return GROUPS.map(([allows, label]) => ({ allows, label: t(label), scopes: scopes.filter((scope) => scope.allows === allows) })).filter((group) => group.scopes.length > 0);
}
