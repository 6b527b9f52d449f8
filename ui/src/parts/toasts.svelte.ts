// Short news at the edge of the window: what was done, or what went wrong. Facts also stand where they belong.
import type { Failure } from "../generated/Failure";
import { asFailure } from "../host/failure";

export interface Toast {
  id: number;
  text: string;
  failure?: Failure;
}

let next = 0;
let shown = $state<Toast[]>([]);

export const toasts = {
  get all(): readonly Toast[] {
    return shown;
  },
  say(text: string): void {
    add({ id: ++next, text }, 4000);
  },
  fail(thrown: unknown): void {
    const failure = asFailure(thrown);
    add({ id: ++next, text: failure.message, failure }, 12_000);
  },
  drop(id: number): void {
    shown = shown.filter((toast) => toast.id !== id);
  },
};

function add(toast: Toast, life: number): void {
  shown = [...shown.slice(-2), toast];
  setTimeout(() => toasts.drop(toast.id), life);
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
