// What an event says, in the page's language.

import type { TFunction } from "i18next";

import type { AccessEvent, Door, Site } from "../api/types";
import { inLanguage, named } from "../text/i18n";
import { zoneText } from "../text/zone";

export interface EventText {
  what: string; // the result in a word
  where: string; // the door, else the reader or the gateway
  who: string; // "" where nobody is meant
  why: string; // a sentence
}

const PEOPLE = new Set(["Granted", "Denied", "StaleRead"]); // a passage alone does not tell whose it was

const OF_ZONES = new Set(["lockdown", "lockdown_release", "pardon"]); // orders, where they name no door

function who(event: AccessEvent, t: TFunction): string {
  if (event.operator && event.kind === "DeviceWork") return event.operator;
  if (event.operator) return t("who.operator", { operator: event.operator });
  const holder = event.holder_name ?? event.holder;
  if (holder) return holder;
  if (!PEOPLE.has(event.kind)) return "";
  return event.credential_type ? named(t, "who", event.credential_type) : t("who.unknown");
}

function why(event: AccessEvent, t: TFunction): string {
  const note = named(t, "note", event.kind);
  const { kind, reason } = event;
  if (kind === "Granted" && event.credential_type) return named(t, "who", event.credential_type);
  if (!reason) return note;
  if (kind === "CommandOutcome") return refusal(event, t) || named(t, "step", reason);
  if (kind === "DeviceWork") return workText(event, t);
  if (kind === "DoorMode") return modeText(event, t);
  if (kind === "Ordered") return `${named(t, "ordered", told(event, "action"))}: ${reason}`;
  const sentence = named(t, "reason", reason);
  if (sentence !== reason) return sentence;
  return kind === "RemoteUnlock" ? named(t, "unlockReason", reason) : `${note} (${reason})`;
}

/** A word of the event's detail. */
function told(event: AccessEvent, name: string): string {
  const word = event.detail?.[name];
  return typeof word === "string" ? word : "";
}

/** Why the gateway refused an order, if it says so by a reason that cards are refused by too. */
function refusal(event: AccessEvent | undefined, t: TFunction): string {
  const word = event ? told(event, "why") : "";
  return word && named(t, "reason", word);
}

/** The same, of an order that the page gave. */
export function refusalOf(events: readonly AccessEvent[], command: string | undefined, t: TFunction): string {
  return refusal(
    events.find(({ kind, command_id }) => kind === "CommandOutcome" && command_id === command),
    t,
  );
}

/** An installer's order at a reader or line, and how it ended once it did. */
function workText(event: AccessEvent, t: TFunction): string {
  const where = told(event, "line") || (event.reader ?? "");
  const result = told(event, "result");
  return [named(t, "work", event.reason ?? ""), where, result && named(t, "workResult", result)]
    .filter(Boolean)
    .join(" · ");
}

function modeText(event: AccessEvent, t: TFunction): string {
  const by = named(t, "heldBy", told(event, "by"));
  return `${named(t, "doorMode", event.reason ?? "")} · ${by}`;
}

export function eventText(
  event: AccessEvent,
  doors: ReadonlyMap<string, Door>,
  zones: Site["zones"],
  language: string,
  t: TFunction,
): EventText {
  const door = event.door ? doors.get(event.door) : undefined;
  const place = event.door ?? event.reader ?? event.access_point ?? event.gateway ?? "";
  return {
    what: named(t, "kind", event.kind),
    where:
      !event.door && OF_ZONES.has(told(event, "action"))
        ? zoneText(t, zones, language, told(event, "zone"))
        : inLanguage(door?.label, language, place || t("feed.system")),
    who: who(event, t),
    why: why(event, t),
  };
}
