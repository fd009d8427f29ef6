import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";

import { Deck } from "./deck";

const TICK_MS = 50;

/** A deck that runs while the page is open; the page is drawn anew as its clock moves. */
export function useDeck(begin: number) {
  const deck = useMemo(() => new Deck(begin), [begin]);
  const [waits, setWaits] = useState(false);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const drawn = useRef(begin);
  const redraw = useCallback(() => {
    drawn.current = deck.at; // so that a seek is not drawn twice: the second time would delay its picture
    draw();
  }, [deck]);
  useEffect(() => {
    let before = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      setWaits(deck.tick(now - before, now));
      before = now;
      if (Math.abs(deck.at - drawn.current) >= 40) redraw();
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [deck, redraw]);
  return { deck, waits, redraw };
}
