import { describe, expect, test } from "vitest";

import { bestColumns } from "./columns";
import { chase } from "./edge";

const ranges = (...spans: [number, number][]) => ({
  length: spans.length,
  start: (index: number) => spans[index]?.[0] ?? 0,
  end: (index: number) => spans[index]?.[1] ?? 0,
});

describe("chasing the live edge", () => {
  test("waits while nothing is buffered", () => expect(chase(ranges(), 0)).toEqual({ seek: null, rate: 1 }));
  test("begins near the end of a stream that did not start at zero", () =>
    expect(chase(ranges([5000, 5001]), 0).seek).toBeCloseTo(5000.7));
  test("jumps when far behind", () => expect(chase(ranges([0, 10]), 5).seek).toBeCloseTo(9.7));
  test("leaves a hole for the newest range", () => expect(chase(ranges([0, 4], [5, 5.2]), 4).seek).toBe(5));
  test("hurries a little when a little behind", () => expect(chase(ranges([0, 10]), 9.5).rate).toBeGreaterThan(1));
  test("slows down before it runs dry", () => expect(chase(ranges([0, 10]), 9.9).rate).toBeLessThan(1));
  test("plays evenly at the target", () => expect(chase(ranges([0, 10]), 9.7)).toEqual({ seek: null, rate: 1 }));
});

describe("pictures in a space", () => {
  test("two in a square stand above each other", () => expect(bestColumns(2, 1000, 1000)).toBe(1));
  test("two in a wide space stand side by side", () => expect(bestColumns(2, 2000, 600)).toBe(2));
  test("four in a wide space make a square", () => expect(bestColumns(4, 1600, 900)).toBe(2));
  test("none asks for one column", () => expect(bestColumns(0, 100, 100)).toBe(1));
});
