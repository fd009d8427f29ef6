import type { TFunction } from "i18next";

import { named } from "../text/i18n";

/** Why a picture is missing, in the page's language; a reason without a text stands as the recorder wrote it. */
export const gapReason = (t: TFunction, reason: string): string => named(t, "gapReason", reason);

export const UNREACHABLE = "recorder-unreachable";

/** Why nothing is shown: nothing was recorded, or nobody knows whether anything was. */
export const missingText = (t: TFunction, reason: string): string =>
  reason === UNREACHABLE ? t("footage.recorderAway") : t("footage.notRecorded", { why: gapReason(t, reason) });
