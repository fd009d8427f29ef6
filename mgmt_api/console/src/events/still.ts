// A list must not move under the hand: it stands still while it is scrolled away or the pointer is busy in it.

import { useCallback, useRef, useState, type RefObject } from "react";

const POINTER_MS = 2500;
const TOP_PX = 8;

export interface Still {
  at: number | null; // the newest cursor that is shown while still, or null while it moves
  release: () => void;
  listeners: { onScroll: () => void; onPointerMove: () => void; onPointerLeave: () => void };
}

export function useStill(list: RefObject<HTMLElement | null>, newest: number): Still {
  const [at, setAt] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const settle = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    if ((list.current?.scrollTop ?? 0) <= TOP_PX) setAt(null);
  }, [list]);
  const hold = () => setAt((known) => known ?? newest);
  const onPointerMove = () => {
    hold();
    clearTimeout(timer.current);
    timer.current = setTimeout(settle, POINTER_MS);
  };
  const onScroll = () => {
    if ((list.current?.scrollTop ?? 0) > TOP_PX) hold();
    else if (timer.current === undefined) settle();
  };
  const release = () => {
    list.current?.scrollTo({ top: 0 });
    clearTimeout(timer.current);
    timer.current = undefined;
    setAt(null);
  };
  return { at, release, listeners: { onScroll, onPointerMove, onPointerLeave: settle } };
}
