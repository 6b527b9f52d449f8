// What the person has typed into a server's form and not sent yet: per question, gone with it. It never leaves this window
// but by the button that sends it.
import type { ElicitationView } from "../generated/View";

export class Filling {
  values = $state<Record<string, string[]>>({});

  constructor(asked: ElicitationView) {
    this.values = Object.fromEntries(asked.fields.map((field) => [field.name, [...field.default]]));
  }

  /** The one text of a field; empty where it has none. */
  one = (name: string): string => this.values[name]?.[0] ?? "";

  put = (name: string, values: string[]): void => {
    this.values[name] = values;
  };

  /** What is sent: fields that were left empty are left out. */
  filled(): Record<string, string[]> {
    return Object.fromEntries(Object.entries(this.values).filter(([, all]) => all.some((one) => one !== "")).map(([name, all]) => [name, [...all]]));
  }
}

const open = new Map<string, Filling>();

/** The form of a question, as far as it was filled in. */
export function fillingOf(question: string, asked: ElicitationView): Filling {
  const known = open.get(question);
  if (known) return known;
  const made = new Filling(asked);
  open.set(question, made);
  return made;
}

/** Forgets what was typed into every form that waits no longer. */
export function forgetAllBut(waiting: readonly string[]): void {
  for (const id of open.keys()) if (!waiting.includes(id)) open.delete(id);
}
