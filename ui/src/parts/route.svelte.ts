// Where the person is, kept in the address so that going back works.
export const SCREENS = ["home", "approvals", "servers", "agents", "grants", "guardrails", "audit", "settings"] as const;
export type Screen = (typeof SCREENS)[number];

interface Place {
  screen: Screen;
  item: string | null;
}

function read(): Place {
  const [screen, item] = location.hash.replace(/^#\/?/, "").split("/");
  const known = SCREENS.find((name) => name === screen);
  return { screen: known ?? "home", item: item ? decodeURIComponent(item) : null };
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
};

export function href(screen: Screen, item?: string): string {
  return `#/${screen}${item ? `/${encodeURIComponent(item)}` : ""}`;
}

export function go(screen: Screen, item?: string): void {
  location.hash = href(screen, item);
}
