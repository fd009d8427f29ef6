// Single keys for the whole page; silent while somebody types or composes Chinese, and with any modifier held.

import { useEffect, useRef } from "react";

export type KeyMap = Partial<Record<string, (event: KeyboardEvent) => void>>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

/** Calls `keys[event.key]`. Escape works while typing too. What is `inner` is asked before the page around it. */
export function useKeys(keys: KeyMap, inner = false): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (event.defaultPrevented || (typing(event.target) && event.key !== "Escape")) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", press, inner);
    return () => removeEventListener("keydown", press, inner);
  }, [inner]);
}
