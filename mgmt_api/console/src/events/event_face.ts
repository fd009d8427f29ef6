// How an event looks: tone, icon and group, as data.

import type { AccessEvent } from "../api/types";
import type { Tone } from "../doors/door_face";

export type EventIcon = "pass" | "refuse" | "alarm" | "late" | "remote" | "door" | "link" | "lost" | "system";

export interface EventFace {
  tone: Tone;
  icon: EventIcon;
  alarm?: boolean; // stands out in the feed
  lasts?: boolean; // stays in the alarm strip until somebody says that they saw it
}

const FACES: Record<string, EventFace> = {
  Granted: { tone: "ok", icon: "pass" },
  Denied: { tone: "bad", icon: "refuse" },
  Taken: { tone: "ok", icon: "door" },
  NotTaken: { tone: "calm", icon: "door" },
  DoorForcedOpen: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  DoorOpenTooLong: { tone: "warn", icon: "late", alarm: true },
  DoorClosed: { tone: "calm", icon: "door" },
  RemoteUnlock: { tone: "info", icon: "remote" },
  CommandOutcome: { tone: "calm", icon: "remote" },
  StaleRead: { tone: "warn", icon: "refuse" },
  LinkUp: { tone: "ok", icon: "link" },
  LinkDown: { tone: "warn", icon: "lost" },
  Tamper: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  PowerFault: { tone: "warn", icon: "alarm", alarm: true, lasts: true },
  ReaderAlarm: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  DeviceRecord: { tone: "info", icon: "system" },
  DeviceAlarm: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  KeyChanged: { tone: "info", icon: "system" },
  DeviceWork: { tone: "info", icon: "system" },
  TableAdopted: { tone: "calm", icon: "system" },
  Duress: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  Pardoned: { tone: "info", icon: "system" },
  RequestToExit: { tone: "calm", icon: "door" },
  DoorMode: { tone: "info", icon: "door" },
  Ordered: { tone: "info", icon: "remote" },
  FireReleased: { tone: "bad", icon: "alarm", alarm: true, lasts: true },
  FireEnded: { tone: "ok", icon: "system" },
  FireResetRefused: { tone: "warn", icon: "refuse" },
  GatewayStarted: { tone: "calm", icon: "system" },
};

export const eventFace = (event: AccessEvent): EventFace => FACES[event.kind] ?? { tone: "calm", icon: "system" };

export type Shown = "all" | "denied" | "alarms";

export function isShown(event: AccessEvent, shown: Shown): boolean {
  if (shown === "all") return true;
  const alarm = eventFace(event).alarm === true;
  return shown === "alarms"
    ? alarm
    : event.kind === "Denied" || event.kind === "StaleRead" || event.kind === "ReaderAlarm";
}
