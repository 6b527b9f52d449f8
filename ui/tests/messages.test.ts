// Every text of the window stands in the catalogues, in every language, and is said with what it needs.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import { flushSync, mount, unmount } from "svelte";
import { afterEach, expect, test, vi } from "vitest";
import { language, named, number, t, TONGUES } from "../src/lang/messages.svelte";
import { relative } from "../src/parts/time";
import SettingsScreen from "../src/settings/SettingsScreen.svelte";
import { read, sources } from "./reading";

const LANG = join(import.meta.dirname, "../src/lang");
/** What a sentence can hold without a snippet; see Say.svelte. */
const ELEMENTS = ["b", "code", "muted", "mono", "unseen"];

function catalogue(tag: string): Map<string, string> {
  const files = readdirSync(join(LANG, tag));
  return new Map(files.flatMap((file) => Object.entries(JSON.parse(readFileSync(join(LANG, tag, file), "utf8")) as Record<string, string>).map(([key, text]) => [`${file.replace(".json", "")}.${key}`, text] as const)));
}

/** What has to be put into a text. */
function needs(text: string): string[] {
  const all = new Set<string>();
  const walk = (elements: MessageFormatElement[]): void => {
    for (const one of elements) {
      if (one.type !== TYPE.literal && one.type !== TYPE.pound) all.add(one.value);
      if (one.type === TYPE.tag) walk(one.children);
      if (one.type === TYPE.plural || one.type === TYPE.select) Object.values(one.options).forEach((option) => walk(option.value));
    }
  };
  walk(parse(text, { captureLocation: false }));
  return [...all].sort();
}

const english = catalogue("en");
const files = sources().map((file) => ({ file, found: read(file) }));

afterEach(() => language.choose("system"));

test("every language has the same messages, and puts the same into them", () => {
  for (const { tag } of TONGUES) {
    const other = catalogue(tag);
    expect([...other.keys()].sort(), tag).toEqual([...english.keys()].sort());
    for (const [key, text] of other) expect(needs(text), `${tag} ${key}`).toEqual(needs(english.get(key) ?? ""));
  }
});

test("no text for a person stands outside of the catalogues", () => {
  expect(files.length).toBeGreaterThan(150);
  expect(files.flatMap(({ found }) => found.texts)).toEqual([]);
});

test("every message that is said is there, with all that it needs", () => {
  const wrong: string[] = [];
  const needed = (key: string) => needs(english.get(key) ?? "").filter((name) => !ELEMENTS.includes(name));
  for (const { found } of files) {
    for (const { where, keys, given } of found.said) {
      for (const key of keys) {
        if (!english.has(key)) wrong.push(`${where} says ${key}, which is in no catalogue`);
        const missing = given === null ? [] : needed(key).filter((name) => !given.includes(name));
        if (missing.length > 0) wrong.push(`${where} says ${key} without ${missing.join(", ")}`);
        const [only] = keys.length === 1 && given !== null ? given.filter((name) => !needs(english.get(key) ?? "").includes(name)) : [];
        if (only !== undefined && key !== "") wrong.push(`${where} puts ${only} into ${key}, which has no place for it`);
      }
    }
    for (const { where, key } of found.held.filter((one) => english.has(one.key))) {
      const missing = needed(key).filter((name) => !found.later.includes(name));
      if (missing.length > 0) wrong.push(`${where} holds ${key}, and nobody puts ${missing.join(", ")} into it`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every message is said somewhere", () => {
  const said = new Set(files.flatMap(({ found }) => [...found.said.flatMap((one) => one.keys), ...found.held.map((one) => one.key)]));
  const groups = new Set(files.flatMap(({ found }) => found.groups));
  const unsaid = [...english.keys()].filter((key) => (key.startsWith("words.") ? !groups.has(key.slice(6).split("__")[0] ?? "") : !said.has(key)));
  expect(unsaid).toEqual([]);
});

test("nothing is said while files are loaded, before the language is known", () => {
  expect(files.flatMap(({ found }) => found.early)).toEqual([]);
});

test("what is looked for in the sources is found", () => {
  const { texts, early } = read("a/B.svelte", `<script lang="ts" module>const a = t("a.b");</script><script lang="ts">toasts.say("Gone now.");</script><p title="at">New thing {on ? "on" : "off"}</p><code>let it be</code>`);
  expect(texts.map((one) => /“(.*?)”/.exec(one)?.[1])).toEqual(["Gone now.", "at", "New thing", "on", "off"]);
  expect(early.length).toBe(1);
  expect(read("a/b.ts", `say(t("a.b", { c: 1 })); const d: Key = "a.d";`)).toMatchObject({ said: [{ keys: ["a.b"], given: ["c"] }], held: [{ key: "a.d" }] });
});

test("another language changes texts, plurals, numbers and times at once, and is kept", async () => {
  const shown = mount(SettingsScreen, { target: document.body });
  await language.choose("de");
  flushSync();
  expect(document.documentElement.lang).toBe("de");
  expect(document.querySelector("h1")?.textContent).toBe("Einstellungen");
  expect([t("grants.count_grants", { count: 1 }), t("grants.count_grants", { count: 1204 })]).toEqual(["1 Erlaubnis", "1.204 Erlaubnisse"]);
  expect([number(1204), named("class", "destructive"), named("class", "never heard of")]).toEqual(["1.204", "zerstören", "never heard of"]);
  expect(relative("2026-01-01T02:00:00Z", Date.parse("2026-01-01T00:00:00Z"))).toBe("in 2 Std.");
  expect(localStorage.getItem("prokura.language")).toBe("de");
  await language.choose("system");
  flushSync();
  expect(document.querySelector("h1")?.textContent).toBe("Settings");
  expect(t("grants.count_grants", { count: 1204 })).toBe("1,204 grants");
  await unmount(shown);
});

test("what was chosen in another window is followed, and what is chosen last counts", async () => {
  await language.start();
  localStorage.setItem("prokura.language", "de");
  window.dispatchEvent(new Event("focus"));
  await vi.waitFor(() => expect(t("home.settings")).toBe("Einstellungen"));
  const slow = language.choose("de");
  await language.choose("en");
  await slow;
  expect([language.now, language.choice, t("home.settings")]).toEqual(["en", "en", "Settings"]);
});

test("the system's language is spoken where there is a catalogue for it, else English", async () => {
  const system = (...tags: string[]) => vi.spyOn(navigator, "languages", "get").mockReturnValue(tags);
  for (const [tags, spoken] of [[["fr-FR", "de-AT", "en"], "de"], [["fr"], "en"], [["en-US", "de"], "en"]] as const) {
    system(...tags);
    await language.choose("system");
    expect(language.now, tags.join()).toBe(spoken);
  }
  vi.restoreAllMocks();
});
