"""An RTSP camera that shows what time it is: independent of Menjin, for Debian's own Python with `gi`.

    /usr/bin/python3 simulators/rtsp_camera.py --port 8554 --control 8600 [--user u --password p] /gate /garage
    ... --codec h265 --sound aac       (or alaw: G.711, as most cameras send it)

Packages: gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
gstreamer1.0-plugins-ugly python3-gi.

Each mount is served on 127.0.0.1 over RTSP (TCP or UDP; digest authentication when a user is given), H.264, a key
frame a second, 640 x 360 at 12 frames a second. Nothing is encoded while nobody watches. All clients of a mount share
one encoder. The line "ready" on stdout says that the server listens.

The picture has the mount's name, the date and time in UTC and in the site's time zone, a moving block, and a clock for
machines along its bottom edge:

    position    the lowest 32 of 360 lines, the whole width, 40 blocks of 16 x 32 pixels, left to right
    block 0     white, block 1 black: the reference levels; the threshold is half-way between them
    blocks 2-38 37 bits, most significant first, white = 1: Unix time in milliseconds modulo 2**37 (4.4 years)
    block 39    even parity: the number of white blocks among blocks 2-39 is even

Read a block by the mean luma of its middle 8 x 16 pixels; that survives H.264, and JPEG, and scaling by halves. The
whole time is the value nearest to the reader's own clock with the same remainder modulo 2**37.

Control by UDP datagrams to 127.0.0.1:C, each answered with "ok" or "unknown": "stall /gate" stops the frames while the
connection stays up, "resume /gate" goes on, "show /gate FILE" draws a binary PGM picture (8 bit, at most 312 lines)
over the right side from the next frame on, as a code that is held in front of the camera, "show /gate" takes it away;
"walk /gate on" lets a figure of 24 x 80 pixels walk to and fro in lines 104 to 184, "walk /gate off" ends that;
"see /gate black", "frozen", "blurred" or "moved" is what a covered, hung, unfocused or turned camera sends, "see /gate
well" ends that; "quit" ends the process. SIGSTOP and SIGKILL are the other two faults.
"""

import argparse
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions must be required before

WIDTH, HEIGHT, FPS = 640, 360, 12
BLOCKS, CLOCK_LINES, CLOCK_BITS = 40, 32, 37
FRAME_NS = 1_000_000_000 // FPS
SIGHTS = ("well", "black", "frozen", "blurred", "moved")
SCALE = 4  # pixels a dot of the font

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={gop} threads=1 "
    "! video/x-h264,profile=constrained-baseline ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={gop} "
    "option-string=pools=1:frame-threads=1:log-level=0 ! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1",
}

# Silence beside the pictures. Not of audiotestsrc: that can seek, so the server would, and the pictures cannot.
SOUNDS = {
    "none": "",
    "alaw": "interaudiosrc ! audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1 ! alawenc "
    "! rtppcmapay name=pay1 pt=8",
    "aac": "interaudiosrc ! audioconvert ! audioresample ! audio/x-raw,rate=16000,channels=1 "
    "! voaacenc bitrate=32000 ! aacparse ! rtpmp4gpay name=pay1 pt=97",
}

# A 3 x 5 font: five rows of three dots, an octal digit a row.
FONT = {
    " ": "00000", "-": "00700", ":": "02020", "/": "11244", ".": "00002", "+": "02720",
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71122",
    "8": "75757", "9": "75717", "A": "75755", "B": "65656", "C": "74447", "D": "65556", "E": "74647", "F": "74644",
    "G": "74557", "H": "55755", "I": "72227", "J": "11157", "K": "55655", "L": "44447", "M": "57755", "N": "75555",
    "O": "75557", "P": "75744", "Q": "75571", "R": "75765", "S": "74717", "T": "72222", "U": "55557", "V": "55552",
    "W": "55775", "X": "55255", "Y": "55222", "Z": "71247",
}  # fmt: skip


def glyph(char: str) -> list[bytes]:
    """Return the five luma rows of a character, one dot of space on the right."""
    rows = [int(digit, 8) for digit in FONT.get(char, FONT["-"])]
    dots = [[235 if row >> (2 - column) & 1 else 24 for column in range(3)] + [24] for row in rows]
    return [b"".join(bytes([dot]) * SCALE for dot in row) for row in dots]


GLYPHS = {char: glyph(char) for char in FONT}


