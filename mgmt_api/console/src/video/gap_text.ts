import type { TFunction } from "i18next";

import { named } from "../text/i18n";

/** Why a picture is missing, in the page's language; a reason without a text stands as the recorder wrote it. */
export const gapReason = (t: TFunction, reason: string): string => named(t, "gapReason", reason);
