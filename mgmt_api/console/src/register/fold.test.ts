import { describe, expect, test } from "vitest";

import type { RegisterLine } from "../api/types";
import { folded } from "./fold";

const line = (id: number, minute: number, action = "footage.watch", actor = "zhang"): RegisterLine => ({
  id,
  at: `2026-11-25T08:${String(minute).padStart(2, "0")}:00.000Z`,
  actor,
  role: "guard",
  action,
  target: "gate",
  detail: {
    from: `2026-11-24T10:${String(minute).padStart(2, "0")}:00.000Z`,
    to: `2026-11-24T10:${String(minute + 10)}:00.000Z`,
    reason: "parcel",
  },
});

describe("lines of the register", () => {
  test("of one look are one, with all that was seen", () => {
    const [look, ...more] = folded([line(3, 20), line(2, 10), line(1, 0)]);
    expect(more).toEqual([]);
    expect([look?.detail.from, look?.detail.to]).toEqual(["2026-11-24T10:00:00.000Z", "2026-11-24T10:30:00.000Z"]);
    expect([look?.at, look?.until]).toEqual(["2026-11-25T08:00:00.000Z", "2026-11-25T08:20:00.000Z"]);
  });
  test("of two people are two", () => expect(folded([line(2, 10), line(1, 0, "footage.watch", "li")])).toHaveLength(2));
  test("of what was taken stand each by itself", () =>
    expect(folded([line(2, 10, "footage.export"), line(1, 0, "footage.export")])).toHaveLength(2));
});
