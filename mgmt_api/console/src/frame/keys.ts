// Single keys for the whole page; silent while somebody types or composes Chinese, with any modifier held, and behind
// whatever lies over the page: a digit that opens a door would open one that nobody sees.

import { useEffect, useRef } from "react";

export type KeyMap = Partial<Record<string, (event: KeyboardEvent) => void>>;

const OVER = [".ant-modal", ".ant-dropdown", ".ant-select-dropdown", ".ant-picker-dropdown", ".ant-popover"]
  .map((each) => `${each}:not([class*="-leave"])`)
  .join();
const PRESSED = "button, a, summary, [role=button], [role=switch], [role=tab], [role=menuitem]"; // by space or Enter

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

const pressing = ({ key, target }: KeyboardEvent) =>
  (key === " " || key === "Enter") && target instanceof Element && target.closest(PRESSED) !== null;

let behind = false; // a dialog or menu lies over the page; looked at before it closes by this very key
addEventListener(
  "keydown",
  () => (behind = [...document.querySelectorAll(OVER)].some((each) => each.getClientRects().length > 0)),
  true,
);

/** Whose keys they are: the page's, a part's within it (asked before the page), or those of what lies over it. */
type Place = "page" | "inner" | "over";

/** Calls `keys[event.key]`. Escape works while typing too. */
export function useKeys(keys: KeyMap, place: Place = "page"): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (
        (behind && place !== "over") ||
        event.isComposing ||
        event.ctrlKey ||
        event.altKey ||
        event.metaKey ||
        event.repeat
      )
        return;
      if (event.defaultPrevented || pressing(event) || (typing(event.target) && event.key !== "Escape")) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    const early = place !== "page";
    addEventListener("keydown", press, early);
    return () => removeEventListener("keydown", press, early);
  }, [place]);
}
