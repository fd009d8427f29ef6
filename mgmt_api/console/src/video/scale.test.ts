import { describe, expect, test } from "vitest";

import { DAY, dayStart, isRecorded, momentOf, nextRecorded, showing, ticks, xOf, zoomed, type Window } from "./scale";

const noon = Date.parse("2026-11-23T04:00:00Z"); // noon in Shanghai
const day: Window = { from: noon - DAY / 2, to: noon + DAY / 2 };

describe("the timeline's scale", () => {
  test("a pixel and its moment lead to each other", () =>
    expect(momentOf(day, 960, xOf(day, 960, noon + 123_000))).toBeCloseTo(noon + 123_000));
  test("what is under the hand stays there while it zooms", () => {
    const near = zoomed(day, 0.25, noon + 3_600_000);
    expect(xOf(near, 960, noon + 3_600_000)).toBeCloseTo(xOf(day, 960, noon + 3_600_000));
    expect(near.to - near.from).toBeCloseTo(DAY / 4);
  });
  test("it never zooms closer than a minute nor wider than a month", () => {
    expect(zoomed(day, 1e-9, noon).to - zoomed(day, 1e-9, noon).from).toBe(60_000);
    expect(zoomed(day, 1e9, noon).to - zoomed(day, 1e9, noon).from).toBe(31 * DAY);
  });
  test("a moment outside comes to the middle", () => {
    const there = showing(day, noon + 5 * DAY);
    expect((there.from + there.to) / 2).toBe(noon + 5 * DAY);
    expect(showing(day, noon)).toBe(day);
  });
  test("a day begins at midnight of the estate, also where clocks change", () => {
    expect(new Date(dayStart(noon, "Asia/Shanghai")).toISOString()).toBe("2026-11-22T16:00:00.000Z");
    const late = Date.parse("2026-03-29T20:00:00Z"); // the day on which Berlin's clocks went forward
    expect(new Date(dayStart(late, "Europe/Berlin")).toISOString()).toBe("2026-03-28T23:00:00.000Z");
  });
  test("marks stand at round local times and do not touch", () => {
    const found = ticks(day, 960, "Asia/Shanghai");
    expect(found.map(({ label }) => label)).toContain("12:00");
    expect(found.filter(({ major }) => major).map(({ label }) => label)).toEqual(["11-23", "11-24"]);
    expect(found.length).toBeLessThanOrEqual(12);
  });
});

describe("what is recorded", () => {
  const stretches = [
    { from: 0, to: 60 },
    { from: 90, to: 150 },
  ];
  test("a gap is not", () =>
    expect([59, 60, 89, 90].map((at) => isRecorded(stretches, at))).toEqual([true, false, false, true]));
  test("after a gap comes the next stretch", () => expect(nextRecorded(stretches, 70)).toBe(90));
  test("after all comes nothing", () => expect(nextRecorded(stretches, 150)).toBeNull());
});
