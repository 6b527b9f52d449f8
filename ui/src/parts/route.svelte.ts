// Where the person is, kept in the address so that going back works.
export const SCREENS = ["home", "approvals", "servers", "agents", "grants", "guardrails", "audit", "settings", "doctor"] as const;
export type Screen = (typeof SCREENS)[number];

interface Place {
  screen: Screen;
  item: string | null;
  /** What of the item is meant, such as one tool of a server. */
  part: string | null;
}

function read(): Place {
  const [screen, item, part] = location.hash.replace(/^#\/?/, "").split("/");
  const known = SCREENS.find((name) => name === screen);
  return { screen: known ?? "home", item: plain(item), part: plain(part) };
}

function plain(piece: string | undefined): string | null {
  try {
    return piece ? decodeURIComponent(piece) : null;
  } catch {
    // Not something that this window wrote.
    return null;
  }
}

let place = $state.raw<Place>(read());
addEventListener("hashchange", () => (place = read()));

export const route = {
  get screen(): Screen {
    return place.screen;
  },
  get item(): string | null {
    return place.item;
  },
  get part(): string | null {
    return place.part;
  },
};

export function href(screen: Screen, item?: string, part?: string): string {
  return ["#", screen, ...[item, part].filter((piece) => piece !== undefined).map((piece) => encodeURIComponent(piece))].join("/");
}

export function go(screen: Screen, item?: string): void {
  location.hash = href(screen, item);
}