def clock_row(unix_ms: int) -> bytes:
    """Return one line of the machine's clock."""
    value = unix_ms % (1 << CLOCK_BITS)
    bits = [value >> (CLOCK_BITS - 1 - n) & 1 for n in range(CLOCK_BITS)]
    blocks = [1, 0, *bits, sum(bits) & 1]
    return b"".join((b"\xeb" if bit else b"\x10") * (WIDTH // BLOCKS) for bit in blocks)


class Picture:
    """Draws I420 frames of one mount."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self._zone = zone
        seed = sum(name.encode())
        luma = bytearray()
        for y in range(HEIGHT):
            shade = 60 + (y * 60 // HEIGHT)
            luma += bytes([shade]) * WIDTH
        chroma = bytes([96 + seed % 64]) * (WIDTH * HEIGHT // 4) + bytes([96 + seed // 3 % 64]) * (WIDTH * HEIGHT // 4)
        chroma = self._grey_below(bytearray(chroma))
        self._base = bytearray(luma + chroma)
        self._blurred = bytes(self._base)  # without anything that has an edge
        self._scenery(self._base)
        self._text(self._base, 16, 16, name.strip("/").upper())
        self._shown: list[bytes] = []
        self._frozen = b""
        self.sight = "well"
        self.walking = False

    @staticmethod
    def _scenery(frame: bytearray) -> None:
        """Draw what stands still: a wall with a gate in it, along the lower half."""
        for y in range(256, 320):
            for x in range(0, WIDTH, 64):
                shade = b"\x50" if (x // 64 + (y - 256) // 16) % 2 else b"\x6e"
                frame[y * WIDTH + x : y * WIDTH + x + 64] = shade * 64
            frame[y * WIDTH + 288 : y * WIDTH + 352] = b"\x2a" * 64

    def show(self, rows: list[bytes]) -> None:
        """Draw rows of luma over the right side; none takes them away."""
        self._shown = rows

    @staticmethod
    def _grey_below(chroma: bytearray) -> bytearray:
        lines, plane = CLOCK_LINES // 2, WIDTH * HEIGHT // 4
        for start in (0, plane):
            end = start + plane
            chroma[end - lines * WIDTH // 2 : end] = b"\x80" * (lines * WIDTH // 2)
        return chroma

    @staticmethod
    def _text(frame: bytearray, x: int, y: int, text: str) -> None:
        for row in range(5):
            line = b"".join(GLYPHS.get(char, GLYPHS["-"])[row] for char in text)
            for n in range(SCALE):
                start = (y + row * SCALE + n) * WIDTH + x
                frame[start : start + len(line)] = line

    def at(self, unix_s: float) -> bytes:
        """Return the frame of a moment, as the camera sees it."""
        if self.sight == "black":
            return b"\x10" * (WIDTH * HEIGHT) + b"\x80" * (WIDTH * HEIGHT // 2)
        if self.sight == "blurred":
            frame, x = bytearray(self._blurred), int(unix_s * 96) % (WIDTH - 160)
            for y in range(192, 256):
                frame[y * WIDTH + x : y * WIDTH + x + 160] = b"\x84" * 160
            return bytes(frame)
        if self.sight != "frozen" or not self._frozen:
            self._frozen = self._well(unix_s)
        if self.sight == "moved":  # a third of the picture to the left, a quarter up
            shift, whole = HEIGHT // 4 * WIDTH + WIDTH // 3, (HEIGHT - CLOCK_LINES) * WIDTH
            return self._frozen[shift:whole] + self._frozen[:shift] + self._frozen[whole:]
        return self._frozen

    def _well(self, unix_s: float) -> bytes:
        frame = bytearray(self._base)
        moment = datetime.fromtimestamp(unix_s, UTC)
        self._text(frame, 16, 48, moment.strftime("%Y-%m-%d %H:%M:%S UTC"))
        self._text(frame, 16, 80, moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S %z"))
        x = 16 + int(unix_s * 96) % (WIDTH - 80)
        for y in range(200, 248):
            frame[y * WIDTH + x : y * WIDTH + x + 48] = b"\xc8" * 48
        if self.walking:
            way = int(unix_s * 48) % (2 * (WIDTH - 24))
            x = min(way, 2 * (WIDTH - 24) - way)
            for y in range(104, 184):
                frame[y * WIDTH + x : y * WIDTH + x + 24] = (b"\xdc" if y // 8 % 2 else b"\x28") * 24
        for y, row in enumerate(self._shown, 8):
            end = (y + 1) * WIDTH - 16
            frame[end - len(row) : end] = row
        start = WIDTH * (HEIGHT - CLOCK_LINES)
        frame[start : WIDTH * HEIGHT] = clock_row(int(unix_s * 1000)) * CLOCK_LINES
        return bytes(frame)


class Mount:
    """A mount point: pushes frames on time while its pipeline plays."""

    def __init__(self, path: str, zone: ZoneInfo, codec: str, kbps: int, sound: str) -> None:
        self.path = path
        self.stalled = False
        self._picture = Picture(path, zone)
        self._media = 0
        self.factory = GstRtspServer.RTSPMediaFactory()
        streams = f"{ENCODERS[codec].format(kbps=kbps, gop=FPS)} {SOUNDS[sound]}"
        self.factory.set_launch(
            f"( appsrc name=source is-live=true format=time block=false max-bytes=4000000 "
            f"caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1 ! {streams} )"
        )
        self.factory.set_shared(True)
        self.factory.connect("media-configure", self._configure)

    def show(self, rows: list[bytes]) -> None:
        """Hold a picture in front of the camera."""
        self._picture.show(rows)

    def see(self, sight: str) -> None:
        """See well, or as a broken camera sees."""
        self._picture.sight = sight

    def walk(self, on: bool) -> None:
        """Let somebody walk by."""
        self._picture.walking = on

    def _configure(self, _factory: object, media: object) -> None:
        self._media += 1
        source = media.get_element().get_by_name_recurse_up("source")
        media.connect("unprepared", self._ended)
        self._tick(source, self._media, None)

    def _ended(self, _media: object) -> None:
        self._media += 1

    def _tick(self, source: object, media: int, number: int | None) -> bool:
        """Push frame `number` of the pipeline's time, then wait for the next one."""
        if media != self._media:
            return False
        clock = source.get_clock()
        running_ns = clock.get_time() - source.get_base_time() if clock else None
        if running_ns is None or source.get_state(0)[1] != Gst.State.PLAYING:
            GLib.timeout_add(5, self._tick, source, media, number)
            return False
        if number is None or running_ns - number * FRAME_NS > 3 * FRAME_NS:  # first frame, or this process stood still
            number = running_ns // FRAME_NS + 1
        if not self.stalled:
            self._push(source, number * FRAME_NS)
        wait_ns = (number + 1) * FRAME_NS - running_ns
        GLib.timeout_add(max(1, wait_ns // 1_000_000), self._tick, source, media, number + 1)
        return False

    def _push(self, source: object, pts_ns: int) -> None:
        buffer = Gst.Buffer.new_wrapped(self._picture.at(time.time()))
        buffer.pts = buffer.dts = pts_ns
        buffer.duration = FRAME_NS
        source.emit("push-buffer", buffer)


def protect(server: object, mounts: dict[str, Mount], user: str, password: str) -> None:
    """Ask for digest authentication on every mount."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    for mount in mounts.values():
        permissions = GstRtspServer.RTSPPermissions()
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role(user, permission, True)
        mount.factory.set_permissions(permissions)


def read_pgm(path: str) -> list[bytes]:
    """Return the rows of a picture that fits. Raises `ValueError` for any other file."""
    kind, width, height, depth, pixels = Path(path).read_bytes().split(maxsplit=4)
    columns, lines = int(width), int(height)
    room = columns <= WIDTH - 16 and lines <= HEIGHT - CLOCK_LINES - 16
    if kind != b"P5" or depth != b"255" or not room or len(pixels) != columns * lines:
        raise ValueError("no picture that fits")
    return [pixels[y * columns : (y + 1) * columns] for y in range(lines)]


def obey(control: socket.socket, mounts: dict[str, Mount], loop: object) -> bool:
    """Carry out one datagram."""
    words, peer = control.recvfrom(1024)
    match words.decode("ascii", "replace").split():
        case ["stall", path] if path in mounts:
            mounts[path].stalled = True
        case ["resume", path] if path in mounts:
            mounts[path].stalled = False
        case ["show", path, *file] if path in mounts and len(file) < 2:
            try:
                mounts[path].show(read_pgm(file[0]) if file else [])
            except (OSError, ValueError):
                control.sendto(b"unknown", peer)
                return True
        case ["walk", path, ("on" | "off") as word] if path in mounts:
            mounts[path].walk(word == "on")
        case ["see", path, word] if path in mounts and word in SIGHTS:
            mounts[path].see(word)
        case ["quit"]:
            loop.quit()
        case _:
            control.sendto(b"unknown", peer)
            return True
    control.sendto(b"ok", peer)
    return True


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="An RTSP camera with a readable clock in its picture")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--timezone", default="Asia/Shanghai")
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    parser.add_argument("--kbps", type=int, default=500)
    parser.add_argument("--sound", choices=sorted(SOUNDS), default="none")
    parser.add_argument("mounts", nargs="+", metavar="/mount")
    return parser.parse_args()


def main() -> int:
    """Serve until told to quit."""
    args = arguments()
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(args.port))
    zone = ZoneInfo(args.timezone)
    mounts = {path: Mount(path, zone, args.codec, args.kbps, args.sound) for path in args.mounts}
    for path, mount in mounts.items():
        server.get_mount_points().add_factory(path, mount.factory)
    if args.user:
        protect(server, mounts, args.user, args.password)
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    control.bind(("127.0.0.1", args.control))
    GLib.io_add_watch(control.fileno(), GLib.IO_IN, lambda *_: obey(control, mounts, loop))
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    if not server.attach(None):
        sys.stderr.write(f"port {args.port} is taken\n")
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
