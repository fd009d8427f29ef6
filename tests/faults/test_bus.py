"""Campaign 1: the bytes between libosdp's peripherals and the gateway process are torn, turned, added, replayed."""

import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from simulators.wiegand import h10301
from tests.faults import wire as wires
from tests.faults.grounds import DOOR_OF, Grounds
from tests.faults.history import assert_whole, grants, unrecorded
from tests.faults.osdp_frames import card_frames
from tests.faults.wire import Hurt, Wire, whole

READERS = {"reader-main": 0, "reader-b1": 1}
AGAIN_S = 20.0
UNKNOWN = h10301(99, 54321)
WIRES: dict[str, tuple[Hurt, Hurt]] = {  # what happens to the readers' bytes, and to the gateway's
    "torn": (wires.torn, wires.torn),
    "noise around the answers": (wires.noisy, whole),
    "noise around all": (wires.noisy, wires.noisy),
    "turned bits in answers": (wires.corrupt, whole),
    "turned bits in all": (wires.corrupt, wires.corrupt),
    "lost bytes": (wires.lossy, wires.lossy),
    "every frame twice": (wires.doubled, wires.doubled),
    "replayed answers": (wires.replayed, whole),
    "late answers": (wires.delayed, whole),
    "frames overtaken": (wires.overtaken, wires.overtaken),
    "silence": (wires.silent, whole),
}


@pytest.fixture(scope="module")
def bus(ground: Grounds) -> Iterator[Wire]:
    """The site with its line led through a bad wire."""
    line = ground.site.line("bus-1")
    far = Path(f"{line}-far")
    parts = [part for name, address in READERS.items() for part in ("--reader", f"{name}={address}")]
    keys = str(ground.site.secret("readers.json"))
    ground.device("readers", "osdp_readers", "--line", str(far), "--keys", keys, *parts)
    wire = Wire(line, far)
    ground.start_menjin("gateway")
    ground.secure(*READERS)
    yield wire
    wire.close()


def refused_cards(ground: Grounds) -> Iterator[tuple[str, tuple[int, int]]]:
    """An expired card, one that nobody knows, and one of another building."""
    elsewhere = ground.card("building-2").bits
    expired = ground.site.estate.card("c-moved-out").bits
    return cycle([("reader-main", expired), ("reader-b1", UNKNOWN), ("reader-b1", elsewhere)])


def suffer(ground: Grounds, seconds: float) -> None:
    """Present what opens nothing, for a while."""
    cards, until = refused_cards(ground), time.monotonic() + seconds
    while time.monotonic() < until:
        reader, (bits, count) = next(cards)
        ground.readers.call("present", reader=reader, bits=f"{bits:x}", count=count)
        time.sleep(0.1)


def assert_nothing_opened(ground: Grounds, since: int, seq: int) -> None:
    assert [ground.released(reader, since) for reader in READERS] == [[], []]
    assert grants(ground.records(seq)) == []
    assert ground.alive("gateway")


def assert_good_card_opens(ground: Grounds) -> None:
    since, seq = ground.readers.last(), ground.last_seq()
    for reader in READERS:
        ground.opens(reader, ground.card("building-1"), AGAIN_S)
    time.sleep(0.3)  # the last presentations end
    for reader in READERS:
        opening = grants(ground.records(seq), DOOR_OF[reader])
        assert unrecorded(ground.released(reader, since), opening) == []


@pytest.mark.parametrize("kind", WIRES)
def test_a_bad_wire_opens_no_door_and_a_good_card_works_soon_after(
    ground: Grounds, bus: Wire, long: bool, kind: str
) -> None:
    since, seq = ground.readers.last(), ground.last_seq()
    bus.hurt(*WIRES[kind])
    suffer(ground, 60 if long else 1.5)
    assert_nothing_opened(ground, since, seq)
    bus.mend()
    assert_good_card_opens(ground)


def test_a_babbling_wire_opens_no_door_and_a_good_card_works_soon_after(ground: Grounds, bus: Wire, long: bool) -> None:
    since, seq = ground.readers.last(), ground.last_seq()
    bus.hurt(whole, whole, babble=wires.babbled)
    suffer(ground, 60 if long else 1.5)
    assert_nothing_opened(ground, since, seq)
    bus.mend()
    assert_good_card_opens(ground)


def test_what_a_good_card_once_said_opens_nothing_when_it_is_said_again(ground: Grounds, bus: Wire, long: bool) -> None:
    bus.heard.clear()
    assert_good_card_opens(ground)
    said = list(bus.heard)
    since, seq = ground.readers.last(), ground.last_seq()
    speech = cycle(said)
    bus.hurt(whole, whole, babble=lambda _: next(speech))
    time.sleep(30 if long else 1.5)
    assert_nothing_opened(ground, since, seq)
    bus.hurt(lambda _wire, _data: [(0, next(speech))], whole)
    time.sleep(30 if long else 1.5)
    assert_nothing_opened(ground, since, seq)
    bus.mend()
    assert_good_card_opens(ground)


def test_a_good_card_in_plain_text_opens_nothing(ground: Grounds, bus: Wire, long: bool) -> None:
    bits = ground.card("building-1").bits
    frames = cycle([each for address in READERS.values() for each in card_frames(address, *bits)])
    since, seq = ground.readers.last(), ground.last_seq()
    bus.hurt(whole, whole, babble=lambda _: next(frames))
    time.sleep(20 if long else 1)
    bus.hurt(lambda _wire, _data: [(0, next(frames))], whole)
    time.sleep(20 if long else 1)
    assert_nothing_opened(ground, since, seq)
    bus.mend()
    assert_good_card_opens(ground)


def test_after_all_of_it_the_journal_is_whole_and_the_process_the_same(ground: Grounds, bus: Wire) -> None:
    assert_good_card_opens(ground)
    starts = [each for each in ground.records() if each["kind"] == "GatewayStarted"]
    assert len(starts) == 1
    assert_whole(ground.journal)
    assert "crashed" not in ground.said("gateway")
    assert "event failed" not in ground.said("gateway")
