// Times in words: relative where near, absolute beside it, never only in a tooltip.
import { language, t, type Key } from "../lang/messages.svelte";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SHAPES = {
  time: { hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  date: { day: "numeric", month: "short", year: "numeric" },
  exact: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;
const made = new Map<string, Intl.DateTimeFormat>();

/** A moment in the customs of the language. */
function written(shape: keyof typeof SHAPES, date: Date): string {
  const key = `${language.dates} ${shape}`;
  const format = made.get(key) ?? new Intl.DateTimeFormat(language.dates, SHAPES[shape]);
  made.set(key, format);
  return format.format(date);
}

/** `just now`, `5 min ago`, `in 3 h`, `2 days ago`. */
export function relative(at: string, now: number): string {
  const away = Date.parse(at) - now;
  const size = Math.abs(away);
  // The ticking clock may lag a second behind what just happened.
  if (size < 45_000) return away > 2000 ? t("parts.in_a_moment") : t("parts.just_now");
  const ahead = away > 0;
  if (size < HOUR) return span(ahead ? "parts.count_min" : "parts.min_ago", size / MINUTE);
  if (size < DAY) return span(ahead ? "parts.count_h" : "parts.h_ago", size / HOUR);
  return span(ahead ? "parts.in_day_days" : "parts.day_days_ago", size / DAY);
}

const span = (key: Key, size: number): string => t(key, { count: Math.round(size) });

/** `today 09:41`, `12 Nov 09:41`, `12 Nov 2025`. */
export function absolute(at: string, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return t("parts.today_at", { time: written("time", date) });
  if (date.getFullYear() === today.getFullYear()) return `${written("day", date)} ${written("time", date)}`;
  return written("date", date);
}

export const exact = (at: string): string => written("exact", new Date(at));

/** `9:41` left, never below zero. */
export function remaining(until: string, now: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The shortest that still says it: `17:20` today, else `30 Nov`. */
export function near(at: string, now: number): string {
  const date = new Date(at);
  return date.toDateString() === new Date(now).toDateString() ? written("time", date) : written("day", date);
}
