import type { TFunction } from "i18next";

import type { Held } from "../api/rights";
import { named } from "../text/i18n";

/** What people call a credential: its kind, and the end of its number or its id. */
export const credentialName = (t: TFunction, { type, tail, id }: Held): string =>
  `${named(t, "who", type)} ${tail ? `····${tail}` : id}`;
