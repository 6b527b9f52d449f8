// What lies over the screen and can be opened from anywhere: the palette and the page of shortcuts.
let now = $state<"palette" | "keys" | null>(null);

export const opened = {
  get now(): "palette" | "keys" | null {
    return now;
  },
  open(what: "palette" | "keys"): void {
    now = what;
  },
  close(): void {
    now = null;
  },
};
