"""One bench of bad wires under every serial driver; OSDP's has a campaign of its own (tests/faults/test_bus.py).

Each driver is on a wire of its own to an independent reader, all at once; what a wire does to the bytes is a row here.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from controllers.driver import CardRead, DeviceEvent, Driver, IdCardRead, LinkState, TextRead
from controllers.errors import LinkLost
from controllers.idcard import IdCardDriver
from controllers.poll_aa import PolledReader, PollSession
from controllers.serial_frames import Codec, Dec10CrLf, HexCr, StxEtx
from controllers.serial_port import ScannerDriver
from controllers.serial_reader import SerialDriver, SerialReaderDriver
from controllers.vguang import VguangSession
from controllers.wiegand import decode
from simulators.diary import Diary
from simulators.idcard_sam import Module
from simulators.line import Line
from simulators.serial_readers import Reader
from tests.controllers.witness import Witness
from tests.faults import wire as wires
from tests.faults.wire import Wire


def signed(body: str) -> str:
    """A text that proves itself, as codes do; what does not is refused behind the driver."""
    return f"{body}:{hashlib.sha256(body.encode()).hexdigest()}"


def is_shown(text: str) -> bool:
    """Whether it was shown, or opens nothing anyhow."""
    return text in TEXTS or text != signed(text.partition(":")[0])


CARDS = [bytes.fromhex(number) for number in ("12345678", "317b11bb", "0badcafe")]
TEXTS = [signed(f"code {number}") for number in range(3)]
NUMBERS = ["11010519491231002X", "440524188001010014", "34052419800101001X"]
HURT_S, BACK_S = 0.6, 12.0
DELAYED_S = 0.35  # the longest that a wire here holds bytes back


class Rig:
    """A driver at the end of a wire, started again when its link is lost, and the reader at the other."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._path = name, folder / f"{name}.near"
        self.witness, self.failures = Witness(), list[BaseException]()
        self._far, self._stop = folder / f"{name}.far", threading.Event()
        self.show, self.truth = PEERS[name](self._far)
        self.wire = Wire(self._path, self._far)
        self.driver = DRIVERS[name](str(self._path), self.witness)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._shown = 0

    def present(self, again: bool = False) -> None:
        """The next person, or the same once more."""
        self._shown += not again
        self.show(self._shown % 3)

    @property
    def reads(self) -> list[Any]:
        """What was read, as a value to compare."""
        return [value_of(event) for event in list(self.witness.events) if isinstance(event, READS)]

    @property
    def fresh(self) -> int:
        return sum(isinstance(event, READS) and not event.seen.stale for event in list(self.witness.events))

    def cut(self) -> None:
        """The cable is pulled and plugged in again."""
        self.wire.close()
        self.wire = Wire(self._path, self._far)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self.wire.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.driver.run(self._stop)
            except LinkLost:
                self._stop.wait(0.05)
            except BaseException as failure:  # noqa: BLE001 - nothing else may come out of a driver
                self.failures.append(failure)
                return


READS = (CardRead, TextRead, IdCardRead)
Show = Callable[[int], None]


def value_of(event: DeviceEvent) -> Any:
    match event:
        case CardRead():
            return event.bits, event.bit_count
        case TextRead():
            return event.text
        case IdCardRead():
            return event.key.decode()
    raise AssertionError(event)


def serial_peer(make: str) -> Callable[[Path], tuple[Show, Callable[[Any], bool]]]:
    def made(path: Path) -> tuple[Show, Callable[[Any], bool]]:
        reader = Reader(make, path, Diary(), make)
        format_, width = {"hex_cr": ("H10301", 3), "dec10_crlf": ("WG34N", 4)}.get(make, ("WG32", 4))
        numbers = {int.from_bytes(card[-width:], "big") for card in CARDS}

        def is_true(read: Any) -> bool:
            number = decode(format_, *read)
            return (number.facility << 16 | number.card if format_ == "H10301" else number.card) in numbers

        return (lambda which: reader.present(CARDS[which])), is_true

    return made


def vguang_peer(path: Path) -> tuple[Show, Callable[[Any], bool]]:
    reader = Reader("vguang", path, Diary(), "gate")
    return (lambda which: reader.show(TEXTS[which])), is_shown


def scanner_peer(path: Path) -> tuple[Show, Callable[[Any], bool]]:
    line = Line(path)
    return (lambda which: line.write(TEXTS[which].encode() + b"\r\n")), is_shown


def idcard_peer(path: Path) -> tuple[Show, Callable[[Any], bool]]:
    line = Line(path)
    module = Module(line, Diary())

    def serve() -> None:
        with suppress(OSError):
            module.serve()

    threading.Thread(target=serve, daemon=True).start()
    return (lambda which: module.place({"number": NUMBERS[which]})), NUMBERS.__contains__


PEERS: dict[str, Callable[[Path], tuple[Show, Callable[[Any], bool]]]] = {
    **{make: serial_peer(make) for make in ("hex_cr", "dec10_crlf", "stx_etx", "poll_aa")},
    "vguang": vguang_peer,
    "line_qr": scanner_peer,
    "idcard": idcard_peer,
}


