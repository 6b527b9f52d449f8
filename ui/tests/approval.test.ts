// What the approval window does with fingers and keys. The Host behind it is the recorded one.
import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import ApprovalWindow from "../src/approvals/ApprovalWindow.svelte";
import { answers, reset } from "../preview/bridge";

let shown: Record<string, unknown> | undefined;

/** Shows the window with the recorded questions named; all of them where none is. */
async function show(only?: string | readonly string[]): Promise<void> {
  reset(only);
  shown = mount(ApprovalWindow, { target: document.body });
  await pass(60);
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}

const allow = () => document.querySelector<HTMLButtonElement>("[data-testid=allow]");
const press = (key: string, on: EventTarget = document.activeElement ?? document.body) => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  on.dispatchEvent(event);
  return event;
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(async () => {
  if (shown) await unmount(shown);
  shown = undefined;
  document.body.innerHTML = "";
  vi.useRealTimers();
});

test("nothing can be answered before the buttons are armed", async () => {
  await show("qst_1");
  allow()?.click();
  press("Escape");
  await pass(60);
  expect(answers).toEqual([]);
  expect(allow()?.getAttribute("aria-disabled")).toBe("true");
  await pass(400);
  expect(allow()?.getAttribute("aria-disabled")).toBe("false");
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_1", answer: "once", passphrase: null }]]);
});

test("a change of focus disarms the buttons", async () => {
  await show("qst_1");
  await pass(500);
  window.dispatchEvent(new Event("focus"));
  flushSync();
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([]);
});

test("another question disarms the buttons and forgets the choice", async () => {
  await show();
  await pass(500);
  document.querySelectorAll<HTMLInputElement>("fieldset input")[2]?.click();
  flushSync();
  document.querySelector<HTMLButtonElement>("[aria-label='Next question']")?.click();
  flushSync();
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([]);
  await pass(500);
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_1", answer: "once", passphrase: null }]]);
});

test("enter never allows a destructive call, and may allow a write", async () => {
  await show("qst_0");
  await pass(500);
  const destructive = allow();
  expect(destructive && press("Enter", destructive).defaultPrevented).toBe(true);
  if (shown) await unmount(shown);
  document.body.innerHTML = "";
  await show("qst_1");
  await pass(500);
  const write = allow();
  expect(write && press("Enter", write).defaultPrevented).toBe(false);
});

test("the allowing button never has the focus by itself", async () => {
  await show("qst_0");
  await pass(500);
  expect(document.activeElement).not.toBe(allow());
});

test("escape denies, and denies one question only", async () => {
  await show();
  await pass(500);
  press("Escape");
  await pass(60);
  press("Escape");
  await pass(60);
  expect(answers).toEqual([["approval_deny", { approval: "qst_0", note: null, pause: false }]]);
});

test("what a rule above the grants asks cannot be remembered", async () => {
  await show("qst_2");
  expect(document.querySelectorAll("fieldset input").length).toBe(0);
  expect(document.querySelector("fieldset")?.textContent).toContain("cannot be remembered");
});

test("the button says for how long", async () => {
  await show("qst_0");
  document.querySelectorAll<HTMLInputElement>("fieldset input")[1]?.click();
  await pass(500);
  const span = document.querySelector<HTMLSelectElement>("fieldset select");
  if (span) {
    span.value = "3600";
    span.dispatchEvent(new Event("change", { bubbles: true }));
  }
  await pass(60);
  expect(allow()?.textContent).toContain("Allow these arguments for 1 hour");
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_0", answer: { same_arguments_for: 3600 }, passphrase: null }]]);
});

test("what a call reaches stays fixed unless the person lets go of it", async () => {
  await show("qst_0");
  document.querySelectorAll<HTMLInputElement>("fieldset input")[2]?.click();
  await pass(60);
  const boxes = [...document.querySelectorAll<HTMLInputElement>(".holds input")];
  expect(boxes.map((box) => box.checked)).toEqual([true, true, true, false]);
  expect(boxes[3]?.disabled).toBe(true);
  boxes[1]?.click();
  await pass(500);
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_0", answer: { target_for: { seconds: 900, fixed: ["/recipient", "/amount"] } }, passphrase: null }]]);
});

test("a suggestion fills in the choice and answers nothing", async () => {
  await show("qst_1");
  await pass(500);
  [...document.querySelectorAll<HTMLButtonElement>("button")].find((one) => one.textContent?.includes("Choose that"))?.click();
  await pass(60);
  expect(answers).toEqual([]);
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_1", answer: { target_for: { seconds: 28800, fixed: ["/number"] } }, passphrase: null }]]);
});

test("hidden characters stand as marks and every argument has its row", async () => {
  await show("qst_0");
  expect(document.querySelector("table .mark")?.textContent).toBe("U+200B");
  expect(document.querySelectorAll("tbody th[scope='row']").length).toBe(7);
  expect([...document.querySelectorAll("tbody th[scope='row']")].map((one) => one.textContent)).toContain("/recipient");
});

test("a passphrase is needed, is sent once, and does not stay on the screen", async () => {
  await show("qst_20");
  await pass(500);
  expect(allow()?.getAttribute("aria-disabled")).toBe("true");
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([]);
  const field = document.querySelector<HTMLInputElement>("input[type=password]");
  if (!field) throw new Error("no field");
  field.value = "correct horse";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
  expect(allow()?.getAttribute("aria-disabled")).toBe("false");
  allow()?.click();
  flushSync();
  expect(field.value).toBe("");
  await pass(60);
  expect(answers).toEqual([["approval_allow", { approval: "qst_20", answer: "once", passphrase: "correct horse" }]]);
});

test("what nobody can say yes to here can be denied, and says why", async () => {
  await show("qst_22");
  await pass(500);
  expect(document.body.textContent).toContain("polkit does not run on this machine");
  allow()?.click();
  await pass(60);
  expect(answers).toEqual([]);
  press("Escape");
  await pass(60);
  expect(answers.map(([command]) => command)).toEqual(["approval_deny"]);
});

test("questions that are alike are decided together, each with its arguments shown, and nothing that came later", async () => {
  await show(["qst_30", "qst_31", "qst_32"]);
  await pass(500);
  [...document.querySelectorAll("button")].find((one) => one.textContent?.includes("3 like this"))?.click();
  await pass(60);
  for (const at of [30, 31, 32]) expect(document.body.textContent).toContain(`Issue ${at}`);
  const all = document.querySelector<HTMLButtonElement>("[data-testid=allow-all]");
  expect(all?.getAttribute("aria-disabled")).toBe("true");
  all?.click();
  await pass(60);
  expect(answers).toEqual([]);
  await pass(500);
  all?.click();
  await pass(200);
  expect(answers).toEqual([30, 31, 32].map((at) => ["approval_allow", { approval: `qst_${at}`, answer: "once", passphrase: null }]));
});
