// One camera's footage in a <video> whose time is the wall clock: pieces of MP4 are appended where they belong, so gaps
// stay gaps, and several cameras run in step because they share a clock.

import { pictureTimes } from "./picture_times";
import { isRecorded, nextRecorded, type Stretch } from "./scale";

export interface Piece {
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  mime: string;
  from: number; // Unix milliseconds
  to: number;
}

export type Codec = "h264" | null;
/** Brings the footage of [from, to); null where nothing is recorded. */
export type Fetch = (from: number, to: number, codec: Codec, signal: AbortSignal) => Promise<Piece | null>;

const FIRST_MS = 400; // after a seek: the pictures up to the moment, and the few that a browser wants before it shows one
const NEXT_MS = [2000, 10_000] as const; // while little is ready, and then
const LITTLE_S = 1.5;
const LONG_MS = 100; // a picture that takes longer to decode than this is preceded by its key frame
const SETTLE_MS = 200; // the picture that a seek waits for is decoded before more is asked for
const AHEAD_S = 12; // of what is played, kept ready
const BEHIND_S = 40;
const SEAM_S = 0.3; // pieces of one run meet within less
const KEY_S = 5; // a stretch that begins within a group of pictures shows nothing until its first key frame
const PAST_MS = 20; // ends are told in whole milliseconds: this much later lies surely behind the last picture
const AGAIN_MS = 1500;
const JUST_S = 0.002; // after a picture's own time: surely within it
const STEP_S = 0.04; // where no picture is known
const APART_S = 0.005; // pictures nearer than this are one, told twice

export class FootagePlayer {
  private readonly source = new MediaSource();
  private readonly address = URL.createObjectURL(this.source);
  private buffer: SourceBuffer | null = null;
  private mime = "";
  private codec: Codec = null;
  private loading: AbortController | null = null;
  private aim: { at: number; by: AbortController | null } | null = null; // fetched for a seek to come: seconds
  private begun = 0; // where the piece begins that was written last: seconds
  private writing: Promise<void> = Promise.resolve(); // one append at a time
  private notBefore = 0; // after a failure
  private settles = 0;
  private goal: number | null = null; // the time that is sought: seconds
  private decoding = { since: 0, span: 0 }; // on the way to it: since its bytes are there, and how many seconds
  private slowness = 0; // how many milliseconds this browser decodes at a second of footage
  private pictures: number[] = []; // the times of those that are ready, in order: seconds
  private blind: Stretch[] = []; // recorded, but before a first key frame: seconds
  private closed = false;
  private stretches: readonly Stretch[] = [];

  constructor(
    readonly video: HTMLVideoElement,
    private readonly origin: number, // Unix milliseconds at which the video's time is zero
    private readonly fetchPiece: Fetch,
    private readonly onFailure: (error: unknown) => void,
  ) {
    video.disableRemotePlayback = true;
    video.src = this.address;
    video.addEventListener("seeked", () => this.arrived());
    this.source.addEventListener("sourceopen", () => (this.source.duration = 40 * 86_400), { once: true });
  }

  close(): void {
    this.closed = true;
    this.loading?.abort();
    URL.revokeObjectURL(this.address);
    this.video.removeAttribute("src");
    this.video.load();
  }

  know(stretches: readonly Stretch[]): void {
    this.stretches = stretches;
  }

  has(moment: number): boolean {
    return isRecorded(this.stretches, moment);
  }

  next(moment: number): number | null {
    return nextRecorded(this.stretches, moment);
  }

  get moment(): number {
    return this.origin + this.video.currentTime * 1000;
  }

  /** Whether the picture of now is there and the next ones too. */
  get ready(): boolean {
    return this.video.readyState >= 3 && !this.video.seeking;
  }

  /** The moment of the picture before or after the one that is shown. */
  beside(step: 1 | -1): number {
    const { pictures, video } = this;
    const now = video.currentTime;
    const shown = pictures.findLast((time) => time <= now + JUST_S / 2) ?? now;
    const next =
      step > 0 ? pictures.find((time) => time > shown + APART_S) : pictures.findLast((time) => time < shown - APART_S);
    const near = next !== undefined && Math.abs(next - shown) < KEY_S;
    // The picture before the first that is ready ends where that one begins.
    const at = near ? next + JUST_S : step > 0 ? now + STEP_S : shown - STEP_S / 2;
    return this.origin + at * 1000;
  }

