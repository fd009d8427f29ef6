// When each picture of a fragmented MP4 is shown (ISO/IEC 14496-12), so that stepping need not guess at the frame rate.

interface Box {
  kind: string;
  body: number;
  end: number;
}

const INSIDE = 8; // size and kind before a box's body
const VIDEO = "vide";
// Flags of tfhd (8.8.7) and trun (8.8.8): which fields are there.
const [BASE, DESCRIPTION, DURATION] = [0x1, 0x2, 0x8];
const [DATA, FIRST, EACH_DURATION, EACH_SIZE, EACH_FLAGS, EACH_OFFSET] = [0x1, 0x4, 0x100, 0x200, 0x400, 0x800];
const count = (flags: number, ...fields: number[]) => fields.filter((field) => flags & field).length;

function* boxes(view: DataView, from: number, to: number): Generator<Box> {
  for (let at = from; at + INSIDE <= to;) {
    const size = view.getUint32(at);
    if (size < INSIDE || at + size > to) return;
    yield { kind: kindAt(view, at + 4), body: at + INSIDE, end: at + size };
    at += size;
  }
}

const kindAt = (view: DataView, at: number) =>
  String.fromCharCode(...[0, 1, 2, 3].map((byte) => view.getUint8(at + byte)));

/** The boxes at a path of kinds. */
function all(view: DataView, { body, end }: Pick<Box, "body" | "end">, ...[kind, ...rest]: string[]): Box[] {
  const found = [...boxes(view, body, end)].filter((box) => box.kind === kind);
  return rest.length > 0 ? found.flatMap((box) => all(view, box, ...rest)) : found;
}

const long = (view: DataView, at: number, is64: boolean) => (is64 ? Number(view.getBigUint64(at)) : view.getUint32(at));

interface Track {
  id: number;
  timescale: number;
  shift: number; // of the edit list
  duration: number; // of a picture, unless it says another
}

function videoTrack(view: DataView, film: Box): Track | null {
  for (const trak of all(view, film, "moov", "trak")) {
    const [handler, header, clock] = [["mdia", "hdlr"], ["tkhd"], ["mdia", "mdhd"]].map(
      (path) => all(view, trak, ...path)[0],
    );
    if (!handler || !header || !clock || kindAt(view, handler.body + 8) !== VIDEO) continue;
    const id = view.getUint32(header.body + (view.getUint8(header.body) ? 20 : 12));
    const timescale = view.getUint32(clock.body + (view.getUint8(clock.body) ? 20 : 12));
    const edits = all(view, trak, "edts", "elst")[0];
    const wide = edits !== undefined && view.getUint8(edits.body) === 1;
    const one = edits !== undefined && view.getUint32(edits.body + 4) === 1;
    const start = !one ? 0 : wide ? Number(view.getBigInt64(edits.body + 16)) : view.getInt32(edits.body + 12);
    const extends_ = all(view, film, "moov", "mvex", "trex").find((box) => view.getUint32(box.body + 4) === id);
    return { id, timescale, shift: Math.max(0, start), duration: extends_ ? view.getUint32(extends_.body + 12) : 0 };
  }
  return null;
}

/** The moments of the pictures in seconds from the film's zero, in order. */
export function pictureTimes(data: ArrayBuffer): number[] {
  const view = new DataView(data);
  const film = { kind: "", body: 0, end: data.byteLength };
  const track = videoTrack(view, film);
  if (!track) return [];
  const times: number[] = [];
  for (const traf of all(view, film, "moof", "traf")) {
    const [header, begin] = ["tfhd", "tfdt"].map((kind) => all(view, traf, kind)[0]);
    if (!header || !begin || view.getUint32(header.body + 4) !== track.id) continue;
    const has = view.getUint32(header.body) & 0xffffff;
    const field = header.body + 8 + (has & BASE ? 8 : 0) + (has & DESCRIPTION ? 4 : 0);
    const usual = has & DURATION ? view.getUint32(field) : track.duration;
    let at = long(view, begin.body + 4, view.getUint8(begin.body) === 1);
    for (const run of all(view, traf, "trun")) {
      const flags = view.getUint32(run.body) & 0xffffff;
      const stride = 4 * count(flags, EACH_DURATION, EACH_SIZE, EACH_FLAGS, EACH_OFFSET);
      const later = 4 * count(flags, EACH_DURATION, EACH_SIZE, EACH_FLAGS);
      const first = run.body + 8 + 4 * count(flags, DATA, FIRST);
      for (let n = 0; n < view.getUint32(run.body + 4); n += 1) {
        const entry = first + n * stride;
        const offset = flags & EACH_OFFSET ? view.getInt32(entry + later) : 0;
        times.push((at + offset - track.shift) / track.timescale);
        at += flags & EACH_DURATION ? view.getUint32(entry) : usual;
      }
    }
  }
  return times.sort((one, other) => one - other);
}
