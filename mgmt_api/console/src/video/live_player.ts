// A camera's live picture: fragmented MP4 over a WebSocket into Media Source Extensions.

import { AppendQueue } from "./append_queue";
import { Edge } from "./edge";

export type LiveState = "connecting" | "playing" | "frozen" | "camera_down" | "offline" | "unsupported";
export type OnState = (state: LiveState, reason: string) => void;

interface Told {
  type: string; // init, drop, camera_down, error
  mime?: string;
  reason?: string;
}

const BACK_OFF_MS = [500, 1000, 2000, 4000] as const;
const FROZEN_MS = 3000; // a still picture must never look like a live one
const CHASE_MS = 200;
const H264 = "?codec=h264";
const MAX_PENDING = 250; // beyond it the stream begins anew

type SourceClass = typeof MediaSource;
const Source = (globalThis as { ManagedMediaSource?: SourceClass }).ManagedMediaSource ?? globalThis.MediaSource;

export class LivePlayer {
  private socket: WebSocket | null = null;
  private queue: AppendQueue | null = null;
  private edge = new Edge();
  private pending: ArrayBuffer[] = []; // fragments that came before the media source was open
  private address = "";
  private attempt = 0;
  private lastFragment = 0;
  private state: LiveState = "connecting";
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly watch: ReturnType<typeof setInterval>;

  constructor(
    private readonly video: HTMLVideoElement,
    private url: string,
    private readonly onState: OnState,
  ) {
    this.watch = setInterval(() => this.follow(), CHASE_MS);
    this.connect();
  }

  close(): void {
    clearInterval(this.watch);
    clearTimeout(this.retry);
    this.hangUp();
    this.clear();
  }

  private tell(state: LiveState, reason = ""): void {
    if (state === this.state && reason === "") return;
    this.state = state;
    this.onState(state, reason);
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer"; // Blobs read side by side come out of order
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") this.told(JSON.parse(data) as Told);
      else this.fragment(data);
    };
    socket.onclose = () => this.lost();
    this.socket = socket;
  }

  private told(message: Told): void {
    if (message.type === "init" && message.mime) this.begin(message.mime); // "drop" needs nothing: the chase jumps the hole
    if (message.type === "camera_down") this.tell("camera_down", message.reason ?? "");
    if (message.type === "error") this.tell("offline", message.reason ?? "");
  }

  private begin(mime: string): void {
    this.clear();
    this.tell("connecting");
    if (!(Source as SourceClass | undefined)?.isTypeSupported(mime)) {
      if (this.url.endsWith(H264)) this.tell("unsupported", mime);
      else {
        this.url += H264; // the recorder encodes it for this browser, as long as it has room for one more
        this.restart();
      }
      return;
    }
    const source = new Source();
    source.addEventListener("sourceopen", () => this.feed(source, mime), { once: true });
    this.address = URL.createObjectURL(source);
    this.video.disableRemotePlayback = true;
    this.video.src = this.address;
  }

  private feed(source: MediaSource, mime: string): void {
    if (this.address === "" || this.video.src !== this.address) return;
    const buffer = source.addSourceBuffer(mime);
    const queue = new AppendQueue(buffer, () => this.restart());
    buffer.addEventListener("updateend", () => {
      if (this.queue === queue) this.guarded(() => queue.pump(this.video.currentTime));
    });
    buffer.addEventListener("error", () => this.restart());
    this.queue = queue;
    for (const fragment of this.pending.splice(0)) this.guarded(() => queue.push(fragment, this.video.currentTime));
  }

  private fragment(data: ArrayBuffer): void {
    this.lastFragment = performance.now();
    this.attempt = 0;
    const { queue } = this;
    this.edge.came(this.video.buffered, this.video.currentTime, this.lastFragment);
    if (queue) this.guarded(() => queue.push(data, this.video.currentTime));
    else if (this.address !== "" && this.pending.push(data) > MAX_PENDING) this.restart();
  }

  private guarded(act: () => void): void {
    try {
      act();
    } catch {
      this.restart(); // the browser took the buffer away or refused the bytes: begin anew
    }
  }

  private follow(): void {
    const { video } = this;
    if (this.queue === null) return;
    const { seek, rate } = this.edge.chase(video.buffered, video.currentTime);
    if (seek !== null) video.currentTime = seek;
    video.playbackRate = rate;
    if (video.paused) video.play().catch(() => undefined); // muted video may play; a hidden tab may say no
    if (this.state === "camera_down") return;
    if (performance.now() - this.lastFragment > FROZEN_MS) this.tell("frozen");
    else if (video.readyState >= 2) this.tell("playing");
  }

  private restart(): void {
    this.hangUp();
    this.lost();
  }

  private lost(): void {
    this.clear();
    if (this.state !== "camera_down" && this.state !== "unsupported") this.tell("offline");
    clearTimeout(this.retry);
    const wait = BACK_OFF_MS[Math.min(this.attempt, BACK_OFF_MS.length - 1)] ?? 4000;
    this.attempt += 1;
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private hangUp(): void {
    const { socket } = this;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private clear(): void {
    this.queue = null;
    this.edge = new Edge();
    this.pending = [];
    if (this.address === "") return;
    URL.revokeObjectURL(this.address);
    this.address = "";
    this.video.removeAttribute("src");
    this.video.load();
  }
}
