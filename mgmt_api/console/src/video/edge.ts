// Chasing the live edge: as little behind the newest picture as this camera and this network allow.
//
// What counts is what was still left to play when the next fragment came, at the least over a while: more than a cushion
// is delay that nobody needs; less means that the picture is about to stand still. So the frame rate, the length of the
// fragments and the network's unrest need not be known.

export interface Ranges {
  length: number;
  start(index: number): number;
  end(index: number): number;
}

export interface Chase {
  seek: number | null; // seconds, or stay
  rate: number;
}

const CUSHION_S = 0.08; // left at the least when the next fragment comes: decoder, screen and a breath
const LOW_S = 0.03;
const OVER_MS = 2000; // the while
const START_S = 0.3; // behind the end at first, as long as nothing is known
const JUMP_S = 1;

export class Edge {
  private left: { at: number; seconds: number }[] = [];
  private begun = false;

  /** A fragment came, at this time in milliseconds: what was there before it? */
  came(buffered: Ranges, now_s: number, at: number): void {
    if (buffered.length === 0) return;
    const seconds = buffered.end(buffered.length - 1) - now_s;
    this.left = [...this.left.filter((each) => at - each.at < OVER_MS), { at, seconds }];
  }

  /** Jumps at first, and when far behind or before the newest range; otherwise a slightly other speed. */
  chase(buffered: Ranges, now_s: number): Chase {
    if (buffered.length === 0) return { seek: null, rate: 1 };
    const last = buffered.length - 1;
    const [start, end] = [buffered.start(last), buffered.end(last)];
    // Chromium that begins to play with a picture or two plays in fits and starts for good, until it is sent elsewhere.
    if (!this.begun && end - start < START_S) return { seek: null, rate: 1 };
    if (!this.begun || now_s < start || end - now_s > JUMP_S) {
      this.begun = true;
      this.left = [];
      return { seek: Math.max(start, end - START_S), rate: 1 };
    }
    if (this.left.length < 2) return { seek: null, rate: 1 };
    const least = Math.min(...this.left.map(({ seconds }) => seconds));
    if (least < LOW_S) return { seek: null, rate: 0.95 };
    return { seek: null, rate: 1 + Math.min(0.15, Math.max(0, least - CUSHION_S)) };
  }
}
