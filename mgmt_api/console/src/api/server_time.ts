// The server's clock as this page knows it: the last time heard, and what has passed since by a clock that nobody sets.

let heard: { at_s: number; since_ms: number } | null = null;

export function hearTime(at_s: number): void {
  heard = { at_s, since_ms: performance.now() };
}

/** When an order is given: the server drops one that was long on its way. Nothing where no time was heard. */
export const givenAt = (): Record<string, string> =>
  heard === null ? {} : { "Given-At": (heard.at_s + (performance.now() - heard.since_ms) / 1000).toFixed(3) };
