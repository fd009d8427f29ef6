"""Which OSDP devices are on a line, at which addresses and baud rates: asked one by one, by ID in the clear.

The question changes nothing in a device, but sequence 0 ends the session that another panel has with it: run it on a
line whose driver is stopped. Each device answers its own address alone, so that no two talk at once (the address for
all, 0x7F, would make them). The plan is sans-IO; `discover` runs it on a port.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from controllers.errors import LinkLost, ProtocolViolation
from controllers.osdp_frame import Decoder, Frame, encode
from controllers.osdp_job import BAUDS, MAX_ADDRESS
from controllers.osdp_message import Code, DeviceId, Reply, read_capabilities, read_id
from controllers.serial_port import open_port, read_some, wait_readable, write_all

CHAR_BITS = 10
ANSWER_CHARS = 24  # a device's identity on the wire
FULL_WAIT_S = 0.2  # SIA OSDP v2.2 clause 5.7
QUICK_WAIT_S = 0.03  # most devices begin within a few ms; `thorough` waits the standard's whole time
LEAST_RATES = (9600, 115200, 38400, 57600, 19200, 230400)  # the standard's first, then the usual ones


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered. `identity` and `functions` are empty where it tells them over a secure channel alone."""

    address: int
    baud: int
    identity: DeviceId | None
    functions: dict[int, tuple[int, int]]
    answer_ms: float


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: `frame` goes out at `baud`, and `wait_s` is listened after its last bit."""

    baud: int
    address: int
    frame: bytes
    wait_s: float


def plan(
    bauds: Sequence[int] = LEAST_RATES,
    addresses: Sequence[int] = range(MAX_ADDRESS + 1),
    thorough: bool = False,
) -> Iterator[Probe]:
    """All questions, baud rate by baud rate. Raises `ValueError` for what no device can have."""
    if not set(bauds) <= set(BAUDS) or not all(0 <= address <= MAX_ADDRESS for address in addresses):
        raise ValueError("no such baud rate or address")
    for baud in bauds:
        wait_s = (FULL_WAIT_S if thorough else QUICK_WAIT_S) + ANSWER_CHARS * CHAR_BITS / baud
        for address in addresses:
            yield Probe(baud, address, question(address, Code.ID, 0), wait_s)


def question(address: int, code: Code, sequence: int) -> bytes:
    """ID or CAP in the clear."""
    return encode(Frame(address, sequence, code, b"\0"))


def heard(probe: Probe, frames: Sequence[Frame]) -> Frame | None:
    """The answer among what came, if one is from the device that was asked; a refusal is an answer too."""
    return next((frame for frame in frames if frame.reply and frame.address == probe.address), None)


def discover(
    port: str,
    probes: Sequence[Probe],
    progress: Callable[[int, int, Found | None], None] = lambda _done, _of, _found: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Found]:
    """Ask all questions on a port; `progress` hears each (done, of, what was found). Raises `LinkLost`."""
    found: list[Found] = []
    done = 0
    for baud in dict.fromkeys(probe.baud for probe in probes):
        with open_port(port, baud) as descriptor:
            for probe in (probe for probe in probes if probe.baud == baud):
                if stop():
                    return found
                device = _ask(descriptor, probe)
                done += 1
                if device:
                    found.append(device)
                progress(done, len(probes), device)
    return found


def _ask(descriptor: int, probe: Probe) -> Found | None:
    began = time.monotonic()
    answer = heard(probe, _say(descriptor, probe.frame, probe))
    if answer is None:
        return None
    answer_ms = (time.monotonic() - began) * 1000
    able = heard(probe, _say(descriptor, question(probe.address, Code.CAP, 1), probe))
    return Found(probe.address, probe.baud, _identity(answer), _functions(able), answer_ms)


def _identity(answer: Frame) -> DeviceId | None:
    try:
        return read_id(answer.data) if answer.code == Reply.PDID else None
    except ProtocolViolation:
        return None


def _functions(answer: Frame | None) -> dict[int, tuple[int, int]]:
    try:
        return read_capabilities(answer.data) if answer and answer.code == Reply.PDCAP else {}
    except ProtocolViolation:
        return {}


def _say(descriptor: int, frame: bytes, probe: Probe) -> list[Frame]:
    """Send, then listen until the device has answered or its time is over."""
    decoder, frames = Decoder(), list[Frame]()
    write_all(descriptor, frame)
    until = time.monotonic() + len(frame) * CHAR_BITS / probe.baud + probe.wait_s
    while (left_s := until - time.monotonic()) > 0 and heard(probe, frames) is None:
        if wait_readable(descriptor, left_s):
            frames += decoder.feed(read_some(descriptor))
    return frames


__all__ = ["Found", "LinkLost", "Probe", "discover", "plan"]
