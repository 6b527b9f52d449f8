// What keys are called, and whether somebody is typing. Shortcuts never fire while a text is being written.
import { named } from "../lang/messages.svelte";

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);
const CAPS: Record<string, string> = MAC ? { mod: "⌘", shift: "⇧", alt: "⌥" } : { mod: "Ctrl", shift: "Shift", alt: "Alt" };

/** The caps to press for `mod+shift+k`, one after the other. */
export function caps(keys: string): string[] {
  return keys.split("+").map((key) => named("key", CAPS[key] ?? (key.length === 1 ? key.toUpperCase() : key)));
}

/** The same for `aria-keyshortcuts`. */
export function ariaKeys(keys: string): string {
  return keys.replace("mod", MAC ? "Meta" : "Control").replace("shift", "Shift").replace("alt", "Alt");
}

/** Whether Ctrl, or ⌘ where that is the custom, is held alone. */
export function command(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey;
}

export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("textarea, select, input:not([type=checkbox], [type=radio])") || target.isContentEditable);
}
