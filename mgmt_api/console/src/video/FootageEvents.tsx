// What happened at the doors within the window of the timeline; a press leads there.

import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";

import type { AccessEvent, Door } from "../api/types";
import { eventFace } from "../events/event_face";
import { EventIcon } from "../events/EventIcon";
import { eventText } from "../events/event_text";
import { Repeats } from "../events/Repeats";
import { useSite } from "../frame/site";
import { lastStep, mergeRows, type Row as EventRow } from "../live/merge";
import { useFeed } from "../live/store";
import { named } from "../text/i18n";
import { timeOrDate } from "../text/time";
import { dayStart } from "./scale";

interface Props {
  events: readonly AccessEvent[]; // newest first
  at: number;
  onSeek: (moment: number) => void; // the same one at each drawing
}

const LEAD_MS = 2000; // a breath before it happened
const HERE_MS = 3000;
const MOST = 200;

export function FootageEvents({ events, at, onSeek }: Props) {
  const { t } = useTranslation();
  const { timezone } = useSite();
  const doors = useFeed((feed) => feed.doors);
  const byName = useMemo(() => new Map(doors.map((door) => [door.name, door])), [doors]);
  const rows = useMemo(() => mergeRows([...events].reverse()), [events]);
  const today = dayStart(at, timezone);
  return (
    <section className="panel footage-events" aria-label={t("playback.events")}>
      <header className="panel-head">
        <h2>{t("playback.events")}</h2>
        <span className="dim">{rows.length}</span>
      </header>
      <ol className="event-list">
        {rows.slice(0, MOST).map((row) => {
          const here = Math.abs(Date.parse(row.event.occurred_at) - at) < HERE_MS;
          return <Row key={row.key} row={row} doors={byName} today={today} here={here} onSeek={onSeek} />;
        })}
        {rows.length === 0 && <li className="empty">{t("playback.noEvents")}</li>}
      </ol>
    </section>
  );
}

interface RowProps {
  row: EventRow;
  doors: ReadonlyMap<string, Door>;
  today: number; // a moment of the day that is looked at
  here: boolean;
  onSeek: (moment: number) => void;
}

const Row = memo(function Row({ row, doors, today, here, onSeek }: RowProps) {
  const { t, i18n } = useTranslation();
  const { timezone, zones } = useSite();
  const { event, count } = row;
  const last = lastStep(row);
  const face = eventFace(event);
  const { what, where, who } = eventText(event, doors, zones, i18n.language, t);
  const moment = Date.parse(event.occurred_at);
  return (
    <li className={`event edge-${face.tone}${here ? " selected" : ""}`}>
      <button type="button" aria-pressed={here} onClick={() => onSeek(moment - LEAD_MS)}>
        <EventIcon face={face} />
        <span className="event-words">
          <span className="event-top">
            <strong className={`tone-${face.tone}`}>{what}</strong>
            <Repeats count={count} />
            <time dateTime={event.occurred_at}>{timeOrDate(moment, timezone, today)}</time>
          </span>
          <span className="event-place">
            <span className="event-where">{where}</span>
            {who && <span>{who}</span>}
            {last && <span className={`step step-${last}`}>{named(t, "step", last)}</span>}
          </span>
        </span>
      </button>
    </li>
  );
});
