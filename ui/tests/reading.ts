// Reads the sources of the window as the compiler does: which texts stand in them, which messages are said, and with what.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "svelte/compiler";

export interface Said {
  where: string;
  keys: string[];
  /** What is put in; null where that cannot be seen from here. */
  given: string[] | null;
}
export interface Found {
  texts: string[];
  said: Said[];
  /** Keys that are held somewhere and said elsewhere in the file, and what is put in there. */
  held: { where: string; key: string }[];
  later: string[];
  groups: string[];
  early: string[];
}
type Node = { type: string; start: number; end: number } & Record<string, unknown>;

const SRC = join(import.meta.dirname, "../src");
const HUMAN = new Set(["title", "label", "text", "hint", "placeholder", "action", "what", "error", "alt", "says", "aria-label", "data-label"]);
const SILENT = new Set(["class", "style", "href", "id", "icon", "tone", "kind", "type", "role", "d", "points"]);
const CODE = new Set(["code", "pre", "kbd"]);
/** What is given to these is no text for a person. */
const CALLS = /^(host\.|go$|href$|named$|opened\.|document\.|location|Object\.|.*\.(includes|startsWith|endsWith|split|join|replace|replaceAll|match|test|matches|querySelector|querySelectorAll|closest|addEventListener|dispatchEvent|getAttribute|setAttribute)$)/;
/** Proper names, units and words of machines, which no language changes. */
const NAMES = new Set(["Prokura", "JSON", "Cedar", "Claude Code", "Codex", "Gemini CLI", "opencode", "Authorization", "sha256", "SHA-256", "YOUR-KEY", "English", "Deutsch", "Ctrl", "Shift", "Alt", "Super", "Enter", "Esc", "Tab", "Space", "true", "false"]);
/** The kinds of the palette are told apart by these words, and shown by others. */
const KINDS = new Set(["Screen", "Action", "Server", "Account", "Agent", "Tool", "Grant", "Guardrail", "Audit"]);
/** Files whose texts are for programs to read. */
const MACHINE = ["agents/snippets.ts", "guardrails/begun.ts", "parts/Rows.svelte", "lang/messages.svelte.ts"];

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && typeof (value as Node).type === "string";
const letters = (text: string) => /\p{L}/u.test(text);
const worded = (text: string) => (/\s/.test(text) && /[a-z]{2}/.test(text)) || /^[A-Z][a-z]+[.…?]?$/.test(text);

export function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith(".d.ts") && !name.startsWith("generated"));
}

export function read(file: string, text = readFileSync(join(SRC, file), "utf8")): Found {
  return new Reader(file, file.endsWith(".svelte") ? text : `<script lang="ts" module>${text}</script>`).found;
}

