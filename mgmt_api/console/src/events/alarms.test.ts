import { describe, expect, test } from "vitest";

import type { AccessEvent, Door } from "../api/types";
import { alarmsOf } from "./alarms";

const NOW = Date.UTC(2026, 10, 23, 13, 0, 0);
const event = (cursor: number, kind: string, ago_s: number, more: Partial<AccessEvent> = {}): AccessEvent => ({
  cursor,
  kind,
  occurred_at: new Date(NOW - ago_s * 1000).toISOString(),
  door: "gate",
  ...more,
});
const door = (alarm: string): Door => ({ name: "gate", number: 1, mode: "Locked", alarm, open: true, online: true });
const none = new Set<string>();

describe("alarms", () => {
  test("a door in alarm is there even if its event is not in memory", () => {
    expect(alarmsOf([], [door("DoorForcedOpen")], none, NOW)).toMatchObject([
      { kind: "DoorForcedOpen", active: true, event: null },
    ]);
  });
  test("a forced door that was closed again stays until somebody takes note", () => {
    const events = [event(1, "DoorForcedOpen", 60)];
    const [alarm, ...others] = alarmsOf(events, [door("Normal")], none, NOW);
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({ active: false });
    expect(alarmsOf(events, [door("Normal")], new Set([alarm?.key ?? ""]), NOW)).toEqual([]);
  });
  test("taking note of one alarm does not hide the next at the same door", () => {
    const seen = new Set(["DoorForcedOpen:gate:1"]);
    expect(alarmsOf([event(1, "DoorForcedOpen", 60), event(2, "DoorForcedOpen", 5)], [], seen, NOW)).toHaveLength(1);
  });
  test("a door held open is an alarm only while it is so", () => {
    const events = [event(1, "DoorOpenTooLong", 60)];
    expect(alarmsOf(events, [door("Normal")], none, NOW)).toEqual([]);
    expect(alarmsOf(events, [door("DoorOpenTooLong")], none, NOW)).toHaveLength(1);
  });
  test("five refusals in a row are an alarm of the reader, for half an hour", () => {
    const reader = { door: "", reader: "gate-in" };
    expect(alarmsOf([event(1, "ReaderAlarm", 60, reader)], [], none, NOW)).toHaveLength(1);
    expect(alarmsOf([event(1, "ReaderAlarm", 1900, reader)], [], none, NOW)).toEqual([]);
  });
});
