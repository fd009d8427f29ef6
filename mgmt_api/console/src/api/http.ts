// One way to the API: JSON in and out, and an RFC 9457 problem as an error.

const BASE = "/api/v1";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string, // last part of the problem's type, e.g. "password-change-required"; "" when there is none
    readonly detail: string,
  ) {
    super(detail || slug || `HTTP ${status}`);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

/** Nor within the time that an order waits: it may have arrived. */
export class Unanswered extends Unreachable {}

interface ProblemBody {
  type?: string;
  title?: string;
  detail?: string;
}

async function problem(response: Response): Promise<Problem> {
  let body: ProblemBody = {};
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // A proxy's page, not ours: the status alone speaks.
  }
  const slug = (body.type ?? "").split(/[/:#]/).pop() ?? "";
  return new Problem(response.status, slug, body.detail ?? body.title ?? "");
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  more: Pick<RequestInit, "signal"> & { headers?: Record<string, string> } = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...more.headers };
  const init: RequestInit = { ...more, method, headers, credentials: "same-origin" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  let response: Response, text: string;
  try {
    response = await fetch(BASE + path, init);
    text = response.ok ? await response.text() : "";
  } catch (error) {
    throw more.signal?.aborted ? new Unanswered(String(error)) : new Unreachable(String(error));
  }
  if (!response.ok) throw await problem(response);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** An answer whose body is no JSON. */
export async function bytes(path: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(BASE + path, { credentials: "same-origin", signal });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (!response.ok) throw await problem(response);
  return response;
}

export const urlOf = (path: string) => BASE + path;

export const get = <T>(path: string) => call<T>("GET", path);

/** The WebSocket address of an API path on this origin. */
export function socketUrl(path: string): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${BASE}${path}`;
}

/** A random id. `crypto.randomUUID` exists only over HTTPS, and many estates serve plain HTTP on their own network. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
