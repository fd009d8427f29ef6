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
import { SPEEDS } from "./deck";
import type { Stretch } from "./scale";

interface Props {
  at: number;
  timezone: string;
  playing: boolean;
  waits: boolean;
  speed: number;
  skipGaps: boolean;
  range: Stretch | null;
  mayTake: boolean;
  onPlay: () => void;
  onStep: (by: 1 | -1) => void;
  onJump: (by_ms: number) => void;
  onSpeed: (speed: number) => void;
  onSkipGaps: (skip: boolean) => void;
  onBegin: () => void;
  onEnd: () => void;
  onExport: () => void;
  onHold: () => void;
  onPicture: () => void;
}

const JUMP_MS = 10_000;

export function Controls(props: Props) {
  const { at, timezone, playing, waits, speed, skipGaps, range, mayTake } = props;
  const { t } = useTranslation();
  const seconds = range ? Math.round((range.to - range.from) / 1000) : 0;
  const button = (word: string, icon: React.ReactNode, act: () => void) => (
    <Button type="text" icon={icon} aria-label={t(word)} title={t(word)} onClick={act} />
  );
  return (
    <div className="controls">
      <div className="controls-part">
        {button("playback.back10", <BackwardOutlined aria-hidden />, () => props.onJump(-JUMP_MS))}
        {button("playback.frameBack", <StepBackwardOutlined aria-hidden />, () => props.onStep(-1))}
        <Button
          type="primary"
          shape="circle"
          size="large"
          icon={playing ? <PauseOutlined aria-hidden /> : <CaretRightFilled aria-hidden />}
          aria-label={playing ? t("playback.pause") : t("playback.play")}
          onClick={props.onPlay}
        />
        {button("playback.frameOn", <StepForwardOutlined aria-hidden />, () => props.onStep(1))}
        {button("playback.on10", <ForwardOutlined aria-hidden />, () => props.onJump(JUMP_MS))}
      </div>
      <time className="controls-clock" dateTime={new Date(at).toISOString()}>
        <span className="dim">{day(at, timezone)}</span> {timeOfDay(at, timezone)}
        <LoadingOutlined aria-hidden style={{ visibility: waits ? "visible" : "hidden" }} />
      </time>
      <Segmented<number>
        aria-label={t("playback.speed")}
        value={speed}
        onChange={props.onSpeed}
        options={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
      />
      <label className="controls-skip">
        <Switch size="small" checked={skipGaps} onChange={props.onSkipGaps} /> {t("playback.skipGaps")}
      </label>
      <div className="controls-part controls-take">
        <Button onClick={props.onBegin} title={t("playback.beginKey")}>
          {t("playback.begin")}
        </Button>
        <Button onClick={props.onEnd} title={t("playback.endKey")}>
          {t("playback.end")}
        </Button>
        <span className="controls-range">
          {range
            ? `${timeOfDay(range.from, timezone)} – ${timeOfDay(range.to, timezone)} · ${t("playback.seconds", { count: seconds })}`
            : t("playback.noRange")}
        </span>
        {mayTake && (
          <>
            {button("playback.picture", <CameraOutlined aria-hidden />, props.onPicture)}
            <Button icon={<LockOutlined aria-hidden />} disabled={!range} onClick={props.onHold}>
              {t("playback.hold")}
            </Button>
            <Button type="primary" icon={<DownloadOutlined aria-hidden />} disabled={!range} onClick={props.onExport}>
              {t("playback.export")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
