// The live feed: newest on top, still while it is read, older ones on request.

import { Button, Segmented } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { AccessEvent, Door } from "../api/types";
import { useSite } from "../frame/site";
import { mergeRows, type Row } from "../live/merge";
import { loadOlder, useFeed } from "../live/store";
import { matches } from "../text/filter";
import { isShown, type Shown } from "./event_face";
import { EventRow } from "./EventRow";
import { eventText, type EventText } from "./event_text";
import { useStill } from "./still";

interface Props {
  filter: string;
  selected: number | null; // cursor
  onOpen: (event: AccessEvent) => void;
}

function haystack(row: Row, doors: ReadonlyMap<string, Door>, text: EventText): string[] {
  const { event } = row;
  const label = doors.get(event.door ?? "")?.label;
  const labels = typeof label === "object" && label ? [label.zh, label.en] : [];
  const { what, where, who, why } = text;
  return [what, where, who, why, ...labels, event.door ?? "", event.reader ?? "", event.holder ?? ""];
}

export function EventFeed({ filter, selected, onOpen }: Props) {
  const { t, i18n } = useTranslation();
  const events = useFeed((feed) => feed.events);
  const { zones } = useSite();
  const doorList = useFeed((feed) => feed.doors);
  const cameras = useFeed((feed) => feed.cameras);
  const [shown, setShown] = useState<Shown>("all");
  const [ended, setEnded] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const newest = events[events.length - 1]?.cursor ?? 0;
  const still = useStill(list, newest);

  const doors = useMemo(() => new Map(doorList.map((door) => [door.name, door])), [doorList]);
  const seen = useMemo(() => new Set(cameras.flatMap((camera) => camera.doors ?? [])), [cameras]);
  const rows = useMemo(() => {
    const upTo = still.at === null ? events : events.filter((event) => event.cursor <= (still.at ?? 0));
    return mergeRows(upTo.filter((event) => shown === "all" || isShown(event, shown))).filter(
      (row) =>
        filter === "" || matches(filter, haystack(row, doors, eventText(row.event, doors, zones, i18n.language, t))),
    );
  }, [events, still.at, shown, filter, doors, zones, i18n.language, t]);
  const waiting = still.at === null ? 0 : events.filter((event) => event.cursor > (still.at ?? 0)).length;

  useEffect(() => {
    list.current?.scrollTo({ top: 0 });
  }, [shown]);

  return (
    <section className="panel feed" aria-label={t("feed.title")}>
      <header className="panel-head">
        <h2>{t("feed.title")}</h2>
        <Segmented<Shown>
          aria-label={t("feed.show")}
          value={shown}
          onChange={setShown}
          options={(["all", "denied", "alarms"] as const).map((value) => ({ value, label: t(`feed.${value}`) }))}
        />
      </header>
      {waiting > 0 && (
        <button type="button" className="news" onClick={still.release}>
          {t("feed.paused", { count: waiting })}
        </button>
      )}
      <ol
        ref={list}
        className="event-list"
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        {...still.listeners}
      >
        {rows.map((row) => (
          <EventRow
            key={row.key}
            row={row}
            doors={doors}
            selected={row.event.cursor === selected}
            pictured={seen.has(row.event.door ?? "")}
            onOpen={onOpen}
          />
        ))}
        <li className="event-end">
          {rows.length === 0 && <p className="empty">{events.length > 0 ? t("feed.noMatch") : t("feed.none")}</p>}
          {events.length > 0 && (
            <Button
              type="text"
              block
              disabled={ended}
              onClick={() =>
                void loadOlder().then(
                  (more) => setEnded(!more),
                  () => undefined,
                )
              }
            >
              {ended ? t("feed.noOlder") : t("feed.older")}
            </Button>
          )}
        </li>
      </ol>
    </section>
  );
}
