import { useQuery } from "@tanstack/react-query";

import { FALLBACK_SITE, site } from "../api/calls";
import type { Site } from "../api/types";

/** The estate's name and time zone; the house's own name until they are known. */
export function useSite(): Site {
  return useQuery({ queryKey: ["site"], queryFn: site, staleTime: Infinity }).data ?? FALLBACK_SITE;
}
