// The window of a server's question: what is sent, what is not, and that nothing of it looks like an approval.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fillingOf, forgetAllBut } from "../src/elicitation/filling.svelte";
import { askedSentence } from "../src/audit/sentence";
import { sendWords } from "../src/elicitation/words";
import type { RecordView } from "../src/generated/View";
import { asked } from "../preview/asked";

const form = () => {
  const view = asked()[0];
  if (!view?.elicitation) throw new Error("no form");
  return { view, asked: view.elicitation };
};

describe("a server's form", () => {
  beforeEach(() => forgetAllBut([]));
  afterEach(() => forgetAllBut([]));

  it("starts with its defaults, and leaves out what was left open", () => {
    const { view, asked: of } = form();
    const filling = fillingOf(view.id, of);
    expect(filling.filled()).toEqual({ name: ["Marta Holm"], seats: ["2"], place: ["in"] });
    filling.put("email", ["marta@example.com"]);
    filling.put("seats", []);
    filling.put("needs", ["quiet", "step-free"]);
    expect(filling.filled()).toEqual({ name: ["Marta Holm"], email: ["marta@example.com"], place: ["in"], needs: ["quiet", "step-free"] });
  });

  it("is kept while its question waits, and forgotten with it", () => {
    const { view, asked: of } = form();
    fillingOf(view.id, of).put("email", ["marta@example.com"]);
    forgetAllBut([view.id]);
    expect(fillingOf(view.id, of).one("email")).toBe("marta@example.com");
    forgetAllBut([]);
    expect(fillingOf(view.id, of).one("email")).toBe("");
  });

  it("never says that anything is allowed", () => {
    for (const view of asked()) expect(view.elicitation && sendWords(view, view.elicitation)).not.toMatch(/allow/i);
  });

  it("is told in the log by what the server was told", () => {
    const record = (kind: string, detail: Record<string, unknown>) => ({ kind, detail }) as unknown as RecordView;
    expect(askedSentence(record("question.settled", { action: "decline", answer: "denied" }))).toBe("elicitation.log_decline");
    expect(askedSentence(record("question.settled", { action: null, answer: "denied" }))).toBeUndefined();
    expect(askedSentence(record("question.raised", { kind: "call" }))).toBeUndefined();
  });
});
