// Lists of thousands: only what is near the window exists as elements, and what is counted for it is counted quickly.
import { mount, unmount, type Component } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { agents, grants, servers, tools } from "../preview/data";
import type { AccessView, GrantView, ToolView } from "../src/generated/View";
import AccessTable from "../src/access/AccessTable.svelte";
import { cover } from "../src/grants/cover";
import GrantsList from "../src/grants/GrantsList.svelte";
import Matrix from "../src/grants/Matrix.svelte";
import Tools from "../src/servers/Tools.svelte";

// Elements are slow to make here, and this says nothing of how long they take in a window.
vi.setConfig({ testTimeout: 30_000 });

/** Stands in for the browser's: says what a test says is near. */
class Seen {
  static all: Seen[] = [];
  watched: Element[] = [];
  constructor(readonly told: (entries: unknown[]) => void) {
    Seen.all.push(this);
  }
  observe(element: Element) { this.watched.push(element); }
  unobserve(element: Element) { this.watched = this.watched.filter((one) => one !== element); }
  disconnect() { this.watched = []; }
  say(at: number, isIntersecting: boolean) {
    const target = this.watched[at];
    this.told([{ target, isIntersecting, boundingClientRect: { height: 1000 } }]);
  }
}

let made: Record<string, unknown> | undefined;
const before = globalThis.IntersectionObserver;
beforeEach(() => {
  Seen.all = [];
  Object.assign(globalThis, { IntersectionObserver: Seen });
});
afterEach(() => {
  if (made) void unmount(made);
  made = undefined;
  document.body.replaceChildren();
  Object.assign(globalThis, { IntersectionObserver: before });
});

function show<P extends Record<string, unknown>>(component: Component<P>, props: P) {
  made = mount(component, { target: document.body, props });
}
const settled = () => new Promise((done) => setTimeout(done));
const count = (what: string) => document.querySelectorAll(what).length;
const first = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined) throw new Error("there is none");
  return one;
};

const ONE_GRANT = first(grants("normal"));
const ONE_TOOL = first(tools("normal", "srv_1"));
const manyGrants = (number: number): GrantView[] => Array.from({ length: number }, (_, at) => ({ ...ONE_GRANT, id: `grt_${at}`, target: `tool:tool_${at}`, agent: { id: `agt_${at % 100}`, name: `agent-${at % 100}` } }));
const manyTools = (number: number): ToolView[] => Array.from({ length: number }, (_, at) => ({ ...ONE_TOOL, id: `ledger/tool_${at}`, name: `tool_${at}` }));

test("of two thousand grants only those near the window are rows, wherever that is", async () => {
  show(GrantsList, { grants: manyGrants(2000), search: "" });
  await settled();
  expect(count("tbody tr:not([aria-hidden])")).toBe(50);
  const seen = first(Seen.all);
  expect(seen.watched.length).toBe(40);
  seen.say(20, true);
  seen.say(21, true);
  seen.say(0, false);
  await settled();
  expect(count("tbody tr:not([aria-hidden])")).toBe(100);
  expect(count("*")).toBeLessThan(5000);
});

test("picking all picks all two thousand, also those that are no rows", async () => {
  show(GrantsList, { grants: manyGrants(2000), search: "" });
  await settled();
  document.querySelector<HTMLInputElement>("thead input")?.click();
  await settled();
  expect(document.querySelector("[role=toolbar]")?.textContent).toContain("2,000 grants");
  expect(count("tbody tr:not([aria-hidden])")).toBe(50);
});

test("what a search hides is not picked", async () => {
  show(GrantsList, { grants: manyGrants(60), search: "tool_59" });
  await settled();
  document.querySelector<HTMLInputElement>("thead input")?.click();
  await settled();
  expect(document.querySelector("[role=toolbar]")?.textContent).toContain("1 grant");
});

test("of a hundred agents the matrix holds those near the window", async () => {
  const one = first(agents("normal"));
  const few = manyGrants(20);
  const some = Array.from({ length: 100 }, (_, at) => ({ ...one, id: `agt_${at}`, name: `agent-${at}` }));
  show(Matrix, { agents: some, servers: servers("normal"), grantsOf: () => few, coverOf: () => undefined, chosen: null, onchoose: () => undefined });
  await settled();
  expect(count("tbody th[scope=row]")).toBe(10);
});

test("of five thousand tools only those near the window are rows", async () => {
  const live = { value: manyTools(5000), failure: undefined, loading: false, follow: () => () => undefined, again: async () => undefined };
  show(Tools as unknown as Component<Record<string, unknown>>, { server: first(servers("normal")), tools: live });
  await settled();
  expect(count("li")).toBeLessThanOrEqual(60);
});

test("of five thousand things an agent can do only those near the window are rows", async () => {
  const row: AccessView = { agent: { id: "agt_0", name: "claude" }, server: { id: "srv_0", name: "ledger" }, account: { id: "acc_0", name: "ada" }, target: "tool:x", class: "read", pin: "accepted", effect: "allow", outcomes: ["allow"], why: [{ rule: "grt_1", text: "A grant allows it." }], stopped: null };
  show(AccessTable, { rows: Array.from({ length: 5000 }, (_, at) => ({ ...row, target: `tool:tool_${at}` })) });
  await settled();
  expect(count("tbody tr:not([aria-hidden])")).toBe(50);
});

test("counting what two thousand grants cover of five thousand tools takes no noticeable time", () => {
  const list = [...manyGrants(1990), ...Array.from({ length: 10 }, (_, at) => ({ ...ONE_GRANT, id: `glob_${at}`, target: `tools:other_${at}_*` }))];
  const all = manyTools(5000);
  const began = performance.now();
  const counted = cover(all, list);
  expect(counted.tools.filter((tool) => tool.effect !== null).length).toBe(1990);
  // Some milliseconds here; the way before took seconds.
  expect(performance.now() - began).toBeLessThan(500);
});
