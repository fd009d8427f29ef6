import { memo } from "react";
import { useTranslation } from "react-i18next";

import type { AccessEvent, Door } from "../api/types";
import { lastStep, type Row } from "../live/merge";
import { useSite } from "../frame/site";
import { named } from "../text/i18n";
import { day, timeOfDay, timeOrDate } from "../text/time";
import { eventFace } from "./event_face";
import { EventIcon } from "./EventIcon";
import { eventText } from "./event_text";
import { Repeats } from "./Repeats";
import { Thumbnail } from "./Thumbnail";

interface Props {
  row: Row;
  doors: ReadonlyMap<string, Door>;
  selected: boolean;
  pictured: boolean; // a camera sees its door
  onOpen: (event: AccessEvent) => void;
}

export const EventRow = memo(
  function EventRow({ row, doors, selected, pictured, onOpen }: Props) {
    const { t, i18n } = useTranslation();
    const { timezone, zones } = useSite();
    const { event, count } = row;
    const face = eventFace(event);
    const { what, where, who, why } = eventText(event, doors, zones, i18n.language, t);
    const time = timeOfDay(event.occurred_at, timezone);
    const last = lastStep(row);
    return (
      <li className={`event${face.alarm ? " event-alarm" : ""}${selected ? " selected" : ""} edge-${face.tone}`}>
        <button type="button" title={t("feed.footage")} aria-pressed={selected} onClick={() => onOpen(event)}>
          <EventIcon face={face} />
          <span className="event-words">
            <span className="event-top">
              <strong className={`tone-${face.tone}`}>{what}</strong>
              <Repeats count={count} />
              <time dateTime={event.occurred_at} title={`${day(event.occurred_at, timezone)} ${time}`}>
                {timeOrDate(event.occurred_at, timezone, Date.now())}
              </time>
            </span>
            <span className="event-place">
              <span className="event-where">{where}</span>
              {who && <span>{who}</span>}
            </span>
            <span className="event-why">
              <span>{why}</span>
              {last && <span className={`step step-${last}`}>{named(t, "step", last)}</span>}
            </span>
          </span>
          {pictured && <Thumbnail key={event.cursor} event={event} />}
        </button>
      </li>
    );
  },
  (before, after) =>
    before.row.event === after.row.event &&
    before.row.count === after.row.count &&
    before.row.steps.length === after.row.steps.length &&
    before.doors === after.doors &&
    before.selected === after.selected &&
    before.pictured === after.pictured &&
    before.onOpen === after.onOpen,
);
