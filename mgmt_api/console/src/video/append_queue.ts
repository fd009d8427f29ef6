// The queue before a SourceBuffer: one append at a time, bounded, trimming what is long past.

export interface Buffer {
  updating: boolean;
  buffered: { length: number; start(index: number): number; end(index: number): number };
  appendBuffer(data: ArrayBuffer): void;
  remove(start: number, end: number): void;
}

const KEEP_S = 30;
const TRIM_EVERY_S = 10;

export class AppendQueue {
  private waiting: ArrayBuffer[] = [];

  /** `onOverrun`: more than `limit` fragments wait; they are dropped and the stream must start anew. */
  constructor(
    private readonly buffer: Buffer,
    private readonly onOverrun: () => void,
    private readonly limit = 250, // ten seconds at 25 fragments a second
  ) {}

  push(fragment: ArrayBuffer, playedTo: number): void {
    this.waiting.push(fragment);
    if (this.waiting.length > this.limit) {
      this.waiting = [];
      this.onOverrun();
      return;
    }
    this.pump(playedTo);
  }

  /** Called at each end of an update. */
  pump(playedTo: number): void {
    if (this.buffer.updating) return;
    if (this.trim(playedTo, KEEP_S + TRIM_EVERY_S)) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    try {
      this.buffer.appendBuffer(next);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "QuotaExceededError") throw error;
      this.waiting.unshift(next);
      if (!this.trim(playedTo, 1)) this.onOverrun();
    }
  }

  /** Removes what lies further back than it is kept, once that is more than `past_s`. */
  private trim(playedTo: number, past_s: number): boolean {
    const { buffered } = this.buffer;
    if (buffered.length === 0 || playedTo - buffered.start(0) <= past_s) return false;
    this.buffer.remove(buffered.start(0), playedTo - Math.min(past_s, KEEP_S));
    return true;
  }
}
