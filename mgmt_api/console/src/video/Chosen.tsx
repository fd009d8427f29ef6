// Footage that was chosen on the timeline, to be taken out or kept: which, and how that is said.

import { useTranslation } from "react-i18next";

import type { Wanted } from "../api/calls";
import { day, timeOfDay } from "../text/time";
import type { Stretch } from "./scale";
import type { Lane } from "./timeline_paint";

export interface Chosen {
  lanes: readonly Lane[];
  range: Stretch;
  reason: string;
  timezone: string;
  onClose: () => void;
}

export const iso = (moment: number) => new Date(Math.round(moment)).toISOString();

export function wantedOf({ lanes, range }: Chosen, why: string): Wanted {
  return { cameras: lanes.map(({ name }) => name), from: iso(range.from), to: iso(range.to), reason: why.trim() };
}

export function ChosenFacts({ lanes, range, timezone }: Chosen) {
  const { t } = useTranslation();
  return (
    <dl className="facts">
      <dt>{t("export.cameras")}</dt>
      <dd>{lanes.map(({ label }) => label).join(" · ")}</dd>
      <dt>{t("export.time")}</dt>
      <dd>
        {day(range.from, timezone)} {timeOfDay(range.from, timezone)} – {timeOfDay(range.to, timezone)}
      </dd>
    </dl>
  );
}
