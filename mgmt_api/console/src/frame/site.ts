import { useQuery } from "@tanstack/react-query";

import { FALLBACK_SITE, site } from "../api/calls";
import type { Site } from "../api/types";

const HOUR_MS = 3_600_000; // so often a page that stays open asks which special days are missing

/** The estate's name, time zone and missing special days; the house's own name until they are known. */
export function useSite(): Site {
  const asked = { queryKey: ["site"], queryFn: site, staleTime: Infinity, refetchInterval: HOUR_MS };
  return useQuery(asked).data ?? FALLBACK_SITE;
}
