// What the palette finds, and in which order.
import { expect, test } from "vitest";
import { agents, approvals, grants, guardrails, programs, servers, state, tools } from "../preview/data";
import { fit } from "../src/home/fuzzy";
import { goals, matching, offered } from "../src/home/places";
import { shortcuts } from "../src/home/shortcuts";

const all = () => {
  const some = servers("normal");
  return goals({ state: state("normal"), servers: some, agents: agents("normal"), grants: grants("normal"), approvals: approvals("normal"), guardrails: guardrails("normal"), programs: programs("normal"), tools: new Map(some.map((server) => [server.id, tools("normal", server.id)])) });
};
const texts = (typed: string, recent: readonly string[] = []) => matching(all(), typed, recent).map(({ goal }) => goal.text);

test("every kind of thing is found by a part of its name", () => {
  const list = all();
  for (const kind of ["Screen", "Action", "Server", "Account", "Agent", "Tool", "Grant", "Guardrail"]) {
    const one = list.find((goal) => goal.kind === kind);
    expect(one, kind).toBeDefined();
    expect(matching(list, one?.text.slice(1) ?? "").some(({ goal }) => goal.kind === kind), kind).toBe(true);
  }
  expect(new Set(list.map((goal) => goal.id)).size).toBe(list.length);
});

test("words are found in any order, and a beginning comes before a middle", () => {
  expect(texts("aud")[0]).toBe("Audit");
  expect(texts("aud")).toContain("Verify the audit log");
  const [codex] = matching(all(), "codex connect");
  expect(codex?.goal.href).toBe("#/agents/connect-codex");
});

test("letters that only follow each other are found too, where words begin, and after everything else", () => {
  expect(fit("sp", "send_payment")).toBe(null);
  expect(fit("sepay", "send_payment")?.spans).toEqual([[0, 2], [5, 8]]);
  expect(fit("xyz", "send_payment")).toBe(null);
  const whole = fit("payment", "send_payment")?.score ?? 0;
  const start = fit("send", "send_payment")?.score ?? 0;
  const middle = fit("aymen", "send_payment")?.score ?? 0;
  expect(start).toBeGreaterThan(whole);
  expect(whole).toBeGreaterThan(middle);
  expect(middle).toBeGreaterThan(fit("sepay", "send_payment")?.score ?? 0);
  expect(texts("sepay")[0]).toBe("send_payment");
});

test("what was used lately comes first among what fits as well", () => {
  const ids = (recent: readonly string[]) => matching(all(), "issue", recent).map(({ goal }) => goal.id);
  const [first, second = ""] = ids([]);
  expect(first).not.toBe(second);
  expect(ids([second])[0]).toBe(second);
});

test("nothing typed offers what was used last, then what can be done, then the screens", () => {
  const groups = offered(all(), ["srv_1", "there is no such thing any more"]);
  expect(groups.map((group) => group.title)).toEqual(["Last used", "Do", "Go to"]);
  expect(groups[0]?.found.map(({ goal }) => goal.text)).toEqual(["ledger"]);
  expect(groups[2]?.found[0]?.goal.text).toBe("Home");
  expect(offered(all(), [])[0]?.title).toBe("Do");
  expect(matching(all(), "e").length).toBeLessThanOrEqual(40);
  expect(texts("there is no such thing")).toEqual([]);
});

test("other words lead to the same place", () => {
  expect(texts("cedar")).toContain("Guardrails");
  expect(texts("wire")).toContain("Connect Codex");
  expect(texts("retention")).toContain("How long the log is kept");
});

test("nothing in it grants, allows or removes", () => {
  for (const goal of all()) expect(goal.href !== undefined || ["pause", "resume", "verify", "answer", "refresh", "keys"].includes(goal.act ?? "")).toBe(true);
});

test("no two shortcuts of the window are the same", () => {
  const keys = shortcuts().filter((group) => group.title === "Everywhere" || group.title === "Screens").flatMap((group) => group.all.flatMap((one) => one.keys));
  expect(new Set(keys).size).toBe(keys.length);
});
