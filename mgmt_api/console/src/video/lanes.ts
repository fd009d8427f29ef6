// What the recorders tell of cameras, as the timeline draws it: numbers for times; what lasts has no end.

import type { Camera, CameraTimeline } from "../api/types";
import { inLanguage } from "../text/i18n";
import type { Lane } from "./timeline_paint";

const ms = Date.parse;

export function laneOf(camera: Camera, told: CameraTimeline | undefined, language: string): Lane {
  const { recorded = [], gaps = [], erased = [], holds = [], marks = [] } = told ?? {};
  return {
    name: camera.name,
    label: inLanguage(camera.label, language, camera.name),
    recorded: recorded.map(({ start, end }) => ({ from: ms(start), to: ms(end) })),
    gaps: gaps.map(({ from, to, reason }) => ({ from: ms(from), to: to === null ? Infinity : ms(to), reason })),
    erased: erased.map(({ from, to, reason }) => ({ from: ms(from), to: ms(to), reason })),
    holds: holds.map(({ from, to }) => ({ from: ms(from), to: ms(to) })),
    marks: marks.map(({ from, to }) => ({ from: ms(from), to: ms(to) })),
  };
}
