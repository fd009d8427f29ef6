// Lines of the register that tell of one look are shown as one: the same person, camera, reason and deed, without a pause.

import type { RegisterLine } from "../api/types";

export interface Look extends RegisterLine {
  until: string; // when the last of its lines was written
}

const PAUSE_MS = 30 * 60_000;

const sameLook = (a: RegisterLine, b: RegisterLine) =>
  a.action === b.action && a.actor === b.actor && a.target === b.target && a.detail.reason === b.detail.reason;

/** Newest first, as they came. Only looking is folded: what was taken or kept stands line by line. */
export function folded(lines: readonly RegisterLine[]): Look[] {
  const found: Look[] = [];
  for (const line of lines) {
    const known = found.find(
      (look) => sameLook(look, line) && Date.parse(look.at) - Date.parse(line.at) < PAUSE_MS && isLook(line.action),
    );
    if (known) join(known, line);
    else found.push({ ...line, detail: { ...line.detail }, until: line.at });
  }
  return found;
}

const isLook = (action: string) => ["footage.watch", "footage.preview", "footage.still"].includes(action);

function join(look: Look, line: RegisterLine): void {
  look.at = line.at;
  const { from, to } = line.detail;
  if (from !== undefined && (look.detail.from === undefined || from < look.detail.from)) look.detail.from = from;
  if (to !== undefined && (look.detail.to === undefined || to > look.detail.to)) look.detail.to = to;
}
