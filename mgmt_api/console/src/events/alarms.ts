// What must not be overlooked: doors in alarm now, and alarms of the last half hour that nobody has taken note of.

import type { AccessEvent, Door } from "../api/types";
import { eventFace } from "./event_face";

export interface Alarm {
  key: string;
  kind: string; // an EventKind
  place: string; // door, else reader or gateway
  event: AccessEvent | null; // null: the door says so, its event is not in memory
  active: boolean; // so at this moment
}

const LASTS_MS = 30 * 60_000;

const placeOf = (event: AccessEvent) => event.door ?? event.reader ?? event.gateway ?? "";

/** Active ones first, then the newest. `seen` holds keys that somebody acknowledged on this screen. */
export function alarmsOf(
  events: readonly AccessEvent[],
  doors: readonly Door[],
  seen: ReadonlySet<string>,
  now_ms: number,
): Alarm[] {
  const latest = new Map<string, AccessEvent>();
  for (const event of events) {
    if (eventFace(event).alarm) latest.set(`${event.kind}:${placeOf(event)}`, event);
  }
  const alarms = new Map<string, Alarm>();
  for (const door of doors) {
    if (door.alarm === "Normal") continue;
    const mark = `${door.alarm}:${door.name}`;
    const event = latest.get(mark) ?? null;
    const key = `${mark}:${event?.cursor ?? 0}`;
    alarms.set(mark, { key, kind: door.alarm, place: door.name, event, active: true });
  }
  for (const [mark, event] of latest) {
    const recent = now_ms - Date.parse(event.occurred_at) < LASTS_MS;
    if (alarms.has(mark) || !recent || !eventFace(event).lasts) continue;
    alarms.set(mark, { key: `${mark}:${event.cursor}`, kind: event.kind, place: placeOf(event), event, active: false });
  }
  return [...alarms.values()]
    .filter((alarm) => !seen.has(alarm.key))
    .sort(
      (one, other) =>
        Number(other.active) - Number(one.active) || (other.event?.cursor ?? 0) - (one.event?.cursor ?? 0),
    );
}
