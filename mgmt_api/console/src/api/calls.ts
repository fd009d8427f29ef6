// The calls that the console makes, each by name.

import { call, get, Problem, randomId } from "./http";
import type { AccessEvent, Clip, CommandState, Site, User } from "./types";

export const FALLBACK_SITE: Site = { name: { zh: "Menjin 门禁", en: "Menjin" }, timezone: "Asia/Shanghai" };

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

export const unlock = (door: string, reason: string) =>
  call<{ command_id: string; expires_at: string | number }>(
    "POST",
    `/doors/${encodeURIComponent(door)}/unlock`,
    { reason },
    { "Idempotency-Key": randomId() },
  );

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
  call<{ commands: { gateway: string; command_id: string }[]; expires_at: string }>("POST", "/orders", order, {
    "Idempotency-Key": randomId(),
  });

export const commandState = (id: string) => get<CommandState>(`/commands/${encodeURIComponent(id)}`);
