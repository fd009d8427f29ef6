"""Campaign 9: a process stands still (SIGSTOP). Doors decide as fast as before; a frozen gateway opens nothing late."""

import statistics
import time

import pytest

from simulators.estate import Card
from simulators.phone import live_code
from tests.faults.crowd import Crowd
from tests.faults.grounds import Grounds, eventually
from tests.faults.history import LATEST_S, assert_whole, grants, unrecorded

READERS = ("reader-main", "reader-b1")
FROZEN_S = 10
SLOW_S = 0.3  # from card to strike, on a busy machine; GB 50396-2007 5.1.2 allows 2 s


@pytest.fixture
def site(fresh: Grounds) -> Grounds:
    (fresh.site.directory / "recordings").mkdir(exist_ok=True)
    fresh.field("broker", "readers", "scanners")
    for name in ("api", "recorder", "gateway"):
        fresh.start_menjin(name)
    fresh.field("garage")
    fresh.secure(*READERS)
    return fresh


def strike_time(site: Grounds, reader: str, card: Card) -> float:
    """Seconds from a card's showing to its strike."""
    since, shown = site.readers.last(), time.time()
    site.readers.call("present", reader=reader, bits=f"{card.bits[0]:x}", count=card.bits[1])
    return eventually(lambda: site.released(reader, since), LATEST_S, 0.005)[0] - shown


def strike_times(site: Grounds, seconds: float) -> list[float]:
    """The same again and again for a while."""
    cards, times = site.site.estate.cards_of("building-1"), []
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        times.append(strike_time(site, READERS[number % 2], cards[number % len(cards)]))
        number += 1
        time.sleep(0.1)
    return times


def sent(site: Grounds) -> list[int]:
    """The events that central gets, by number."""
    with site.central_http() as central:
        events = central.get("/events", params={"after": 0}).raise_for_status().json()["events"]
        return [each["seq"] for each in events]


def test_doors_decide_as_ever_while_api_and_recorder_stand_still(site: Grounds) -> None:
    usual = strike_times(site, 2)
    with site.frozen("api", "recorder"):
        frozen = strike_times(site, FROZEN_S)
    assert statistics.median(frozen) < max(SLOW_S, 4 * statistics.median(usual)), "none waits for those who stand still"
    last = site.last_seq()
    assert last > len(frozen)
    eventually(lambda: sent(site)[-1:] >= [last])
    numbers = sent(site)
    assert numbers == list(range(1, len(numbers) + 1)), "each event once and in order"


def test_what_was_shown_to_a_frozen_gateway_opens_nothing_when_it_wakes(site: Grounds) -> None:
    """The cards and codes lie in buffers of the machine; the people have left."""
    site.opens("reader-main", site.card("building-1"))
    time.sleep(1.2)
    crowd = Crowd(site, (*READERS, "garage-door"))
    since, garage, seq = site.readers.last(), site.garage.last(), site.last_seq()
    with site.frozen("gateway"):
        for _ in range(5):
            crowd.come()
            time.sleep(0.1)
        shown = site.site.estate.phones_of("building-1")[0]
        site.scanners.call("show", scanner="scanner-b1", text=live_code(shown, site.site.estate.site_id))
        time.sleep(FROZEN_S / 2)
    time.sleep(1.5)
    assert grants(site.records(seq)) == []
    assert [site.released(reader, since) for reader in READERS] == [[], []]
    assert site.released("garage-door", garage) == []
    for reader in READERS:
        site.opens(reader, site.card("building-1"))
    assert unrecorded(site.released("reader-b1", since), grants(site.records(seq), "building-1")) == []
    assert_whole(site.journal)
