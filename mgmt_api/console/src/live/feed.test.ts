import { describe, expect, test } from "vitest";

import type { AccessEvent, ServerMessage } from "../api/types";
import { EMPTY_FEED, MAX_EVENTS, reduce, withHistory, type Feed } from "./feed";

const event = (cursor: number): AccessEvent => ({ cursor, kind: "Granted", occurred_at: "2026-11-23T13:05:00.000Z" });
const told = (cursor: number): ServerMessage => ({ type: "event", event: event(cursor) });
const cursors = (feed: Feed) => feed.events.map((one) => one.cursor);

describe("the feed", () => {
  const hello = (cursor: number): ServerMessage => ({ type: "hello", cursor, doors: [], cameras: [] });

  test("a hello where we stand keeps what was told", () => {
    const feed = reduce(withHistory(EMPTY_FEED, [event(4)]), hello(4));
    expect(feed).toMatchObject({ cursor: 4, ready: true });
    expect(cursors(feed)).toEqual([4]);
  });

  test("a hello further on, or of a younger database, starts the feed over: no hidden hole", () => {
    for (const cursor of [2000, 1]) {
      const feed = reduce(withHistory(EMPTY_FEED, [event(4)]), hello(cursor));
      expect(feed).toMatchObject({ cursor, events: [] });
    }
  });

  test("an event told twice after a reconnect counts once", () => {
    const feed = [told(1), told(2), told(2), told(1), told(3)].reduce(reduce, EMPTY_FEED);
    expect(cursors(feed)).toEqual([1, 2, 3]);
    expect(feed.cursor).toBe(3);
  });

  test("history in falling order is put before what the socket told", () => {
    const feed = withHistory([told(8), told(9)].reduce(reduce, EMPTY_FEED), [event(7), event(6)], true);
    expect(cursors(feed)).toEqual([6, 7, 8, 9]);
    expect(feed.cursor).toBe(9);
  });

  test("memory is bounded and keeps the newest", () => {
    const feed = Array.from({ length: MAX_EVENTS + 20 }, (_, index) => told(index + 1)).reduce(reduce, EMPTY_FEED);
    expect(feed.events).toHaveLength(MAX_EVENTS);
    expect(feed.events[0]?.cursor).toBe(21);
  });

  test("doors stand in the order of their numbers", () => {
    const door = (name: string, number: number) => ({
      name,
      number,
      mode: "Locked",
      alarm: "Normal",
      open: false,
      online: true,
    });
    const feed = reduce(EMPTY_FEED, { type: "doors", doors: [door("b", 2), door("z", 1), door("a", 2)] });
    expect(feed.doors.map(({ name }) => name)).toEqual(["z", "a", "b"]);
  });

  test("a command's later state takes the place of the earlier", () => {
    const states = ["queued", "sent", "Done"].map((state): ServerMessage => ({
      type: "command",
      command: { id: "c", state },
    }));
    expect(states.reduce(reduce, EMPTY_FEED).commands.c?.state).toBe("Done");
  });

  test("a message of a newer server changes nothing", () => {
    expect(reduce(EMPTY_FEED, { type: "weather" } as unknown as ServerMessage)).toBe(EMPTY_FEED);
  });
});
