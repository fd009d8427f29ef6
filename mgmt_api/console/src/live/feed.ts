// What the one WebSocket has told: a pure reducer. The cursor rises with delivered events alone, so that a
// reconnect with `since=cursor` misses nothing, and an event told twice counts once.

import type { AccessEvent, Camera, CameraAlarm, CommandState, Door, ServerMessage } from "../api/types";

export const MAX_EVENTS = 500; // older ones leave the memory; the history brings them back

export interface Feed {
  cursor: number;
  events: readonly AccessEvent[]; // oldest first
  doors: readonly Door[];
  cameras: readonly Camera[];
  cameraAlarms: readonly CameraAlarm[]; // newest first; those that nobody took note of
  commands: Readonly<Record<string, CommandState>>;
  ready: boolean; // a hello has come
}

export const EMPTY_FEED: Feed = {
  cursor: 0,
  events: [],
  doors: [],
  cameras: [],
  cameraAlarms: [],
  commands: {},
  ready: false,
};

type Hello = Extract<ServerMessage, { type: "hello" }>;

const MAX_COMMANDS = 100;

const byNumber = (doors: readonly Door[]) =>
  [...doors].sort((one, other) => one.number - other.number || one.name.localeCompare(other.name));

/** Adds the history read before the socket opened, or an older page of it (`older`). */
export function withHistory(feed: Feed, page: readonly AccessEvent[], older = false): Feed {
  const known = new Set(feed.events.map((event) => event.cursor));
  const events = [...feed.events, ...page.filter((event) => !known.has(event.cursor))];
  events.sort((one, other) => one.cursor - other.cursor);
  const cursor = Math.max(feed.cursor, ...page.map((event) => event.cursor), 0);
  return { ...feed, cursor, events: older ? events : events.slice(-MAX_EVENTS) };
}

function withEvent(feed: Feed, event: AccessEvent): Feed {
  if (event.cursor <= feed.cursor) return feed;
  return {
    ...feed,
    cursor: event.cursor,
    events: [...feed.events, event].slice(-Math.max(MAX_EVENTS, feed.events.length)),
  };
}

function withCommand(feed: Feed, command: CommandState): Feed {
  const id = command.id ?? command.command_id;
  if (id === undefined) return feed;
  const entries = [...Object.entries(feed.commands).filter(([known]) => known !== id), [id, command] as const];
  return { ...feed, commands: Object.fromEntries(entries.slice(-MAX_COMMANDS)) };
}

/** A hello elsewhere than at our cursor: too far behind, or another database. What was told before is let go. */
function withHello(feed: Feed, { cursor, doors, cameras }: Hello): Feed {
  const events = cursor === feed.cursor ? feed.events : [];
  return { ...feed, cursor, events, doors: byNumber(doors), cameras, ready: true };
}

export function reduce(feed: Feed, message: ServerMessage): Feed {
  switch (message.type) {
    case "hello":
      return withHello(feed, message);
    case "event":
      return withEvent(feed, message.event);
    case "doors":
      return { ...feed, doors: byNumber(message.doors) };
    case "cameras":
      return { ...feed, cameras: message.cameras };
    case "camera_alarms":
      return { ...feed, cameraAlarms: message.alarms };
    case "command":
      return withCommand(feed, message.command);
    default:
      return feed; // a newer server's message: not ours to guess
  }
}
