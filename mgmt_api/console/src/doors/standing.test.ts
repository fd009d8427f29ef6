import { describe, expect, test } from "vitest";

import type { Door } from "../api/types";
import { orderedPlace, standingOf } from "./standing";

const door = (name: string, more: Partial<Door>): Door => ({
  name,
  number: 1,
  mode: "Locked",
  alarm: "Normal",
  open: false,
  online: true,
  ...more,
});

describe("what stands over doors", () => {
  test("is nothing in peace, and at gateways that say nothing of it", () => {
    expect(standingOf([door("a", {}), door("b", { fire: "Clear", locked_down_by: [] })])).toEqual([]);
  });
  test("is one fire a zone, which may be reset once its loop is whole at every door", () => {
    const doors = [door("a", { fire: "Latched", fire_zone: "f" }), door("b", { fire: "Burning", fire_zone: "f" })];
    expect(standingOf(doors)).toEqual([{ kind: "fire", place: "f", whole: false, doors: 2 }]);
    expect(standingOf(doors.slice(0, 1))).toMatchObject([{ whole: true }]);
  });
  test("is each lockdown by its place, fires before them", () => {
    const doors = [door("a", { locked_down_by: ["site", "zone b 1"], fire: "Latched", fire_zone: "f" })];
    expect(standingOf(doors).map(({ place }) => place)).toEqual(["f", "site", "zone b 1"]);
  });
  test("is named in an order as the API wants it", () => {
    expect(orderedPlace("zone b 1")).toEqual({ zone: "b 1" });
    expect(orderedPlace("door gate")).toEqual({ door: "gate" });
    expect(orderedPlace("site")).toEqual({});
  });
});
