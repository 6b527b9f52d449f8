// Times in words: relative where near, absolute beside it, never only in a tooltip.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const timeOf = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayOf = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dateOf = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exactOf = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** `just now`, `5 min ago`, `in 3 h`, `2 days ago`. */
export function relative(at: string, now: number): string {
  const away = Date.parse(at) - now;
  const size = Math.abs(away);
  // The ticking clock may lag a second behind what just happened.
  if (size < 45_000) return away > 2000 ? "in a moment" : "just now";
  const [count, unit] = size < HOUR ? [Math.round(size / MINUTE), "min"] : size < DAY ? [Math.round(size / HOUR), "h"] : days(size);
  return away > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

function days(size: number): [number, string] {
  const count = Math.round(size / DAY);
  return [count, count === 1 ? "day" : "days"];
}

/** `today 09:41`, `12 Nov 09:41`, `12 Nov 2025`. */
export function absolute(at: string, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return `today ${timeOf.format(date)}`;
  if (date.getFullYear() === today.getFullYear()) return `${dayOf.format(date)} ${timeOf.format(date)}`;
  return dateOf.format(date);
}

export const exact = (at: string): string => exactOf.format(new Date(at));

/** `9:41` left, never below zero. */
export function remaining(until: string, now: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The shortest that still says it: `17:20` today, else `30 Nov`. */
export function near(at: string, now: number): string {
  const date = new Date(at);
  return date.toDateString() === new Date(now).toDateString() ? timeOf.format(date) : dayOf.format(date);
}
