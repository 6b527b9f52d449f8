// Snapshot and events: a Live holds the last answer and asks again when it is told that something changed.
import type { Failure } from "../generated/Failure";
import { onChange } from "./bridge";
import type { Change } from "./change";
import { asFailure } from "./failure";

const GATHER_MS = 40;
const listeners = new Set<(changes: ReadonlySet<Change>) => void>();
let gathered = new Set<Change>();
let listening = false;
/** Those that failed and are still looked at. When one of them is well again, so may the others be. */
const lost = new Set<() => Promise<void>>();

function hear(told: (changes: ReadonlySet<Change>) => void): () => void {
  if (!listening) {
    listening = true;
    onChange((change) => {
      if (gathered.size === 0) {
        setTimeout(() => {
          const changes = gathered;
          gathered = new Set();
          for (const listener of listeners) listener(changes);
        }, GATHER_MS);
      }
      gathered.add(change);
    });
  }
  listeners.add(told);
  return () => listeners.delete(told);
}

/** Asks for all the others that failed, once. */
function healed(): void {
  const others = [...lost];
  lost.clear();
  for (const again of others) void again();
}

export class Live<T> {
  value = $state.raw<T | undefined>(undefined);
  failure = $state.raw<Failure | undefined>(undefined);
  #asked = 0;
  #answered = 0;
  #ask: () => Promise<T>;
  #on: readonly Change[];

  constructor(ask: () => Promise<T>, on: readonly Change[]) {
    this.#ask = ask;
    this.#on = on;
  }

  get loading(): boolean {
    return this.value === undefined && this.failure === undefined;
  }

  /** Asks now and whenever told; returns what ends that. Use it as an effect. */
  follow = (): (() => void) => {
    void this.again();
    const end = hear((changes) => {
      if (this.#on.some((word) => changes.has(word))) void this.again();
    });
    return () => {
      end();
      lost.delete(this.again);
    };
  };

  /** Asks now. An answer that a later one overtook is dropped; one that is still the latest is shown, however many were asked for since. */
  again = async (): Promise<void> => {
    const turn = ++this.#asked;
    const late = () => {
      if (turn < this.#answered) return true;
      this.#answered = turn;
      return false;
    };
    try {
      const value = await this.#ask();
      if (late()) return;
      this.value = value;
      this.failure = undefined;
      if (lost.delete(this.again)) healed();
    } catch (thrown) {
      if (late()) return;
      this.failure = asFailure(thrown);
      lost.add(this.again);
    }
  };
}
