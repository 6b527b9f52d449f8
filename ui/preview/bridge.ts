// Stands in for src/host/bridge.ts where no Shell is: recorded answers, a little delay, and a memory of what was wished.
import type { AccessWish, GrantWish, LocalWish, RulesWish, WireWish } from "../src/generated/Request";
import type { Change } from "../src/host/change";
import catalogue from "../../crates/api/src/catalogue.json";
import { access } from "./access";
import * as data from "./data";
import { asked as questions } from "./asked";
import { asking } from "./asking";
import * as very from "./full";
import { local, localServers, starting } from "./local";
import { run } from "./run";

const query = new URLSearchParams(location.search);
const asked = query.get("scene") ?? "normal";
/** `loading`: nothing is ever answered but that the Host runs. `broken`: everything fails, with `heals` only the first time. */
const scene = (asked === "loading" || asked === "broken" ? "normal" : asked) as data.Scene;
const full = scene === "crowded";
const failed = new Set<string>();
// Without writing anything down: as if the system spoke this language.
if (query.has("lang")) Object.defineProperty(navigator, "languages", { value: [query.get("lang")] });
if (query.has("dir")) document.documentElement.dir = query.get("dir") ?? "";
const slow = Number(query.get("slow") ?? "20");
let told: ((change: Change) => void) | undefined;
let paused = query.has("paused");
let approvals = full ? very.approvals(data.approvals(scene)) : [...data.approvals(scene), ...starting(scene)];
if (query.has("asked")) approvals = questions();
if (query.has("only")) approvals = approvals.filter((one) => one.id === query.get("only"));
const agents = data.agents(scene);
const grants = data.grants(scene);

const fail = (code: string, message: string, hint: string) => {
  throw { code, message, hint };
};

function settle(id: string, to: string, note: string | null) {
  approvals = approvals.map((one) => (one.id === id ? { ...one, state: to, note, settled_at: data.ago(0) } : one));
  told?.("approvals");
  return approvals.find((one) => one.id === id);
}

/** What was answered to questions, for tests. */
export const answers: [string, Record<string, unknown>][] = [];

/** Starts over, with one question or all, for tests. */
export function reset(only?: string | readonly string[]): void {
  answers.length = 0;
  approvals = data.approvals(only === undefined ? scene : "crowded").filter((one) => only === undefined || (typeof only === "string" ? one.id === only : only.includes(one.id)));
}

