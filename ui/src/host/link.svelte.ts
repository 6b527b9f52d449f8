// A link that was opened with Prokura. It fills a form in; nothing is done before the person does it.
import { go } from "../parts/route.svelte";
import { onLink } from "./bridge";
import * as host from "./host";

let given = $state.raw<host.Link>();

export const link = {
  /** What the form for a new server is filled in with. */
  get given(): host.Link | undefined {
    return given;
  },
  forget(): void {
    given = undefined;
  },
};

async function take(): Promise<void> {
  const found = await host.link().catch(() => null);
  if (!found) return;
  given = found;
  go("servers", "new");
}

/** Follows the link there is, and those that come. */
export function followLinks(): void {
  onLink(() => void take());
  void take();
}
