// What comes back after a revoke is exactly what went, or nothing does.
import { expect, test } from "vitest";
import { grants } from "../preview/data";
import type { GrantView } from "../src/generated/View";
import { wishAgain } from "../src/grants/undo";

const NONE = new Map<string, string>();
const [some] = grants("normal");
const grant = (more: Partial<GrantView>): GrantView => {
  if (!some) throw new Error("the preview has no data");
  return { ...some, state: "active", same_arguments: false, budget: null, budget_left: null, conditions: [], effect: "allow", target: "tool:send_payment", ...more };
};
const covered = (target: string) => {
  const wish = wishAgain(grant({ target }), NONE);
  return wish && [wish.tools, wish.resources, wish.prompts, wish.methods];
};

test("a grant comes back with everything that it said", () => {
  const until = "2027-01-01T00:00:00Z";
  const wish = wishAgain(grant({ conditions: ["/amount <= 500"], effect: "deny", until, note: "Rent.", account: { id: "acc_1", name: "marta" } }), NONE);
  expect(wish).toEqual({ agent: some?.agent.id, server: some?.server.id, account: "acc_1", tools: "send_payment", resources: null, prompts: null, methods: null, effect: "deny", where: ["/amount <= 500"], budget: null, until, note: "Rent." });
});

test("every kind of target comes back as the same kind", () => {
  expect(covered("tools:get_*")).toEqual(["get_*", null, null, null]);
  expect(covered("class:read")).toEqual(["class:read", null, null, null]);
  expect(covered("resource:repo://*")).toEqual([null, "repo://*", null, null]);
  expect(covered("prompt:hello")).toEqual([null, null, "hello", null]);
  expect(covered("method:completion/complete")).toEqual([null, null, null, "completion/complete"]);
});

test("what would come back as something else does not come back", () => {
  expect(covered("tool:what?")).toBe(null);
  expect(covered("tools:plain")).toBe(null);
  expect(covered("tool:class:read")).toBe(null);
  expect(wishAgain(grant({ same_arguments: true }), NONE)).toBe(null);
  expect(wishAgain(grant({ budget: "20/1h" }), NONE)).toBe(null);
  expect(wishAgain(grant({ state: "expired" }), NONE)).toBe(null);
});

test("what a yes had to be given with comes back too", () => {
  const one = grant({ effect: "ask" });
  const levels = new Map([[`grant:${one.id}`, "presence"]]);
  expect(wishAgain(one, levels)?.level).toBe("presence");
  expect(wishAgain({ ...one, effect: "allow" }, levels)).toBe(null);
});
