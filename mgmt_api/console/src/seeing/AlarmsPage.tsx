// All alarms of cameras, newest first, each with its picture and what became of it.

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { alarmStill, cameraAlarms } from "../api/calls";
import type { CameraAlarm } from "../api/types";
import type { PageProps } from "../frame/Shell";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage, named } from "../text/i18n";
import { day, timeOfDay } from "../text/time";
import { gapReason } from "../video/gap_text";
import { Acknowledge } from "./Acknowledge";
import { alarmWords } from "./CameraAlarmStrip";

const PAGE = 50;
const WAYS = ["all", "open", "tailgating"] as const;
type Way = (typeof WAYS)[number];
const FITS: Record<Way, (alarm: CameraAlarm) => boolean> = {
  all: () => true,
  open: ({ acked_by }) => acked_by === "",
  tailgating: ({ passage }) => passage === "tailgating",
};

export default function AlarmsPage({ user }: PageProps) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const queries = useQueryClient();
  const cameras = useFeed((feed) => feed.cameras);
  const told = useFeed((feed) => feed.cameraAlarms);
  const [way, setWay] = useState<Way>("all");
  const { data, fetchNextPage, hasNextPage } = useInfiniteQuery({
    queryKey: ["camera-alarms"],
    queryFn: ({ pageParam }) => cameraAlarms(PAGE, pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ alarms, next }) => (alarms.length === PAGE && next !== null ? next : undefined),
  });
  useEffect(() => void queries.invalidateQueries({ queryKey: ["camera-alarms"] }), [told, queries]);
  const shown = (data?.pages ?? []).flatMap(({ alarms }) => alarms).filter(FITS[way]);
  const label = (name: string) => inLanguage(cameras.find((each) => each.name === name)?.label, i18n.language, name);

  return (
    <main className="panel camera-alarms">
      <header className="panel-head">
        <h2>{t("seeing.alarms")}</h2>
        <Segmented<Way>
          aria-label={t("seeing.show")}
          options={WAYS.map((value) => ({ value, label: t(`seeing.way.${value}`) }))}
          value={way}
          onChange={setWay}
        />
      </header>
      <ol className="alarm-cards">
        {shown.map((alarm) => (
          <li key={alarm.id} className={`alarm-card passage-${alarm.passage || "none"}`}>
            {alarm.still ? (
              <img src={alarmStill(alarm.id)} loading="lazy" alt={alarmWords(t, alarm)} />
            ) : (
              <div className="no-still">{t("seeing.noPicture")}</div>
            )}
            <div className="card-words">
              <strong>{alarmWords(t, alarm)}</strong>
              <span>
                {label(alarm.camera)} {alarm.zone && `· ${alarm.zone}`}
              </span>
              <time dateTime={alarm.from} className="dim">
                {day(alarm.from, timezone)} {timeOfDay(alarm.from, timezone)}
                {" – "}
                {alarm.to ? timeOfDay(alarm.to, timezone) : t("seeing.lasts")}
              </time>
              {alarm.passage && <span className="badge">{named(t, "passage", alarm.passage)}</span>}
              {alarm.detail && <span className="dim">{gapReason(t, alarm.detail)}</span>}
              {alarm.acked_by ? (
                <span className="dim">{t("seeing.acked", { by: alarm.acked_by })}</span>
              ) : (
                user.role !== "auditor" && <Acknowledge alarm={alarm.id} />
              )}
            </div>
          </li>
        ))}
      </ol>
      {shown.length === 0 && <p className="empty">{t("seeing.noAlarms")}</p>}
      {hasNextPage && <Button onClick={() => void fetchNextPage()}>{t("seeing.older")}</Button>}
    </main>
  );
}
