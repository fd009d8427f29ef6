// Polygons on a picture: pure geometry in shares of it, 0 to 1 from the top left corner.

import type { Point } from "../api/types";

export const MOST_POINTS = 32;
const LEAST_AREA = 1e-4; // of the picture; the server refuses less

const inside = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

/** A point within the picture, to a thousandth. */
export const point = (x: number, y: number): Point => [inside(x), inside(y)];

/** The area as a share of the picture (shoelace formula). */
export function area(polygon: readonly Point[]): number {
  let sum = 0;
  polygon.forEach(([x1, y1], index) => {
    const [x2, y2] = polygon[(index + 1) % polygon.length] ?? [0, 0];
    sum += x1 * y2 - x2 * y1;
  });
  return Math.abs(sum) / 2;
}

/** Whether the server takes it. */
export const whole = (polygon: readonly Point[]) =>
  polygon.length >= 3 && polygon.length <= MOST_POINTS && area(polygon) >= LEAST_AREA;

export const withPoint = (polygon: readonly Point[], index: number, at: Point): Point[] =>
  polygon.map((known, each) => (each === index ? at : known));

/** Without one corner; a triangle keeps its three. */
export const withoutPoint = (polygon: readonly Point[], index: number): Point[] =>
  polygon.length > 3 ? polygon.filter((_, each) => each !== index) : [...polygon];

/** With a corner in the middle of the edge that begins at `index`. */
export function withCorner(polygon: readonly Point[], index: number): Point[] {
  const one = polygon[index];
  const other = polygon[(index + 1) % polygon.length];
  if (!one || !other || polygon.length >= MOST_POINTS) return [...polygon];
  const middle = point((one[0] + other[0]) / 2, (one[1] + other[1]) / 2);
  return [...polygon.slice(0, index + 1), middle, ...polygon.slice(index + 1)];
}

/** A name that none of the others has: "2 号" when there is a "1 号". */
export function freshName(word: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = `${word} ${number}`;
    if (!taken.includes(name)) return name;
  }
}