class Reader {
  found: Found = { texts: [], said: [], held: [], later: [], groups: [], early: [] };
  #file: string;
  #text: string;
  #spoken = new Set<Node>();

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    const tree = parse(text, { modern: true, filename: file.endsWith(".svelte") ? file : `${file}.svelte` });
    if (tree.module) this.#code(tree.module.content as unknown as Node, { module: true });
    if (tree.instance) this.#code(tree.instance.content as unknown as Node, {});
    this.#template(tree.fragment as unknown as Node, false);
  }

  #where(node: Node): string {
    return `${this.#file}:${this.#text.slice(0, node.start).split("\n").length}`;
  }

  #text_(node: Node, text: string): void {
    const plain = text.replace(/\s+/g, " ").trim();
    if (NAMES.has(plain) || MACHINE.includes(this.#file) || (this.#file === "home/places.ts" && KINDS.has(plain))) return;
    const folder = this.#file.split("/")[0];
    this.found.texts.push(`${this.#where(node)} says “${plain}”: give it a name in src/lang/en/${folder}.json and src/lang/de/${folder}.json, and say t("${folder}.the_name")`);
  }

  /** Texts and messages in an expression or a script; `all` where even one small word is for a person. */
  #code(node: unknown, at: { all?: boolean; skip?: boolean; module?: boolean; inside?: boolean; parent?: Node; as?: string }): void {
    if (Array.isArray(node)) return node.forEach((one) => this.#code(one, at));
    if (!isNode(node)) return;
    if (/^(Import|ExportAll)/.test(node.type) || (/^TS/.test(node.type) && !/^TS(As|Satisfies|NonNull)Expression$/.test(node.type))) return;
    if (node.type === "Literal" && typeof node["value"] === "string") return this.#literal(node, node["value"], at);
    if (node.type === "TemplateLiteral" && !at.skip) {
      const text = (node["quasis"] as { value: { cooked: string } }[]).map((one) => one.value.cooked).join("");
      if (worded(text.trim()) || (at.all && letters(text))) this.#text_(node, text);
    }
    if (node.type === "CallExpression" || node.type === "NewExpression") return this.#call(node, at);
    if (node.type === "SwitchCase") return this.#code(node["consequent"], at);
    const skip = at.skip === true || (node.type === "BinaryExpression" && /^[=!]=|^in$/.test(String(node["operator"])));
    const inside = at.inside === true || /Function|^MethodDefinition$/.test(node.type);
    for (const [name, child] of Object.entries(node)) {
      if ((name === "key" && !node["computed"] && /^Property/.test(node.type)) || (name === "property" && node.type === "MemberExpression" && !node["computed"])) continue;
      if (["typeAnnotation", "returnType", "typeParameters", "typeArguments", "loc", "leadingComments", "trailingComments"].includes(name)) continue;
      this.#code(child, { ...at, skip, inside, parent: node, as: name });
    }
  }

  #literal(node: Node, text: string, at: { all?: boolean; skip?: boolean; parent?: Node; as?: string }): void {
    if (/^[a-z]+\.[a-z0-9_]+$/.test(text)) {
      if (!this.#spoken.has(node)) this.found.held.push({ where: this.#where(node), key: text });
    } else if (!at.skip) {
      const property = at.parent?.type === "Property" && at.as === "value" && HUMAN.has(String((at.parent["key"] as Node)["name"]));
      if (worded(text) || ((at.all || property) && letters(text))) this.#text_(node, text);
    }
  }

  #call(node: Node, at: { skip?: boolean; module?: boolean; inside?: boolean }): void {
    const callee = node["callee"] as Node;
    const name = this.#text.slice(callee.start, callee.end);
    const some = node["arguments"] as Node[];
    if (name === "t" || name === "parts" || name === "named") {
      if (at.module && !at.inside) this.found.early.push(this.#where(node));
      if (name === "named") this.found.groups.push(String(some[0]?.["value"]));
      else this.#says(node, some[0], some[1] ? names(some[1]) : []);
    }
    const skip = at.skip === true || node.type === "NewExpression" || name === "t" || name === "parts" || CALLS.test(name);
    this.#code(callee, at);
    for (const one of some) this.#code(one, { ...at, skip: /Function/.test(one.type) || one.type === "ObjectExpression" && (name === "t" || name === "parts") ? at.skip === true : skip, parent: node });
  }

  #says(node: Node, key: unknown, given: string[] | null): void {
    const literals = literalsOf(key);
    literals.forEach((one) => this.#spoken.add(one));
    const keys = literals.map((one) => String(one["value"] ?? one["data"]));
    if (keys.length > 0) this.found.said.push({ where: this.#where(node), keys, given });
    if (keys.length === 0 || literals.some((one) => one["partly"])) this.found.later.push(...(given ?? []));
  }

  #template(node: unknown, code: boolean): void {
    if (Array.isArray(node)) return node.forEach((one) => this.#template(one, code));
    if (!isNode(node)) return;
    if (node.type === "Text" && !code && letters(String(node["data"]))) return this.#text_(node, String(node["data"]));
    if (node.type === "ExpressionTag") return this.#code(node["expression"], { all: !code });
    if (node.type === "Attribute") return this.#attribute(node);
    if (node.type === "Component" && node["name"] === "Say") this.#sentence(node);
    const within = code || (node.type === "RegularElement" && CODE.has(String(node["name"])));
    for (const [name, child] of Object.entries(node)) {
      if (["loc", "parent", "metadata", "name"].includes(name)) continue;
      if (isNode(child) && ["expression", "test", "key", "declaration"].includes(name)) this.#code(child, {});
      else if (name !== "context") this.#template(child, within);
    }
  }

  #attribute(node: Node): void {
    const value = (Array.isArray(node["value"]) ? node["value"] : [node["value"]]).filter(isNode);
    const name = String(node["name"]);
    const text = value.filter((one) => one.type === "Text").map((one) => String(one["data"])).join("");
    if (HUMAN.has(name) && (name === "placeholder" ? worded(text) : letters(text)) && !text.startsWith("/")) this.#text_(node, text);
    if (!SILENT.has(name)) for (const one of value) if (one.type === "ExpressionTag") this.#code(one["expression"], { all: HUMAN.has(name) && name !== "placeholder" });
  }

  #sentence(node: Node): void {
    const attributes = node["attributes"] as Node[];
    const valueOf = (name: string) => attributes.find((one) => one["name"] === name)?.["value"];
    const [id, args] = [valueOf("id"), valueOf("args")];
    const children = ((node["fragment"] as Node)["nodes"] as Node[]).filter((one) => one.type === "SnippetBlock").map((one) => String((one["expression"] as Node)["name"]));
    const more = isNode(args) ? names(args["expression"] as Node) : [];
    this.#says(node, Array.isArray(id) ? id[0] : isNode(id) ? id["expression"] : undefined, more === null ? null : [...more, ...children]);
  }
}

/** The names in an object; null where something is spread into it. */
function names(of: Node): string[] | null {
  if (of.type !== "ObjectExpression") return null;
  const all = of["properties"] as Node[];
  return all.some((one) => one.type !== "Property") ? null : all.map((one) => String((one["key"] as Node)["name"]));
}

/** The keys that an expression can be, of those that stand in it. */
function literalsOf(node: unknown): Node[] {
  if (!isNode(node)) return [];
  if (node.type === "Literal" || node.type === "Text") return [node];
  if (node.type === "ConditionalExpression") return [...literalsOf(node["consequent"]), ...literalsOf(node["alternate"])];
  if (node.type === "LogicalExpression") return literalsOf(node["right"]).map((one) => Object.assign(one, { partly: true }));
  return [];
}
