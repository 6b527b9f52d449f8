// The one door to the Shell. Nothing else imports @tauri-apps, and nothing here decides.
import { invoke as tauriInvoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Change } from "./change";

export function invoke<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  return tauriInvoke<T>(command, args);
}

/** Tells what changed; views ask again. Never ends while the window lives. */
export function onChange(told: (change: Change) => void): void {
  void listen<Change>("changed", (event) => told(event.payload));
}

/** Tells that a link was opened with Prokura. */
export function onLink(told: () => void): void {
  void listen("linked", told);
}
