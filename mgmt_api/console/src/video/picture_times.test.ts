import { expect, test } from "vitest";

import { pictureTimes } from "./picture_times";

const u32 = (...values: number[]) => values.flatMap((value) => [24, 16, 8, 0].map((by) => (value >>> by) & 255));
const text = (value: string) => Array.from(value, (letter) => letter.charCodeAt(0));
const box = (kind: string, ...inside: number[][]): number[] => {
  const body = inside.flat();
  return [...u32(body.length + 8), ...text(kind), ...body];
};
const track = (id: number, handler: string, timescale: number) =>
  box(
    "trak",
    box("tkhd", u32(0, 0, 0, id)),
    box("mdia", box("mdhd", u32(0, 0, 0, timescale)), box("hdlr", u32(0, 0), text(handler))),
  );
const part = (id: number, start: number, ...durations: number[]) =>
  box(
    "traf",
    box("tfhd", u32(0x020000, id)),
    box("tfdt", u32(0, start)),
    box("trun", u32(0x000101, durations.length, 0, ...durations)),
  );

test("pictures have their own times, however uneven; sound is no picture", () => {
  const film = [
    ...box("moov", track(1, "soun", 8000), track(2, "vide", 1000)),
    ...box("moof", part(1, 0, 5, 5), part(2, 100, 80, 250)),
    ...box("moof", part(2, 430, 83)),
  ];
  expect(pictureTimes(new Uint8Array(film).buffer)).toEqual([0.1, 0.18, 0.43]);
});

test("what is no film has none", () => {
  expect(pictureTimes(new ArrayBuffer(16))).toEqual([]);
});
