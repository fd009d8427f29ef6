// The console's pages: their order in the bar and who may open them. The address names one: `#/footage?at=…`.

import { useSyncExternalStore } from "react";

export type PageName = "board" | "people" | "footage" | "register" | "cameras" | "camera-alarms";

export const PAGES: readonly { name: PageName; roles: readonly string[] }[] = [
  { name: "board", roles: ["admin", "guard", "auditor"] },
  { name: "footage", roles: ["admin", "guard", "auditor"] },
  { name: "register", roles: ["admin", "auditor"] },
  { name: "people", roles: ["admin", "guard", "auditor"] },
  { name: "camera-alarms", roles: ["admin", "guard", "auditor"] },
  { name: "cameras", roles: ["admin", "guard", "auditor"] },
];

export interface Place {
  page: PageName;
  query: URLSearchParams;
}

export const pagesOf = (role: string) => PAGES.filter(({ roles }) => roles.includes(role));

/** The page that an address' fragment names; the board for any other. */
export function placeOf(fragment: string): Place {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const page = PAGES.find(({ name }) => name === path)?.name ?? "board";
  return { page, query: new URLSearchParams(query) };
}

/** Opens a page; the browser's "back" leads back. */
export function open(page: PageName, query: Record<string, string> = {}): void {
  const words = new URLSearchParams(query).toString();
  location.hash = `#/${page}${words && `?${words}`}`;
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

export const useFragment = () => useSyncExternalStore(subscribe, () => location.hash);
