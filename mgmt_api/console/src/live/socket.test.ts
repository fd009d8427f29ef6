import { beforeEach, describe, expect, test } from "vitest";

import { ResumingSocket, type Clock, type Wire } from "./socket";

/** A clock that runs when told. */
class Hand implements Clock {
  time = 0;
  private due: { at: number; run: () => void }[] = [];
  now = () => this.time;
  after(ms: number, run: () => void) {
    const entry = { at: this.time + ms, run };
    this.due.push(entry);
    return () => (this.due = this.due.filter((other) => other !== entry));
  }
  pass(ms: number) {
    const end = this.time + ms;
    for (;;) {
      const next = this.due.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.due = this.due.filter((other) => other !== next);
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }
}

class End implements Wire {
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  sent: string[] = [];
  closed = false;
  answers = true;
  send(text: string) {
    this.sent.push(text);
    if (this.answers) this.tell({ type: "pong", at: 1_800_000_000 });
  }
  close() {
    this.closed = true;
  }
  tell(message: unknown) {
    this.onmessage?.call(null as never, { data: JSON.stringify(message) } as MessageEvent);
  }
  breakOff() {
    this.onclose?.call(null as never, {} as CloseEvent);
  }
}

const HELLO = { type: "hello", cursor: 0, doors: [], cameras: [] };

describe("the resuming socket", () => {
  let clock: Hand,
    ends: End[],
    urls: string[],
    fresh: boolean[],
    refused: number,
    times: number[],
    cursor: number,
    socket: ResumingSocket;
  const end = () => {
    const last = ends[ends.length - 1];
    if (!last) throw new Error("nothing was opened");
    return last;
  };
  beforeEach(() => {
    [clock, ends, urls, fresh, refused, times, cursor] = [new Hand(), [], [], [], 0, [], 7];
    socket = new ResumingSocket({
      url: (since) => `ws?since=${since}`,
      cursor: () => cursor,
      open: (url) => {
        urls.push(url);
        ends.push(new End());
        return end();
      },
      clock,
      onMessage: () => undefined,
      onFresh: (is) => fresh.push(is),
      onRefused: () => (refused += 1),
      onTime: (at_s) => times.push(at_s),
    });
    socket.start();
    end().tell(HELLO);
  });

  test("reconnects from the cursor that it has reached", () => {
    cursor = 42;
    end().breakOff();
    expect(fresh).toEqual([true, false]);
    clock.pass(200);
    expect(urls).toEqual(["ws?since=7", "ws?since=42"]);
    end().tell(HELLO);
    expect(fresh.at(-1)).toBe(true);
  });

  test("a line that falls silent is called stale within three seconds", () => {
    clock.pass(10_000);
    expect(fresh).toEqual([true]);
    end().answers = false;
    clock.pass(3000);
    expect(fresh).toEqual([true, false]);
  });

  test("a server that answers no pings is not called stale for its silence", () => {
    socket.stop();
    socket.start();
    end().answers = false;
    end().tell(HELLO);
    clock.pass(60_000);
    expect(fresh.at(-1)).toBe(true);
  });

  test("hears the server's time with each answer to a ping", () => {
    clock.pass(2000);
    expect(new Set(times)).toEqual(new Set([1_800_000_000]));
  });

  test("waits a little longer each time, but never more than three seconds", () => {
    for (let attempt = 0; attempt < 8; attempt += 1) {
      end().breakOff();
      clock.pass(3000);
    }
    expect(urls).toHaveLength(9);
  });

  test("a refused handshake is told, once for each", () => {
    end().breakOff();
    expect(refused).toBe(0);
    clock.pass(200);
    end().breakOff();
    expect(refused).toBe(1);
  });

  test("after stop nothing is opened any more", () => {
    socket.stop();
    clock.pass(60_000);
    expect(urls).toHaveLength(1);
    expect(end().closed).toBe(true);
  });
});
