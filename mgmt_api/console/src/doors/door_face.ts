// How a door looks in the list: one word, one icon, one colour. What a guard must see first wins.

import type { TFunction } from "i18next";

import type { Door } from "../api/types";
import { timeOrDate } from "../text/time";

export type Tone = "ok" | "bad" | "warn" | "calm" | "info";
export type FaceIcon = "locked" | "unlocked" | "open" | "alarm" | "late" | "blocked" | "offline" | "unknown";

export interface Face {
  group: "doorState" | "doorMode" | "doorAlarm"; // catalogue group of the word
  word: string;
  icon: FaceIcon;
  tone: Tone;
}

const MODES: Record<string, [FaceIcon, Tone]> = {
  Locked: ["locked", "ok"],
  DoubleLocked: ["locked", "ok"],
  Unlocked: ["unlocked", "info"],
  Accessed: ["unlocked", "info"],
  LockedOpen: ["unlocked", "warn"],
  Blocked: ["blocked", "warn"],
  LockedDown: ["blocked", "bad"],
};

export function doorFace(door: Door): Face {
  if (door.alarm === "DoorForcedOpen") return { group: "doorAlarm", word: door.alarm, icon: "alarm", tone: "bad" };
  if (door.alarm === "DoorOpenTooLong") return { group: "doorAlarm", word: door.alarm, icon: "late", tone: "warn" };
  if (!door.online) return { group: "doorState", word: "offline", icon: "offline", tone: "calm" };
  if (door.open && door.mode === "LockedOpen") {
    return { group: "doorState", word: "unlockedOpen", icon: "open", tone: "warn" };
  }
  if (door.open) return { group: "doorState", word: "open", icon: "open", tone: "info" };
  const [icon, tone] = MODES[door.mode] ?? (["unknown", "calm"] as const);
  return { group: "doorMode", word: door.mode, icon, tone };
}

/** What holds a door at its mode, and until when. */
export function heldBy(t: TFunction, door: Door, timezone: string): string {
  const by = t(`heldBy.${door.by ?? "rest"}`);
  if (door.until === null || door.until === undefined) return by;
  return t("heldBy.until", { by, time: timeOrDate(new Date(door.until * 1000).toISOString(), timezone, Date.now()) });
}
