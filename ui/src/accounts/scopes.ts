// The groups that scopes are shown in. What a name says is the server's claim.
import type { ScopeView } from "../generated/View";

const GROUPS = [
  ["admin", "Say who may do what"],
  ["delete", "Delete"],
  ["change", "Change and send"],
  ["other", "Other, the name does not tell"],
  ["read", "Read"],
  ["identity", "Know who you are"],
  ["stay", "Stay signed in"],
] as const;

export interface ScopeGroup {
  allows: string;
  label: string;
  scopes: ScopeView[];
}

/** The strongest first; groups without scopes are left out. */
export function groupScopes(scopes: ScopeView[]): ScopeGroup[] {
  return GROUPS.map(([allows, label]) => ({ allows, label, scopes: scopes.filter((scope) => scope.allows === allows) })).filter((group) => group.scopes.length > 0);
}
