import type { TFunction } from "i18next";

import type { Label } from "../api/types";
import { inLanguage } from "./i18n";

/** A zone as people call it; the whole site where none is meant. */
export const zoneText = (t: TFunction, zones: Record<string, Label>, language: string, zone: string): string =>
  zone === "" ? t("lockdown.site") : t("lockdown.zone", { zone: inLanguage(zones[zone], language, zone) });
