// How many pictures side by side make them largest.

import { useLayoutEffect, useState, type RefObject } from "react";

const ASPECT = 16 / 9;

/** The number of columns in which `count` pictures of 16:9 are widest within a space. */
export function bestColumns(count: number, width: number, height: number): number {
  let best = { columns: 1, picture: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const picture = Math.min(width / columns, (height / rows) * ASPECT);
    if (picture > best.picture) best = { columns, picture };
  }
  return best.columns;
}

/** As above for an element, again whenever its size changes. */
export function useColumns(element: RefObject<HTMLElement | null>, count: number): number {
  const [size, setSize] = useState({ width: 16, height: 9 });
  useLayoutEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => entry && setSize(entry.contentRect));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return bestColumns(count, size.width, size.height);
}
