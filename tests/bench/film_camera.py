"""An RTSP camera for load: one encoded film, looped without a decoder or encoder, to any number of clients.

    /usr/bin/python3 tests/bench/film_camera.py --port 8554 --fps 25 film.h264

`film.h264` is Annex B with an access unit delimiter before each picture. Clients share one payloader: 64 of them cost
little. Prints "ready" when it listens. For Debian's own Python with `gi`.
"""

import argparse
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions must be required before

AUD = b"\x00\x00\x00\x01\x09"


class Film:
    """Pushes the pictures on time while the pipeline plays."""

    def __init__(self, pictures: list[bytes], fps: int) -> None:
        self._pictures, self._frame_ns = pictures, Gst.SECOND // fps
        self.factory = GstRtspServer.RTSPMediaFactory()
        self.factory.set_launch(
            f"( appsrc name=source is-live=true format=time block=false max-bytes=8000000 "
            f"caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1 "
            f"! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )
        self.factory.set_shared(True)
        self.factory.connect("media-configure", self._configure)

    def _configure(self, _factory: object, media: object) -> None:
        self._tick(media.get_element().get_by_name_recurse_up("source"), None)

    def _tick(self, source: object, number: int | None) -> bool:
        """Push what is due of the pipeline's time, then wait for the next one."""
        clock = source.get_clock()
        if clock is None or source.get_state(0)[1] != Gst.State.PLAYING:
            GLib.timeout_add(5, self._tick, source, number)
            return False
        now_ns = clock.get_time() - source.get_base_time()
        number = now_ns // self._frame_ns if number is None else number
        while number * self._frame_ns <= now_ns:
            buffer = Gst.Buffer.new_wrapped(self._pictures[number % len(self._pictures)])
            buffer.pts = buffer.dts = number * self._frame_ns
            buffer.duration = self._frame_ns
            source.emit("push-buffer", buffer)
            number += 1
        GLib.timeout_add(max(1, (number * self._frame_ns - now_ns) // 1_000_000), self._tick, source, number)
        return False


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("film", type=Path)
    args = parser.parse_args()
    Gst.init(None)
    pictures = [AUD + part for part in args.film.read_bytes().split(AUD)[1:]]
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    server.get_mount_points().add_factory("/film", Film(pictures, args.fps).factory)
    if not server.attach(None):
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
