import { describe, expect, test } from "vitest";

import { bestColumns } from "./columns";
import { Edge } from "./edge";

const ranges = (...spans: [number, number][]) => ({
  length: spans.length,
  start: (index: number) => spans[index]?.[0] ?? 0,
  end: (index: number) => spans[index]?.[1] ?? 0,
});

function playing() {
  const edge = new Edge();
  edge.chase(ranges([0, 10]), 9.7);
  return edge;
}

/** A picture that plays evenly `behind` the end of fragments of `every` seconds, each `late` at most; how it is chased. */
function watched(behind: number, every: number, late = 0, seconds = 3) {
  const edge = playing();
  let end = 10;
  for (let at = 0; at < seconds; at += every) {
    const came = at + (Math.round(at / every) % 3 === 0 ? late : 0);
    edge.came(ranges([0, end]), came + end - at - behind, came * 1000);
    end += every;
  }
  return edge.chase(ranges([0, end]), end - behind).rate;
}

describe("chasing the live edge", () => {
  test("waits while nothing is buffered", () => expect(new Edge().chase(ranges(), 0)).toEqual({ seek: null, rate: 1 }));
  test("begins near the end of a stream that did not start at zero", () =>
    expect(new Edge().chase(ranges([5000, 5001]), 0).seek).toBeCloseTo(5000.7));
  test("jumps when far behind", () => expect(new Edge().chase(ranges([0, 10]), 5).seek).toBeCloseTo(9.7));
  test("does not begin with a picture or two", () => expect(new Edge().chase(ranges([0, 0.1]), 0).seek).toBeNull());
  test("leaves a hole for the newest range", () => expect(playing().chase(ranges([0, 4], [5, 5.2]), 4).seek).toBe(5));
  test("hurries while more is left than a cushion", () => expect(watched(0.3, 0.04)).toBeGreaterThan(1.05));
  test("slows down before it runs dry", () => expect(watched(0.02, 0.04)).toBeLessThan(1));
  test("plays evenly with a cushion left", () => expect(watched(0.08, 0.04)).toBeCloseTo(1));
  test("keeps what fragments that come late use up", () => {
    expect(watched(0.14, 0.04)).toBeGreaterThan(1.04);
    expect(watched(0.14, 0.04, 0.06)).toBeCloseTo(1);
  });
  test("forgets what was left before a jump", () => {
    const edge = playing();
    for (const at of [0, 40, 80]) edge.came(ranges([0, 10]), 9.99, at);
    expect(edge.chase(ranges([0, 10]), 9.99).rate).toBeLessThan(1);
    expect(edge.chase(ranges([0, 20]), 9.99).seek).toBeCloseTo(19.7);
    expect(edge.chase(ranges([0, 20]), 19.7).rate).toBe(1);
  });
});

describe("pictures in a space", () => {
  test("two in a square stand above each other", () => expect(bestColumns(2, 1000, 1000)).toBe(1));
  test("two in a wide space stand side by side", () => expect(bestColumns(2, 2000, 600)).toBe(2));
  test("four in a wide space make a square", () => expect(bestColumns(4, 1600, 900)).toBe(2));
  test("none asks for one column", () => expect(bestColumns(0, 100, 100)).toBe(1));
});
