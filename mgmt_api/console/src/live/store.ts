// The page's one live store: history first, then the socket from there. Components read it through `useFeed`.

import { useSyncExternalStore } from "react";

import { history } from "../api/calls";
import { socketUrl } from "../api/http";
import { hearTime } from "../api/server_time";
import type { ServerMessage } from "../api/types";
import { EMPTY_FEED, reduce, withHistory, type Feed } from "./feed";
import { ResumingSocket, type Clock } from "./socket";

export interface Live {
  feed: Feed;
  fresh: boolean; // what is on the screen is what is so
  since: number; // when it became fresh or stale, Unix milliseconds
}

const BATCH_MS = 50; // a peak of passages repaints the page twenty times a second, not once an event
const HISTORY = 100;

const clock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const id = setTimeout(run, ms);
    return () => clearTimeout(id);
  },
};

let live: Live = { feed: EMPTY_FEED, fresh: false, since: Date.now() };
let waiting: ServerMessage[] = [];
const listeners = new Set<() => void>();

function publish(change: Partial<Live>): void {
  live = { ...live, ...change };
  for (const listener of listeners) listener();
}

function flush(): void {
  const messages = waiting;
  waiting = [];
  publish({ feed: messages.reduce(reduce, live.feed) });
}

function take(message: ServerMessage): void {
  if (message.type === "hello" && message.cursor !== cursor())
    setTimeout(() => void loadOlder().catch(() => undefined), BATCH_MS);
  if (waiting.push(message) === 1) setTimeout(flush, message.type === "hello" ? 0 : BATCH_MS);
}

function cursor(): number {
  return waiting.reduce(reduce, live.feed).cursor;
}

function setFresh(fresh: boolean): void {
  if (fresh !== live.fresh) publish({ fresh, since: Date.now() });
}

/** Reads older events into the feed; answers false when there are none. */
export async function loadOlder(): Promise<boolean> {
  const before = live.feed.events[0]?.cursor;
  const { events } = await history(HISTORY, before);
  publish({ feed: withHistory(live.feed, events, true) });
  return events.length > 0;
}

/** Starts the live link for a logged-in user; the answer ends it and forgets what was told. */
export function startLive(onRefused: () => void): () => void {
  const socket = new ResumingSocket({
    url: (since) => socketUrl(`/ws?since=${since}`),
    cursor,
    open: (url) => new WebSocket(url),
    clock,
    onMessage: take,
    onFresh: setFresh,
    onRefused,
    onTime: hearTime,
  });
  let ended = false;
  const begin = () => {
    history(HISTORY).then(
      ({ events }) => {
        if (ended) return;
        publish({ feed: withHistory(live.feed, events) });
        socket.start();
      },
      () => {
        if (ended) return;
        onRefused();
        setTimeout(begin, 1000);
      },
    );
  };
  const wake = () => socket.retryNow();
  begin();
  addEventListener("online", wake);
  addEventListener("offline", wake);
  return () => {
    ended = true;
    removeEventListener("online", wake);
    removeEventListener("offline", wake);
    socket.stop();
    waiting = [];
    publish({ feed: EMPTY_FEED, fresh: false });
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useFresh = () => useSyncExternalStore(subscribe, () => live.fresh);
export const useFreshSince = () => useSyncExternalStore(subscribe, () => live.since);

/** A part of the feed; the component repaints only when that part is another object. */
export const useFeed = <T>(select: (feed: Feed) => T): T => useSyncExternalStore(subscribe, () => select(live.feed));