def talker(codec: Callable[[], Codec]) -> Callable[[str, Witness], Driver]:
    return lambda port, sink: SerialReaderDriver("reader", port, 115200, codec(), sink)


DRIVERS: dict[str, Callable[[str, Witness], Driver]] = {
    "hex_cr": talker(HexCr),
    "dec10_crlf": talker(Dec10CrLf),
    "stx_etx": talker(StxEtx),
    "poll_aa": lambda port, sink: SerialDriver("bus", port, 19200, PollSession([PolledReader("reader", 1)]), sink),
    "vguang": lambda port, sink: SerialDriver("reader", port, 115200, VguangSession("reader"), sink),
    "line_qr": lambda port, sink: ScannerDriver("reader", port, 115200, sink),
    "idcard": lambda port, sink: IdCardDriver("reader", port, 115200, str.encode, sink),
}
Hurts = Callable[[Wire], None]
WIRES: dict[str, Hurts] = {
    "byte by byte": lambda wire: wire.hurt(wires.slowly, wires.slowly),
    "torn": lambda wire: wire.hurt(wires.torn, wires.torn),
    "lossy": lambda wire: wire.hurt(wires.lossy, wires.whole),
    "corrupt": lambda wire: wire.hurt(wires.corrupt, wires.corrupt),
    "delayed": lambda wire: wire.hurt(wires.delayed, wires.whole),
    "doubled": lambda wire: wire.hurt(wires.doubled, wires.whole),
    "replayed": lambda wire: wire.hurt(wires.replayed, wires.whole),
    "reordered": lambda wire: wire.hurt(wires.reordered, wires.whole),
    "noisy": lambda wire: wire.hurt(wires.noisy, wires.whole),
    "silent": lambda wire: wire.hurt(wires.silent, wires.silent),
    "echoing": lambda wire: setattr(wire, "echo", True),
    "babbling": lambda wire: wire.hurt(wires.whole, wires.whole, wires.babbled),
}
# Frames that may be damaged unseen before the first one that shows it; digits without a sum, and a sum of one byte.
BEFORE_DOUBT = {"hex_cr": 4, "dec10_crlf": 4, "stx_etx": 1, "poll_aa": 1}
HARMLESS = ("byte by byte", "torn", "doubled", "echoing")  # a reader works on as if nothing were


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Rig]]:
    """All of them, at work on good wires."""
    folder = tmp_path_factory.mktemp("wires")
    rigs = [Rig(name, folder) for name in DRIVERS]
    try:
        works(rigs)
        yield rigs
    finally:
        for rig in rigs:
            rig.close()


def until(true: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def works(made: list[Rig]) -> None:
    """Each reader reads again: a person presents until he is heard, twice where the wire was bad just now."""
    heard = {rig.name: rig.fresh for rig in made}
    end = time.monotonic() + BACK_S
    while left := [rig for rig in made if rig.fresh <= heard[rig.name]]:
        assert time.monotonic() < end, [(rig.name, rig.witness.events[-3:]) for rig in left]
        for rig in left:
            rig.present(again=rig.name != "idcard")  # which does not tell the same person twice in a row
        time.sleep(0.4)


@contextmanager
def harmless(made: list[Rig]) -> Iterator[None]:
    """Nobody is read meanwhile who was not there, and nothing but `LinkLost` comes out of a driver."""
    before = {rig.name: len(rig.reads) for rig in made}
    yield
    for rig in made:
        assert not rig.failures, (rig.name, rig.failures)
        wrong = [read for read in rig.reads[before[rig.name] :] if not rig.truth(read)]
        assert len(wrong) <= BEFORE_DOUBT.get(rig.name, 0), (rig.name, wrong)


@pytest.mark.parametrize("what", WIRES)
def test_on_a_bad_wire_nobody_is_read_who_was_not_there_and_after_it_all_is_well(what: str, made: list[Rig]) -> None:
    with harmless(made):
        before = {rig.name: rig.fresh for rig in made}
        for rig in made:
            WIRES[what](rig.wire)
        end = time.monotonic() + HURT_S
        while time.monotonic() < end:
            for rig in made:
                rig.present()
            time.sleep(0.15)
        if what in HARMLESS:
            works([rig for rig in made if rig.fresh == before[rig.name]])
        time.sleep(DELAYED_S)
        for rig in made:
            rig.wire.mend()
        works(made)


def test_a_cable_pulled_and_plugged_in_again_is_a_new_life(made: list[Rig]) -> None:
    lives = {rig.name: epoch(rig) for rig in made}
    with harmless(made):
        for rig in made:
            rig.cut()
        for rig in made:
            assert until(lambda rig=rig: epoch(rig) > lives[rig.name], BACK_S), rig.name  # type: ignore[misc]
        works(made)
    for rig in made:
        told = [event for event in rig.witness.events if isinstance(event, LinkState)]
        assert any(not event.up and event.seen.epoch == lives[rig.name] for event in told), rig.name


def epoch(rig: Rig) -> int:
    return max((event.seen.epoch for event in list(rig.witness.events) if isinstance(event, LinkState)), default=0)