const ANSWERS: Record<string, (args: Record<string, unknown>) => unknown> = {
  started: () => (query.has("nostart") ? fail("conflict", "Another Prokura already uses the data folder /home/marta/.local/share/prokura.", "Close the other one, or start this one with --data and another folder.") : null),
  state: () => ({ ...data.state(scene), paused }),
  pause: () => { paused = true; told?.("state"); return { ...data.state(scene), paused }; },
  resume: () => { paused = false; told?.("state"); return { ...data.state(scene), paused }; },
  doctor: () => (full ? very.checks(data.checks(scene)) : data.checks(scene)),
  network: () => (full ? very.network(data.network(scene)) : data.network(scene)),
  network_proxy: () => fail("bad_request", "This cannot be set: a proxy is a URL such as http://proxy.example:3128.", "Correct what was entered and try again."),
  network_trust: () => fail("bad_request", "This cannot be set: it holds no certificate in PEM.", "Correct what was entered and try again."),
  network_documents: () => data.network(scene),
  network_distrust: () => data.network(scene),
  adopt: () => ({ ...data.state(scene), paused }),
  servers: () => (full ? very.servers(data.servers(scene)) : [...data.servers(scene), ...localServers(scene)]),
  server_add: () => fail("unreachable", "mcp.example.com did not answer.", "Check the address. Servers on this machine may use http; all others need https."),
  local: (args) => local(scene, args["wish"] as LocalWish),
  tools: (args) => data.tools(scene, String(args["server"])),
  link: () => (query.has("link") ? { url: "https://mcp.ledger-payments.example/mcp", name: null } : null),
  servers_known: () => ({ checked: catalogue.checked, servers: catalogue.servers.map((one, at) => ({ ...one, added: at === 3 })) }),
  back_up: () => ({ path: "/home/marta/.local/share/prokura/exports/prokura-2026-11-23T09-00-00Z.backup", records: 1204 }),
  tool_run: (args) => (String(args["arguments"]).includes("wait") ? new Promise(() => undefined) : run(String(args["arguments"]))),
  tools_refresh: (args) => data.tools(scene, String(args["server"])),
  sign_in_plan: () => data.plan,
  sign_in_paste: () => null,
  account_use: () => null,
  server_except: () => null,
  redirect: () => "http://127.0.0.1:49731/callback",
  sign_in: (args) => ({ device: (args["choice"] as { device: boolean }).device ? { code: "WDJB-MJHT", page: "https://login.linear.example/device", expires_at: data.ago(-10) } : null, sign_in: "sgn_1", url: "https://login.linear.example/authorize?x=1", issuer: "https://login.linear.example", resource: "https://mcp.linear.example/mcp", scopes: ["read:issues", "write:issues", "offline_access"] }),
  sign_in_wait: () => new Promise(() => undefined),
  agents: () => [...agents],
  agent_add: (args) => {
    const agent = { id: "agt_new", name: String(args["name"]), state: "active", credential: "key", pairings: [], sign_ins: [], claim: null, gives_up_after: null, limits: { under_way: 64, per_minute: 6000, message_kib: 4096, answer_kib: 65536 }, search: false, grants: 0, added_at: data.ago(0), seen_at: null };
    agents.unshift(agent);
    told?.("agents");
    return { agent, key: "prk_7h2kq9vx4mzt6w3c8ndy5rfb2jls7gpa" };
  },
  agent_search: (args) => {
    const agent = agents.find((one) => one.id === args["agent"]);
    if (agent) agent.search = Boolean(args["on"]);
    told?.("agents");
    return agent;
  },
  agent_key: (args) => ({ agent: agents.find((one) => one.id === args["agent"]), key: "prk_q9vx4mzt6w3c8ndy5rfb2jls7gpa7h2k" }),
  programs: () => data.programs(scene),
  wire_preview: (args) => data.difference(scene, args["of"] as WireWish),
  unwire_preview: () => data.undoing(),
  grants: () => [...grants],
  grant_revoke: (args) => { grants.splice(grants.findIndex((one) => one.id === args["grant"]), 1); told?.("grants"); return null; },
  grant_add: (args) => { const wish = args["wish"] as GrantWish; const like = data.grants(scene)[0]; if (like) grants.unshift({ ...like, id: `grt_new_${grants.length}`, agent: agents.find((one) => one.id === wish.agent) ?? like.agent, server: data.servers(scene).find((one) => one.id === wish.server) ?? like.server, target: wish.tools?.startsWith("class:") ? wish.tools : `tool:${wish.tools}`, effect: wish.effect, note: wish.note }); told?.("grants"); return null; },
  grants_revoke: () => [],
  grants_change: () => [],
  grants_preset: (args) => data.rulePlan(scene, args["wish"] as RulesWish),
  grants_copy: (args) => data.rulePlan(scene, args["wish"] as RulesWish),
  rules_import: (args) => data.rulePlan(scene, args["wish"] as RulesWish),
  rules_save: () => ({ path: "/home/marta/.local/share/prokura/exports/rules-2026-11-23T09-00-00Z.json", records: 19 }),
  bundles: () => data.bundles(scene),
  bundle_look: () => data.offered(),
  bundle_take: () => data.offered(),
  bundle_release: () => [],
  access: (args) => access(scene, args["of"] as AccessWish),
  flow: () => data.flow(scene),
  guardrails: () => (full ? very.guardrails(data.guardrails(scene)) : data.guardrails(scene)),
  guardrail_words: () => data.guardrailWords(),
  guardrail_check: (args) => (String(args["text"]).includes("permit") ? [{ line: 1, column: 1, message: "a guardrail can forbid or demand approval; it can never permit", help: "Write forbid. What is allowed is said by grants." }] : []),
  simulate: () => data.simulated(),
  approvals: (args) => (args["all"] ? approvals : approvals.filter((one) => one.state === "pending")),
  approval_allow: (args) => settle(String(args["approval"]), "used", null),
  approvals_told: () => (scene === "empty" ? { ...data.told(), days: [], advice: null } : data.told()),
  do_not_disturb: () => data.state(scene),
  server_questions: (args) => ({ ...data.servers(scene)[0], shows_questions: args["on"] }),
  elicitation_cancel: (args) => settle(String(args["approval"]), "dropped", null),
  elicitation_visit: (args) => settle(String(args["approval"]), "used", null),
  scopes_give: () => new Promise(() => undefined),
  scopes_ask_again: () => null,
  asking: () => (full ? very.asking(asking(scene)) : asking(scene)),
  asking_level: () => asking(scene),
  asking_passphrase: () => asking(scene),
  asking_notices: () => asking(scene),
  asking_pause_keys: () => asking(scene),
  pause_keys_trouble: () => (scene === "crowded" ? "HotKey already registered" : null),
  consent_allow: (args) => (args["number"] === "17" ? settle(String(args["approval"]), "used", null) : fail("refused", "Another number is shown there, so nobody was let in.", "If you did not start this sign-in, somebody else did: it is over now.")),
  approval_deny: (args) => settle(String(args["approval"]), "denied", args["note"] as string | null),
  audit: (args) => data.audit(scene, args as { limit: number; before: number | null; filter: data.Filter }),
  audit_show: (args) => data.record(scene, Number(args["seq"])),
  audit_call: (args) => data.call(scene, Number(args["seq"])),
  audit_days: () => data.days(scene),
  audit_touched: () => data.touched(scene),
  audit_status: () => data.auditStatus(scene),
  audit_set: () => data.auditStatus(scene),
  audit_level: () => data.auditStatus(scene),
  audit_mask: () => data.auditStatus(scene),
  audit_filter_save: () => data.auditStatus(scene),
  audit_care: () => ({ payloads_deleted: 0, bytes_freed: 0, closed: null }),
  audit_save: (args) => ({ path: `/home/marta/.local/share/prokura/exports/audit-2026-11-23T09-00-00Z.${String(args["format"])}`, records: data.many(scene) }),
  audit_verify: () => ({ ok: scene !== "failing", records: 1204, faults: scene === "failing" ? ["Record 812 was changed: its hash does not follow from record 811."] : [], notes: scene === "failing" ? [] : ["The last checkpoint is anchored in the keyring, 14 records ago."] }),
};

export async function invoke<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  await new Promise((done) => setTimeout(done, slow));
  if (asked === "loading" && command !== "started") await new Promise(() => undefined);
  if (asked === "broken" && command !== "started" && !(query.has("heals") && failed.has(command))) {
    failed.add(command);
    fail("unreachable", "The database does not answer: the disk is busy or gone.", "Look whether the disk is there and has room. Nothing goes out until it can be recorded.");
  }
  if (query.get("broken") === command) fail("audit_broken", "The audit log cannot be written: the disk is full.", "Free some space. Nothing goes out until it can be recorded.");
  if (command === "approval_allow" || command === "approval_deny") answers.push([command, args]);
  const answer = ANSWERS[command];
  return (answer ? answer(args) : null) as T;
}

export function onLink(): void {
  // No other program opens links here.
}

export function onChange(tell: (change: Change) => void): void {
  told = tell;
}
