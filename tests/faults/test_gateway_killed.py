"""Campaign 4: SIGKILL of the door process in the middle of grants."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.faults.crowd import Crowd, Visitor
from tests.faults.grounds import DOOR_OF, Grounds, eventually
from tests.faults.history import Record, assert_whole, grants, unrecorded

READERS = ("reader-main", "reader-b1")
SETTLE_S = 0.15  # what had left the process before its end arrives within this
PASS_ROUNDS = 3  # each pass is shown in so many lives of the process


@pytest.fixture
def site(fresh: Grounds) -> Grounds:
    fresh.field("broker", "readers", "scanners")
    fresh.start_menjin("gateway")
    fresh.field("garage")
    return fresh


class Round:
    """One life of the process: it starts, people come, it is killed; and what the locks saw."""

    def __init__(self, site: Grounds, crowd: Crowd, dice: random.Random) -> None:
        self.site, self.crowd, self.dice = site, crowd, dice
        self.locks, self.garage, self.seq = site.readers.last(), site.garage.last(), site.last_seq()

    def run(self) -> None:
        self.site.secure(*READERS)
        stop = threading.Event()
        rush = self.crowd.rush(stop)
        time.sleep(0.2 + self.dice.random() * 0.6)
        self.site.kill("gateway")
        time.sleep(SETTLE_S)  # and people still come to a dead house
        stop.set()
        rush.join()

    def records(self) -> list[Record]:
        return self.site.records(self.seq)

    def assert_each_pulse_was_written_down_before(self) -> None:
        records = self.records()
        for reader in READERS:
            pulses = self.site.released(reader, self.locks)
            assert unrecorded(pulses, grants(records, DOOR_OF[reader])) == []
        given = {each["command_id"] for each in grants(records, "garage")}
        asked = [entry for entry in self.site.garage.diary(self.garage) if entry["what"] == "received_lock"]
        assert {entry["command"]["id"] for entry in asked} <= given
        pulses = self.site.released("garage-door", self.garage)
        assert unrecorded(pulses, grants(records, "garage")) == []

    def pulses(self) -> int:
        remotes = dict.fromkeys(READERS, self.locks) | {"garage-door": self.garage}
        return sum(len(self.site.released(device, since)) for device, since in remotes.items())


def test_a_kill_in_the_middle_of_grants_opens_nothing_unrecorded_and_loses_nothing(site: Grounds, long: bool) -> None:
    dice = random.Random(4)
    crowd = Crowd(site, (*READERS, "garage-door"))
    visitors: list[Visitor] = []
    pulses = 0
    for number in range(200 if long else 8):
        if number % PASS_ROUNDS == 0:
            visitors.append(Visitor(site))
            crowd.visitor = visitors[-1]
        life = Round(site, crowd, dice)
        life.run()
        life.assert_each_pulse_was_written_down_before()
        pulses += life.pulses()
        assert_whole(site.journal)
        quiet = Round(site, crowd, dice)
        site.start_menjin("gateway")
        site.secure(*READERS)
        time.sleep(SETTLE_S)
        assert quiet.pulses() == 0, "a start opened a door"
        assert grants(quiet.records()) == []
    assert pulses > 20, "the campaign opened too few doors to prove anything"
    used = [each["raw"] for each in grants(site.records()) if each.get("credential_type") == "pass"]
    assert sorted(used) == sorted(set(used)), "a single-use pass was used twice"
    assert set(used) <= {visitor.id for visitor in visitors}
    assert len(used) >= len(visitors) / 2
    site.opens("reader-b1", site.card("building-1"))
    assert_whole(site.journal)
    starts = [each for each in site.records() if each["kind"] == "GatewayStarted"]
    assert len(starts) == 1 + (200 if long else 8)


@contextmanager
def slow_disk(site: Grounds) -> Iterator[None]:
    """The journal's commit waits: somebody else holds its write lock. It gives up after a second, not before."""
    with closing(sqlite3.connect(site.journal, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


def test_no_lock_moves_before_its_record_is_on_the_disk(site: Grounds) -> None:
    site.secure(*READERS)
    time.sleep(1)
    crowd = Crowd(site, (*READERS, "garage-door"))
    life = Round(site, crowd, random.Random(1))
    with slow_disk(site):
        crowd.come()
        time.sleep(0.5)
        assert life.pulses() == 0
    eventually(lambda: life.pulses() == 3)
    life.assert_each_pulse_was_written_down_before()
    killed = Round(site, crowd, random.Random(2))
    with slow_disk(site):
        crowd.come()
        time.sleep(0.5)
        site.kill("gateway")
    time.sleep(SETTLE_S)
    site.start_menjin("gateway")
    site.secure(*READERS)
    time.sleep(SETTLE_S)
    assert grants(killed.records()) == []
    assert killed.pulses() == 0
    assert_whole(site.journal)
