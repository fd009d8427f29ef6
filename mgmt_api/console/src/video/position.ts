// Where a wall-clock moment lies in a playlist whose files carry their start times.

export interface Piece {
  start: number; // seconds in the playlist
  duration: number;
  programDateTime: number | null; // Unix milliseconds
}

/** Playlist seconds of a moment; the next recorded second when nothing was recorded then; null when all is earlier. */
export function positionOf(pieces: readonly Piece[], moment_ms: number): number | null {
  for (const { start, duration, programDateTime } of pieces) {
    if (programDateTime === null || programDateTime + duration * 1000 <= moment_ms) continue;
    return start + Math.max(0, (moment_ms - programDateTime) / 1000);
  }
  return null;
}

/** Where a playlist ends: its seconds, and the wall clock in Unix milliseconds. */
export function endOf(pieces: readonly Piece[]): { position_s: number; moment_ms: number } | null {
  const last = pieces[pieces.length - 1];
  if (last === undefined || last.programDateTime === null) return null;
  return { position_s: last.start + last.duration, moment_ms: last.programDateTime + last.duration * 1000 };
}
