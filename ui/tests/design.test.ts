// What is written of the design is how it is.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAMILIES, GROUNDS, INKS, RULES, SHAPES, SIZES, SPACES, SURFACES } from "../preview/design/tokens";

const at = (path: string) => join(import.meta.dirname, "..", path);
const read = (path: string) => readFileSync(at(path), "utf8");
const documented = read("../docs/design.md");
const sheet = new Map([...(read("src/parts/tokens.css").split("}")[0] ?? "").matchAll(/(--[\w-]+): ([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]));

test("every token is on the design page and in the document, with its value", () => {
  const shown = [SURFACES, INKS, GROUNDS, SPACES, SHAPES, SIZES, FAMILIES].flat();
  expect(shown.map((one) => one.name).sort()).toEqual([...sheet.keys()].sort());
  for (const { name, use } of shown) expect(documented).toContain(`| \`${name}\` | \`${sheet.get(name) ?? ""}\` | ${use} |`);
});

test("every rule of the page is in the document", () => {
  for (const { rule, why } of RULES) expect(documented).toContain(`- **${rule}** ${why}`);
});

test("every component is on the design page and in the document", () => {
  const page = read("preview/design/Components.svelte") + read("preview/design/Design.svelte");
  for (const file of readdirSync(at("src/parts")).filter((name) => name.endsWith(".svelte"))) {
    const name = file.replace(".svelte", "");
    expect(page, name).toContain(`<${name}`);
    expect(documented, name).toContain(`\`${name}\``);
  }
});

test("colours come from the tokens alone", () => {
  const loose = readdirSync(at("src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".svelte"))
    .flatMap((name) => {
      const styles = /<style>([\s\S]*)<\/style>/.exec(read(`src/${name}`))?.[1] ?? "";
      // What lies behind a dialog, a letter on a tile, and the word on a red button are no tokens: they have no other use.
      const found = styles.match(/(?<![\w-])color: *(#[0-9a-f]+|rgba?\([^)]*\))|background: *#[0-9a-f]+/gi) ?? [];
      return name.endsWith("Tile.svelte") ? [] : found.map((one) => `${name}: ${one}`);
    });
  expect(loose).toEqual([]);
});
