// Events become rows: the outcome of a passage and the closing of the door join their beginning, repeats fold (×3).

import type { AccessEvent } from "../api/types";

export interface Row {
  key: number; // cursor of the first event: a row keeps its place in the page while it grows
  event: AccessEvent; // the latest of the repeats
  steps: string[]; // what followed the grant or the order, oldest first: kinds or outcomes
  count: number;
}

/** What became of it: a door that closed again says less than what came before. */
export const lastStep = ({ steps }: Row): string | undefined =>
  steps.filter((step) => step !== "DoorClosed").pop() ?? steps[steps.length - 1];

const REPEAT_MS = 60_000;
const FOLLOW_UPS = new Set(["Taken", "NotTaken", "CommandOutcome", "DoorClosed"]);
const OPENINGS = new Set(["Granted", "RemoteUnlock", "Taken", "DoorForcedOpen", "DoorOpenTooLong"]);
const STARTERS = new Set(["Granted", "RemoteUnlock"]);

function signature(event: AccessEvent): string {
  const { kind, gateway, door, access_point, reader, holder, credential, reason, operator } = event;
  return JSON.stringify([kind, gateway, door, access_point, reader, holder, credential, reason, operator]);
}

const doorOf = ({ gateway, door }: AccessEvent) => `${gateway ?? ""}/${door ?? ""}`;

const at = (event: AccessEvent) => Date.parse(event.occurred_at);

/** Rows of events given oldest first; the rows come newest first. */
export function mergeRows(events: readonly AccessEvent[]): Row[] {
  const rows: Row[] = [];
  const ofCommand = new Map<string, Row>();
  const ofSignature = new Map<string, Row>();
  const atDoor = new Map<string, Row>(); // what the door's next closing ends
  for (const event of events) {
    const started = event.command_id ? ofCommand.get(event.command_id) : undefined;
    if (started && FOLLOW_UPS.has(event.kind)) {
      started.steps.push(event.kind === "CommandOutcome" ? (event.reason ?? "Unknown") : event.kind);
      continue;
    }
    const passed = event.kind === "DoorClosed" ? atDoor.get(doorOf(event)) : undefined;
    if (passed) {
      passed.steps.push(event.kind);
      atDoor.delete(doorOf(event));
      continue;
    }
    const mark = signature(event);
    let row = ofSignature.get(mark);
    if (row && at(event) - at(row.event) <= REPEAT_MS) {
      row.event = event;
      row.count += 1;
      row.steps = [];
    } else {
      row = { key: event.cursor, event, steps: [], count: 1 };
      rows.push(row);
      ofSignature.set(mark, row);
    }
    if (event.command_id && STARTERS.has(event.kind)) ofCommand.set(event.command_id, row);
    if (OPENINGS.has(event.kind)) atDoor.set(doorOf(event), row);
  }
  return rows.sort((one, other) => other.event.cursor - one.event.cursor);
}
