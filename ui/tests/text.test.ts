// The small functions that word and draw what Rust said.
import { keysOf } from "../src/settings/keys";
import { budgetOf, conditionsOf, NO_BUDGET, parametersOf } from "../src/grants/limits";
import { expect, test } from "vitest";
import { cover } from "../src/grants/cover";
import { wishOf, type Draft } from "../src/grants/wish";
import { asName } from "../src/parts/name";
import { pieces } from "../src/parts/pieces";
import { relative, remaining } from "../src/parts/time";
import { difference } from "../src/servers/difference";
import { grants, tools } from "../preview/data";

test("characters that cannot be seen become marks", () => {
  expect(pieces("a\u200bb\u202e\u00a0\u{e0041}")).toEqual([
    { text: "a", mark: false },
    { text: "U+200B", mark: true },
    { text: "b", mark: false },
    { text: "U+202E", mark: true },
    { text: "U+00A0", mark: true },
    { text: "U+E0041", mark: true },
  ]);
  expect(pieces("plain tëxt 文字 👍")).toEqual([{ text: "plain tëxt 文字 👍", mark: false }]);
});

test("a name is made of what is typed", () => {
  expect(asName("Claude Code 2")).toBe("claude-code-2");
  expect(asName("9 Évian_Mail!")).toBe("evian-mail");
  expect(asName("x".repeat(40)).length).toBe(32);
});

test("a differing line shows as old and new", () => {
  expect(difference("a\nb\nc", "a\nx\nc")).toEqual([
    { text: "a", is: "same" },
    { text: "b", is: "old" },
    { text: "x", is: "new" },
    { text: "c", is: "same" },
  ]);
});

test("bars count a tool once, by its most specific grant, the stricter one first", () => {
  const ledger = cover(tools("normal", "srv_1"), grants("normal").filter((grant) => grant.agent.id === "agt_0" && grant.server.id === "srv_1"));
  const effectOf = (name: string) => ledger.tools.find((one) => one.tool.name === name)?.effect;
  expect([ledger.allow, ledger.ask, ledger.deny]).toEqual([3, 1, 1]);
  expect(effectOf("send_payment")).toBe("ask");
  expect(effectOf("close_account")).toBe("deny");
  expect(effectOf("export_everything")).toBe(null);
});

test("a tool that changed is quarantined whatever was granted, and counts as nothing", () => {
  const [tool] = tools("normal", "srv_1");
  const [grant] = grants("normal");
  if (!tool || !grant) throw new Error("the preview has no data");
  const asked = { ...grant, target: `tool:${tool.name}`, effect: "allow", state: "active", same_arguments: false, conditions: [] };
  const changed = cover([{ ...tool, pin: "changed" }], [asked]);
  expect([changed.tools[0]?.effect, changed.allow]).toEqual(["quarantined", 0]);
  expect(cover([{ ...tool, pin: "accepted" }], [asked]).allow).toBe(1);
});

test("a class is closer than every tool, as policy has it", () => {
  const [tool] = tools("normal", "srv_1");
  const [grant] = grants("normal");
  if (!tool || !grant) throw new Error("the preview has no data");
  const base = { ...grant, state: "active", same_arguments: false, conditions: [], account: null };
  const read = { ...tool, pin: "accepted", class: "read" };
  const both = [{ ...base, target: "tools:*", effect: "deny" }, { ...base, target: "class:read", effect: "allow" }];
  expect(cover([read], both).tools[0]?.effect).toBe("allow");
});

test("pressed keys become the words of the host, and typing becomes nothing", () => {
  const pressed = (code: string, more: object) => keysOf({ code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...more });
  expect(pressed("KeyP", { ctrlKey: true, altKey: true })).toBe("Ctrl+Alt+P");
  expect(pressed("F12", { metaKey: true })).toBe("Super+F12");
  expect(pressed("KeyC", { ctrlKey: true })).toBe("");
  expect(pressed("F5", {})).toBe("");
  expect(pressed("AltLeft", { ctrlKey: true, altKey: true })).toBe("");
});

test("a wish holds only what its kind asks for", () => {
  const draft: Draft = { agent: "a", server: "s", account: "", kind: "class", tool: "left over", glob: "left over", class: "read", effect: "allow", until: "1", date: "", level: "presence", note: " ", limits: [], budget: NO_BUDGET };
  expect(wishOf(draft, 0)).toEqual({ agent: "a", server: "s", account: null, tools: "class:read", resources: null, prompts: null, methods: null, effect: "allow", until: "1970-01-01T01:00:00.000Z", note: null, where: [], budget: null });
});

test("limits become the words the host reads", () => {
  const limits = [
    { pointer: "amount", op: "<=", value: " 500 " },
    { pointer: "/currency", op: "in", value: "EUR, USD" },
    { pointer: "cc", op: "absent", value: "left over" },
    { pointer: " ", op: "=", value: "nothing" },
  ];
  expect(conditionsOf(limits)).toEqual(["/amount <= 500", '/currency in ["EUR","USD"]', "/cc absent"]);
  expect(budgetOf({ kind: "sum", most: "500", pointer: "amount", period: "1d" })).toBe("sum(/amount)<=500/1d");
  expect(budgetOf({ kind: "calls", most: "20", pointer: "", period: "1h" })).toBe("20/1h");
  expect(budgetOf(NO_BUDGET)).toBe(null);
  expect(parametersOf('{"inputSchema":{"properties":{"a/b":{}}}}')).toEqual(["/a~1b"]);
});

test("time left never goes below zero", () => {
  expect(remaining("2026-01-01T00:01:05Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("1:05");
  expect(remaining("2026-01-01T00:00:00Z", Date.parse("2026-01-01T01:00:00Z"))).toBe("0:00");
});

test("what just happened is never said to come", () => {
  expect(relative("2026-01-01T00:00:00.900Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("just now");
  expect(relative("2026-01-01T00:00:30Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("in a moment");
  expect(relative("2026-01-01T02:00:00Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("in 2 h");
});
