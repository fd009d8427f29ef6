// Plays a clip's playlist, which begins where the clip does, and shows the wall clock of the picture.

import { HistoryOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type Hls from "hls.js";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Clip } from "../api/types";
import { useSite } from "../frame/site";
import { timeOfDay } from "../text/time";
import { endOf, positionOf, type Piece } from "./position";

const LEAD_MS = 2000; // "back to the event" starts a breath before it
const GROWS_MS = 150_000; // a clip that reaches into the present goes on while it is being written
const AGAIN_MS = 2000;

interface Playing {
  onPieces: (pieces: Piece[]) => void;
  onError: (why: string) => void;
}

async function play(video: HTMLVideoElement, playlist: string, start_s: number, { onPieces, onError }: Playing) {
  const { default: Player } = await import("hls.js/light");
  // The content-security policy allows no worker from a blob; a clip needs none.
  const hls = new Player({ enableWorker: false, startPosition: start_s });
  hls.on(Player.Events.LEVEL_LOADED, (_, { details }) => {
    onPieces(details.fragments.map(({ start, duration, programDateTime }) => ({ start, duration, programDateTime })));
  });
  hls.on(Player.Events.ERROR, (_, { fatal, details }) => {
    if (fatal) onError(details);
  });
  hls.attachMedia(video);
  hls.loadSource(playlist);
  return hls;
}

export function Playback({ clip, moment }: { clip: Clip; moment: string }) {
  const { t } = useTranslation();
  const { timezone } = useSite();
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Hls | null>(null);
  const pieces = useRef<Piece[]>([]);
  const again = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [round, setRound] = useState({ start_s: 0 }); // another round begins where the one before ended
  const [failed, setFailed] = useState("");
  const [shown, setShown] = useState<number | null>(null); // wall clock of the picture, Unix milliseconds
  const { playlist } = clip;

  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    let ended = false;
    const onPieces = (list: Piece[]) => (pieces.current = list);
    void play(element, playlist, round.start_s, { onPieces, onError: setFailed }).then((hls) => {
      if (ended) hls.destroy();
      else player.current = hls;
    });
    return () => {
      ended = true;
      clearTimeout(again.current);
      player.current?.destroy();
      player.current = null;
    };
  }, [playlist, round]);

  const goOn = () => {
    const end = endOf(pieces.current);
    const grows = Date.now() - Date.parse(clip.to) < GROWS_MS;
    if (!end || !grows || end.moment_ms >= Date.parse(clip.to)) return;
    again.current = setTimeout(() => setRound({ start_s: end.position_s }), AGAIN_MS);
  };
  const seek = () => {
    const position = positionOf(pieces.current, Date.parse(moment) - LEAD_MS);
    if (!video.current || position === null) return;
    video.current.currentTime = position;
    void video.current.play();
  };
  if (failed !== "") return <p className="empty">{t("footage.failed", { why: failed })}</p>;
  return (
    <div className="playback">
      <video
        ref={video}
        controls
        autoPlay
        muted
        playsInline
        onEnded={goOn}
        onTimeUpdate={() => setShown(player.current?.playingDate?.getTime() ?? null)}
      />
      <div className="playback-over">
        {shown !== null && <time className="picture-clock">{timeOfDay(shown, timezone)}</time>}
        <Button size="small" icon={<HistoryOutlined aria-hidden />} onClick={seek}>
          {t("footage.moment")}
        </Button>
      </div>
    </div>
  );
}
