import type { TFunction } from "i18next";

import { named } from "./i18n";

/** Why somebody looked, in the page's language: a preset reason and an event's number are kept as a word. */
export function reasonText(t: TFunction, reason: string): string {
  const event = /^event (\d+)$/.exec(reason);
  return event ? t("register.ofEvent", { n: event[1] }) : named(t, "lookReason", reason);
}
