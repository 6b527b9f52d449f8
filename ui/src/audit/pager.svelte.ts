// Records by the row they stand in, newest first, for a list of any length. Without a filter a row's number is known, so
// blocks are fetched where the window looks; with a filter pages follow one another. Only the host is asked, never counted.
import { SvelteMap } from "svelte/reactivity";
import type { AuditFilter } from "../generated/Request";
import type { RecordView } from "../generated/View";
import { asFailure } from "../host/failure";
import * as host from "../host/host";

const BLOCK = 100;
/** So many blocks are remembered; those farthest from the window go first. */
const REMEMBERED = 60;
/** So many blocks are asked for at once; while the bar is dragged, those that were passed meanwhile are never asked for. */
const ABREAST = 3;

export type Wanted = Partial<AuditFilter>;

export const isEmpty = (filter: Wanted): boolean => Object.values(filter).every((value) => !value);

export class Pager {
  failure = $state.raw<host.Failure>();
  #filter = $state.raw<Wanted>({});
  #newest = $state(0);
  #oldest = $state(1);
  #blocks = new SvelteMap<number, Map<number, RecordView>>();
  #found = $state.raw<RecordView[]>([]);
  #ended = $state(false);
  #asking = new Set<number>();
  #wanted: number[] = [];
  #looked = 0;
  #near: [number, number] | undefined;
  #turn = 0;

  /** How many rows there are; with a filter, as far as is known. */
  get count(): number {
    if (isEmpty(this.#filter)) return this.#newest === 0 ? 0 : this.#newest - this.#oldest + 1;
    return this.#found.length;
  }

  /** Whether more may follow. */
  get open(): boolean {
    return !isEmpty(this.#filter) && !this.#ended;
  }

  row(at: number): RecordView | undefined {
    if (!isEmpty(this.#filter)) return this.#found[at];
    const seq = this.#newest - at;
    return this.#blocks.get(Math.floor(seq / BLOCK))?.get(seq);
  }

  rowOf(seq: number): number {
    return isEmpty(this.#filter) ? this.#newest - seq : this.#found.findIndex((record) => record.seq === seq);
  }

  /** Starts over with a filter. */
  async look(filter: Wanted): Promise<void> {
    const turn = ++this.#turn;
    this.#filter = filter;
    this.#found = [];
    this.#ended = false;
    this.#asking.clear();
    this.#wanted = [];
    if (!isEmpty(filter)) return this.#more(turn);
    this.#blocks.clear();
    // The list asks when it moves; what it looks at now is asked for again here.
    if (this.#near) this.near(...this.#near);
  }

  /** How far the log reaches; the newest rows are asked for again. */
  reach(oldest: number, newest: number): void {
    if (newest === this.#newest && oldest === this.#oldest) return;
    this.#blocks.delete(Math.floor(this.#newest / BLOCK));
    this.#newest = newest;
    this.#oldest = oldest;
    if (!isEmpty(this.#filter)) void this.#fresh();
  }

  /** These rows are near the window. */
  near(from: number, to: number): void {
    if (!isEmpty(this.#filter)) {
      if (to >= this.#found.length - 20) void this.#more(this.#turn);
      return;
    }
    this.#near = [from, to];
    const first = Math.floor(Math.max(this.#newest - to, this.#oldest) / BLOCK);
    const last = Math.floor((this.#newest - Math.max(from, 0)) / BLOCK);
    const wanted = Array.from({ length: last - first + 1 }, (_, at) => last - at);
    // The next ones on the way come too, so that they are there before they are in sight.
    const down = from >= this.#looked;
    this.#looked = from;
    for (const ahead of [1, 2]) {
      const block = down ? first - ahead : last + ahead;
      if (block >= Math.floor(this.#oldest / BLOCK) && block <= Math.floor(this.#newest / BLOCK)) wanted.push(block);
    }
    this.#wanted = wanted;
    this.#fetchWanted();
    if (this.#blocks.size > REMEMBERED) {
      const far = [...this.#blocks.keys()].sort((one, other) => Math.abs(other - first) - Math.abs(one - first));
      for (const block of far.slice(0, this.#blocks.size - REMEMBERED)) this.#blocks.delete(block);
    }
  }

  #fetchWanted(): void {
    while (this.#asking.size < ABREAST) {
      const block = this.#wanted.shift();
      if (block === undefined) return;
      if (!this.#blocks.has(block) && !this.#asking.has(block)) void this.#fetch(block);
    }
  }

  async #fetch(block: number): Promise<void> {
    this.#asking.add(block);
    const turn = this.#turn;
    const page = await this.#ask((block + 1) * BLOCK, {});
    if (turn !== this.#turn) return;
    this.#asking.delete(block);
    this.#fetchWanted();
    if (page) this.#blocks.set(block, new Map(page.filter((record) => record.seq >= block * BLOCK).map((record) => [record.seq, record])));
  }

  async #more(turn: number): Promise<void> {
    if (this.#ended || this.#asking.has(-1)) return;
    this.#asking.add(-1);
    const page = await this.#ask(this.#found.at(-1)?.seq ?? null, this.#filter);
    if (turn !== this.#turn) return;
    this.#asking.delete(-1);
    if (!page) return;
    this.#found = [...this.#found, ...page];
    this.#ended = page.length < BLOCK;
  }

  /** What came since, above what was found. */
  async #fresh(): Promise<void> {
    const turn = this.#turn;
    const page = await this.#ask(null, this.#filter);
    if (!page || turn !== this.#turn) return;
    const first = this.#found[0]?.seq ?? 0;
    this.#found = [...page.filter((record) => record.seq > first), ...this.#found];
  }

  async #ask(before: number | null, filter: Wanted): Promise<RecordView[] | undefined> {
    try {
      const page = await host.audit(BLOCK, before, filter);
      this.failure = undefined;
      return page;
    } catch (thrown) {
      this.failure = asFailure(thrown);
      return undefined;
    }
  }
}
