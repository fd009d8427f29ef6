import { ExpandOutlined, LoadingOutlined, PauseCircleOutlined, VideoCameraOutlined } from "@ant-design/icons";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { socketUrl } from "../api/http";
import type { Camera } from "../api/types";
import { useSite } from "../frame/site";
import { inLanguage } from "../text/i18n";
import { instant, timeOrDate } from "../text/time";
import { gapReason } from "./gap_text";
import { LivePlayer, type LiveState } from "./live_player";
import { usePageVisible } from "./visible";

interface Props {
  camera: Camera;
  large: boolean;
  small: boolean; // one of many: the camera's small stream will do
  onToggle: () => void;
}

const HIDE_MS = 5000;

export function LiveTile({ camera, large, small, onToggle }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const video = useRef<HTMLVideoElement>(null);
  const [told, setTold] = useState<{ state: LiveState; reason: string; at: number }>({
    state: "connecting",
    reason: "",
    at: 0,
  });
  const visible = usePageVisible(HIDE_MS);
  const { name } = camera;

  useEffect(() => {
    if (!visible || !video.current) return undefined;
    const stream = small ? (camera.sub ?? name) : name;
    const url = socketUrl(`/cameras/${encodeURIComponent(stream)}/live`);
    const player = new LivePlayer(video.current, url, (state, reason) => setTold({ state, reason, at: Date.now() }));
    return () => player.close();
  }, [name, camera.sub, small, visible]);

  const label = inLanguage(camera.label, i18n.language, name);
  const { state, reason, at } = told;
  const playing = state === "playing";
  const lost = camera.state !== "recording" && camera.state !== "connecting";
  const cause = state === "camera_down" ? reason || (lost ? camera.state : "") : "";
  const since = state === "camera_down" && lost && camera.since ? instant(camera.since) : at;
  return (
    <figure className={`tile${playing ? "" : " tile-dark"}`} data-camera={name} data-state={state}>
      <video ref={video} muted playsInline aria-label={label} />
      {!playing && (
        <div className="tile-words" role="status">
          <span className="tile-icon" aria-hidden>
            {state === "connecting" ? (
              <LoadingOutlined />
            ) : state === "frozen" ? (
              <PauseCircleOutlined />
            ) : (
              <VideoCameraOutlined />
            )}
          </span>
          <strong>{t(`live.${state}`, { reason })}</strong>
          {cause && <span>{gapReason(t, cause)}</span>}
          {state !== "connecting" && since > 0 && (
            <span className="dim">{t("live.since", { time: timeOrDate(since, timezone, at) })}</span>
          )}
        </div>
      )}
      <figcaption>
        {playing && <span className="live-dot">{t("cameras.live")}</span>}
        <span className="tile-label">{label}</span>
      </figcaption>
      <button
        type="button"
        className="tile-button"
        aria-label={large ? t("cameras.shrink") : t("cameras.enlarge", { camera: label })}
        title={large ? t("cameras.shrink") : t("cameras.enlarge", { camera: label })}
        onClick={onToggle}
      >
        <ExpandOutlined aria-hidden />
      </button>
    </figure>
  );
}
