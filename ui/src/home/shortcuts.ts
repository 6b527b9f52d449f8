// Every shortcut there is, once: the page of shortcuts, the palette and the sidebar read it here.
import { SCREENS, type Screen } from "../parts/route.svelte";

export const SCREEN: Record<Screen, string> = {
  home: "Home",
  approvals: "Approvals",
  servers: "Servers",
  agents: "Agents",
  grants: "Grants",
  guardrails: "Guardrails",
  audit: "Audit",
  settings: "Settings",
  doctor: "Doctor",
};

export const FIND = "mod+k";
export const UNDO = "mod+z";
export const HELP = "?";

/** The shortcut of a screen: its place in the sidebar. */
export const keysOf = (screen: Screen): string => `mod+${SCREENS.indexOf(screen) + 1}`;

export interface Shortcut {
  keys: readonly string[];
  does: string;
}

export const SHORTCUTS: readonly { title: string; all: readonly Shortcut[] }[] = [
  {
    title: "Everywhere",
    all: [
      { keys: [FIND], does: "Find anything, and do the common things" },
      { keys: ["/"], does: "Search on this screen" },
      { keys: [UNDO], does: "Undo what was just done, while it says so" },
      { keys: [HELP], does: "Show this page" },
      { keys: ["Esc"], does: "Close a dialog, or empty a search" },
    ],
  },
  { title: "Screens", all: SCREENS.map((screen) => ({ keys: [keysOf(screen)], does: SCREEN[screen] })) },
  {
    title: "Lists",
    all: [
      { keys: ["↑", "↓"], does: "Go through records, and through what was found" },
      { keys: ["Enter"], does: "Open what is chosen" },
    ],
  },
  {
    title: "In the approval window",
    all: [
      { keys: ["Esc"], does: "Deny" },
      { keys: ["alt+→", "alt+←"], does: "The next question, the one before" },
      { keys: ["Tab", "Space"], does: "Reach the button that allows, and press it" },
    ],
  },
];
