// What the tokens are for. docs/design.md says the same, and tests/design.test.ts holds both to src/parts/tokens.css.
export interface Token {
  name: string;
  use: string;
}

const token = (name: string, use: string): Token => ({ name, use });

export const SURFACES: readonly Token[] = [
  token("--bg", "the window behind everything"),
  token("--surface", "cards, dialogs, buttons"),
  token("--raised", "what lies on a surface: the foot of a dialog, a button under the pointer"),
  token("--sunken", "what can be filled in, and code"),
  token("--line", "hairlines between things"),
  token("--line-2", "a hairline under the pointer, and what must be found"),
];

export const INKS: readonly Token[] = [
  token("--ink", "text, and the main button"),
  token("--ink-2", "text that explains"),
  token("--ink-3", "text beside the text: labels, times, hints"),
  token("--accent", "links, what is chosen, the focus"),
  token("--allow", "allowed, well, signed in"),
  token("--ask", "asks, waits, wants to be looked at"),
  token("--deny", "denied, failed, destructive"),
];

export const GROUNDS: readonly Token[] = [
  token("--accent-bg", "behind what is chosen"),
  token("--allow-bg", "behind what is allowed"),
  token("--ask-bg", "behind what asks"),
  token("--deny-bg", "behind what is denied"),
];

export const SPACES: readonly Token[] = [
  token("--s1", "inside of small things"),
  token("--s2", "between things of a row"),
  token("--s3", "between lines of a form"),
  token("--s4", "between parts of a dialog"),
  token("--s5", "around what stands alone"),
  token("--s6", "around a whole page"),
  token("--edge", "from a card's edge to what it holds"),
  token("--page", "from the window's edge to the cards; less where the window is narrow"),
];

export const SHAPES: readonly Token[] = [
  token("--r1", "controls: buttons, fields, notes"),
  token("--r2", "cards and dialogs"),
  token("--shadow", "what lies over the window: dialogs, the palette, news"),
];

export const SIZES: readonly (Token & { weight: number; words: string })[] = [
  { ...token("--t-xl", "the title of a screen"), weight: 600, words: "Grants" },
  { ...token("--t-l", "the title of a dialog, the palette"), weight: 600, words: "Revoke this grant?" },
  { ...token("--t-m", "everything else"), weight: 400, words: "claude-code may read at ledger, and asks before it pays." },
  { ...token("--t-s", "what explains, tables, small buttons"), weight: 400, words: "It can do nothing until you grant something." },
  { ...token("--t-xs", "labels, times, badges"), weight: 550, words: "made here, 20 Nov 16:40" },
];

export const FAMILIES: readonly Token[] = [
  token("--font", "sentences and names of people's things"),
  token("--mono", "what a machine wrote: tools, addresses, identifiers, code"),
];

export const RULES: readonly { rule: string; why: string }[] = [
  { rule: "Colour means something.", why: "Green is allowed, amber asks, red is denied or destroys, blue is chosen. Everything else is ink on paper, and no meaning is in a colour alone." },
  { rule: "Sentences, not jargon.", why: "Names of people's things come first; identifiers stand small and monospaced. A button says what happens, never OK." },
  { rule: "Who, whom, what, why, how long.", why: "In this order on every question and in every record." },
  { rule: "Facts and claims look different.", why: "What was verified stands plain; what a stranger says of itself is quoted, in italics, and marked." },
  { rule: "Nothing is hidden.", why: "Long values wrap or open in place, characters that cannot be seen are marks, nothing scrolls sideways, and no fact is only in a tooltip." },
  { rule: "The dangerous answer is never the default.", why: "It is reached on purpose, arms visibly, and Enter does not press it." },
  { rule: "Undo where it can be undone, words where it cannot.", why: "What comes back exactly is done at once and offers Undo. What cannot come back asks first, and says what is lost." },
  { rule: "Four states and a fifth.", why: "Nothing yet says what to do first. Loading shows nothing for a quarter of a second. An error says what to do next and tries again. Thousands of rows stay quick." },
  { rule: "Start and end, not left and right.", why: "Styles are logical, so that a window from right to left works. Names, addresses and code stay from left to right." },
  { rule: "Twice the size fits.", why: "Under 760 pixels the sidebar is a rail, tables fold and heads wrap. Nothing runs off the side." },
  { rule: "Every key works.", why: "Everything is reached by Tab, the focus is always seen, and a dialog begins at its first field or at the way back." },
  { rule: "Motion shows where something went.", why: "And there is none where less motion is wished for." },
];
