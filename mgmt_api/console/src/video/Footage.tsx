// An event's footage in the middle of the page, or plain words on why there is none.

import { ArrowLeftOutlined, LoadingOutlined, QuestionCircleOutlined, VideoCameraOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { eventStillFault, eventStillUrl, footage } from "../api/calls";
import { Problem } from "../api/http";
import type { AccessEvent, Clip } from "../api/types";
import { eventFace } from "../events/event_face";
import { EventIcon } from "../events/EventIcon";
import { eventText } from "../events/event_text";
import { problemText } from "../frame/problem_text";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { day, timeOfDay } from "../text/time";
import { explainEvent } from "../api/rights";
import { Why } from "../rights/Why";
import { EventClip } from "./EventClip";
import { gapReason, missingText, UNREACHABLE } from "./gap_text";

const WRITTEN_WITHIN_MS = 150_000; // a file of 60 s closes, is hashed and indexed well within this
const ASK_AGAIN_MS = 4000;
const KEPT_WIDTH = 640;
const DECIDED = new Set(["Granted", "Denied"]);

const isYoung = (event: AccessEvent) => Date.now() - Date.parse(event.occurred_at) < WRITTEN_WITHIN_MS;

interface Props {
  event: AccessEvent;
  onBack: () => void;
}

/** The picture that outlives the footage, or why there is none either. */
function Kept({ cursor, camera }: { cursor: number; camera: string }) {
  const { t } = useTranslation();
  const [failed, setFailed] = useState(false);
  const { error } = useQuery({
    queryKey: ["event-still", cursor, camera],
    queryFn: () => eventStillFault(cursor, KEPT_WIDTH, camera),
    enabled: failed,
    retry: false,
  });
  if (!failed) {
    const url = eventStillUrl(cursor, KEPT_WIDTH, camera);
    return <img className="event-kept" src={url} alt={t("footage.kept")} onError={() => setFailed(true)} />;
  }
  const why = /no picture: ([\w-]+)$/.exec(error instanceof Problem ? error.detail : "")?.[1];
  return <p className="dim">{t("footage.noPicture", { why: why ? gapReason(t, why) : t("footage.notKept") })}</p>;
}

function Missing({ clip, cursor, young }: { clip: Clip; cursor: number; young: boolean }) {
  const { t } = useTranslation();
  const reason = clip.gaps?.[0]?.reason;
  const coming = young && reason !== UNREACHABLE;
  const words = coming ? t("footage.pending") : reason ? missingText(t, reason) : t("footage.notRecordedUnknown");
  return (
    <div className="footage-words" role="status">
      <span className="tile-icon" aria-hidden>
        {coming ? <LoadingOutlined /> : <VideoCameraOutlined />}
      </span>
      <p>{words}</p>
      {!coming && <Kept cursor={cursor} camera={clip.camera} />}
    </div>
  );
}

function Gaps({ clip }: { clip: Clip }) {
  const { t } = useTranslation();
  const { timezone } = useSite();
  if (!clip.gaps || clip.gaps.length === 0) return null;
  const why = clip.gaps.map(({ from, to, reason }) => {
    const until = to === null ? t("footage.now") : timeOfDay(to, timezone);
    return t("footage.gap", { from: timeOfDay(from, timezone), to: until, reason: gapReason(t, reason) });
  });
  return <p className="footage-gaps tone-warn">{t("footage.partial", { why: why.join("; ") })}</p>;
}

export function Footage({ event, onBack }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone, zones } = useSite();
  const doors = useFeed((feed) => feed.doors);
  const [camera, setCamera] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  const { data, error, isPending, dataUpdatedAt } = useQuery({
    queryKey: ["footage", event.cursor],
    queryFn: () => footage(event.cursor),
    refetchInterval: ({ state }) =>
      isYoung(event) && state.data?.clips.some((clip) => !clip.recorded) ? ASK_AGAIN_MS : false,
  });
  const young = dataUpdatedAt - Date.parse(event.occurred_at) < WRITTEN_WITHIN_MS;
  const clips = data?.clips ?? [];
  const clip = clips.find((one) => one.camera === camera) ?? clips.find((one) => one.recorded) ?? clips[0];
  const byName = new Map(doors.map((door) => [door.name, door]));
  const { what, where, who, why } = eventText(event, byName, zones, i18n.language, t);

  return (
    <section className="panel wall" aria-label={t("footage.title")}>
      <header className="panel-head">
        <Button icon={<ArrowLeftOutlined aria-hidden />} onClick={onBack}>
          {t("footage.back")}
        </Button>
        {clips.length > 1 && (
          <Segmented
            aria-label={t("footage.choose")}
            value={clip?.camera ?? ""}
            onChange={setCamera}
            options={clips.map((one) => ({
              value: one.camera,
              label: inLanguage(one.label, i18n.language, one.camera),
            }))}
          />
        )}
      </header>
      <div className="footage">
        {isPending && <p className="empty">{t("footage.loading")}</p>}
        {error && <p className="empty">{t("footage.failed", { why: problemText(t, error) })}</p>}
        {data && !clip && <p className="empty">{t("footage.noCamera")}</p>}
        {clip &&
          (clip.recorded ? (
            <EventClip key={clip.camera} clip={clip} cursor={event.cursor} moment={Date.parse(event.occurred_at)} />
          ) : (
            <Missing key={clip.camera} clip={clip} cursor={event.cursor} young={young} />
          ))}
      </div>
      {clip?.recorded && <Gaps clip={clip} />}
      <footer className="footage-event">
        <EventIcon face={eventFace(event)} />
        <strong>{what}</strong>
        <span>{where}</span>
        {who && <span>{who}</span>}
        <span className="dim">{why}</span>
        <time dateTime={event.occurred_at}>
          {day(event.occurred_at, timezone)} {timeOfDay(event.occurred_at, timezone)}
        </time>
        {DECIDED.has(event.kind) && (
          <Button icon={<QuestionCircleOutlined aria-hidden />} onClick={() => setAsked(true)}>
            {t("why.ask")}
          </Button>
        )}
      </footer>
      <Why
        questions={asked ? [{ key: ["event", String(event.cursor)], ask: () => explainEvent(event.cursor) }] : []}
        onClose={() => setAsked(false)}
      />
    </section>
  );
}
