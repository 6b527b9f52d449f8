// Snapshots that are asked for again.
import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { Live } from "../src/host/live.svelte";

const settle = () => new Promise((done) => setTimeout(done, 5));

test("when one that failed is well again, the others that failed are asked for too, once", async () => {
  let broken = true;
  let asked = 0;
  const ask = (always: boolean) => () => {
    asked += 1;
    return broken || always ? Promise.reject({ code: "unreachable", message: "No.", hint: "Again." }) : Promise.resolve("here");
  };
  const [one, other, hopeless] = [new Live(ask(false), []), new Live(ask(false), []), new Live(ask(true), [])];
  const ends = [one, other, hopeless].map((live) => live.follow());
  await settle();
  expect([one.failure?.message, other.failure?.message, asked]).toEqual(["No.", "No.", 3]);
  broken = false;
  await one.again();
  await settle();
  flushSync();
  expect([one.value, other.value, other.failure, hopeless.value]).toEqual(["here", "here", undefined, undefined]);
  const then = asked;
  await settle();
  expect(asked).toBe(then);
  expect(asked).toBeLessThan(9);
  ends.forEach((end) => end());
});

test("answers are shown while newer ones are still asked for, and never an older after a newer", async () => {
  const waiting: ((word: string) => void)[] = [];
  const live = new Live(() => new Promise<string>((answer) => waiting.push(answer)), []);
  const all = [live.again(), live.again(), live.again()];
  waiting[1]?.("second");
  await settle();
  expect(live.value).toBe("second");
  waiting[0]?.("first");
  await settle();
  expect(live.value).toBe("second");
  waiting[2]?.("third");
  await Promise.all(all);
  expect(live.value).toBe("third");
});
