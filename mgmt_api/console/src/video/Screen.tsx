// One camera of the playback: its picture at the deck's moment, or plain words on why there is none.

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { piece } from "../api/calls";
import { problemText } from "../frame/problem_text";
import type { Deck } from "./deck";
import { FootagePlayer } from "./footage_player";
import { missingText } from "./gap_text";
import { isRecorded } from "./scale";
import type { Lane } from "./timeline_paint";

interface Props {
  deck: Deck;
  lane: Lane;
  at: number;
  origin: number;
  reason: string;
}

const iso = (moment: number) => new Date(Math.round(moment)).toISOString();

function whyNot(t: ReturnType<typeof useTranslation>["t"], lane: Lane, at: number): string {
  const missing = lane.gaps.find(({ from, to }) => at >= from && at < to);
  if (missing) return missingText(t, missing.reason);
  if (lane.erased.some(({ from, to }) => at >= from && at < to)) return t("playback.erased");
  return t("playback.nothing");
}

export function Screen({ deck, lane, at, origin, reason }: Props) {
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<FootagePlayer | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const { name } = lane;

  useEffect(() => {
    if (!video.current) return undefined;
    const made = new FootagePlayer(
      video.current,
      origin,
      async (from, to, codec, signal) => {
        const found = await piece(name, { from: iso(from), to: iso(to) }, reason, codec, signal);
        setFailed(null);
        return found;
      },
      setFailed,
    );
    player.current = made;
    deck.add(name, made);
    return () => {
      deck.remove(name);
      made.close();
    };
  }, [deck, name, origin, reason]);
  useEffect(() => player.current?.know(lane.recorded), [lane.recorded, deck, origin, reason]);

  const shown = isRecorded(lane.recorded, at);
  return (
    <figure className="tile screen" data-camera={name} data-shown={shown}>
      <video ref={video} muted playsInline aria-label={lane.label} />
      {!shown && (
        <p className="screen-words" role="status">
          {whyNot(t, lane, at)}
        </p>
      )}
      {shown && failed !== null && (
        <p className="screen-words screen-failed" role="alert">
          {t("footage.failed", { why: problemText(t, failed) })}
        </p>
      )}
      <figcaption>
        <span className="tile-label">{lane.label}</span>
      </figcaption>
    </figure>
  );
}
