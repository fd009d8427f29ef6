// An event's footage from one camera: its picture at once, then the film around it, by the same player as the playback.

import {
  CaretRightFilled,
  HistoryOutlined,
  PauseOutlined,
  ScheduleOutlined,
  StepBackwardOutlined,
  StepForwardOutlined,
} from "@ant-design/icons";
import { Button, Segmented } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { eventStillUrl } from "../api/calls";
import type { Camera, Clip } from "../api/types";
import { open } from "../frame/pages";
import { useSite } from "../frame/site";
import { timeOfDay } from "../text/time";
import { laneOf } from "./lanes";
import { Screen } from "./Screen";
import { useDeck } from "./use_deck";
import { useTimelines } from "./use_told";

const LEAD_MS = 2000; // the film begins a breath before the event
const LINGER_MS = 20_000; // and shows what came of it
const SPEEDS = [0.5, 1, 2, 4] as const;

interface Props {
  clip: Clip;
  cursor: number;
  moment: number; // of the event
}

export function EventClip({ clip, cursor, moment }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const { deck, redraw } = useDeck(moment - LEAD_MS);
  const [picture, setPicture] = useState(true);
  const begun = useRef(false);
  const { data: told } = useTimelines({ from: moment - LINGER_MS, to: moment + LINGER_MS });
  const camera: Camera = { name: clip.camera, label: clip.label ?? null, state: "" };
  const lane = laneOf(camera, told?.[clip.camera], i18n.language);
  const origin = useMemo(() => moment - 86_400_000, [moment]);

  useEffect(() => {
    if (begun.current || lane.recorded.length === 0) return;
    begun.current = true;
    deck.seek(moment - LEAD_MS);
    if (!deck.playing) deck.toggle();
  }, [deck, lane.recorded.length, moment]);
  const act = (change: () => void) => () => {
    change();
    setPicture(false);
    redraw();
  };
  const again = act(() => {
    deck.seek(moment - LEAD_MS);
    if (!deck.playing) deck.toggle();
  });
  return (
    <div className="event-clip" onPlayingCapture={() => setPicture(false)}>
      <div className="event-screen">
        <Screen deck={deck} lane={lane} at={deck.at} origin={origin} reason={clip.reason} />
        {picture && (
          <img className="event-picture" src={eventStillUrl(cursor, 1280)} alt="" onError={() => setPicture(false)} />
        )}
      </div>
      <div className="controls">
        <Button icon={<HistoryOutlined aria-hidden />} onClick={again}>
          {t("footage.moment")}
        </Button>
        <div className="controls-part">
          <Button
            type="text"
            icon={<StepBackwardOutlined aria-hidden />}
            aria-label={t("playback.frameBack")}
            title={t("playback.frameBack")}
            onClick={act(() => deck.step(-1))}
          />
          <Button
            type="text"
            icon={deck.playing ? <PauseOutlined aria-hidden /> : <CaretRightFilled aria-hidden />}
            aria-label={deck.playing ? t("playback.pause") : t("playback.play")}
            onClick={act(() => deck.toggle())}
          />
          <Button
            type="text"
            icon={<StepForwardOutlined aria-hidden />}
            aria-label={t("playback.frameOn")}
            title={t("playback.frameOn")}
            onClick={act(() => deck.step(1))}
          />
        </div>
        <time className="controls-clock">{timeOfDay(deck.at, timezone)}</time>
        <Segmented<number>
          aria-label={t("playback.speed")}
          value={deck.speed}
          onChange={(speed) => act(() => (deck.speed = speed))()}
          options={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
        />
        <Button
          className="controls-take"
          icon={<ScheduleOutlined aria-hidden />}
          onClick={() =>
            open("footage", { cameras: clip.camera, at: new Date(moment - LEAD_MS).toISOString(), reason: clip.reason })
          }
        >
          {t("footage.more")}
        </Button>
      </div>
    </div>
  );
}
