// Rights and residents: the calls and the shapes that travel.

import { call, get } from "./http";

export interface Step {
  reason: string;
  outcome: string; // passed, refused, also refuses, not asked, not known
  facts: Record<string, unknown>;
  zh: string;
  en: string;
}

export interface Verdict {
  door: string;
  access_point: string;
  decision: string; // Granted or Denied
  reason: string;
  policy: string;
  zh: string;
  en: string;
  steps: Step[];
  agrees?: boolean; // with what the journal says
}

export interface Explanation {
  at: string;
  table_version: number;
  credential: string;
  resident: string;
  answers: Verdict[];
}

export interface Hold {
  state: string;
  reason: string;
  by: string;
  at: string;
}

export interface Held {
  id: string;
  type: string;
  format: string;
  tail: string;
  state: string;
  office_state: string;
  hold: Hold | null;
  valid_from: string | null;
  valid_to: string | null;
}

export interface Resident {
  id: string;
  name: string;
  unit: string;
  holder_class: string;
  phone: string;
  id_number: string;
  credentials: Held[];
}

export interface Right {
  door: string;
  access_point: string;
  to: string;
  policy: string;
  credential: string;
}

const path = encodeURIComponent;

export const explainEvent = (cursor: number) => get<Explanation>(`/events/${cursor}/explanation`);

export const explainDoor = (door: string, credential: string) =>
  call<Explanation>("POST", `/doors/${path(door)}/explain`, { credential });

export const PAGE = 50;

export const findResidents = (query: string, after?: string) =>
  get<Resident[]>(`/residents?query=${path(query)}&limit=${PAGE}${after === undefined ? "" : `&after=${path(after)}`}`);

export const whereCan = (resident: string) => get<{ rights: Right[] }>(`/residents/${path(resident)}/where-can`);

export const whereCanCsv = (resident: string) => `/api/v1/residents/${path(resident)}/where-can?format=csv`;

export const stopCredential = (id: string, state: string, reason: string) =>
  call("POST", `/credentials/${path(id)}/stop`, { state, reason });

export const restoreCredential = (id: string, reason: string) =>
  call("POST", `/credentials/${path(id)}/restore`, { reason });

export const reveal = (resident: string, reason: string) =>
  call<{ phone: string; id_number: string }>("POST", `/residents/${path(resident)}/reveal`, { reason });
