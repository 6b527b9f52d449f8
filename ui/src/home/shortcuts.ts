// Every shortcut there is, once: the page of shortcuts, the palette and the sidebar read it here.
import { t, type Key } from "../lang/messages.svelte";
import { SCREENS, type Screen } from "../parts/route.svelte";

export const SCREEN = {
  home: "home.home",
  approvals: "home.approvals",
  servers: "parts.servers",
  agents: "parts.agents",
  grants: "parts.grants",
  guardrails: "home.guardrails",
  audit: "home.audit",
  settings: "home.settings",
  doctor: "home.doctor",
} as const satisfies Record<Screen, Key>;

export const FIND = "mod+k";
export const UNDO = "mod+z";
export const HELP = "?";

/** The shortcut of a screen: its place in the sidebar. */
export const keysOf = (screen: Screen): string => `mod+${SCREENS.indexOf(screen) + 1}`;

export interface Shortcut {
  keys: readonly string[];
  does: string;
}

export const shortcuts = (): readonly { title: string; all: readonly Shortcut[] }[] => [
  {
    title: t("home.everywhere"),
    all: [
      { keys: [FIND], does: t("home.find_anything_and_do_the") },
      { keys: ["/"], does: t("home.search_on_this_screen") },
      { keys: [UNDO], does: t("home.undo_what_was_just_done") },
      { keys: [HELP], does: t("home.show_this_page") },
      { keys: ["Esc"], does: t("home.close_a_dialog_or_empty") },
    ],
  },
  { title: t("home.screens"), all: SCREENS.map((screen) => ({ keys: [keysOf(screen)], does: t(SCREEN[screen]) })) },
  {
    title: t("home.lists"),
    all: [
      { keys: ["↑", "↓"], does: t("home.go_through_records_and_through") },
      { keys: ["Enter"], does: t("home.open_what_is_chosen") },
    ],
  },
  {
    title: t("home.in_the_approval_window"),
    all: [
      { keys: ["Esc"], does: t("home.deny") },
      { keys: ["alt+→", "alt+←"], does: t("home.the_next_question_the_one") },
      { keys: ["Tab", "Space"], does: t("home.reach_the_button_that_allows") },
    ],
  },
];
