// The values of the HTTP API and of /api/v1/ws, as they travel.

export interface Label {
  zh: string;
  en: string;
}

export const DOOR_MODES = [
  "Locked",
  "Unlocked",
  "Accessed",
  "Blocked",
  "LockedDown",
  "LockedOpen",
  "DoubleLocked",
  "Unknown",
] as const;
export type DoorMode = (typeof DOOR_MODES)[number];

export interface Door {
  name: string;
  number: number;
  label?: Label | string | null;
  mode: string; // a DoorMode, or one that this console does not know yet
  alarm: string; // Normal, DoorForcedOpen or DoorOpenTooLong
  open: boolean | null; // null: the door has no contact, or it has not been heard
  online: boolean;
  gateway?: string;
  cameras?: string[];
  by?: string; // what holds it at its mode: fire, lockdown, guard, schedule or rest
  until?: number | null; // when a guard's mode ends, Unix seconds
  fire?: string; // Clear, Burning or Latched
  fire_zone?: string;
  zones?: string[];
  locked_down_by?: string[]; // "site", "zone <id>", "door <name>"
  may_block?: boolean;
}

export interface Camera {
  name: string;
  label?: Label | string | null;
  doors?: string[];
  state: string;
  since?: string | number | null;
  sub?: string | null; // the name of its small stream
}

export interface AccessEvent {
  cursor: number;
  gateway?: string;
  kind: string;
  occurred_at: string; // ISO 8601 UTC
  recorded_at?: string;
  door?: string;
  access_point?: string;
  reader?: string;
  credential?: string;
  credential_type?: string;
  holder?: string;
  holder_name?: string;
  reason?: string;
  policy?: string;
  raw?: string;
  command_id?: string;
  operator?: string;
  clock?: string;
  detail?: Record<string, unknown>;
}

export interface CommandState {
  id?: string;
  command_id?: string;
  door?: string;
  state: string; // queued, sent, Done, Refused, Expired, Unknown
  expires_at?: string | number;
  detail?: string;
}

export interface User {
  username: string;
  role: string; // admin, guard, auditor
  must_change: boolean;
}

export interface Site {
  name: Label;
  timezone: string;
  zones: Record<string, Label>; // the names of those at doors
  missing_special_days: { id: string; year: number }[]; // that schedules heed, and nobody wrote yet
}

export interface Gap {
  from: string;
  to: string | null; // null: it lasts
  reason: string;
}

export interface Clip {
  camera: string;
  label?: Label | string | null;
  from: string;
  to: string;
  playlist: string;
  reason: string; // of looking at it, for the register
  recorded: boolean;
  gaps?: Gap[];
}

export interface Span {
  from: string;
  to: string;
}

export interface Hold extends Span {
  id: string;
  camera: string;
  reason: string;
  by: string;
  until: string | null;
}

export interface Mark extends Span {
  class: string; // motion, event
  reason: string;
}

/** What of a camera is recorded, what is missing and why. */
export interface CameraTimeline {
  recorded: { start: string; end: string; bytes: number }[];
  gaps: Gap[];
  erased: (Span & { reason: string })[];
  holds: Hold[];
  marks?: Mark[];
}

export interface Still {
  at: string;
  jpeg: string; // base64
}

export interface Export {
  id: string;
  stage: "working" | "ready" | "failed";
  share: number;
  bytes: number | null;
  manifest: string | null;
  parts: number;
  name: string;
  failure: string | null;
  keys: string[]; // public keys of the recorders that signed it
  file: string | null;
}

export interface RegisterLine {
  id: number;
  at: string;
  actor: string;
  role: string;
  action: string; // footage.watch, footage.export, …
  target: string;
  detail: Partial<Record<"from" | "to" | "reason" | "export" | "manifest" | "hold" | "watermark" | "held_for", string>>;
}

export type ServerMessage =
  | { type: "hello"; cursor: number; doors: Door[]; cameras: Camera[] }
  | { type: "event"; event: AccessEvent }
  | { type: "doors"; doors: Door[] }
  | { type: "cameras"; cameras: Camera[] }
  | { type: "camera_alarms"; alarms: CameraAlarm[] }
  | { type: "command"; command: CommandState }
  | { type: "pong"; at?: number }; // the server's clock, Unix seconds

export type Point = [number, number]; // shares of the picture, from its top left corner

export interface ArmedWindow {
  days: string[]; // mon … sun
  begin: string; // 22:00
  end: string; // not later than begin: over midnight
}

export interface MonitoringZone {
  name: string;
  polygon: Point[];
  sensitivity: number; // 1 to 100
  dwell_s: number;
  windows: ArmedWindow[]; // none: always armed
  door: string | null; // whoever is here has passed it
}

export interface Mask {
  name: string;
  polygon: Point[];
}

export interface Drawing {
  revision: number;
  zones: MonitoringZone[];
  masks: Mask[];
}

export interface KnownDrawing {
  drawing: Drawing;
  held?: number | null; // the revision that the recorder watches with; null: it is away
  watched?: string | null; // a recorder's state; null: nobody looks at this picture
}

export interface CameraAlarm {
  id: number;
  camera: string;
  kind: string; // motion, black, frozen, blurred, moved, wrong_time, lost
  zone: string;
  door: string;
  from: string;
  to: string | null; // null: it lasts
  detail: string;
  still: boolean;
  passage: string; // "", pending, passed, free, tailgating, unknown
  acked_by: string;
  acked_at: string | null;
  note: string;
}
