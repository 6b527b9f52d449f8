// Pressed keys in the words of the host: `Ctrl+Alt+P`.

/** What was pressed, or an empty text while it is only modifiers or nothing that can be used. */
export function keysOf(event: Pick<KeyboardEvent, "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">): string {
  // The place of the key, for with Alt held it may type something else.
  const key = /^Key([A-Z])$/.exec(event.code)?.[1] ?? /^Digit([0-9])$/.exec(event.code)?.[1] ?? /^F([1-9]|1[0-9]|2[0-4])$/.exec(event.code)?.[0];
  if (!key) return "";
  const held = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift", event.metaKey && "Super"].filter(Boolean);
  if (held.length < (key.length > 1 ? 1 : 2)) return "";
  return [...held, key].join("+");
}
