"""Coverage-guided fuzzing of every wire but OSDP's (fuzz_codecs.py): serial frames, polled readers, boards, brokers.

`python -m tests.faults.fuzz_wires TARGET [libFuzzer options]`. A target takes any bytes and raises nothing.
"""

import contextlib
import logging
import sys
from collections.abc import Callable
from datetime import UTC
from typing import Any

import atheris
import structlog

with atheris.instrument_imports(include=["controllers"]):
    from controllers import mqtt_dialect, mqtt_menjin, wiegand_forms
    from controllers.driver import CardRead, IdCardRead, TextRead
    from controllers.errors import ProtocolViolation
    from controllers.idcard import LONGEST, IdCardSession
    from controllers.mqtt_dejaos import Terminal
    from controllers.mqtt_dejaos_session import DejaosSession
    from controllers.mqtt_device import MqttDevice
    from controllers.mqtt_esprfid import EspBoard, EspRfidSession
    from controllers.mqtt_homeassistant import HomeAssistantSession, ShownDoor
    from controllers.poll_aa import PolledReader, PollSession
    from controllers.scanner import MAX_CHARS, LineDecoder
    from controllers.serial_echo import Echo
    from controllers.serial_frames import Dec10CrLf, HexCr, StxEtx
    from controllers.serial_reader import TalkingReader
    from controllers.session import Moment
    from controllers.uhppote_events import BoardEvent, EventReader
    from controllers.uhppote_link import BoardLimits, BoardReader, UhppoteBoard
    from controllers.vguang import VguangSession

from uhppoted import decode  # type: ignore[import-untyped] # the library has no types

PAUSES = (0.0, 0.001, 0.04, 0.3)
WORDS = ("up/state", "up/read", "up/text", "up/inputs", "up/done", "up", "x")
NAMES = ("access_online", "access", "alarm", "connect", "heartbeat", "offline", "control_reply", "set", "x")


def pieces(data: bytes) -> list[tuple[float, bytes]]:
    """The bytes in pieces, each with a pause before it: its first byte says both."""
    found, at = [], 0
    while at < len(data):
        length = data[at] % 61 + 1
        found.append((PAUSES[data[at] >> 6], data[at + 1 : at + 1 + length]))
        at += length + 1
    return found


def now(mono_s: float) -> Moment:
    return Moment(mono_s, 1_800_000_000.0 + mono_s, 1)


def through(session: Any, data: bytes) -> list[Any]:
    """A stream into a serial session, as its driver would hand it over; what came out."""
    told, mono_s, echo = [*session.start(now(0.0))], 0.0, Echo()
    for pause_s, piece in pieces(data):
        mono_s += pause_s
        told += session.tick(now(mono_s))
        echo.sent(b"".join(each for each in told if isinstance(each, bytes))[-20:], mono_s)
        told += session.received(echo.heard(piece, mono_s), now(mono_s))
    told += session.lost(now(mono_s))
    return told


def frames(data: bytes) -> None:
    """Readers that only talk: a card is never zero, and no buffer grows."""
    for codec in (HexCr(), Dec10CrLf(keypad=True), StxEtx()):
        told = through(TalkingReader("r", codec), data)
        assert all(each.bits for each in told if isinstance(each, CardRead))
        assert len(codec._buffer) <= 16
    lines, mono_s = LineDecoder(), 0.0
    for pause_s, piece in pieces(data):
        mono_s += pause_s
        assert all(0 < len(line) <= MAX_CHARS and line.isprintable() for line in lines.feed(piece, mono_s))


def asked(data: bytes) -> None:
    """Readers that answer: polled ones, Vguang's, and ID-card modules."""
    through(PollSession([PolledReader("a", 1), PolledReader("b", 2)]), data)
    vguang = VguangSession("r", contact=True)
    assert all(each.text.isprintable() for each in through(vguang, data) if isinstance(each, TextRead))
    assert len(vguang._decoder._buffer) <= 600
    session = IdCardSession("r", str.encode)
    assert all(len(each.key) == 18 for each in through(session, data) if isinstance(each, IdCardRead))
    assert len(session._decoder._buffer) <= LONGEST + 70


def boards(data: bytes) -> None:
    """Packets of a board."""
    reader = EventReader(UhppoteBoard("b", 1, "10.0.0.1", (BoardReader("in", 1),)), UTC, BoardLimits())
    packet = bytes((0x17, 0x20)) + data[:62].ljust(62, b"\0")
    with contextlib.suppress(ValueError):
        heard = decode.event(bytearray(packet))
        event = BoardEvent.last(heard)
        list(reader.card_event(event, reader.is_old(event), now(0.0)))
        list(reader.levels(heard, now(0.0)))


def brokers(data: bytes) -> None:
    """A message of a broker, in each dialect."""
    which, payload = (data[0], data[1:]) if data else (0, b"")
    word, name = WORDS[which % len(WORDS)], NAMES[which % len(NAMES)]
    with contextlib.suppress(ProtocolViolation):
        _, kind = mqtt_menjin.read_topic(f"menjin/1/d/gate/{word}")
        said, gate = mqtt_menjin.read_payload(kind, payload), MqttDevice("gate", False)
        if isinstance(said, mqtt_menjin.Read):
            list(gate.read(said, True, 0.0, 0.0))
        elif isinstance(said, mqtt_menjin.Text):
            list(gate.text(said, True, 0.0, 0.0))
        elif isinstance(said, mqtt_menjin.State):
            list(gate.state(said, 0.0, 0.0))
    sessions: list[tuple[Any, str]] = [
        (DejaosSession([Terminal("t", "abc")]), f"d/abc/access_device/v2/event/{name}"),
        (EspRfidSession([EspBoard("e", "esp", "host", "wiegand", "H10301", "")]), "esp/send"),
        (HomeAssistantSession([ShownDoor("door", "门", True)], lambda _: None), "menjin/ha/door/set"),
    ]
    for session, topic in sessions:
        list(session.start(now(0.0)))
        list(session.received(mqtt_dialect.Message(topic, payload, False), now(0.1)))
        list(session.tick(now(9.0)))


def printed(data: bytes) -> None:
    """What somebody typed from a card's face."""
    text, count = data[2:].decode("utf-8", "replace"), (data[0] if data else 0) % 70 + 1
    bits = int.from_bytes(data[:9], "big") & ((1 << count) - 1)
    with contextlib.suppress(ProtocolViolation):
        wiegand_forms.learn((bits, count), (bits, count), text)


structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # else all of it is logged
TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (frames, asked, boards, brokers, printed)
}


def main() -> None:
    """Fuzz one target until an option of libFuzzer ends it."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