  /** A hand is about to go there: the pictures are fetched already. */
  prepare(moment: number): void {
    const at = this.visible((moment - this.origin) / 1000);
    if (this.source.readyState !== "open" || !this.has(moment) || this.bufferedUntil(at) !== null) return;
    this.loading?.abort();
    void this.load(moment, FIRST_MS);
    this.aim = { at, by: this.loading };
  }

  seek(moment: number): void {
    const at = this.visible((moment - this.origin) / 1000);
    if (Math.abs(this.video.currentTime - at) < 0.0005) return;
    const prepared = this.aim?.at === at ? this.aim : null;
    const there = this.bufferedUntil(at) !== null;
    if (there) {
      this.settles = performance.now() + SETTLE_MS;
    } else if (!prepared || prepared.by !== this.loading) {
      this.loading?.abort();
      this.loading = null;
      this.pump(moment, 1); // asked for before the browser has to flush what it shows
    }
    this.goal = this.video.currentTime = at;
    this.decoding = { since: 0, span: 0 };
    if (there && prepared) this.approach(this.begun);
  }

  /** More bytes of a piece are there: where decoding takes long, its key frame is shown while the rest comes. */
  private approach(begin: number): void {
    const { video, goal, decoding } = this;
    const buffered = this.range(begin);
    if (goal === null || !video.seeking || !buffered) return;
    const key = Math.max(begin, buffered.from);
    if (key >= goal) return; // a piece for later
    if (decoding.span === 0) {
      decoding.span = goal - key;
      if (decoding.span * this.slowness > LONG_MS) video.currentTime = key + JUST_S;
    }
    if (buffered.to > goal) decoding.since ||= performance.now();
  }

  private arrived(): void {
    const { video, goal, decoding } = this;
    if (goal === null || video.seeking) return;
    if (Math.abs(video.currentTime - goal) > JUST_S / 2) {
      video.currentTime = goal;
      if (decoding.since > 0) decoding.since = performance.now();
      return;
    }
    if (decoding.since > 0 && decoding.span > 0) {
      const found = (performance.now() - decoding.since) / decoding.span;
      this.slowness = this.slowness === 0 ? found : (this.slowness + found) / 2; // one busy moment is not the rule
    }
    this.goal = null;
  }

  /** Keeps enough ready after a moment; called again and again. */
  pump(moment: number, rate: number): void {
    if (this.closed || this.loading || this.source.readyState !== "open" || performance.now() < this.notBefore) return;
    if (this.goal !== null && performance.now() < this.settles) return;
    this.leapSeam();
    const first = this.next(moment); // within a gap: what comes after it
    if (first === null) return;
    const at = this.visible((first - this.origin) / 1000);
    const until = this.bufferedUntil(at);
    if (until !== null && until - at > AHEAD_S * Math.max(1, rate)) return;
    const wanted = until === null ? first : this.next(this.origin + until * 1000 + PAST_MS);
    if (wanted === null || wanted - moment > 2 * AHEAD_S * 1000 * Math.max(1, rate)) return;
    const length = until === null ? FIRST_MS : NEXT_MS[until - at < LITTLE_S ? 0 : 1] * Math.max(1, rate / 2);
    void this.load(wanted, length);
  }

  /** A browser waits for ever just before the first picture of a stretch: go to it. */
  private leapSeam(): void {
    const { video } = this;
    if (video.readyState >= 2) return;
    const at = this.visible(video.currentTime);
    if (at !== video.currentTime) video.currentTime = at;
    for (let n = 0; n < video.buffered.length; n += 1) {
      const early = video.buffered.start(n) - video.currentTime;
      if (early > 0 && early < SEAM_S) video.currentTime = video.buffered.start(n) + JUST_S;
    }
  }

  /** The time itself, or that of the first picture after it if it lies before a first key frame. */
  private visible(at: number): number {
    const blind = this.blind.find(({ from, to }) => at >= from && at < to);
    return blind ? blind.to + JUST_S : at;
  }

