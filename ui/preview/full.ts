// What makes screens very full, beyond what preview/data.ts has: long histories, many rules, many accounts, many troubles.
import type { AccountView, ApprovalView, AskingView, CheckView, GuardrailView, NetworkView, ServerView } from "../src/generated/View";

const LONG = "warehouse-of-the-north-staging-eu-central-replica-number-";

/** Every guardrail many times over. */
export function guardrails(some: readonly GuardrailView[]): GuardrailView[] {
  return Array.from({ length: 60 }, (_, at) => some.map((one) => ({ ...one, id: `${one.id}_${at}`, name: at === 0 ? one.name : `${one.name} (${at + 1})` }))).flat();
}

/** What waits, and a year of what was answered. */
export function approvals(some: readonly ApprovalView[]): ApprovalView[] {
  const settled = some.filter((one) => one.state !== "pending");
  const past = Array.from({ length: 80 }, (_, at) => settled.map((one) => ({ ...one, id: `${one.id}_${at}` }))).flat();
  return [...some.filter((one) => one.state === "pending"), ...past];
}

/** The first server has a dozen accounts. */
export function servers(some: readonly ServerView[]): ServerView[] {
  return some.map((server, at) => (at > 0 ? server : { ...server, accounts: server.accounts.flatMap((account) => Array.from({ length: 6 }, (_, more): AccountView => ({ ...account, id: `${account.id}_${more}`, name: more === 0 ? account.name : `${account.name}-${LONG.slice(0, 6 * more)}${more}` }))) }));
}

export function checks(some: readonly CheckView[]): CheckView[] {
  const troubles = Array.from({ length: 40 }, (_, at): CheckView => ({ id: `server ${LONG}${at}`, ok: false, message: "sign-in needed", hint: `Run \`prokura servers sign-in ${LONG}${at}\`, or sign in in the window.` }));
  return [...some, ...troubles];
}

export function asking(some: AskingView): AskingView {
  const [first] = some.levels;
  return first ? { ...some, levels: [...some.levels, ...Array.from({ length: 30 }, (_, at) => ({ ...first, scope: `tool:${LONG}${at}/close_account`, words: `close_account at ${LONG}${at}` }))] } : some;
}

export function network(some: NetworkView): NetworkView {
  const [first] = some.authorities;
  return first ? { ...some, authorities: [...some.authorities, ...Array.from({ length: 12 }, (_, at) => ({ ...first, name: `Authority of ${LONG}${at}` }))] } : some;
}
