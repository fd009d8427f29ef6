// What a check looked at, in the page's language. Moments travel as Unix seconds.

import type { TFunction } from "i18next";

import { named } from "../text/i18n";
import { day, timeOfDay } from "../text/time";

const MOMENTS = new Set([
  "valid_from",
  "valid_to",
  "ends_at",
  "now",
  "iat",
  "nbf",
  "exp",
  "last",
  "first_at",
  "escort_at",
]);

export function factText(t: TFunction, name: string, value: unknown, timezone: string): string {
  const label = named(t, "fact", name);
  return `${label}: ${valueText(t, name, value, timezone)}`;
}

function valueText(t: TFunction, name: string, value: unknown, timezone: string): string {
  if (MOMENTS.has(name) && typeof value === "number") {
    const at = value * 1000;
    return `${day(at, timezone)} ${timeOfDay(at, timezone)}`;
  }
  if (typeof value === "boolean") return value ? t("why.yes") : t("why.no");
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(", ") : t("why.none");
  if (name === "state" && typeof value === "string") return named(t, "state", value);
  if (name === "class" && typeof value === "string") return named(t, "holderClass", value);
  if (name === "mode" && typeof value === "string") return named(t, "doorMode", value);
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}
