import { describe, expect, test } from "vitest";

import type { Point } from "../api/types";
import { area, freshName, point, whole, withCorner, withoutPoint, withPoint } from "./shapes";

const SQUARE: Point[] = [
  [0.2, 0.2],
  [0.6, 0.2],
  [0.6, 0.6],
  [0.2, 0.6],
];

describe("a polygon", () => {
  test("has an area whichever way it was drawn", () => {
    expect(area(SQUARE)).toBeCloseTo(0.16);
    expect(area([...SQUARE].reverse())).toBeCloseTo(0.16);
  });
  test("of two points, or of next to no area, is none", () => {
    expect(whole(SQUARE)).toBe(true);
    expect(whole(SQUARE.slice(0, 2))).toBe(false);
    expect(whole([point(0, 0), point(1, 1), point(0.5, 0.5)])).toBe(false);
  });
  test("never leaves the picture", () => expect(point(-0.2, 1.7)).toEqual([0, 1]));
  test("moves one corner alone", () => expect(withPoint(SQUARE, 1, [0.9, 0.1])[1]).toEqual([0.9, 0.1]));
  test("gets a corner in the middle of an edge", () => expect(withCorner(SQUARE, 3)[4]).toEqual([0.2, 0.4]));
  test("keeps three corners", () => {
    expect(withoutPoint(SQUARE, 0)).toHaveLength(3);
    expect(withoutPoint(SQUARE.slice(0, 3), 0)).toHaveLength(3);
  });
});

test("a fresh name is nobody else's", () => expect(freshName("区域", ["区域 1", "区域 3"])).toBe("区域 2"));
