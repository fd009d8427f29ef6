import { useEffect, useMemo, useReducer, useState } from "react";

import { Deck } from "./deck";

const TICK_MS = 50;

/** A deck that runs while the page is open; the page is drawn anew as its clock moves. */
export function useDeck(begin: number) {
  const deck = useMemo(() => new Deck(begin), [begin]);
  const [waits, setWaits] = useState(false);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let before = performance.now();
    let shown = deck.at;
    const timer = setInterval(() => {
      const now = performance.now();
      setWaits(deck.tick(now - before, now));
      before = now;
      if (Math.abs(deck.at - shown) >= 40) redraw();
      shown = deck.at;
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [deck]);
  return { deck, waits, redraw };
}
