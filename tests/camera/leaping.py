"""A relay between recorder and camera that sets the camera's stream clock, as a camera does that is told the time."""

import socket
import struct
import threading
from contextlib import suppress

RTP_HZ = 90_000


class LeapingRelay:
    """Relays RTSP with interleaved RTP (RFC 2326, 10.12); `leap_s` is added to the time of each picture."""

    def __init__(self, camera_port: int) -> None:
        self.leap_s = 0
        self._camera_port = camera_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                viewer, _ = self._listener.accept()
                camera = socket.create_connection(("127.0.0.1", self._camera_port))
                for way in ((viewer, camera, False), (camera, viewer, True)):
                    threading.Thread(target=self._relay, args=way, daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, leaping: bool) -> None:
        waiting = b""
        with source, target, suppress(OSError):
            while data := source.recv(65536):
                sent, waiting = self._leapt(waiting + data) if leaping else (data, b"")
                target.sendall(sent)

    def _leapt(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what may be sent by now, and what of a packet waits for its rest."""
        sent = b""
        while data:
            if data[:1] != b"$":  # text, up to the next packet
                text, dollar, rest = data.partition(b"$")
                sent, data = sent + text, dollar + rest
                continue
            end = 4 + struct.unpack_from(">H", data, 2)[0] if len(data) >= 4 else 4
            if len(data) < end:
                break
            sent, data = sent + self._packet(data[:end]), data[end:]
        return sent, data

    def _packet(self, packet: bytes) -> bytes:
        """Move an RTP packet in time; drop an RTCP report, whose old time would put it right again."""
        if packet[1]:
            return b"" if self.leap_s else packet
        (at,) = struct.unpack_from(">I", packet, 8)
        return packet[:8] + struct.pack(">I", (at + self.leap_s * RTP_HZ) & 0xFFFFFFFF) + packet[12:]
