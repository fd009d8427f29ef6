import { CheckOutlined, PlayCircleOutlined, VideoCameraOutlined, WarningFilled } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import type { AccessEvent, Door } from "../api/types";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage, named } from "../text/i18n";
import { timeOrDate } from "../text/time";
import { alarmsOf } from "./alarms";
import { beepWhile } from "./sound";

const MOST = 4; // the strip never pushes the doors off the screen

interface Props {
  sound: boolean;
  onFootage: (event: AccessEvent) => void;
  onDoor: (door: Door) => void;
}

/** The current time, renewed every `every_ms`. */
function useNow(every_ms: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const id = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(id);
  }, [every_ms]);
  return now;
}

export function AlarmStrip({ sound, onFootage, onDoor }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const events = useFeed((feed) => feed.events);
  const doors = useFeed((feed) => feed.doors);
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const now = useNow(10_000);
  const alarms = alarmsOf(events, doors, seen, now);
  const loud = sound && alarms.length > 0;
  useEffect(() => (loud ? beepWhile() : undefined), [loud]);

  return (
    <div className="alarms" role="alert" aria-live="assertive" aria-label={t("alarm.strip")}>
      {alarms.slice(0, MOST).map(({ key, kind, place, event, active }) => {
        const door = doors.find(({ name }) => name === place);
        return (
          <div key={key} className={`alarm alarm-${kind}${active ? " active" : ""}`}>
            <WarningFilled aria-hidden />
            <strong>{named(t, "kind", kind)}</strong>
            <span className="alarm-where">{inLanguage(door?.label, i18n.language, place)}</span>
            <span className="alarm-why">
              {event && <time dateTime={event.occurred_at}>{timeOrDate(event.occurred_at, timezone, now)}</time>}{" "}
              {named(t, "note", kind)}
            </span>
            <span className="alarm-acts">
              {door && (
                <Button size="small" icon={<VideoCameraOutlined aria-hidden />} onClick={() => onDoor(door)}>
                  {t("alarm.live")}
                </Button>
              )}
              {event && (
                <Button size="small" icon={<PlayCircleOutlined aria-hidden />} onClick={() => onFootage(event)}>
                  {t("alarm.show")}
                </Button>
              )}
              <Button
                size="small"
                icon={<CheckOutlined aria-hidden />}
                title={t("alarm.ackHint")}
                onClick={() => setSeen((known) => new Set([...known, key]))}
              >
                {t("alarm.ack")}
              </Button>
            </span>
          </div>
        );
      })}
      {alarms.length > MOST && <div className="alarm more">+{alarms.length - MOST}</div>}
    </div>
  );
}
