// Play, step, speed, the clock, the chosen range and what may be done with it.

import {
  BackwardOutlined,
  CameraOutlined,
  CaretRightFilled,
  DownloadOutlined,
  ForwardOutlined,
  LoadingOutlined,
  LockOutlined,
  PauseOutlined,
  StepBackwardOutlined,
  StepForwardOutlined,
} from "@ant-design/icons";
import { Button, Segmented, Switch } from "antd";
import { useTranslation } from "react-i18next";

import { day, timeOfDay } from "../text/time";
import { SPEEDS, type Deck } from "./deck";
import type { Stretch } from "./scale";

/** What buttons and keys do. */
export interface Acts {
  play: () => void;
  step: (by: 1 | -1) => void;
  jump: (by_ms: number) => void;
  speed: (speed: number) => void;
  skipGaps: (skip: boolean) => void;
  begin: () => void;
  end: () => void;
  export: () => void;
  hold: () => void;
  picture: () => void;
}

interface Props {
  deck: Deck;
  acts: Acts;
  at: number;
  timezone: string;
  waits: boolean;
  range: Stretch | null;
  mayTake: boolean;
}

const JUMP_MS = 10_000;

export function Controls({ deck, acts, at, timezone, waits, range, mayTake }: Props) {
  const { t } = useTranslation();
  const seconds = range ? Math.round((range.to - range.from) / 1000) : 0;
  const button = (word: string, icon: React.ReactNode, act: () => void) => (
    <Button type="text" icon={icon} aria-label={t(word)} title={t(word)} onClick={act} />
  );
  return (
    <div className="controls">
      <div className="controls-part">
        {button("playback.back10", <BackwardOutlined aria-hidden />, () => acts.jump(-JUMP_MS))}
        {button("playback.frameBack", <StepBackwardOutlined aria-hidden />, () => acts.step(-1))}
        <Button
          type="primary"
          shape="circle"
          size="large"
          icon={deck.playing ? <PauseOutlined aria-hidden /> : <CaretRightFilled aria-hidden />}
          aria-label={deck.playing ? t("playback.pause") : t("playback.play")}
          onClick={acts.play}
        />
        {button("playback.frameOn", <StepForwardOutlined aria-hidden />, () => acts.step(1))}
        {button("playback.on10", <ForwardOutlined aria-hidden />, () => acts.jump(JUMP_MS))}
      </div>
      <time className="controls-clock" dateTime={new Date(at).toISOString()}>
        <span className="dim">{day(at, timezone)}</span> {timeOfDay(at, timezone)}
        <LoadingOutlined aria-hidden style={{ visibility: waits ? "visible" : "hidden" }} />
      </time>
      <Segmented<number>
        aria-label={t("playback.speed")}
        value={deck.speed}
        onChange={acts.speed}
        options={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
      />
      <label className="controls-skip">
        <Switch size="small" checked={deck.skipGaps} onChange={acts.skipGaps} /> {t("playback.skipGaps")}
      </label>
      <div className="controls-part controls-take">
        <Button onClick={acts.begin} title={t("playback.beginKey")}>
          {t("playback.begin")}
        </Button>
        <Button onClick={acts.end} title={t("playback.endKey")}>
          {t("playback.end")}
        </Button>
        <span className="controls-range">
          {range
            ? `${timeOfDay(range.from, timezone)} – ${timeOfDay(range.to, timezone)} · ${t("playback.seconds", { count: seconds })}`
            : t("playback.noRange")}
        </span>
        {mayTake && (
          <>
            {button("playback.picture", <CameraOutlined aria-hidden />, acts.picture)}
            <Button icon={<LockOutlined aria-hidden />} disabled={!range} onClick={acts.hold}>
              {t("playback.hold")}
            </Button>
            <Button type="primary" icon={<DownloadOutlined aria-hidden />} disabled={!range} onClick={acts.export}>
              {t("playback.export")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
