// The texts of the window, in the language of the person. All of them stand in the catalogues beside this file, one for each folder,
// in ICU messages that the build has parsed: nothing is parsed, and nothing evaluated, in the window.
import { IntlMessageFormat } from "intl-messageformat";
import english from "virtual:messages/en";
import type { Messages } from "virtual:messages/en";

type In<T> = Exclude<keyof T & string, "default">;
type Files = {
  access: typeof import("./en/access.json");
  accounts: typeof import("./en/accounts.json");
  agents: typeof import("./en/agents.json");
  approvals: typeof import("./en/approvals.json");
  audit: typeof import("./en/audit.json");
  doctor: typeof import("./en/doctor.json");
  elicitation: typeof import("./en/elicitation.json");
  grants: typeof import("./en/grants.json");
  guardrails: typeof import("./en/guardrails.json");
  home: typeof import("./en/home.json");
  host: typeof import("./en/host.json");
  parts: typeof import("./en/parts.json");
  servers: typeof import("./en/servers.json");
  settings: typeof import("./en/settings.json");
};
/** `grants.revoke`: the folder, and the name of the message in its catalogue. */
export type Key = { [F in keyof Files]: `${F}.${In<Files[F]>}` }[keyof Files];
/** The words of the Host that are said in words of ours: `class_read`. */
export type Word = In<typeof import("./en/words.json")>;
type Group<W = Word> = W extends `${infer G}__${string}` ? G : never;

/** The languages there are, by the names they have for themselves; how dates are written in them. */
export const TONGUES = [
  { tag: "en", name: "English", dates: "en-GB", messages: () => Promise.resolve(english) },
  { tag: "de", name: "Deutsch", dates: "de-DE", messages: () => import("virtual:messages/de").then((file) => file.default) },
] as const;
type Tongue = (typeof TONGUES)[number];
export type Choice = "system" | Tongue["tag"];

const KEPT = "prokura.language";
let choice = $state<Choice>("system");
let tongue = $state.raw<Tongue>(TONGUES[0]);
let messages: Messages = english;
const formats = new Map<string, IntlMessageFormat>();
const numbers = new Map<string, Intl.NumberFormat>();

/** What was chosen in this or another window. A web view that keeps nothing follows the system. */
function kept(): Choice {
  try {
    const found = localStorage.getItem(KEPT);
    return TONGUES.find((one) => one.tag === found)?.tag ?? "system";
  } catch {
    return "system";
  }
}

/** The first language of the system that there is a catalogue for. */
function ofSystem(): Tongue {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.map((tag) => TONGUES.find((one) => one.tag === tag)).find((one) => one !== undefined) ?? TONGUES[0];
}

let turn = 0;

/** Loads the catalogue and says everything anew; what is chosen last counts. */
async function settle(to: Choice): Promise<void> {
  const mine = ++turn;
  const wanted = TONGUES.find((one) => one.tag === to) ?? ofSystem();
  choice = to;
  const loaded = await wanted.messages();
  if (mine !== turn) return;
  messages = loaded;
  formats.clear();
  tongue = wanted;
  document.documentElement.lang = wanted.tag;
}

/** Follows another window, which not every web view tells about at once. */
function follow(): void {
  const now = kept();
  if (now !== choice) void settle(now);
}

export const language = {
  get choice(): Choice {
    return choice;
  },
  /** The tag of the language that is shown. */
  get now(): Tongue["tag"] {
    return tongue.tag;
  },
  /** The tag by whose customs dates are written. */
  get dates(): string {
    return tongue.dates;
  },
  /** Settles once the catalogue is here; another window that chooses is followed. */
  start(): Promise<void> {
    for (const event of ["storage", "focus"]) addEventListener(event, follow);
    return settle(kept());
  },
  async choose(to: Choice): Promise<void> {
    try {
      if (to === "system") localStorage.removeItem(KEPT);
      else localStorage.setItem(KEPT, to);
    } catch {
      // A web view that keeps nothing speaks it until it is closed.
    }
    await settle(to);
  },
};

type Values<T> = Record<string, string | number | T | ((chunks: (string | T)[]) => T)>;

function format(key: string): string | IntlMessageFormat {
  const { tag } = tongue;
  const message = messages[key];
  if (message === undefined || typeof message === "string") return message ?? key;
  const known = formats.get(key) ?? new IntlMessageFormat(message, tag);
  formats.set(key, known);
  return known;
}

/** The text, with what it is about put in. */
export function t(key: Key, about?: Record<string, string | number>): string {
  const known = format(key);
  return typeof known === "string" ? known : String(known.format(about));
}

/** The text in pieces, where something that is no text stands in it. */
export function parts<T>(key: Key, about: Values<T>): (string | T)[] {
  const known = format(key);
  if (typeof known === "string") return [known];
  const made = known.format<T>(about);
  return Array.isArray(made) ? made : [made];
}

/** A word of the Host in the language of the person; one that is not known here stays as it is. */
export function named(group: Group, word: string): string {
  const known = format(`words.${group}__${word}`);
  return typeof known === "string" && !known.startsWith("words.") ? known : word.replaceAll("_", " ");
}

export function number(count: number, digits = 3): string {
  const key = `${tongue.tag} ${digits}`;
  const known = numbers.get(key) ?? new Intl.NumberFormat(tongue.tag, { maximumFractionDigits: digits });
  numbers.set(key, known);
  return known.format(count);
}
