"""The recorder: RTSP to segments on disk, an index that never disagrees with them, playback and live view."""
