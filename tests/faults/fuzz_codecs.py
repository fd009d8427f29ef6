"""Coverage-guided fuzzing of the codecs that take bytes from a wire: OSDP frames, sessions and messages, Wiegand bits.

`python -m tests.faults.fuzz_codecs TARGET [libFuzzer options]`, as `-max_total_time=600 CORPUS_FOLDER`. A target takes
any bytes and raises nothing but what its codec promises; what it finds is written as `crash-...` where it was started.
"""

import contextlib
import random
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["controllers"]):
    from controllers import osdp_message, osdp_secure, wiegand
    from controllers.driver import CardRead, DeviceEvent, LinkState, TextRead
    from controllers.errors import ProtocolViolation
    from controllers.osdp_bus import OsdpBus, OsdpReader
    from controllers.osdp_capture import read_record
    from controllers.osdp_file import read_file_status
    from controllers.osdp_frame import Decoder, Frame, decode, encode

KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
PANEL_RANDOM = bytes(8)
BUFFER_BYTES = 300
FORMATS = tuple(wiegand.FORMATS)
READERS: tuple[Callable[[bytes], object], ...] = (
    osdp_message.read_raw,
    osdp_message.read_keys,
    osdp_message.read_formatted,
    osdp_message.read_levels,
    osdp_message.read_local,
    osdp_message.read_id,
    osdp_message.read_capabilities,
    osdp_message.read_communication,
    osdp_message.read_nak,
    read_file_status,
)


def frames(data: bytes) -> None:
    """A stream in pieces: the decoder stays small, and each frame that it finds reads as it is written."""
    step, stream, decoder = (data[0] % 40 + 1, data[1:], Decoder(BUFFER_BYTES)) if data else (1, b"", Decoder())
    for at in range(0, len(stream), step):
        for frame in decoder.feed(stream[at : at + step]):
            assert decode(encode(frame)) == frame
        assert len(decoder._buffer) <= BUFFER_BYTES


def messages(data: bytes) -> None:
    """An answer's data, by each reader."""
    if data:
        with contextlib.suppress(ProtocolViolation):
            READERS[data[0] % len(READERS)](data[1:])


def sessions(data: bytes) -> None:
    """A frame under an open session: without the right MAC nothing is read of it."""
    keys = osdp_secure.session_keys(KEY, PANEL_RANDOM)
    takes, sends = (
        (osdp_secure.REPLY_PLAIN, osdp_secure.REPLY_DATA),
        (osdp_secure.COMMAND_PLAIN, osdp_secure.COMMAND_DATA),
    )
    channel = osdp_secure.SecureChannel(keys, bytes(16), sends, takes)
    channel.seal(Frame(1, 1, osdp_message.Code.POLL))
    security, mac, content = data[:1], data[1:5], data[5:]
    with contextlib.suppress(osdp_secure.SessionBroken):
        channel.open(Frame(1, 1, osdp_message.Reply.RAW, content, security, reply=True, mac=mac, signed=content))
        raise AssertionError("a frame was taken whose MAC nobody made")


def panel(data: bytes) -> None:
    """Anything at all said to the whole panel: no read, no channel, no exception, no end."""
    told: list[DeviceEvent] = []
    bus = OsdpBus(115200, [OsdpReader("r", 1, KEY)], told.append, wall=lambda: 0.0, random=random.Random(1).randbytes)
    now, at = 0.0, 0
    while at < len(data):
        bus.next_send(now)
        length = data[at] % 64 + 1
        bus.receive(data[at + 1 : at + 1 + length], now + 0.002)
        if data[at] & 0x40:  # the same as a sound frame
            bus.receive(
                encode(Frame(1, data[at] & 3, data[at] >> 2, data[at + 1 : at + length], reply=True)), now + 0.003
            )
        at += length + 1
        now = max(now + 0.004, min(bus.deadline(now), now + 1.0))
    assert not any(isinstance(event, CardRead | TextRead) for event in told)
    assert not any(isinstance(event, LinkState) and event.up for event in told)


def cards(data: bytes) -> None:
    """Bits as each format: a number that is written back as the same bits, or a refusal."""
    if len(data) < 2:
        return
    name, count = FORMATS[data[0] % len(FORMATS)], data[1] % 80
    bits = int.from_bytes(data[2:12], "big") & ((1 << count) - 1)
    with contextlib.suppress(ProtocolViolation):
        wiegand.decode(name, bits, count)
    with contextlib.suppress(ProtocolViolation):
        wiegand.from_left_aligned(data[2:], count)


def captures(data: bytes) -> None:
    """A line of a capture that somebody sent."""
    with contextlib.suppress(ProtocolViolation):
        read_record(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (frames, messages, sessions, panel, cards, captures)
}


def main() -> None:
    """Fuzz one target until an option of libFuzzer ends it."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
