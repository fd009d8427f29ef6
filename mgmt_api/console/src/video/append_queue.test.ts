import { describe, expect, test } from "vitest";

import { AppendQueue, type Buffer } from "./append_queue";

class Sink implements Buffer {
  updating = false;
  appended: number[] = [];
  removed: [number, number][] = [];
  full = 0; // appends to refuse
  range: [number, number] | null = null;
  get buffered() {
    const { range } = this;
    return { length: range ? 1 : 0, start: () => range?.[0] ?? 0, end: () => range?.[1] ?? 0 };
  }
  appendBuffer(data: ArrayBuffer) {
    if (this.full > 0) {
      this.full -= 1;
      throw new DOMException("full", "QuotaExceededError");
    }
    this.updating = true;
    this.appended.push(data.byteLength);
  }
  remove(start: number, end: number) {
    this.updating = true;
    this.removed.push([start, end]);
    if (this.range) this.range = [end, this.range[1]];
  }
}

const bytes = (length: number) => new ArrayBuffer(length);

function settle(sink: Sink, queue: AppendQueue, playedTo: number) {
  sink.updating = false;
  queue.pump(playedTo);
}

describe("the append queue", () => {
  test("one append at a time, in order", () => {
    const sink = new Sink();
    const queue = new AppendQueue(sink, () => undefined);
    [1, 2, 3].forEach((length) => queue.push(bytes(length), 0));
    expect(sink.appended).toEqual([1]);
    settle(sink, queue, 0);
    settle(sink, queue, 0);
    expect(sink.appended).toEqual([1, 2, 3]);
  });

  test("what lies more than thirty seconds back goes, and the next fragment waits for it", () => {
    const sink = new Sink();
    sink.range = [0, 60];
    const queue = new AppendQueue(sink, () => undefined);
    queue.push(bytes(1), 59);
    expect(sink.removed).toEqual([[0, 29]]);
    expect(sink.appended).toEqual([]);
    settle(sink, queue, 59);
    expect(sink.appended).toEqual([1]);
  });

  test("a full buffer makes room and tries the same fragment again", () => {
    const sink = new Sink();
    sink.range = [0, 20];
    sink.full = 1;
    const queue = new AppendQueue(sink, () => undefined);
    queue.push(bytes(5), 19);
    expect(sink.removed).toEqual([[0, 18]]);
    settle(sink, queue, 19);
    expect(sink.appended).toEqual([5]);
  });

  test("too many waiting fragments are dropped and told", () => {
    const sink = new Sink();
    sink.updating = true;
    let overruns = 0;
    const queue = new AppendQueue(sink, () => (overruns += 1), 3);
    for (let index = 0; index < 4; index += 1) queue.push(bytes(1), 0);
    expect(overruns).toBe(1);
    settle(sink, queue, 0);
    expect(sink.appended).toEqual([]);
  });
});
