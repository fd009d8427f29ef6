"""The rules of zones at the running doors: who is where is kept with the passages that told it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controllers.driver import KeyRead, LinkState, Result
from gateway.access.identifier import pin_key
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    HolderClass,
    Mark,
    Passback,
    Row,
    Zone,
    ZoneRules,
)
from gateway.remote import RemoteOrder
from gateway.site import Reader, Site
from tests.gateway.test_service import World
from tests.gateway.world import SITE_KEY, ZONE, card_key, card_read, contact, seen, site
from tests.telling import told


def here(**changes: object) -> Site:
    """The small estate, with a reader on the way out of the lobby."""
    plain = site()
    points = {
        "lobby-1": AccessPoint("lobby-in", "lobby", 1, "estate", ZONE, **changes),  # type: ignore[arg-type]
        "scan-1": AccessPoint("lobby-out", "lobby", 1, ZONE, "estate"),
        "club-1": AccessPoint("club-in", "club", 2, "estate", "club"),
    }
    readers = (*plain.readers[:1], Reader("scan-1", "mqtt", ("H10301",)), *plain.readers[2:])
    return replace(plain, points=points, readers=readers)


def rows(rules: ZoneRules, **cards: int) -> list[Row]:
    """Zones one within the other, with these rules; `c201=Mark.LEAD` is a card and what sets its holder apart."""
    profile = AccessProfile("all", 9, (AccessPolicy("always", zone=ZONE), AccessPolicy("always", zone="club")))
    made: list[Row] = [Zone("estate"), Zone(ZONE, "estate", rules=rules), Zone("club", "estate", rules=rules), profile]
    for name, marks in cards.items():
        number = int(name[1:])
        key, pins = card_key(number), (number % 2 == 0)
        made.append(
            Credential(
                f"c-{number}", key, CredentialType.CARD, f"r-{number}", HolderClass.RESIDENT, CredentialState.ENABLED,
                ("all",), marks=int(marks), pin=pin_key(SITE_KEY, key, "1234") if pins else b"",
                duress_pin=pin_key(SITE_KEY, key, "1235") if pins else b"",
            )
        )  # fmt: skip
    return made


Make = Callable[..., World]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[World] = []

    def one(rules: ZoneRules, min_assurance: int = 0, **cards: int) -> World:
        more = rows(rules, **(cards or {"c201": 0, "c203": 0}))
        made.append(World(tmp_path, here=here(min_assurance=min_assurance), more=more))
        made[-1].read(contact(is_open=False))
        return made[-1]

    yield one
    for world in made:
        await asyncio.to_thread(world.journal.close)


async def passes(world: World, card: int, reader: str = "lobby-1", *, taken: bool = True) -> str:
    """Present a card, and go through if it was granted: "" or the reason of the refusal."""
    before = len(world.events("Granted", "Denied"))
    await asyncio.sleep(0.21)  # the reader takes the same card for the same presentation until then
    world.read(card_read(card, reader))
    await world.settle(lambda: len(world.events("Granted", "Denied")) > before)
    last = world.events("Granted", "Denied")[-1]
    if last["kind"] == "Granted" and taken and reader != "club-1":
        world.read(contact(is_open=True))
        world.read(contact(is_open=False))
        await world.settle(lambda: world.events("Taken"))
    return "" if last["kind"] == "Granted" else str(last["reason"])


async def nobody_goes(world: World) -> None:
    """Wait until the lock is shut again."""
    while not world.events("NotTaken"):
        world.service.tick()
        await asyncio.sleep(0.05)


HARD = ZoneRules(passback=Passback.HARD)


async def test_who_is_inside_is_not_let_in_again_until_he_leaves(make: Make) -> None:
    world = make(HARD)
    assert await passes(world, 201) == ""
    assert await passes(world, 201) == "PassbackViolation"
    assert await passes(world, 203) == ""
    assert await passes(world, 201, "scan-1") == ""
    assert await passes(world, 201) == ""


async def test_who_did_not_open_the_door_is_not_inside(make: Make) -> None:
    world = make(HARD)
    assert await passes(world, 201, taken=False) == ""
    await nobody_goes(world)
    assert await passes(world, 201) == ""


async def test_a_card_that_is_handed_back_before_the_door_opens_lets_nobody_else_in(make: Make) -> None:
    world = make(HARD)
    assert await passes(world, 201, taken=False) == ""
    assert await passes(world, 201) == "PassbackViolation"
    known = world.events("Denied")[0]["detail"]["shown"]["known"]  # for whoever asks later why
    assert known[ZONE]["inside"] == 1
    assert "since" in known[ZONE]


async def test_who_is_let_in_together_is_no_more_than_a_zone_may_hold(make: Make) -> None:
    world = make(ZoneRules(limit=1))
    assert await passes(world, 201, taken=False) == ""
    assert await passes(world, 203) == "OccupancyReached"
    await nobody_goes(world)
    assert await passes(world, 203) == ""


async def test_a_cry_for_help_is_heard_though_the_door_stays_shut(make: Make) -> None:
    world = make(ZoneRules(persons=2), 3, c202=0)
    world.read(card_read(202))
    world.read(keys("1235#"))
    await world.settle(lambda: world.events("Duress"))
    assert world.events("Denied")[0]["reason"] == "SecondPersonNeeded"
    assert [each["holder"] for each in world.events("Duress")] == ["r-202"]
    assert not world.driver.locks


async def test_where_nobody_sees_the_door_a_released_lock_is_a_passage(make: Make) -> None:
    world = make(HARD)
    assert await passes(world, 201, "club-1") == ""
    assert await passes(world, 201, "club-1") == "PassbackViolation"


async def test_where_nobody_sees_the_door_a_refused_lock_is_none(make: Make) -> None:
    world = make(HARD)
    world.driver.answer = Result.REFUSED
    assert await passes(world, 201, "club-1") == ""
    await world.settle(lambda: world.events("CommandOutcome"))
    assert await passes(world, 201, "club-1") == ""


async def test_who_is_where_is_known_after_a_restart(make: Make) -> None:
    first = make(HARD)
    assert await passes(first, 201) == ""
    await asyncio.to_thread(first.journal.close)
    again = make(HARD)
    assert await passes(again, 201) == "PassbackViolation"
    assert await passes(again, 203) == ""


async def test_under_a_soft_rule_he_is_let_in_and_it_is_noted(make: Make) -> None:
    world = make(ZoneRules(passback=Passback.SOFT))
    await passes(world, 201)
    assert await passes(world, 201) == ""
    assert world.events("Granted")[-1]["detail"]["notes"] == ["PassbackViolation"]


async def test_an_operator_pardons_a_zone_and_it_outlives_a_restart(make: Make) -> None:
    world = make(HARD)
    await passes(world, 201)
    world.service.order(RemoteOrder("p-1", "", "wang", "drill", time.time() + 5, "pardon", zone=ZONE))
    await world.settle(lambda: world.events("CommandOutcome")[-1].get("command_id") == "p-1")
    assert world.events("Ordered")[0]["detail"] == {"action": "pardon", "zone": ZONE}
    await asyncio.to_thread(world.journal.close)
    assert await passes(make(HARD), 201) == ""


async def test_a_person_or_everybody_is_pardoned_wherever_they_are_without_any_door_named(make: Make) -> None:
    world = make(HARD)

    async def pardon(id_: str, **of: str) -> None:
        world.service.order(RemoteOrder(id_, "", "wang", "drill", time.time() + 5, "pardon", **of))
        await world.settle(lambda: [each.get("command_id") for each in world.events("CommandOutcome")].count(id_))

    for card, reader in ((201, "lobby-1"), (203, "lobby-1"), (201, "club-1")):
        assert await passes(world, card, reader) == ""
    await pardon("p-1", person="r-201")
    assert await passes(world, 203) == "PassbackViolation"
    assert await passes(world, 201) == ""
    assert await passes(world, 201, "club-1") == ""
    await pardon("p-2")
    assert await passes(world, 203) == ""
    assert await passes(world, 201, "club-1") == ""
    told = [(each.get("door"), each["detail"]) for each in world.events("Ordered")]
    assert told == [(None, {"action": "pardon", "person": "r-201"}), (None, {"action": "pardon"})]


async def test_a_reader_that_was_out_for_long_pardons_its_zone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(HARD)
    await passes(world, 201)
    world.read(LinkState("scan-1", False, False, "silent", seen()))
    world.service.tick()
    assert await passes(world, 201) == "PassbackViolation"  # a cut of a moment is no way in
    monkeypatch.setattr("gateway.amnesty.OUT_S", 0.0)
    world.service.tick()
    assert await passes(world, 201) == ""
    assert world.events("Pardoned")[0]["reason"] == "ReaderOut"


async def test_a_full_zone_takes_nobody_until_somebody_leaves(make: Make) -> None:
    world = make(ZoneRules(limit=1))
    assert await passes(world, 201) == ""
    assert await passes(world, 203) == "OccupancyReached"
    assert await passes(world, 201, "scan-1") == ""
    assert await passes(world, 203) == ""


async def test_the_first_of_two_is_asked_to_wait_and_the_second_lets_both_in(make: Make) -> None:
    world = make(ZoneRules(persons=2, limit=9))
    assert await passes(world, 201) == "SecondPersonNeeded"
    assert world.driver.signals[-1] == ("lobby-1", "more")
    assert await passes(world, 203) == ""
    assert set(world.service.passage.whereabouts.people[ZONE]) == {"r-201", "r-203"}


async def test_a_zone_that_is_never_to_hold_one_alone_is_entered_by_two_and_left_by_anybody(make: Make) -> None:
    world = make(ZoneRules(least=2))
    assert await passes(world, 201) == "SecondPersonNeeded"
    assert await passes(world, 203) == ""
    assert await passes(world, 201, "scan-1") == ""  # nobody is kept inside
    assert world.events("Granted")[-1]["detail"]["notes"] == ["OccupancyLow"]
    assert await passes(world, 201) == ""


async def test_a_visitor_needs_his_escort_and_others_the_first_person(make: Make) -> None:
    cards = {"c201": Mark.ESCORTED, "c203": Mark.ESCORT, "c205": Mark.LEAD}
    world = make(ZoneRules(escort=True, first_in_s=60), **cards)
    assert await passes(world, 203) == "FirstPersonMissing"
    assert await passes(world, 205) == ""
    assert await passes(world, 201) == "EscortNeeded"
    assert await passes(world, 203) == ""
    assert await passes(world, 201) == ""


async def test_who_needs_longer_gets_longer(make: Make) -> None:
    world = make(ZoneRules(), c201=Mark.EXTENDED)
    await passes(world, 201)
    assert world.driver.locks[-1].pulse_ms == 10_000


# --- card and PIN -----------------------------------------------------------------------------------------------------


def keys(text: str, reader: str = "lobby-1") -> KeyRead:
    return KeyRead(reader, text, seen())


async def test_a_card_waits_for_its_pin_and_both_are_one_event(make: Make) -> None:
    world = make(ZoneRules(), 3, c202=0)
    world.read(card_read(202))
    assert world.driver.signals == [("lobby-1", "more")]
    world.read(keys("12"))
    world.read(keys("34#"))
    await world.settle(lambda: world.driver.locks)
    assert [each["kind"] for each in world.events("Granted", "Denied")] == ["Granted"]
    assert world.events("Granted")[0]["credential"] == "c-202"
    assert not told("1234", str(world.events()))


async def test_a_wrong_pin_is_refused_and_five_are_an_alarm(make: Make) -> None:
    world = make(ZoneRules(), 3, c202=0)
    for n in range(5):
        world.read(card_read(202))
        world.read(keys(f"999{n}#"))
        await asyncio.sleep(0.21)
    await world.settle(lambda: world.events("ReaderAlarm"))
    assert [each["reason"] for each in world.events("Denied")] == ["InvalidPIN"] * 5
    assert len(world.events("ReaderAlarm")) == 1
    assert not world.driver.locks


async def test_a_card_without_its_pin_is_refused_once_in_the_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.reads.PIN_S", 0.05)
    world = make(ZoneRules(), 3, c202=0)
    world.read(card_read(202))
    await asyncio.sleep(0.1)
    world.service.tick()
    await world.settle(lambda: world.events("Denied"))
    assert [each["reason"] for each in world.events("Denied")] == ["AssuranceTooLow"]
    world.read(keys("1234#"))  # too late: it stands alone
    await world.settle(lambda: len(world.events("Denied")) == 2)
    assert world.events("Denied")[1]["reason"] == "InvalidPIN"


async def test_a_card_that_has_no_pin_is_refused_at_once(make: Make) -> None:
    world = make(ZoneRules(), 3, c201=0)
    assert await passes(world, 201) == "AssuranceTooLow"


async def test_a_card_that_calls_for_help_does_at_the_door_what_any_card_does(make: Make) -> None:
    world = make(ZoneRules(), c201=0, c203=Mark.DURESS)

    async def at_the_door(card: int) -> list[tuple[str, ...]]:
        locks, signals = len(world.driver.locks), len(world.driver.signals)
        assert await passes(world, card) == ""
        await world.settle(lambda: len(world.driver.signals) > signals)
        orders = [(each.device, each.action, str(each.pulse_ms)) for each in world.driver.locks[locks:]]
        return [*orders, *world.driver.signals[signals:]]

    assert await at_the_door(201) == await at_the_door(203) != []
    assert [each["holder"] for each in world.events("Duress")] == ["r-203"]


async def test_the_pin_under_duress_opens_as_ever_and_guards_hear_of_it(make: Make) -> None:
    world = make(ZoneRules(), 3, c202=0)
    world.read(card_read(202))
    world.read(keys("1235#"))
    await world.settle(lambda: world.events("Duress"))
    assert world.events("Duress")[0]["holder"] == "r-202"
    assert world.driver.signals == [("lobby-1", "more"), ("lobby-1", "granted")]
    assert len(world.driver.locks) == 1
