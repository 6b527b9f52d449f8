// How well what was typed fits a text: whole before start, start before a word's start, that before its middle, and that
// before letters that only follow each other. What does not fit is null.

/** Where in a text the letters were found, from and to. */
export type Span = readonly [number, number];

export interface Fit {
  score: number;
  spans: readonly Span[];
}

const EDGE = /[\s_\-./:@~→]/;
const SCATTERED = 3;

/** One word in a text; both in small letters. */
export function fit(word: string, text: string): Fit | null {
  if (word === text) return { score: 1000, spans: [[0, text.length]] };
  let best: Fit | null = null;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const start = at === 0;
    const edge = start || EDGE.test(text[at - 1] ?? "");
    const end = at + word.length;
    const whole = edge && (end === text.length || EDGE.test(text[end] ?? ""));
    // Of two that begin so, the shorter one is meant.
    const score = (start ? 800 : edge ? 600 : 400) + (whole ? 100 : 0) - Math.min(60, text.length - word.length);
    if (!best || score > best.score) best = { score, spans: [[at, end]] };
  }
  return best ?? (word.length >= SCATTERED ? scattered(word, text) : null);
}

/** Every letter in its order: the first where a word begins, the others next to each other or where a word begins. */
function scattered(word: string, text: string): Fit | null {
  const spans: [number, number][] = [];
  let from = 0;
  for (const letter of word) {
    const last = spans.at(-1);
    if (last && text[from] === letter) {
      last[1] = ++from;
      continue;
    }
    let at = text.indexOf(letter, from);
    while (at > 0 && !EDGE.test(text[at - 1] ?? "")) at = text.indexOf(letter, at + 1);
    if (at < 0) return null;
    spans.push([at, at + 1]);
    from = at + 1;
  }
  return { score: 260 - 40 * spans.length - Math.min(60, text.length - word.length), spans };
}

/** All words in a text, in any order; `beside` counts less and is not marked. */
export function fits(words: readonly string[], text: string, beside: string): Fit | null {
  let score = 0;
  const spans: Span[] = [];
  for (const word of words) {
    const here = fit(word, text);
    if (here) {
      score += here.score;
      spans.push(...here.spans);
    } else if (beside.includes(word)) score += 60;
    else return null;
  }
  return { score, spans: merged(spans) };
}

function merged(spans: readonly Span[]): Span[] {
  const all: [number, number][] = [];
  for (const [from, to] of [...spans].sort((one, other) => one[0] - other[0])) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}
