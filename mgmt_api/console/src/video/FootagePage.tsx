// The playback: cameras in step, the day below them, what happened beside them. Whoever looks has said why.

import { Alert } from "antd";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { stillUrl } from "../api/calls";
import type { Camera } from "../api/types";
import { useKeys } from "../frame/keys";
import { problemText } from "../frame/problem_text";
import type { PageProps } from "../frame/Shell";
import { useSite } from "../frame/site";
import { useStable } from "../frame/use_stable";
import { useFeed } from "../live/store";
import { day } from "../text/time";
import { useColumns } from "./columns";
import { Controls } from "./Controls";
import { FootageEvents } from "./FootageEvents";
import { HoldForm } from "./HoldForm";
import { laneOf } from "./lanes";
import { PlaybackHead } from "./PlaybackHead";
import { ReasonGate } from "./ReasonGate";
import { DAY, dayStart, showing, type Stretch, type Window } from "./scale";
import { Screen } from "./Screen";
import { TakeOut } from "./TakeOut";
import { Timeline } from "./Timeline";
import { useDeck } from "./use_deck";
import { useEvents, useTimelines } from "./use_told";

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
  const names = useMemo(() => chosen ?? cameras.slice(0, 4).map(({ name }) => name), [chosen, cameras]);
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
  const { at, playing, speed, skipGaps } = deck;

  const { data: told, error } = useTimelines({ from: Math.min(window.from, at), to: Math.max(window.to, at) });
  const events = useEvents(window);
  const lanes = useMemo(() => {
    const chosen = names.map((name) => cameras.find((camera) => camera.name === name)).filter((one) => !!one);
    return chosen.map((camera) => laneOf(camera, told?.[camera.name], i18n.language));
  }, [names, cameras, told, i18n.language]);
  const shown = useMemo(() => {
    const doors = new Set(cameras.filter(({ name }) => names.includes(name)).flatMap((camera) => camera.doors ?? []));
    return events?.filter(({ door }) => door !== undefined && doors.has(door)) ?? [];
  }, [cameras, names, events]);

  const seek = (moment: number) => {
    if (moment < origin || moment > origin + 39 * DAY) setOrigin(moment - 20 * DAY);
    deck.seek(moment);
    setWindow((known) => showing(known, moment));
    redraw();
  };
  const act = (change: () => void) => () => {
    change();
    redraw();
  };
  const acts = useStable({
    prepare: (moment: number) => deck.prepare(moment),
    seek,
    play: act(() => deck.toggle()),
    step: (by: 1 | -1) => act(() => deck.step(by))(),
    jump: (by: number) => seek(deck.at + by),
    speed: (speed: number) => act(() => (deck.speed = speed))(),
    skipGaps: (skip: boolean) => act(() => (deck.skipGaps = skip))(),
    goTo: (date: string) => {
      const start = dayStart(Date.parse(`${date}T12:00:00Z`), timezone);
      seek(Math.min(start + (at - dayStart(at, timezone)), Date.now() - AGO_MS));
    },
    choose: setNames,
    otherWhy: onReason,
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
  });
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
  return (
    <main className="playback-page">
      <section className="panel playback-main" aria-label={t("playback.title")}>
        <PlaybackHead today={day(at, timezone)} cameras={cameras} names={names} reason={reason} acts={acts} />
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
        <Controls
          acts={acts}
          playing={playing}
          speed={speed}
          skipGaps={skipGaps}
          waits={waits}
          mayTake={mayTake}
          {...when}
        />
        <Timeline
          {...when}
          lanes={lanes}
          events={shown}
          window={window}
          reason={reason}
          onWindow={setWindow}
          onPress={acts.prepare}
          onSeek={acts.seek}
        />
      </section>
      <FootageEvents events={shown} at={at} onSeek={acts.seek} />
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
  link.download = `${camera}-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "")}Z.jpg`;
  link.click();
}
