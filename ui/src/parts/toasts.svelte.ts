// Short news at the edge of the window: what was done, or what went wrong, and for some seconds the way back. Facts also
// stand where they belong.
import { t } from "../lang/messages.svelte";
import type { Failure } from "../generated/Failure";
import { asFailure } from "../host/failure";

const SAID_MS = 4000;
/** Long enough to notice a slip and to reach the button. */
const UNDO_MS = 10_000;
const FAILED_MS = 12_000;
const MOST = 3;

export interface Toast {
  id: number;
  text: string;
  failure?: Failure;
  /** Brings back exactly what was before, or fails. */
  undo?: () => Promise<unknown>;
}

interface Life {
  timer: ReturnType<typeof setTimeout>;
  ms: number;
}

let next = 0;
let shown = $state.raw<readonly Toast[]>([]);
const lives = new Map<number, Life>();

export const toasts = {
  get all(): readonly Toast[] {
    return shown;
  },
  say(text: string): void {
    add({ id: ++next, text }, SAID_MS);
  },
  fail(thrown: unknown): void {
    const failure = asFailure(thrown);
    add({ id: ++next, text: failure.message, failure }, FAILED_MS);
  },
  /** Says what was done, and offers to take it back. */
  done(text: string, undo: () => Promise<unknown>): void {
    add({ id: ++next, text, undo }, UNDO_MS);
  },
  drop(id: number): void {
    clearTimeout(lives.get(id)?.timer);
    lives.delete(id);
    shown = shown.filter((toast) => toast.id !== id);
  },
  /** Takes one thing back, once. */
  async undo(toast: Toast): Promise<void> {
    toasts.drop(toast.id);
    if (toast.undo) await attempt(toast.undo, t("parts.undone"));
  },
  /** Takes back what was done last, while its toast stands; says whether there was something. */
  undoLast(): boolean {
    const last = shown.findLast((toast) => toast.undo);
    if (last) void toasts.undo(last);
    return last !== undefined;
  },
  /** Nothing goes while somebody reads it, or is on the way to its button. */
  hold(held: boolean): void {
    for (const [id, life] of lives) {
      clearTimeout(life.timer);
      if (!held) life.timer = setTimeout(() => toasts.drop(id), life.ms);
    }
  },
};

function add(toast: Toast, ms: number): void {
  for (const old of shown.slice(0, Math.max(0, shown.length - MOST + 1))) toasts.drop(old.id);
  shown = [...shown, toast];
  lives.set(toast.id, { ms, timer: setTimeout(() => toasts.drop(toast.id), ms) });
}

/** Runs a wish; a failure becomes a toast. Says whether it went well. */
export async function attempt(wish: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await wish();
    if (done) toasts.say(done);
    return true;
  } catch (thrown) {
    toasts.fail(thrown);
    return false;
  }
}