  private async load(from: number, length: number): Promise<void> {
    const control = new AbortController();
    this.loading = control;
    try {
      const coming = this.fetchPiece(from, from + length, this.codec, control.signal);
      this.writing = this.writing.then(() => this.trim()).catch(() => undefined); // while it comes
      const piece = await coming;
      if (control.signal.aborted || this.closed) return;
      if (piece === null || piece.to <= from) this.notBefore = performance.now() + AGAIN_MS;
      else if (this.codec === null && !MediaSource.isTypeSupported(piece.mime)) this.codec = "h264";
      else await this.append(piece, control.signal);
    } catch (error) {
      if (control.signal.aborted || this.closed) return;
      this.notBefore = performance.now() + AGAIN_MS;
      this.onFailure(error);
    } finally {
      control.abort(); // what was not read of the answer
      if (this.loading === control) {
        this.loading = null;
        this.settles = performance.now() + SETTLE_MS;
      }
    }
  }

  private append(piece: Piece, signal: AbortSignal): Promise<void> {
    const written = this.writing.then(() => (signal.aborted || this.closed ? undefined : this.write(piece)));
    this.writing = written.catch(() => undefined); // told to whom it concerns
    return written;
  }

  /** Appends a piece as it comes, so that the browser reads it meanwhile. */
  private async write({ body, mime, from }: Piece): Promise<void> {
    this.buffer ??= this.source.addSourceBuffer(mime);
    const { buffer } = this;
    if (this.mime !== "" && this.mime !== mime) buffer.changeType(mime);
    this.mime = mime;
    this.begun = buffer.timestampOffset = (from - this.origin) / 1000;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const reader = body.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const { value } = next;
        parts.push(value);
        await settled(buffer, () => buffer.appendBuffer(value));
        this.approach(buffer.timestampOffset);
      }
    } catch (error) {
      if (this.source.readyState === "open") buffer.abort(); // the next piece begins anew
      throw error;
    } finally {
      this.note(buffer, await new Blob(parts).arrayBuffer());
    }
  }

  /** Keeps in mind which pictures there are now. */
  private note(buffer: SourceBuffer, data: ArrayBuffer): void {
    const times = pictureTimes(data).map((time) => time + buffer.timestampOffset);
    const [from, last] = [times[0], times.at(-1)];
    if (from === undefined || last === undefined) return;
    const known = this.pictures.filter((time) => time < from - APART_S || time > last + APART_S);
    for (let n = 0; n < buffer.buffered.length; n += 1) {
      const [start, end] = [buffer.buffered.start(n), buffer.buffered.end(n)];
      if (end <= from) continue;
      if (start - from > APART_S && start - from < KEY_S) this.blind.push({ from: from - APART_S, to: start });
      this.pictures = [...known, ...times.filter((time) => time > start - APART_S)].sort((a, b) => a - b);
      return;
    }
  }

  private async trim(): Promise<void> {
    const { buffer, video } = this;
    if (!buffer) return;
    const at = video.currentTime;
    this.pictures = this.pictures.filter((time) => time >= at - BEHIND_S && time <= at + 600);
    for (let n = buffer.buffered.length - 1; n >= 0; n -= 1) {
      const [start, end] = [buffer.buffered.start(n), buffer.buffered.end(n)];
      if (start < at - BEHIND_S) await settled(buffer, () => buffer.remove(start, Math.min(end, at - BEHIND_S)));
      else if (start > at + 600) await settled(buffer, () => buffer.remove(start, end));
    }
  }

  /** The end of the buffered range that a time lies in: seconds. */
  private bufferedUntil(at: number): number | null {
    const ranges = this.buffer?.buffered;
    for (let n = 0; ranges && n < ranges.length; n += 1)
      if (at >= ranges.start(n) - SEAM_S && at < ranges.end(n)) return ranges.end(n);
    return null;
  }

  /** The buffered range that a piece is written to. */
  private range(begin: number): Stretch | null {
    const ranges = this.buffer?.buffered;
    for (let n = 0; ranges && n < ranges.length; n += 1)
      if (ranges.end(n) > begin && ranges.start(n) - begin < KEY_S) return { from: ranges.start(n), to: ranges.end(n) };
    return null;
  }
}

function settled(buffer: SourceBuffer, act: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      buffer.removeEventListener("updateend", done);
      buffer.removeEventListener("error", failed);
      resolve();
    };
    const failed = () => {
      buffer.removeEventListener("updateend", done);
      buffer.removeEventListener("error", failed);
      reject(new Error("the browser refused the footage"));
    };
    buffer.addEventListener("updateend", done);
    buffer.addEventListener("error", failed);
    act();
  });
}
