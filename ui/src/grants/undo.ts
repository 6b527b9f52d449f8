// The way back from what is done to grants: only where what comes back is exactly what went. A limit that was partly used
// would be whole again, and what holds for the arguments of one approval cannot be wished for: those do not come back.
import { t } from "../lang/messages.svelte";
import type { GrantWish } from "../generated/Request";
import type { GrantView } from "../generated/View";
import * as host from "../host/host";
import { toasts } from "../parts/toasts.svelte";

const KINDS: Record<string, "tools" | "resources" | "prompts" | "methods"> = { tool: "tools", tools: "tools", resource: "resources", prompt: "prompts", method: "methods" };

/** What makes the same grant again, or null. `levels` says what a yes to it had to be given with, by scope. */
export function wishAgain(grant: GrantView, levels: ReadonlyMap<string, string>): GrantWish | null {
  if (grant.state !== "active" || grant.same_arguments || grant.budget !== null) return null;
  const at = grant.target.indexOf(":");
  const [kind, rest] = [grant.target.slice(0, at), grant.target.slice(at + 1)];
  const field = kind === "class" ? "tools" : KINDS[kind];
  if (!field) return null;
  // A tool that is called like a pattern, and a pattern that is called like a tool, would come back as the other.
  const pattern = /[*?]/.test(rest);
  if (field === "tools" && kind !== "class" && (pattern !== (kind === "tools") || rest.startsWith("class:"))) return null;
  const level = levels.get(`grant:${grant.id}`);
  if (level !== undefined && grant.effect !== "ask") return null;
  const covers: Pick<GrantWish, "tools" | "resources" | "prompts" | "methods"> = { tools: null, resources: null, prompts: null, methods: null };
  covers[field] = kind === "class" ? grant.target : rest;
  return {
    agent: grant.agent.id, server: grant.server.id, account: grant.account?.id ?? null, ...covers,
    effect: grant.effect, where: grant.conditions, budget: null, until: grant.until, note: grant.note, ...(level === undefined ? {} : { level }),
  };
}

/** What makes all of them again, or null where one of them cannot come back. */
async function wayBack(grants: readonly GrantView[]): Promise<GrantWish[] | null> {
  const levels = new Map((await host.asking()).levels.map((one) => [one.scope, one.level]));
  const wishes = grants.map((grant) => wishAgain(grant, levels)).filter((wish) => wish !== null);
  return wishes.length === grants.length ? wishes : null;
}

export interface Revoking {
  /** Whether it can be taken back: then nobody has to be asked first. */
  undoable: boolean;
  run: () => Promise<void>;
}

/** Looks whether these can come back, and says how to revoke them. */
export async function revoking(grants: readonly GrantView[]): Promise<Revoking> {
  const wishes = await wayBack(grants).catch(() => null);
  const ids = grants.map((grant) => grant.id);
  return {
    undoable: wishes !== null,
    run: async () => {
      const [only] = grants;
      if (only && grants.length === 1) await host.grantRevoke(only.id);
      else await host.grantsRevoke(ids);
      const said = only && grants.length === 1 ? t("grants.revoked_server", { agent: only.agent.name, server: only.server.name }) : t("grants.grant_grants_revoked", { count: grants.length });
      if (wishes) toasts.done(said, () => inTurn(wishes, host.grantAdd));
      else toasts.say(said);
    },
  };
}

/** Changes them, and offers to put each back to what it was. */
export async function change(grants: readonly GrantView[], effect: string | null, until: string | null, said: string): Promise<void> {
  await host.grantsChange(grants.map((grant) => grant.id), effect, until);
  const before = new Map<string, GrantView[]>();
  for (const grant of grants) {
    const key = `${grant.effect} ${grant.until ?? ""}`;
    before.set(key, [...(before.get(key) ?? []), grant]);
  }
  const back = ([first, ...rest]: GrantView[]) =>
    first ? host.grantsChange([first, ...rest].map((grant) => grant.id), effect === null ? null : first.effect, until === null ? null : (first.until ?? "never")) : Promise.resolve([]);
  toasts.done(said, () => inTurn([...before.values()], back));
}

async function inTurn<T>(list: readonly T[], each: (one: T) => Promise<unknown>): Promise<void> {
  for (const one of list) await each(one);
}
