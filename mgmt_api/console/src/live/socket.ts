// The one WebSocket that resumes: back-off, heartbeat, and an honest word when the screen is no longer fresh.

import type { ServerMessage } from "../api/types";

export interface Clock {
  now(): number; // milliseconds
  after(ms: number, run: () => void): () => void; // returns its own cancel
}

export type Wire = Pick<WebSocket, "onmessage" | "onclose" | "send" | "close">;

export interface SocketOptions {
  url: (cursor: number) => string;
  cursor: () => number;
  open: (url: string) => Wire;
  clock: Clock;
  onMessage: (message: ServerMessage) => void;
  onFresh: (fresh: boolean) => void;
  onRefused: () => void; // closed before any hello: the session may be over
  onTime: (at_s: number) => void; // by the server's clock, Unix seconds
}

type Timer = "hello" | "beat" | "retry";

const PING_MS = 1000;
const CHECK_MS = 250;
const SILENCE_MS = 2500; // and one check: the banner stands within 3 s
const CONNECT_MS = 5000;
const BACK_OFF_MS = [200, 500, 1000, 2000, 3000] as const; // seconds, never minutes

export class ResumingSocket {
  private wire: Wire | null = null;
  private timers: Partial<Record<Timer, () => void>> = {};
  private attempt = 0;
  private heard = 0;
  private answersPings = false; // silence proves nothing from a server that does not answer pings
  private greeted = false;
  private stopped = false;

  constructor(private readonly options: SocketOptions) {}

  start(): void {
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  /** The browser says that its network is gone or back: no reason to wait. */
  retryNow(): void {
    this.attempt = 0;
    this.lose();
  }

  private connect(): void {
    const { clock, open, url, cursor } = this.options;
    const wire = open(url(cursor()));
    this.wire = wire;
    this.greeted = false;
    this.answersPings = false;
    this.heard = clock.now();
    wire.onmessage = ({ data }: MessageEvent<unknown>) => this.take(data);
    wire.onclose = () => this.lose();
    this.later("hello", CONNECT_MS, () => {
      if (!this.greeted) this.lose();
    });
  }

  private take(data: unknown): void {
    this.heard = this.options.clock.now();
    if (typeof data !== "string") return;
    const message = JSON.parse(data) as ServerMessage;
    if (message.type === "pong") {
      this.answersPings = true;
      if (message.at !== undefined) this.options.onTime(message.at);
      return;
    }
    if (message.type === "hello") this.greet();
    this.options.onMessage(message);
  }

  private greet(): void {
    this.greeted = true;
    this.attempt = 0;
    this.options.onFresh(true);
    this.beat(0);
  }

  private beat(sinceSent: number): void {
    const due = sinceSent >= PING_MS || sinceSent === 0;
    if (due) this.wire?.send('{"type":"ping"}');
    if (this.answersPings && this.options.clock.now() - this.heard > SILENCE_MS) {
      this.lose();
      return;
    }
    this.later("beat", CHECK_MS, () => this.beat(due ? CHECK_MS : sinceSent + CHECK_MS));
  }

  private lose(): void {
    const refused = !this.greeted;
    this.drop();
    this.options.onFresh(false);
    if (this.stopped) return;
    if (refused) this.options.onRefused();
    const wait = BACK_OFF_MS[Math.min(this.attempt, BACK_OFF_MS.length - 1)] ?? 3000;
    this.attempt += 1;
    this.later("retry", wait, () => this.connect());
  }

  private later(timer: Timer, ms: number, run: () => void): void {
    this.timers[timer]?.();
    this.timers[timer] = this.options.clock.after(ms, run);
  }

  private drop(): void {
    for (const cancel of Object.values(this.timers)) cancel();
    this.timers = {};
    const wire = this.wire;
    this.wire = null;
    if (!wire) return;
    wire.onmessage = wire.onclose = null;
    wire.close();
  }
}
