// What is said at the edge of the window, and taken back from there.
import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toasts } from "../src/parts/toasts.svelte";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  toasts.all.forEach((toast) => toasts.drop(toast.id));
  vi.useRealTimers();
});

test("what was done last is undone once, and only while it says so", async () => {
  const undone: string[] = [];
  toasts.done("First.", async () => undone.push("first"));
  toasts.done("Second.", async () => undone.push("second"));
  expect(toasts.undoLast()).toBe(true);
  expect(toasts.undoLast()).toBe(true);
  expect(toasts.undoLast()).toBe(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(undone).toEqual(["second", "first"]);
  toasts.done("Third.", async () => undone.push("third"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(toasts.undoLast()).toBe(false);
  expect(undone).toEqual(["second", "first"]);
});

test("an undo that fails says so", async () => {
  toasts.done("Revoked.", () => Promise.reject({ code: "conflict", message: "The agent was revoked.", hint: "Add it anew." }));
  toasts.undoLast();
  await vi.advanceTimersByTimeAsync(0);
  flushSync();
  expect(toasts.all.map((toast) => toast.failure?.message)).toEqual(["The agent was revoked."]);
});

test("nothing goes while it is read", async () => {
  toasts.done("Revoked.", async () => undefined);
  toasts.hold(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(toasts.all.length).toBe(1);
  toasts.hold(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(toasts.all.length).toBe(0);
});
