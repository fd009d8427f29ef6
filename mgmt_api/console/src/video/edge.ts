// Chasing the live edge: where a live picture should play, given what is buffered.

export interface Ranges {
  length: number;
  start(index: number): number;
  end(index: number): number;
}

export interface Chase {
  seek: number | null; // seconds, or stay
  rate: number;
}

const TARGET_S = 0.3; // measured: 300 ms from lens to screen, one or two stalls at the start only
const JUMP_S = 1.5;

/** Jumps when more than `jump_s` behind or before the newest range; otherwise a slightly other speed. */
export function chase(buffered: Ranges, now_s: number, target_s = TARGET_S, jump_s = JUMP_S): Chase {
  if (buffered.length === 0) return { seek: null, rate: 1 };
  const last = buffered.length - 1;
  const [start, end] = [buffered.start(last), buffered.end(last)];
  const behind = end - now_s;
  if (now_s < start || behind > jump_s) return { seek: Math.max(start, end - target_s), rate: 1 };
  if (behind > target_s + 0.4) return { seek: null, rate: 1.15 };
  if (behind > target_s + 0.1) return { seek: null, rate: 1.05 };
  if (behind < target_s - 0.15) return { seek: null, rate: 0.97 };
  return { seek: null, rate: 1 };
}
