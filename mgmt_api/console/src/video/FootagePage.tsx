// The playback: cameras in step, the day below them, what happened beside them. Whoever looks has said why.

import { EditOutlined } from "@ant-design/icons";
import { Alert, Button, DatePicker, Select, Tag } from "antd";
import dayjs from "dayjs";
import { useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { stillUrl } from "../api/calls";
import type { Camera } from "../api/types";
import { useKeys } from "../frame/keys";
import { problemText } from "../frame/problem_text";
import type { PageProps } from "../frame/Shell";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { day } from "../text/time";
import { useColumns } from "./columns";
import { Controls, type Acts } from "./Controls";
import { FootageEvents } from "./FootageEvents";
import { HoldForm } from "./HoldForm";
import { laneOf } from "./lanes";
import { ReasonGate } from "./ReasonGate";
import { DAY, dayStart, showing, type Stretch, type Window } from "./scale";
import { Screen } from "./Screen";
import { TakeOut } from "./TakeOut";
import { Timeline } from "./Timeline";
import { useDeck } from "./use_deck";
import { useEvents, useTimelines } from "./use_told";

const MOST_CAMERAS = 9;
const AGO_MS = 60_000; // where the page opens
const STEP_MS = 5000;
const HALF_HOUR = 1_800_000;

export default function FootagePage({ user, query }: PageProps) {
  const [reason, setReason] = useState(query.get("reason") ?? "");
  if (reason === "") return <ReasonGate onReason={setReason} />;
  return (
    <Playback
      key={query.toString()}
      query={query}
      reason={reason}
      mayTake={user.role !== "auditor"}
      onReason={() => setReason("")}
    />
  );
}

interface Props {
  query: URLSearchParams;
  reason: string;
  mayTake: boolean;
  onReason: () => void;
}

/** The cameras that the address names, or the first ones. */
function useChosen(query: URLSearchParams, cameras: readonly Camera[]) {
  const [chosen, setChosen] = useState<string[] | null>(() => query.get("cameras")?.split(",") ?? null);
  const names = chosen ?? cameras.slice(0, 4).map(({ name }) => name);
  return [names, setChosen] as const;
}

function Playback({ query, reason, mayTake, onReason }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const cameras = useFeed((feed) => feed.cameras);
  const [names, setNames] = useChosen(query, cameras);
  const [begin] = useState(() => Date.parse(query.get("at") ?? "") || Date.now() - AGO_MS);
  const [origin, setOrigin] = useState(() => begin - 20 * DAY);
  const { deck, waits, redraw } = useDeck(begin);
  const [window, setWindow] = useState<Window>({ from: begin - HALF_HOUR, to: begin + HALF_HOUR });
  const [range, setRange] = useState<Stretch | null>(null);
  const [asked, setAsked] = useState<"export" | "hold" | null>(null);
  const { at } = deck;

  const { data: told, error } = useTimelines({ from: Math.min(window.from, at), to: Math.max(window.to, at) });
  const events = useEvents(window);
  const lanes = useMemo(() => {
    const chosen = names.map((name) => cameras.find((camera) => camera.name === name)).filter((one) => !!one);
    return chosen.map((camera) => laneOf(camera, told?.[camera.name], i18n.language));
  }, [names, cameras, told, i18n.language]);
  const doors = new Set(cameras.filter(({ name }) => names.includes(name)).flatMap((camera) => camera.doors ?? []));
  const shown = events?.filter(({ door }) => door !== undefined && doors.has(door)) ?? [];

  const seek = useCallback(
    (moment: number) => {
      if (moment < origin || moment > origin + 39 * DAY) setOrigin(moment - 20 * DAY);
      deck.seek(moment);
      setWindow((known) => showing(known, moment));
      redraw();
    },
    [deck, origin, redraw],
  );
  const act = (change: () => void) => () => {
    change();
    redraw();
  };
  const acts: Acts = {
    play: act(() => deck.toggle()),
    step: (by) => act(() => deck.step(by))(),
    jump: (by) => seek(deck.at + by),
    speed: (speed) => act(() => (deck.speed = speed))(),
    skipGaps: (skip) => act(() => (deck.skipGaps = skip))(),
    begin: () => setRange({ from: at, to: range && range.to > at ? range.to : at + 60_000 }),
    end: () => setRange({ from: range && range.from < at ? range.from : at - 60_000, to: at }),
    export: () => {
      if (range && mayTake) setAsked("export");
    },
    hold: () => setAsked("hold"),
    picture: () => {
      for (const { name, recorded } of lanes)
        if (recorded.some(({ from, to }) => at >= from && at < to))
          save(stillUrl(name, new Date(at).toISOString(), reason), name, at);
    },
  };
  useKeys({
    " ": acts.play,
    k: acts.play,
    j: () => acts.jump(-2 * STEP_MS),
    l: () => acts.jump(2 * STEP_MS),
    ArrowLeft: ({ shiftKey }) => (shiftKey ? acts.step(-1) : acts.jump(-STEP_MS)),
    ArrowRight: ({ shiftKey }) => (shiftKey ? acts.step(1) : acts.jump(STEP_MS)),
    ",": () => acts.step(-1),
    ".": () => acts.step(1),
    i: acts.begin,
    o: acts.end,
    e: acts.export,
  });
  const tiles = useRef<HTMLDivElement>(null);
  const columns = useColumns(tiles, lanes.length);
  const when = { at, range, timezone };
  const today = dayjs(day(at, timezone));
  return (
    <main className="playback-page">
      <section className="panel playback-main" aria-label={t("playback.title")}>
        <header className="panel-head playback-head">
          <DatePicker
            value={today}
            allowClear={false}
            aria-label={t("playback.day")}
            disabledDate={(date) => date.valueOf() > Date.now() + DAY}
            onChange={(date: dayjs.Dayjs | null) => {
              if (!date) return;
              const start = dayStart(Date.parse(`${date.format("YYYY-MM-DD")}T12:00:00Z`), timezone);
              seek(Math.min(start + (at - dayStart(at, timezone)), Date.now() - AGO_MS));
            }}
          />
          <Select
            mode="multiple"
            className="playback-cameras"
            aria-label={t("playback.cameras")}
            maxCount={MOST_CAMERAS}
            maxTagCount="responsive"
            value={names}
            onChange={setNames}
            options={cameras.map(({ name, label }) => ({ value: name, label: inLanguage(label, i18n.language, name) }))}
          />
          <Tag className="reason">
            {t("playback.reason", { reason })}
            <Button
              type="text"
              size="small"
              icon={<EditOutlined aria-hidden />}
              aria-label={t("playback.otherWhy")}
              title={t("playback.otherWhy")}
              onClick={onReason}
            />
          </Tag>
        </header>
        {error && <Alert type="error" showIcon banner title={problemText(t, error)} />}
        <div
          ref={tiles}
          className="tiles"
          style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}
          data-count={lanes.length}
        >
          {lanes.map((lane) => (
            <Screen key={lane.name} deck={deck} lane={lane} at={at} origin={origin} reason={reason} />
          ))}
        </div>
        {lanes.length === 0 && <p className="empty">{t("playback.noCamera")}</p>}
        <Controls deck={deck} acts={acts} waits={waits} mayTake={mayTake} {...when} />
        <Timeline
          {...when}
          lanes={lanes}
          events={shown}
          window={window}
          reason={reason}
          onWindow={setWindow}
          onSeek={seek}
        />
      </section>
      <FootageEvents events={shown} at={at} onSeek={seek} />
      {asked === "export" && range && (
        <TakeOut lanes={lanes} range={range} reason={reason} timezone={timezone} onClose={() => setAsked(null)} />
      )}
      {asked === "hold" && range && (
        <HoldForm lanes={lanes} range={range} reason={reason} timezone={timezone} onClose={() => setAsked(null)} />
      )}
    </main>
  );
}

/** Saves a picture as a file. */
function save(url: string, camera: string, at: number): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = `${camera}-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "")}.jpg`;
  link.click();
}
