// The live picture with what is drawn on it. Corners are dragged, or moved with the arrow keys; a click while drawing
// sets the next corner.

import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { useTranslation } from "react-i18next";

import { socketUrl } from "../api/http";
import type { Point } from "../api/types";
import { LivePlayer, type LiveState } from "../video/live_player";
import { point, withCorner, withoutPoint, withPoint } from "./shapes";

export interface Shape {
  key: string;
  kind: "zone" | "mask";
  name: string;
  polygon: Point[];
}

interface Props {
  camera: string;
  label: string;
  shapes: readonly Shape[];
  chosen: string | null;
  drawing: readonly Point[] | null; // the corners set so far; null: nothing is being drawn
  editable: boolean;
  onChoose: (key: string) => void;
  onCorner: (at: Point) => void;
  onChange: (key: string, polygon: Point[]) => void;
}

const STEP = 0.01; // of the picture, an arrow key
const ARROWS: Record<string, Point> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

const corners = (polygon: readonly Point[]) => polygon.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" ");

export function Surface(props: Props) {
  const { camera, label, shapes, chosen, drawing, editable, onChoose, onCorner, onChange } = props;
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<LiveState>("connecting");
  const [ratio, setRatio] = useState(16 / 9);
  const [held, setHeld] = useState<number | null>(null);

  useEffect(() => {
    if (!video.current) return undefined;
    const url = socketUrl(`/cameras/${encodeURIComponent(camera)}/live`);
    const player = new LivePlayer(video.current, url, setState);
    return () => player.close();
  }, [camera]);

  const at = ({ clientX, clientY }: PointerEvent): Point => {
    const box = frame.current?.getBoundingClientRect();
    return box ? point((clientX - box.left) / box.width, (clientY - box.top) / box.height) : [0, 0];
  };
  const current = shapes.find(({ key }) => key === chosen);
  const handles = editable && drawing === null && current ? current.polygon : [];
  const byKey = (event: KeyboardEvent, index: number) => {
    const step = ARROWS[event.key];
    const corner = current?.polygon[index];
    if (!current || !corner) return;
    if (step) onChange(current.key, withPoint(current.polygon, index, point(corner[0] + step[0], corner[1] + step[1])));
    else if (event.key === "Delete") onChange(current.key, withoutPoint(current.polygon, index));
    else if (event.key === "Insert") onChange(current.key, withCorner(current.polygon, index));
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={frame}
      className={`surface${drawing ? " is-drawing" : ""}`}
      style={{ aspectRatio: ratio, maxWidth: `calc((100vh - 260px) * ${ratio})` }}
      data-state={state}
      onPointerMove={(event) => {
        if (held !== null && current) onChange(current.key, withPoint(current.polygon, held, at(event)));
      }}
      onPointerUp={() => setHeld(null)}
    >
      <video
        ref={video}
        muted
        playsInline
        aria-label={label}
        onLoadedMetadata={({ currentTarget }) =>
          setRatio(currentTarget.videoWidth / currentTarget.videoHeight || 16 / 9)
        }
      />
      {state !== "playing" && <div className="surface-words">{t(`live.${state}`)}</div>}
      <svg
        viewBox="0 0 1000 1000"
        preserveAspectRatio="none"
        aria-label={t("seeing.surface", { camera: label })}
        onPointerDown={(event) => {
          if (drawing) onCorner(at(event));
        }}
      >
        {shapes.map(({ key, kind, polygon }) => (
          <polygon
            key={key}
            className={`shape shape-${kind}${key === chosen ? " chosen" : ""}`}
            points={corners(polygon)}
            onPointerDown={() => drawing === null && onChoose(key)}
          />
        ))}
        {drawing && drawing.length > 1 && <polyline className="shape drawing" points={corners(drawing)} />}
      </svg>
      {shapes.map(({ key, name, polygon }) => (
        <span key={key} className="shape-name" style={place(polygon[0] ?? [0, 0])}>
          {name}
        </span>
      ))}
      {(drawing ?? []).map((corner, index) => (
        <span key={index} className="corner set" style={place(corner)} />
      ))}
      {handles.map((corner, index) => (
        <button
          key={index}
          type="button"
          className="corner"
          style={place(corner)}
          aria-label={t("seeing.corner", { number: index + 1 })}
          title={t("seeing.cornerHint")}
          onPointerDown={(event) => {
            event.currentTarget.releasePointerCapture(event.pointerId);
            event.preventDefault();
            event.currentTarget.focus();
            setHeld(index);
          }}
          onKeyDown={(event) => byKey(event, index)}
        />
      ))}
    </div>
  );
}

const place = ([x, y]: readonly [number, number]) => ({ left: `${x * 100}%`, top: `${y * 100}%` });
