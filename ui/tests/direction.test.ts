// Nothing says left or right where it means start or end, so that a window from right to left is laid out as one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** The styles of a file: all of a sheet, and what stands between the tags of a component. */
function styles(name: string): string {
  const text = readFileSync(join(SRC, name), "utf8");
  const sheet = name.endsWith(".css") ? text : (/<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "");
  return sheet.replace(/\/\*[\s\S]*?\*\//g, "");
}

/** The parts of a value; what stands in parentheses is one. */
const parts = (value: string) => value.trim().match(/(?:[^\s()]|\((?:[^()]|\([^()]*\))*\))+/g) ?? [];

function physical(sheet: string): string[] {
  const found: string[] = [];
  for (const [, property = "", value = ""] of sheet.matchAll(/([a-z-]+)\s*:\s*([^;{}]+)/g)) {
    const side = /^(left|right)$|-(left|right)(-|$)/.test(property) || /^(float|clear|text-align|justify-content)$/.test(property) && /\b(left|right)\b/.test(value);
    const sides = parts(value);
    const lopsided = /^(margin|padding|inset|border-width|border-color|border-style)$/.test(property) && sides.length === 4 && sides[1] !== sides[3];
    if (side || lopsided) found.push(`${property}: ${value}`);
  }
  return found;
}

test("styles speak of start and end, never of left and right", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.(svelte|css)$/.test(name));
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap((name) => physical(styles(name)).map((one) => `${name}: ${one}`))).toEqual([]);
});

test("what is looked for is found", () => {
  expect(physical("a { margin-left: 1px; text-align: right; padding: 1px 2px 3px calc(4px + 1px); inset: 0 0 0 4px; }").length).toBe(4);
  expect(physical("a { margin-inline-start: 1px; text-align: end; padding: 1px 2px 3px; border-radius: 1px 1px 0 0; padding: 1px var(--a) 2px var(--a); }")).toEqual([]);
});
