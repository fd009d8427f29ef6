import { describe, expect, test } from "vitest";

import { matches } from "./filter";
import { day, timeOfDay, timeOrDate } from "./time";

describe("the filter", () => {
  test("finds full-width digits and any case", () => expect(matches("３ gate", ["3 号 GATE"])).toBe(true));
  test("asks for every word", () => expect(matches("北门 王", ["北门", "李"])).toBe(false));
  test("lets all pass when empty", () => expect(matches("  ", [])).toBe(true));
});

describe("times", () => {
  const moment = "2026-11-23T16:05:09.250Z";
  test("stand in the estate's zone, not the browser's", () => {
    expect(day(moment, "Asia/Shanghai")).toBe("2026-11-24");
    expect(timeOfDay(moment, "Asia/Shanghai")).toBe("00:05:09");
  });
  test("carry the date on another day", () => {
    expect(timeOrDate(moment, "Asia/Shanghai", Date.parse("2026-11-25T00:00:00Z"))).toBe("11-24 00:05:09");
  });
  test("a broken time is shown as one", () => expect(timeOfDay("soon", "UTC")).toBe("--:--:--"));
});
