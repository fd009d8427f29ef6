// Times in the estate's own time zone, 24 hours, the same in both languages: 2026-11-23 21:05:09.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(timezone: string): Intl.DateTimeFormat {
  let known = formats.get(timezone);
  if (!known) {
    const options: Intl.DateTimeFormatOptions = {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    };
    known = new Intl.DateTimeFormat("en-GB", options);
    formats.set(timezone, known);
  }
  return known;
}

type Parts = Record<"year" | "month" | "day" | "hour" | "minute" | "second", string>;

function parts(moment: string | number, timezone: string): Parts | null {
  const ms = typeof moment === "number" ? moment : Date.parse(moment);
  if (Number.isNaN(ms)) return null;
  const named = format(timezone).formatToParts(ms);
  return Object.fromEntries(named.map(({ type, value }) => [type, value])) as Parts;
}

/** "21:05:09" of an ISO time or of Unix milliseconds. */
export function timeOfDay(moment: string | number, timezone: string): string {
  const at = parts(moment, timezone);
  return at ? `${at.hour}:${at.minute}:${at.second}` : "--:--:--";
}

/** "2026-11-23" */
export function day(moment: string | number, timezone: string): string {
  const at = parts(moment, timezone);
  return at ? `${at.year}-${at.month}-${at.day}` : "";
}

/** "21:05:09" today, with the date before it on any other day. */
export function timeOrDate(moment: string | number, timezone: string, now_ms: number): string {
  const date = day(moment, timezone);
  const clock = timeOfDay(moment, timezone);
  return date === day(now_ms, timezone) ? clock : `${date.slice(5)} ${clock}`;
}

/** Unix milliseconds of what the API tells: ISO 8601, or Unix seconds. */
export const instant = (told: string | number): number => (typeof told === "number" ? told * 1000 : Date.parse(told));
