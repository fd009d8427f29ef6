// The cameras that are looked at together: one clock, which runs at a speed, waits for pictures and leaps over gaps.

export interface Player {
  readonly moment: number; // Unix milliseconds
  readonly ready: boolean;
  readonly video: Pick<HTMLVideoElement, "paused" | "playbackRate" | "play" | "pause" | "seeking">;
  has(moment: number): boolean;
  next(moment: number): number | null;
  prepare(moment: number): void;
  seek(moment: number): void;
  pump(moment: number, rate: number): void;
  beside(step: 1 | -1): number;
}

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
const APART_MS = 350; // a camera that is further off than this is set anew
const PATIENCE_MS = 4000; // how long the others wait for one camera's pictures

export class Deck {
  at: number;
  speed = 1;
  playing = false;
  skipGaps = true;
  private readonly players = new Map<string, Player>();
  private waitedSince = 0;

  constructor(
    at: number,
    private readonly latest: () => number = Date.now,
  ) {
    this.at = at;
  }

  add(name: string, player: Player): void {
    this.players.set(name, player);
    player.seek(this.at);
  }

  remove(name: string): void {
    this.players.delete(name);
  }

  /** A seek to there is about to come. */
  prepare(moment: number): void {
    for (const player of this.players.values()) player.prepare(Math.min(moment, this.latest()));
  }

  seek(moment: number): void {
    this.at = Math.min(moment, this.latest());
    this.waitedSince = 0;
    for (const player of this.players.values()) player.seek(this.at);
  }

  toggle(): void {
    this.playing = !this.playing;
    this.waitedSince = 0;
    if (!this.playing) for (const { video } of this.players.values()) video.pause();
  }

  /** One picture on or back, by the first camera that shows one. */
  step(by: 1 | -1): void {
    if (this.playing) this.toggle();
    const shown = [...this.players.values()].find((player) => player.has(this.at));
    this.seek(shown ? shown.beside(by) : this.at + by * 40);
  }

  /** Moves the clock on by what has passed; called several times a second. True: the clock stands and waits. */
  tick(passed_ms: number, now_ms: number): boolean {
    for (const player of this.players.values()) player.pump(this.at, this.speed);
    if (!this.playing) return false;
    const shown = [...this.players.values()].filter((player) => player.has(this.at));
    const waits = this.waits(shown, now_ms);
    if (!waits) this.advance(shown, passed_ms);
    for (const player of this.players.values()) this.follow(player, waits);
    return waits;
  }

  private waits(shown: readonly Player[], now_ms: number): boolean {
    if (shown.every((player) => player.ready)) {
      this.waitedSince = 0;
      return false;
    }
    this.waitedSince ||= now_ms;
    return now_ms - this.waitedSince < PATIENCE_MS;
  }

  private advance(shown: readonly Player[], passed_ms: number): void {
    const ahead = [...this.players.values()].map((player) => player.next(this.at)).filter((each) => each !== null);
    if (ahead.length === 0) return; // the end of all footage; near the present more of it comes
    const leader = shown.find((player) => player.ready && !player.video.paused);
    const apart = leader ? leader.moment - this.at : Infinity;
    const on = leader && Math.abs(apart) < APART_MS * Math.max(1, this.speed) ? apart : passed_ms * this.speed;
    this.at = Math.min(this.at + Math.max(0, on), this.latest());
    if (shown.length === 0 && this.skipGaps) this.seek(Math.min(...ahead));
  }

  private follow(player: Player, waits: boolean): void {
    const { video } = player;
    const recorded = player.has(this.at);
    // A browser never ends a seek to where nothing is recorded: the stretch after the gap needs its own.
    if (recorded && video.seeking && !player.has(player.moment)) player.seek(this.at);
    if (waits || !recorded) {
      if (!video.paused) video.pause();
      return;
    }
    const behind = this.at - player.moment;
    if (Math.abs(behind) > APART_MS * Math.max(1, this.speed)) {
      if (!video.seeking) player.seek(this.at);
      if (player.moment - this.at > APART_MS * Math.max(1, this.speed)) {
        video.pause(); // its first picture is yet to come
        return;
      }
    } else {
      video.playbackRate = Math.min(16, Math.max(0.1, this.speed * (1 + behind / 2000)));
    }
    if (video.paused) video.play().catch(() => undefined);
  }
}
