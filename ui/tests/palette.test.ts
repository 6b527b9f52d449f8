// What the palette finds, and in which order.
import { expect, test } from "vitest";
import { agents, grants, programs, servers, state, tools } from "../preview/data";
import { goals, matching } from "../src/home/places";

const all = () => {
  const some = servers("normal");
  return goals({ state: state("normal"), servers: some, agents: agents("normal"), grants: grants("normal"), programs: programs("normal"), tools: new Map(some.map((server) => [server.id, tools("normal", server.id)])) });
};

test("every kind of thing is found by a part of its name", () => {
  const list = all();
  for (const kind of ["Screen", "Action", "Server", "Agent", "Tool", "Grant"]) expect(list.some((goal) => goal.kind === kind), kind).toBe(true);
  expect(new Set(list.map((goal) => goal.id)).size).toBe(list.length);
});

test("words are found in any order, and a beginning comes before a middle", () => {
  const found = matching(all(), "aud");
  expect(found[0]?.text).toBe("Audit");
  expect(found.some((goal) => goal.text === "Verify the audit log")).toBe(true);
  const [codex] = matching(all(), "codex connect");
  expect(codex?.href).toBe("#/agents/connect-codex");
});

test("nothing typed shows the screens first, and never too much", () => {
  const found = matching(all(), "  ");
  expect(found[0]?.text).toBe("Home");
  expect(found.length).toBeLessThanOrEqual(40);
  expect(matching(all(), "there is no such thing")).toEqual([]);
});

test("nothing in it grants, allows or removes", () => {
  for (const goal of all()) expect(goal.href !== undefined || ["pause", "resume", "verify"].includes(goal.act ?? "")).toBe(true);
});
