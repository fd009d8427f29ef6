// What stands over doors: fires by their zone, and lockdowns by their place.

import type { Door } from "../api/types";

export interface Standing {
  kind: "fire" | "lockdown";
  place: string; // a fire zone; "site", "zone <id>" or "door <name>"
  whole: boolean; // of a fire: its loop is whole again, so that it may be reset
  doors: number;
}

export function standingOf(doors: readonly Door[]): Standing[] {
  const found = new Map<string, Standing>();
  const count = (kind: Standing["kind"], place: string, whole: boolean) => {
    const known = found.get(`${kind} ${place}`);
    const one = { kind, place, whole: whole && (known?.whole ?? true), doors: (known?.doors ?? 0) + 1 };
    found.set(`${kind} ${place}`, one);
  };
  for (const door of doors) {
    if (door.fire && door.fire !== "Clear") count("fire", door.fire_zone ?? "", door.fire === "Latched");
    for (const place of door.locked_down_by ?? []) count("lockdown", place, true);
  }
  return [...found.values()].sort(
    (one, other) => one.kind.localeCompare(other.kind) || one.place.localeCompare(other.place),
  );
}

/** A lockdown's place as an order names it. */
export function orderedPlace(place: string): { zone?: string; door?: string } {
  const [kind, ...rest] = place.split(" ");
  const name = rest.join(" ");
  return kind === "zone" ? { zone: name } : kind === "door" ? { door: name } : {};
}
