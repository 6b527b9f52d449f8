// For text that comes whole and may be a stranger's: the same marks the Host makes, so that nothing hides anywhere.
import type { Piece } from "../generated/View";

// eslint-disable-next-line no-misleading-character-class -- each stands for itself here, on purpose
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}\u00a0\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;

/** `text` in pieces; where `lines` is set, line breaks stay line breaks. */
export function pieces(text: string, lines = false): Piece[] {
  const cut: Piece[] = [];
  let plain = "";
  for (const sign of text) {
    if (!HIDDEN.test(sign) || (lines && sign === "\n")) {
      plain += sign;
      continue;
    }
    if (plain) cut.push({ text: plain, mark: false });
    plain = "";
    cut.push({ text: `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`, mark: true });
  }
  if (plain) cut.push({ text: plain, mark: false });
  return cut;
}
