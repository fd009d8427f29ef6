// The timeline under a hand: click to look there, drag to move, wheel to zoom; the stills of the lane follow the pointer.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { useTranslation } from "react-i18next";

import { strip } from "../api/calls";
import type { AccessEvent } from "../api/types";
import { named } from "../text/i18n";
import { day, timeOfDay } from "../text/time";
import { gapReason } from "./gap_text";
import { isRecorded, momentOf, moved, xOf, zoomed, type Stretch, type Window } from "./scale";
import { AXIS, EVENTS, heightOf, laneAt, paint, type Lane } from "./timeline_paint";

interface Props {
  lanes: readonly Lane[];
  events: readonly AccessEvent[];
  window: Window;
  at: number;
  range: Stretch | null;
  timezone: string;
  reason: string;
  onWindow: (window: Window) => void;
  onPress: (moment: number) => void; // a seek, or else a drag
  onSeek: (moment: number) => void;
}

const DRAG_PX = 4;
const NEAR_PX = 7;
const STILLS = 24;
const SETTLE_MS = 400;

interface Hover {
  x: number;
  y: number;
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const node = box.current;
    if (!node) return undefined;
    const watch = new ResizeObserver(() => setWidth(node.clientWidth));
    watch.observe(node);
    return () => watch.disconnect();
  }, []);
  return { box, width };
}

/** A value once it has not changed for a while. */
function useSettled<T>(value: T, key: string): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key says when the value is another one
  }, [key]);
  return settled;
}

/** The stills of one camera over the window; asked for once the window stands and a hand is on the lane. */
function useStills(camera: string | undefined, window: Window, reason: string) {
  const settled = useSettled(window, `${window.from}-${window.to}`);
  const iso = (moment: number) => new Date(Math.round(moment)).toISOString();
  const { data } = useQuery({
    queryKey: ["strip", camera, Math.round(settled.from), Math.round(settled.to)],
    queryFn: () => strip(camera ?? "", { from: iso(settled.from), to: iso(settled.to) }, reason, STILLS),
    enabled: camera !== undefined,
    staleTime: Infinity,
    gcTime: 120_000,
  });
  return data ?? [];
}

export function Timeline(props: Props) {
  const { lanes, events, window, at, range, timezone, reason, onWindow, onPress, onSeek } = props;
  const { t } = useTranslation();
  const { box, width } = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const drag = useRef<{ x: number; window: Window; moved: boolean } | null>(null);
  const moment = hover && width > 0 ? momentOf(window, width, hover.x) : null;
  const lane = hover ? lanes[laneAt(hover.y)] : undefined;
  const stills = useStills(lane?.name, window, reason);

  useEffect(() => {
    if (canvas.current)
      paint(canvas.current, width, { window, lanes, events, at, now: Date.now(), range, hover: moment, timezone });
  });
  useEffect(() => {
    const node = canvas.current;
    if (!node) return undefined;
    const wheel = (event: WheelEvent) => {
      event.preventDefault(); // React's own listener may not
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        onWindow(moved(window, (event.deltaX / width) * (window.to - window.from)));
      } else {
        onWindow(zoomed(window, 1.0015 ** event.deltaY, momentOf(window, width, event.offsetX)));
      }
    };
    node.addEventListener("wheel", wheel, { passive: false });
    return () => node.removeEventListener("wheel", wheel);
  }, [window, width, onWindow]);

  const place = ({ nativeEvent }: PointerEvent): Hover => ({ x: nativeEvent.offsetX, y: nativeEvent.offsetY });
  const down = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { x: place(event).x, window, moved: false };
    onPress(targetOf(place(event)));
  };
  const move = (event: PointerEvent) => {
    const here = place(event);
    const { current } = drag;
    if (!current) {
      setHover(here);
      return;
    }
    const by = here.x - current.x;
    if (!current.moved && Math.abs(by) < DRAG_PX) return;
    current.moved = true;
    setHover(null);
    onWindow(moved(current.window, (-by / width) * (current.window.to - current.window.from)));
  };
  const up = (event: PointerEvent) => {
    if (drag.current && !drag.current.moved) onSeek(targetOf(place(event)));
    drag.current = null;
  };
  const eventAt = (x: number, y: number) => {
    if (y < AXIS || y > AXIS + EVENTS) return null;
    const near = events
      .map((event) => ({ event, at: Date.parse(event.occurred_at) }))
      .map((one) => ({ ...one, off: Math.abs(xOf(window, width, one.at) - x) }))
      .sort((a, b) => a.off - b.off)[0];
    return near && near.off <= NEAR_PX ? near : null;
  };
  const targetOf = ({ x, y }: Hover) => eventAt(x, y)?.at ?? momentOf(window, width, x);
  const press = (event: KeyboardEvent) => {
    const about = (window.from + window.to) / 2;
    if (event.key === "+" || event.key === "=") onWindow(zoomed(window, 0.5, at));
    else if (event.key === "-") onWindow(zoomed(window, 2, about));
    else if (event.key === "PageUp") onWindow(moved(window, window.from - window.to));
    else if (event.key === "PageDown") onWindow(moved(window, window.to - window.from));
    else return;
    event.preventDefault();
  };

  const clock = (ms: number) => `${day(ms, timezone)} ${timeOfDay(ms, timezone)}`;
  const said = () => {
    if (moment === null || !hover) return "";
    const event = eventAt(hover.x, hover.y)?.event;
    if (event) return named(t, "kind", event.kind);
    const missing = lane?.gaps.find(({ from, to }) => moment >= from && moment < to);
    if (missing) return gapReason(t, missing.reason);
    const gone = lane?.erased.find(({ from, to }) => moment >= from && moment < to);
    if (gone) return t("playback.erased");
    if (lane?.holds.some(({ from, to }) => moment >= from && moment < to)) return t("playback.held");
    return lane && !isRecorded(lane.recorded, moment) ? t("playback.nothing") : "";
  };
  const step = (window.to - window.from) / STILLS;
  const still =
    moment === null || !lane || !isRecorded(lane.recorded, moment)
      ? undefined
      : stills.find(({ at: taken }) => Math.abs(Date.parse(taken) - moment) < Math.max(step, 4000));
  const words = said();
  return (
    <div
      ref={box}
      className="timeline"
      role="slider"
      tabIndex={0}
      aria-label={t("playback.timeline")}
      aria-valuemin={window.from}
      aria-valuemax={window.to}
      aria-valuenow={at}
      aria-valuetext={clock(at)}
      onKeyDown={press}
    >
      <canvas
        ref={canvas}
        style={{ height: heightOf(lanes.length) }}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => setHover(null)}
      />
      {hover && moment !== null && (
        <div className="timeline-hover" style={{ left: Math.min(Math.max(hover.x, 100), Math.max(100, width - 100)) }}>
          {still && <img src={`data:image/jpeg;base64,${still.jpeg}`} alt="" />}
          <time>{clock(moment)}</time>
          {words && <span>{words}</span>}
        </div>
      )}
    </div>
  );
}
