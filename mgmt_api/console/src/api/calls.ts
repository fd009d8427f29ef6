// The calls that the console makes, each by name.

import { bytes, call, get, Problem, randomId, urlOf } from "./http";
import { givenAt } from "./server_time";
import type {
  AccessEvent,
  CameraAlarm,
  CameraTimeline,
  Clip,
  CommandState,
  Drawing,
  Export,
  Hold,
  KnownDrawing,
  RegisterLine,
  Site,
  Span,
  Still,
  User,
} from "./types";

export const FALLBACK_SITE: Site = {
  name: { zh: "Menjin 门禁", en: "Menjin" },
  timezone: "Asia/Shanghai",
  zones: {},
  missing_special_days: [],
};

/** The user of this browser's session, or null when nobody is logged in. */
export async function session(): Promise<User | null> {
  try {
    return (await get<{ user: User }>("/session")).user;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

export const logIn = async (username: string, password: string): Promise<User> =>
  (await call<{ user: User }>("POST", "/session", { username, password })).user;

export const logOut = () => call("DELETE", "/session");

export const changePassword = (old: string, fresh: string) => call("POST", "/session/password", { old, new: fresh });

export async function site(): Promise<Site> {
  try {
    return { ...FALLBACK_SITE, ...(await get<Site>("/site")) };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return FALLBACK_SITE;
    throw error;
  }
}

export const history = (limit: number, before?: number) =>
  get<{ events: AccessEvent[] }>(`/events?limit=${limit}${before === undefined ? "" : `&before=${before}`}`);

export const footage = (cursor: number) => get<{ clips: Clip[] }>(`/events/${cursor}/footage`);

const ANSWER_MS = 5000;

/** An order: once, and no answer is an end too. */
const ordered = <T>(path: string, body: unknown) =>
  call<T>("POST", path, body, {
    headers: { "Idempotency-Key": randomId(), ...givenAt() },
    signal: AbortSignal.timeout(ANSWER_MS),
  });

export const unlock = (door: string, reason: string) =>
  ordered<{ command_id: string; expires_at: string | number }>(`/doors/${encodeURIComponent(door)}/unlock`, { reason });

export interface OrderBody {
  action: "mode" | "mode_release" | "lockdown" | "lockdown_release" | "fire_reset" | "pardon";
  reason: string;
  door?: string;
  zone?: string;
  mode?: string;
  for_s?: number;
  person?: string;
}

export const giveOrder = (order: OrderBody) =>
  ordered<{ commands: { gateway: string; command_id: string }[]; expires_at: string }>("/orders", order);

export const commandState = (id: string) => get<CommandState>(`/commands/${encodeURIComponent(id)}`);

const span = ({ from, to }: Span) => `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
const named = (camera: string) => `/cameras/${encodeURIComponent(camera)}`;
const because = (reason: string) => `reason=${encodeURIComponent(reason)}`;

export const timelines = (within: Span) => get<Record<string, CameraTimeline>>(`/timeline?${span(within)}`);

export const eventsWithin = (within: Span, limit: number) =>
  get<{ events: AccessEvent[] }>(`/events?${span(within)}&limit=${limit}`);

/** A piece of footage: its bytes as they come, its type, and its wall time; null where nothing is recorded. */
export async function piece(camera: string, within: Span, reason: string, codec: string | null, signal: AbortSignal) {
  const chosen = codec === null ? "" : `&codec=${codec}`;
  try {
    const answer = await bytes(`${named(camera)}/clip?${span(within)}&${because(reason)}${chosen}`, signal);
    const when = (name: string) => Date.parse(answer.headers.get(name) ?? "");
    const mime = answer.headers.get("Content-Type") ?? "";
    const body = answer.body ?? new Blob().stream(); // a stream that nobody closes would be read for ever
    return { body, mime, from: when("X-Clip-Start"), to: when("X-Clip-End") };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

export const strip = (camera: string, within: Span, reason: string, count: number) =>
  get<Still[]>(`${named(camera)}/strip?${span(within)}&${because(reason)}&count=${count}`);

export const stillUrl = (camera: string, at: string, reason: string) =>
  urlOf(`${named(camera)}/still.jpg?at=${encodeURIComponent(at)}&${because(reason)}`);

const eventStill = (cursor: number, width: number, camera = "") =>
  `/events/${cursor}/still.jpg?width=${width}${camera && `&camera=${encodeURIComponent(camera)}`}`;

export const eventStillUrl = (cursor: number, width: number, camera = "") => urlOf(eventStill(cursor, width, camera));

/** Asks for a picture that did not come, to hear why. */
export const eventStillFault = (cursor: number, width: number, camera: string) =>
  get<unknown>(eventStill(cursor, width, camera));

export interface Wanted extends Span {
  cameras: string[];
  reason: string;
}

export const takeOut = (wanted: Wanted & { events: boolean; watermark: boolean }) =>
  call<Export>("POST", "/clips", wanted);

export const exported = (id: string) => get<Export>(`/clips/${encodeURIComponent(id)}`);

export const holds = () => get<Hold[]>("/holds");

export const hold = (wanted: Wanted & { until?: string }) => call<Hold[]>("POST", "/holds", wanted);

export const liftHold = (id: string, reason: string) =>
  call("DELETE", `/holds/${encodeURIComponent(id)}?${because(reason)}`);

export const register = (before?: number) =>
  get<{ entries: RegisterLine[]; next: number | null }>(
    `/register?limit=200${before === undefined ? "" : `&before=${before}`}`,
  );

export const auditProof = () => get<{ whole: boolean; fault: number | null }>("/audit/proof");

export const drawingOf = (camera: string) => get<KnownDrawing>(`${named(camera)}/drawing`);

export const draw = (camera: string, drawing: Drawing) => call<Drawing>("PUT", `${named(camera)}/drawing`, drawing);

export const relearn = (camera: string) => call("DELETE", `${named(camera)}/reference`);

export const cameraAlarms = (limit: number, before?: number) =>
  get<{ alarms: CameraAlarm[]; next: number | null }>(
    `/camera-alarms?limit=${limit}${before === undefined ? "" : `&before=${before}`}`,
  );

export const acknowledge = (id: number, note = "") => call<CameraAlarm>("POST", `/camera-alarms/${id}/ack`, { note });

export const alarmStill = (id: number) => urlOf(`/camera-alarms/${id}/still.jpg`);
