// The timeline's arithmetic: moments to pixels, zoom about a moment, marks of time in the estate's zone. Pure.

import { day, timeOfDay } from "../text/time";

export interface Window {
  from: number; // Unix milliseconds
  to: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const NARROWEST = MINUTE;
export const WIDEST = 31 * DAY;
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
].map((seconds) => seconds * SECOND);

export const xOf = ({ from, to }: Window, width: number, moment: number) => ((moment - from) / (to - from)) * width;
export const momentOf = ({ from, to }: Window, width: number, x: number) => from + (x / width) * (to - from);

/** Makes the window `factor` times as wide; the moment under the hand stays where it is. */
export function zoomed({ from, to }: Window, factor: number, about: number): Window {
  const wide = Math.min(WIDEST, Math.max(NARROWEST, (to - from) * factor));
  const share = (about - from) / (to - from);
  return { from: about - share * wide, to: about + (1 - share) * wide };
}

export const moved = ({ from, to }: Window, by: number): Window => ({ from: from + by, to: to + by });

/** The window moved so that a moment is in it, if it is not yet. */
export function showing(window: Window, moment: number): Window {
  const wide = window.to - window.from;
  if (moment >= window.from && moment <= window.to) return window;
  return { from: moment - wide / 2, to: moment + wide / 2 };
}

/** How far the zone is ahead of UTC at a moment, in milliseconds. */
export function offsetOf(moment: number, timezone: string): number {
  const whole = Math.floor(moment / SECOND) * SECOND;
  return Date.parse(`${day(whole, timezone)}T${timeOfDay(whole, timezone)}Z`) - whole;
}

/** The start of the day that a moment lies in, in the estate's zone. */
export function dayStart(moment: number, timezone: string): number {
  const local = Math.floor((moment + offsetOf(moment, timezone)) / DAY) * DAY;
  return local - offsetOf(local - offsetOf(moment, timezone), timezone);
}

export interface Tick {
  moment: number;
  label: string;
  major: boolean; // a new day
}

/** Marks at round local times, at least `apart` pixels from each other. */
export function ticks(window: Window, width: number, timezone: string, apart = 90): Tick[] {
  const least = ((window.to - window.from) / width) * apart;
  const step = STEPS.find((each) => each >= least) ?? WIDEST;
  const found: Tick[] = [];
  const offset = offsetOf(window.from, timezone);
  const first = Math.ceil((window.from + offset) / step) * step - offset;
  for (let moment = first; moment <= window.to; moment += step) {
    const clock = timeOfDay(moment, timezone);
    const major = clock === "00:00:00";
    const label = major ? day(moment, timezone).slice(5) : step < MINUTE ? clock : clock.slice(0, 5);
    found.push({ moment, label, major });
  }
  return found;
}

export interface Stretch {
  from: number;
  to: number;
}

/** Whether a moment is recorded; stretches are in order. */
export const isRecorded = (stretches: readonly Stretch[], moment: number) =>
  stretches.some(({ from, to }) => moment >= from && moment < to);

/** The moment itself if it is recorded, else the next one that is; null when there is none. */
export function nextRecorded(stretches: readonly Stretch[], moment: number): number | null {
  const next = stretches.find(({ to }) => to > moment);
  return next ? Math.max(next.from, moment) : null;
}
