import { describe, expect, test } from "vitest";

import type { AccessEvent } from "../api/types";
import { mergeRows } from "./merge";

const T0 = Date.UTC(2026, 10, 23, 13, 5, 0);

function event(cursor: number, kind: string, after_s: number, more: Partial<AccessEvent> = {}): AccessEvent {
  return { cursor, kind, occurred_at: new Date(T0 + after_s * 1000).toISOString(), door: "gate", ...more };
}

describe("rows of events", () => {
  test("the outcome of a passage joins its grant", () => {
    const rows = mergeRows([
      event(1, "Granted", 0, { command_id: "c1" }),
      event(2, "CommandOutcome", 0.1, { command_id: "c1", reason: "Done" }),
      event(3, "Taken", 2, { command_id: "c1" }),
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.steps).toEqual(["Done", "Taken"]);
  });

  test("a closing ends what opened the door last, and once", () => {
    const rows = mergeRows([
      event(1, "Granted", 0, { command_id: "c1" }),
      event(2, "DoorForcedOpen", 5),
      event(3, "DoorClosed", 9),
      event(4, "DoorClosed", 99),
    ]);
    expect(rows.map(({ event: { kind }, steps }) => [kind, ...steps])).toEqual([
      ["DoorClosed"],
      ["DoorForcedOpen", "DoorClosed"],
      ["Granted"],
    ]);
  });

  test("an outcome whose order is not in memory stands alone", () => {
    expect(mergeRows([event(9, "CommandOutcome", 0, { command_id: "lost", reason: "Expired" })])).toHaveLength(1);
  });

  test("the same refusal within a minute counts up in one row that keeps its key", () => {
    const refusals = [0, 5, 10].map((at, index) => event(index + 1, "Denied", at, { reason: "Unauthorized" }));
    const [row, ...others] = mergeRows(refusals);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ key: 1, count: 3, event: { cursor: 3 } });
  });

  test("a refusal for another reason, at another door or later than a minute is another row", () => {
    const rows = mergeRows([
      event(1, "Denied", 0, { reason: "Unauthorized" }),
      event(2, "Denied", 1, { reason: "CredentialExpired" }),
      event(3, "Denied", 2, { reason: "Unauthorized", door: "garage" }),
      event(4, "Denied", 90, { reason: "Unauthorized" }),
    ]);
    expect(rows.map((row) => row.event.cursor)).toEqual([4, 3, 2, 1]);
  });

  test("a repeat comes to the top", () => {
    const rows = mergeRows([
      event(1, "Denied", 0, { reason: "Unauthorized" }),
      event(2, "LinkDown", 1),
      event(3, "Denied", 2, { reason: "Unauthorized" }),
    ]);
    expect(rows.map((row) => row.event.kind)).toEqual(["Denied", "LinkDown"]);
  });
});
