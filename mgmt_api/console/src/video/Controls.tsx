// Play, step, speed, the clock, the chosen range and what may be done with it. Only the clock is drawn as it moves.

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
import { memo } from "react";
import { useTranslation } from "react-i18next";

import { day, timeOfDay } from "../text/time";
import { SPEEDS } from "./deck";
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
  acts: Acts; // the same ones at each drawing
  playing: boolean;
  speed: number;
  skipGaps: boolean;
  at: number;
  timezone: string;
  waits: boolean;
  range: Stretch | null;
  mayTake: boolean;
}

const JUMP_MS = 10_000;

export function Controls({ acts, playing, speed, skipGaps, at, timezone, waits, range, mayTake }: Props) {
  return (
    <div className="controls">
      <Moves acts={acts} playing={playing} />
      <time className="controls-clock" dateTime={new Date(at).toISOString()}>
        <span className="dim">{day(at, timezone)}</span> {timeOfDay(at, timezone)}
        <LoadingOutlined aria-hidden style={{ visibility: waits ? "visible" : "hidden" }} />
      </time>
      <Pace acts={acts} speed={speed} skipGaps={skipGaps} />
      <Range acts={acts} range={range} timezone={timezone} mayTake={mayTake} />
    </div>
  );
}

interface IconButtonProps {
  word: string;
  icon: React.ReactNode;
  onClick: () => void;
}

function IconButton({ word, icon, onClick }: IconButtonProps) {
  return <Button type="text" icon={icon} aria-label={word} title={word} onClick={onClick} />;
}

const Moves = memo(function Moves({ acts, playing }: Pick<Props, "acts" | "playing">) {
  const { t } = useTranslation();
  return (
    <div className="controls-part">
      <IconButton
        word={t("playback.back10")}
        icon={<BackwardOutlined aria-hidden />}
        onClick={() => acts.jump(-JUMP_MS)}
      />
      <IconButton
        word={t("playback.frameBack")}
        icon={<StepBackwardOutlined aria-hidden />}
        onClick={() => acts.step(-1)}
      />
      <Button
        type="primary"
        shape="circle"
        size="large"
        icon={playing ? <PauseOutlined aria-hidden /> : <CaretRightFilled aria-hidden />}
        aria-label={playing ? t("playback.pause") : t("playback.play")}
        onClick={acts.play}
      />
      <IconButton
        word={t("playback.frameOn")}
        icon={<StepForwardOutlined aria-hidden />}
        onClick={() => acts.step(1)}
      />
      <IconButton word={t("playback.on10")} icon={<ForwardOutlined aria-hidden />} onClick={() => acts.jump(JUMP_MS)} />
    </div>
  );
});

const Pace = memo(function Pace({ acts, speed, skipGaps }: Pick<Props, "acts" | "speed" | "skipGaps">) {
  const { t } = useTranslation();
  return (
    <>
      <Segmented<number>
        aria-label={t("playback.speed")}
        value={speed}
        onChange={acts.speed}
        options={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
      />
      <label className="controls-skip">
        <Switch size="small" checked={skipGaps} onChange={acts.skipGaps} /> {t("playback.skipGaps")}
      </label>
    </>
  );
});

type RangeProps = Pick<Props, "acts" | "range" | "timezone" | "mayTake">;

const Range = memo(function Range({ acts, range, timezone, mayTake }: RangeProps) {
  const { t } = useTranslation();
  const seconds = range ? Math.round((range.to - range.from) / 1000) : 0;
  return (
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
          <IconButton word={t("playback.picture")} icon={<CameraOutlined aria-hidden />} onClick={acts.picture} />
          <Button icon={<LockOutlined aria-hidden />} disabled={!range} onClick={acts.hold}>
            {t("playback.hold")}
          </Button>
          <Button type="primary" icon={<DownloadOutlined aria-hidden />} disabled={!range} onClick={acts.export}>
            {t("playback.export")}
          </Button>
        </>
      )}
    </div>
  );
});
