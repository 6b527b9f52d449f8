// What is typed for a program of this machine is what is asked for, word for word.
import { describe, expect, it } from "vitest";
import { badVariable, complete, emptyForm, nameOf, wishOf } from "../src/servers/launch";

const form = { ...emptyForm(), command: " npx ", words: "-y\n@example/notes-server\n two words \n" };

describe("a program of this machine", () => {
  it("is started with one word a line, spaces and all", () => {
    expect(wishOf(form)).toEqual({ command: "npx", arguments: ["-y", "@example/notes-server", " two words "], environment: {}, secrets: {} });
    expect(nameOf(form)).toBe("notes");
  });

  it("keeps the value of a secret that nobody typed anew, and needs one that is new", () => {
    const kept = { ...form, secrets: [{ name: "TOKEN", value: "", kept: true }] };
    expect(wishOf(kept).secrets).toEqual({ TOKEN: null });
    expect(complete(kept)).toBe(true);
    expect(complete({ ...form, secrets: [{ name: "TOKEN", value: "", kept: false }] })).toBe(false);
  });

  it("takes variables with any value, and says which line is none", () => {
    const given = { ...form, variables: "A=1=2\nB=" };
    expect(wishOf(given).environment).toEqual({ A: "1=2", B: "" });
    expect(badVariable("A=1\n2B=x")).toBe("2B=x");
  });

  it("is confined only where that was chosen", () => {
    expect(wishOf({ ...form, read: "/srv" }).confine).toBeUndefined();
    expect(wishOf({ ...form, confined: true, read: "/srv\n", network: true }).confine).toEqual({ read: ["/srv"], write: [], network: true });
  });
});
