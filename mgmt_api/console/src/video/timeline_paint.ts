// Draws the timeline: a lane a camera, what is recorded, missing, erased and kept; events above; the playhead over all.

import type { AccessEvent } from "../api/types";
import { eventFace } from "../events/event_face";
import { ticks, xOf, type Stretch, type Window } from "./scale";

export interface Lane {
  name: string;
  label: string;
  recorded: readonly Stretch[];
  gaps: readonly (Stretch & { reason: string })[];
  erased: readonly (Stretch & { reason: string })[];
  holds: readonly Stretch[];
  marks: readonly Stretch[];
}

export interface Scene {
  window: Window;
  lanes: readonly Lane[];
  events: readonly AccessEvent[];
  at: number;
  now: number;
  range: Stretch | null;
  hover: number | null;
  timezone: string;
}

export const AXIS = 24;
export const EVENTS = 22;
const LANE = 30;
export const heightOf = (lanes: number) => AXIS + EVENTS + Math.max(1, lanes) * LANE + 6;
export const laneAt = (y: number) => Math.floor((y - AXIS - EVENTS) / LANE);

type Colours = Record<
  "text" | "dim" | "line" | "panel" | "raised" | "accent" | "ok" | "bad" | "warn" | "calm" | "info",
  string
>;

function coloursOf(canvas: HTMLCanvasElement): Colours {
  const style = getComputedStyle(canvas);
  const names = ["text", "dim", "line", "panel", "raised", "accent", "ok", "bad", "warn", "calm", "info"] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
}

/** Paints in CSS pixels, whatever the screen's density. */
export function paint(canvas: HTMLCanvasElement, width: number, scene: Scene): void {
  const context = canvas.getContext("2d");
  if (!context || width === 0) return;
  const height = heightOf(scene.lanes.length);
  const density = devicePixelRatio;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  context.scale(density, density);
  const colours = coloursOf(canvas);
  new Painter(context, colours, width, height, scene).all();
}

class Painter {
  constructor(
    private readonly pen: CanvasRenderingContext2D,
    private readonly colours: Colours,
    private readonly width: number,
    private readonly height: number,
    private readonly scene: Scene,
  ) {}

  all(): void {
    const { pen, colours, scene } = this;
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    this.axis();
    scene.lanes.forEach((lane, n) => this.lane(lane, AXIS + EVENTS + n * LANE));
    this.events();
    if (scene.range) this.range(scene.range);
    if (scene.hover !== null) this.stroke(scene.hover, colours.dim, 1);
    this.playhead();
  }

  private x(moment: number): number {
    return xOf(this.scene.window, this.width, moment);
  }

  private box({ from, to }: Stretch, y: number, height: number, least = 1): [number, number, number, number] {
    const left = Math.max(-1, this.x(from));
    const right = Math.min(this.width + 1, this.x(to));
    return [left, y, Math.max(least, right - left), height];
  }

  private axis(): void {
    const { pen, colours, scene } = this;
    pen.textBaseline = "middle";
    for (const { moment, label, major } of ticks(scene.window, this.width, scene.timezone)) {
      const x = Math.round(this.x(moment)) + 0.5;
      pen.strokeStyle = colours.line;
      pen.lineWidth = major ? 2 : 1;
      pen.beginPath();
      pen.moveTo(x, AXIS - 5);
      pen.lineTo(x, this.height);
      pen.stroke();
      pen.fillStyle = major ? colours.text : colours.dim;
      pen.textAlign = x < 22 ? "left" : x > this.width - 22 ? "right" : "center";
      pen.fillText(label, x, AXIS / 2);
    }
  }

