"""Another recorder, for comparison: GStreamer's, as its manual has it. One process a camera.

    /usr/bin/python3 tests/bench/film_recorder.py rtsp://... FOLDER SECONDS

rtspsrc, depayloader, parser and splitmuxsink with fragmented MP4; no index, no hash, no supervision.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402 - versions must be required before

url, folder, seconds = sys.argv[1:]
Gst.init(None)
pipeline = Gst.parse_launch(
    f"rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse "
    f"! splitmuxsink location={folder}/%05d.mp4 max-size-time={int(seconds) * Gst.SECOND} "
    f"muxer-factory=mp4mux muxer-properties=properties,fragment-duration=250"
)
pipeline.set_state(Gst.State.PLAYING)
GLib.MainLoop().run()