  private lane(lane: Lane, y: number): void {
    const { pen, colours, scene } = this;
    const [top, high] = [y + 3, LANE - 8];
    pen.fillStyle = colours.raised;
    pen.fillRect(...this.box({ from: scene.window.from, to: Math.min(scene.now, scene.window.to) }, top, high));
    pen.fillStyle = colours.info;
    pen.globalAlpha = 0.75;
    for (const each of lane.recorded) pen.fillRect(...this.box(each, top, high));
    pen.globalAlpha = 1;
    for (const each of lane.erased) this.hatch(each, top, high, colours.dim);
    for (const { from, to } of lane.gaps) this.hatch({ from, to: Math.min(to, scene.now) }, top, high, colours.warn);
    pen.fillStyle = colours.ok;
    for (const each of lane.marks) pen.fillRect(...this.box(each, top + high - 4, 4, 2));
    pen.fillStyle = colours.accent;
    for (const each of lane.holds) pen.fillRect(...this.box(each, top - 3, 3, 3));
    this.name(lane.label, top + high / 2);
  }

  /** Missing footage is hatched, so that it differs without its colour. */
  private hatch(stretch: Stretch, y: number, height: number, colour: string): void {
    const { pen } = this;
    const [left, top, wide] = this.box(stretch, y, height, 2);
    pen.save();
    pen.beginPath();
    pen.rect(left, top, wide, height);
    pen.clip();
    pen.fillStyle = this.colours.panel;
    pen.fillRect(left, top, wide, height);
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (let x = left - height; x < left + wide; x += 6) {
      pen.moveTo(x, top + height);
      pen.lineTo(x + height, top);
    }
    if (wide < 4) pen.rect(left, top, wide, height);
    pen.stroke();
    pen.restore();
  }

  private name(label: string, y: number): void {
    const { pen, colours } = this;
    pen.textAlign = "left";
    const wide = pen.measureText(label).width + 12;
    pen.globalAlpha = 0.82;
    pen.fillStyle = colours.panel;
    pen.fillRect(4, y - 9, wide, 18);
    pen.globalAlpha = 1;
    pen.fillStyle = colours.text;
    pen.fillText(label, 10, y + 0.5);
  }

  private events(): void {
    for (const event of this.scene.events) {
      const x = this.x(Date.parse(event.occurred_at));
      if (x >= -6 && x <= this.width + 6) this.event(event, x, AXIS + EVENTS / 2 + 1);
    }
  }

  /** A circle let in, a square refused, a triangle alarmed: the shapes of the event list. */
  private event(event: AccessEvent, x: number, y: number): void {
    const { pen, colours } = this;
    const face = eventFace(event);
    pen.fillStyle = colours[face.tone];
    pen.beginPath();
    if (face.alarm) {
      pen.moveTo(x, y - 6);
      pen.lineTo(x + 6.5, y + 5);
      pen.lineTo(x - 6.5, y + 5);
    } else if (event.kind === "Denied") {
      pen.rect(x - 4.5, y - 4.5, 9, 9);
    } else {
      pen.arc(x, y, event.kind === "Granted" ? 4.5 : 3, 0, 7);
    }
    pen.fill();
  }

  private range(range: Stretch): void {
    const { pen, colours } = this;
    const [left, , wide] = this.box(range, 0, 0, 2);
    pen.globalAlpha = 0.2;
    pen.fillStyle = colours.accent;
    pen.fillRect(left, AXIS, wide, this.height - AXIS);
    pen.globalAlpha = 1;
    for (const edge of [range.from, range.to]) {
      this.stroke(edge, colours.accent, 2);
      pen.fillRect(this.x(edge) - 4, this.height - 14, 8, 14);
    }
  }

  private playhead(): void {
    const { pen, colours, scene } = this;
    const x = this.x(scene.at);
    this.stroke(scene.at, colours.bad, 2);
    pen.fillStyle = colours.bad;
    pen.beginPath();
    pen.moveTo(x - 6, AXIS - 6);
    pen.lineTo(x + 6, AXIS - 6);
    pen.lineTo(x, AXIS + 3);
    pen.fill();
  }

  private stroke(moment: number, colour: string, wide: number): void {
    const { pen } = this;
    const x = this.x(moment);
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.beginPath();
    pen.moveTo(x, AXIS - 4);
    pen.lineTo(x, this.height);
    pen.stroke();
  }
}
