"""Doors at work: modes, schedules, fire, lockdown, requests to exit, interlocks, and what a restart keeps of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controllers.driver import InputState, LinkState, Result
from gateway.access.door import Relock
from gateway.access.model import AccessPoint, AccessPolicy, AccessProfile, Passback, Schedule, Zone, ZoneRules
from gateway.remote import RemoteOrder
from gateway.site import FireZone, Input, Site
from tests.gateway.test_service import World
from tests.gateway.world import ZONE, card_read, seen, site

CONTACT, REX, LOOP, CONTACT_2 = 0, 1, 2, 3
OPEN, SHUT = True, False


def here(**changes: Any) -> Site:
    """Lobby and club on one board: contact, button and fire loop are its inputs."""
    plain = site()
    lobby, club = plain.doors
    config = replace(lobby.config, rex_pulse_s=0.5, rex_shunt_s=1.0)
    wired: dict[str, Any] = {"config": config, "rex": Input("lobby-1", REX), "fire_zone": "fz", "may_block": True}
    second: dict[str, Any] = {"contact": Input("lobby-1", CONTACT_2), "config": replace(config, fire_release=False)}
    points = dict(plain.points) | {"out-1": AccessPoint("lobby-out", "lobby", 1, ZONE, "estate")}
    doors = (replace(lobby, **(wired | changes.pop("lobby", {}))), replace(club, **second))
    return replace(plain, doors=doors, points=points, fire_zones=(FireZone("fz", Input("lobby-1", LOOP)),), **changes)


class Place(World):
    """A world whose devices are on line and have told their levels."""

    def __init__(self, folder: Path, site_: Site, **more: Any) -> None:
        super().__init__(folder, here=site_, **more)
        self.levels_now = [SHUT, False, True, SHUT]

    def begin(self) -> None:
        for device in ("lobby-1", "club-1"):
            self.read(LinkState(device, True, True, "connected", seen()))
        self.levels()
        self.service.tick()

    def levels(self, **changes: bool) -> None:
        for name, level in changes.items():
            self.levels_now[{"contact": CONTACT, "rex": REX, "loop": LOOP, "club": CONTACT_2}[name]] = level
        self.read(InputState("lobby-1", tuple(self.levels_now), seen()))

    def actions(self, device: str = "lobby-1") -> list[str]:
        return [each.action.value for each in self.driver.locks if each.device == device]

    def mode(self, door: str = "lobby") -> str:
        return self.service.doors.state(door).mode.value

    async def order(self, action: str, door: str = "", **how: Any) -> str:
        id_ = how.pop("id", f"o-{len(self.events('CommandOutcome'))}-{action}")
        self.service.order(RemoteOrder(id_, door, "wang", "why", time.time() + 5, action, **how))
        await self.settle(lambda: any(each.get("command_id") == id_ for each in self.events("CommandOutcome")))
        [ended] = [each for each in self.events("CommandOutcome") if each.get("command_id") == id_]
        return str(ended["reason"])

    async def end(self) -> None:
        await asyncio.to_thread(self.journal.close)


Make = Callable[..., Place]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Place] = []

    def one(*, begin: bool = True, more: Any = (), **changes: Any) -> Place:
        made.append(Place(tmp_path, here(**changes), more=more))
        if begin:
            made[-1].begin()
        return made[-1]

    yield one
    for place in made:
        await place.end()


async def test_a_start_and_a_lost_link_move_no_lock(make: Make) -> None:
    place = make()
    place.read(LinkState("lobby-1", False, False, "silent", seen()))
    place.begin()
    await place.settle(lambda: place.events("LinkDown"))
    assert place.actions() == []


async def test_a_mode_is_written_down_and_then_the_lock_follows_it_and_ends_by_itself(make: Make) -> None:
    place = make()
    assert await place.order("mode", "lobby", mode="Unlocked", for_s=0.4) == "Done"
    await place.settle(lambda: place.actions() == ["release"])
    assert place.mode() == "Unlocked"
    assert place.events("DoorMode")[0]["detail"]["by"] == "guard"
    await asyncio.sleep(0.4)
    place.service.tick()
    await place.settle(lambda: place.actions() == ["release", "secure"])
    assert [each["reason"] for each in place.events("DoorMode")] == ["Unlocked", "Locked"]


async def test_a_mode_outlives_a_restart_and_ends_at_its_time(make: Make) -> None:
    first = make()
    await first.order("mode", "lobby", mode="LockedOpen", for_s=3.0)
    await first.settle(lambda: first.actions() == ["release"])
    await first.end()
    again = make(begin=False)
    assert again.mode() == "LockedOpen"
    assert again.actions() == []
    again.begin()
    await again.settle(lambda: again.actions() == ["release"])
    await asyncio.sleep(3.0)
    again.service.tick()
    await again.settle(lambda: again.actions() == ["release", "secure"])
    assert again.mode() == "Locked"


async def test_a_lock_left_released_by_a_mode_that_ended_meanwhile_is_secured(make: Make) -> None:
    first = make()
    await first.order("mode", "lobby", mode="Unlocked", for_s=0.3)
    await first.settle(lambda: first.actions() == ["release"])
    await first.end()
    await asyncio.sleep(0.3)
    again = make()
    await again.settle(lambda: again.actions())
    assert again.actions() == ["secure"]


async def test_a_released_mode_ends_at_once(make: Make) -> None:
    place = make()
    await place.order("mode", "lobby", mode="Blocked")
    assert place.mode() == "Blocked"
    place.read(card_read(100))
    await place.settle(lambda: place.events("Denied"))
    assert place.events("Denied")[0]["reason"] == "DoorBlocked"
    await place.order("mode_release", "lobby")
    assert place.mode() == "Locked"


async def test_a_door_without_a_way_out_is_not_blocked(make: Make) -> None:
    place = make()
    assert await place.order("mode", "club", mode="Blocked") == "Refused"
    assert await place.order("mode", "club", mode="Accessed") == "Refused"
    assert await place.order("mode", "nowhere", mode="Unlocked") == "Refused"
    assert await place.order("sing") == "Refused"
    assert place.mode("club") == "Locked"


async def test_a_card_at_a_free_door_gives_no_pulse_that_would_lock_it(make: Make) -> None:
    place = make()
    await place.order("mode", "lobby", mode="Unlocked")
    await place.settle(lambda: place.actions() == ["release"])
    place.read(card_read(100))
    await place.settle(lambda: place.events("Granted"))
    assert place.actions() == ["release"]
    assert place.driver.signals[-1] == ("lobby-1", "granted")


async def test_a_level_that_was_lost_is_given_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make()
    monkeypatch.setattr("gateway.locks.RETRY_S", 0.0)
    place.driver.answer = Result.UNKNOWN
    await place.order("mode", "lobby", mode="Unlocked")
    await place.settle(lambda: place.actions() == ["release"])
    place.driver.answer = Result.DONE
    place.service.tick()
    await place.settle(lambda: place.actions() == ["release", "release"])
    place.service.tick()
    await place.settle()
    assert place.actions() == ["release", "release"]


# --- schedule ---------------------------------------------------------------------------------------------------------


async def test_a_schedule_unlocks_the_door_after_the_first_person(make: Make) -> None:
    config = replace(here().doors[0].config, first_in=True)
    place = make(lobby={"schedule": "always", "config": config})
    assert (place.mode(), place.actions()) == ("Locked", [])
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"])
    place.levels(contact=OPEN)
    await place.settle(lambda: place.actions() == ["pulse", "release"])
    place.levels(contact=SHUT)
    assert place.mode() == "Unlocked"
    assert place.events("DoorMode")[0]["detail"]["by"] == "schedule"


async def test_a_door_that_a_guard_opens_has_let_in_no_first_person(make: Make) -> None:
    config = replace(here().doors[0].config, first_in=True)
    place = make(lobby={"schedule": "always", "config": config})
    await place.order("unlock", "lobby")
    place.levels(contact=OPEN)
    await place.settle(lambda: place.events("Taken"))
    place.levels(contact=SHUT)
    assert place.mode() != "Unlocked"


async def test_the_first_person_of_an_opening_counts_after_a_restart_but_not_in_the_next_opening(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(here().doors[0].config, first_in=True)
    how = {"lobby": {"schedule": "always", "config": config}}
    first = make(**how)
    first.read(card_read(100))
    await first.settle(lambda: first.actions() == ["pulse"])
    first.levels(contact=OPEN)
    await first.settle(lambda: first.actions() == ["pulse", "release"])
    await first.end()
    same = make(**how)
    assert same.mode() == "Unlocked"
    await same.end()
    monkeypatch.setattr("gateway.clock.Clock.now", lambda clock: time.time() + 86_401.0)
    assert make(**how).mode() == "Locked"


async def test_a_schedule_that_is_over_locks_the_door(make: Make) -> None:
    place = make(lobby={"schedule": "never"}, more=[Schedule("never", ())])
    assert place.mode() == "Locked"
    place = make(lobby={"schedule": "always"})
    await place.settle(lambda: place.actions() == ["release"])


# --- fire -------------------------------------------------------------------------------------------------------------


async def test_an_open_loop_is_fire_which_is_latched_and_ends_by_two_acts(make: Make) -> None:
    place = make()
    place.levels(loop=False)
    assert place.actions() == ["release"]  # before anything is on the disk
    assert await place.order("fire_reset", zone="fz") == "Refused"
    place.levels(loop=True)
    assert place.mode() == "LockedOpen"
    assert await place.order("fire_reset", zone="elsewhere") == "Refused"
    assert await place.order("fire_reset", zone="fz") == "Done"
    await place.settle(lambda: place.actions() == ["release", "secure"])
    assert place.mode() == "Locked"
    kinds = [each for each in place.kinds() if each.startswith("Fire")]
    assert kinds == ["FireReleased", "FireResetRefused", "FireEnded"]
    assert place.mode("club") == "Locked"


async def test_fire_gives_one_command_however_slow_the_lock_is(make: Make) -> None:
    place = make()
    place.driver.answer = None
    place.levels(loop=False)
    await place.settle(lambda: place.events("DoorMode"))
    assert place.actions() == ["release"]  # once it is on the disk too


async def test_fire_is_above_lockdown_and_outlives_a_restart(make: Make) -> None:
    first = make()
    await first.order("lockdown")
    assert first.mode() == "LockedDown"
    first.levels(loop=False)
    assert first.mode() == "LockedOpen"
    first.levels(loop=True)
    await first.settle(lambda: first.events("FireReleased"))
    await first.end()
    again = make(begin=False)
    assert again.actions() == []
    again.begin()
    await again.settle(lambda: again.actions() == ["release"])
    assert again.mode() == "LockedOpen"
    await again.order("fire_reset", zone="fz")
    assert again.mode() == "LockedDown"


async def test_a_loop_that_nobody_can_read_is_fire_only_where_the_wiring_says_so(make: Make) -> None:
    place = make()
    place.read(LinkState("lobby-1", False, False, "silent", seen()))
    assert place.mode() == "Locked"
    zone = FireZone("fz", Input("lobby-1", LOOP), lost_is_fire=True)
    strict = Place(place.path.parent / "strict", replace(here(), fire_zones=(zone,)))
    strict.begin()
    strict.read(LinkState("lobby-1", False, False, "silent", seen()))
    assert strict.mode() == "LockedOpen"
    await strict.end()


async def test_a_loop_on_an_input_that_its_device_does_not_report_is_fire_and_an_alarm(make: Make) -> None:
    place = make()
    zone = FireZone("fz", Input("lobby-1", 7))
    blind = Place(place.path.parent / "blind", replace(here(), fire_zones=(zone,)))
    blind.begin()
    blind.levels()
    await blind.settle(lambda: blind.events("FireReleased"))
    assert blind.mode() == "LockedOpen"
    assert [each["reason"] for each in blind.events("DeviceAlarm")] == ["FireInputMissing"]
    await blind.end()


async def test_a_fire_whose_zone_has_gone_from_the_site_file_is_ended_by_a_reset_of_the_door(make: Make) -> None:
    first = make()
    first.levels(loop=False)
    await first.settle(lambda: first.events("FireReleased"))
    await first.end()
    config = replace(here().doors[0].config, fire_release=False)
    gone = Place(first.path.parent, replace(here(lobby={"fire_zone": "", "config": config}), fire_zones=()))
    gone.begin()
    await gone.settle(lambda: gone.actions() == ["release"])
    assert gone.mode() == "LockedOpen"
    assert await gone.order("fire_reset", zone="fz") == "Refused"
    assert await gone.order("fire_reset", zone=gone.service.doors.fire_zone("lobby")) == "Done"
    assert gone.mode() == "Locked"
    assert gone.service.doors.fire_zone("lobby") == ""
    await gone.settle(lambda: gone.actions() == ["release", "secure"])
    await gone.end()


# --- lockdown ---------------------------------------------------------------------------------------------------------


async def test_a_lockdown_of_a_zone_shuts_its_doors_and_outlives_a_restart(make: Make) -> None:
    nested = [Zone("street"), Zone("estate", "street"), Zone(ZONE, "estate")]
    first = make(more=nested)
    assert await first.order("lockdown", zone="club") == "Done"
    assert (first.mode(), first.mode("club")) == ("Locked", "LockedDown")
    await first.end()
    again = make(more=nested)
    assert again.mode("club") == "LockedDown"
    assert await again.order("lockdown_release", zone="club") == "Done"
    assert again.mode("club") == "Locked"
    assert await again.order("lockdown", zone="moon") == "Refused"


async def test_nobody_is_kept_inside_by_a_lockdown(make: Make) -> None:
    place = make(more=[Zone("estate"), Zone(ZONE, "estate")])
    await place.order("lockdown")
    place.read(card_read(100))
    await place.settle(lambda: place.events("Denied"))
    assert place.events("Denied")[0]["reason"] == "DoorBlocked"
    place.levels(rex=True)
    assert place.actions() == ["pulse"]
    place.levels(contact=OPEN)
    await place.settle(lambda: place.events("RequestToExit"))
    assert not place.events("DoorForcedOpen")


async def test_a_responder_passes_through_a_lockdown(make: Make) -> None:
    profile = AccessProfile("residents", 1, (AccessPolicy("always", zone=ZONE),), responder=True)
    place = make(more=[Zone("estate"), Zone(ZONE, "estate"), profile])
    await place.order("lockdown", zone=ZONE)
    assert place.mode() == "LockedDown"
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"])
    assert place.events("Granted")[0]["holder"] == "r-100"


async def test_a_lockdown_ends_a_release_that_runs(make: Make) -> None:
    place = make(lobby={"config": replace(here().doors[0].config, strike_s=60.0)})
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"])
    await place.order("lockdown")
    assert place.actions() == ["pulse", "secure"]
    place.levels(contact=OPEN)
    await place.settle(lambda: place.events("DoorForcedOpen"))
    assert not place.events("Taken")


@pytest.mark.parametrize(("leads", "actions"), [("in", []), ("out", ["pulse"])])
async def test_a_card_in_the_same_breath_as_a_lockdown_opens_for_who_leaves_alone(
    tmp_path: Path, leads: str, actions: list[str]
) -> None:
    ends = ("estate", ZONE) if leads == "in" else (ZONE, "estate")
    points = {"lobby-1": AccessPoint("lobby", "lobby", 1, *ends)}
    place = Place(tmp_path, replace(here(), points=points), more=[Zone("estate"), Zone(ZONE, "estate")])
    place.begin()
    place.service.order(RemoteOrder("l", "", "wang", "drill", time.time() + 5, "lockdown"))
    place.read(card_read(100))
    await place.settle(lambda: len(place.events("CommandOutcome")) == 2)
    assert (place.mode(), place.actions()) == ("LockedDown", actions)
    assert place.events("CommandOutcome")[-1]["reason"] == ("Done" if actions else "Refused")
    await place.end()


async def test_nobody_is_let_in_by_hand_through_a_lockdown_or_a_block(make: Make) -> None:
    place = make()
    await place.order("lockdown")
    assert await place.order("unlock", "lobby") == "Refused"
    assert place.events("CommandOutcome")[-1]["detail"]["why"] == "DoorBlocked"
    await place.order("lockdown_release")
    await place.order("mode", "lobby", mode="Blocked")
    assert await place.order("unlock", "lobby", id="again") == "Refused"
    assert place.actions() == []
    place.levels(loop=False)
    assert await place.order("unlock", "lobby", id="fire") == "Done"


async def test_when_no_journal_can_be_written_who_goes_outwards_is_let_out_where_the_wiring_says_so(
    tmp_path: Path,
) -> None:
    (tmp_path / "journal.db").mkdir()
    ways = [Zone("estate"), Zone(ZONE, "estate"), Zone("club", "estate")]
    rights = AccessProfile("residents", 1, (AccessPolicy("always", zone=ZONE), AccessPolicy("always", zone="club")))
    points = {
        "lobby-1": AccessPoint("lobby-out", "lobby", 1, ZONE, "estate"),
        "club-1": AccessPoint("club-in", "club", 2, "estate", "club"),
    }
    place = Place(
        tmp_path,
        replace(here(lobby={"opens_outwards_unrecorded": True}), points=points),
        more=[*ways, rights],
        retry_s=60,
        queue_limit=0,
    )
    place.begin()
    place.read(card_read(100))
    place.read(card_read(100, "club-1"))
    await place.settle(lambda: place.actions() == ["pulse"])
    assert place.actions() == ["pulse"]
    assert place.actions("club-1") == []
    assert ("club-1", "denied") in place.driver.signals
    await place.end()


# --- request to exit, relock, interlock -------------------------------------------------------------------------------


async def test_a_button_that_is_held_at_the_start_gives_no_pulse(make: Make) -> None:
    place = make(begin=False)
    place.levels_now[REX] = True
    place.begin()
    assert place.actions() == []
    place.levels(rex=False)
    place.levels(rex=True)
    assert place.actions() == ["pulse"]
    assert place.driver.locks[-1].pulse_ms == 500


async def test_a_door_that_shuts_cuts_nobody_s_release_from_inside_short(make: Make) -> None:
    config = replace(here().doors[0].config, relock=Relock.CLOSE, strike_s=3.0, rex_pulse_s=60.0)
    place = make(lobby={"config": config})
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"])
    place.levels(contact=OPEN)
    place.levels(rex=True)
    place.levels(contact=SHUT)
    place.service.tick()
    assert place.actions() == ["pulse", "pulse"]
    await asyncio.sleep(0.21)
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"] * 3)
    assert place.driver.locks[-1].pulse_ms > 50_000


async def test_who_stands_before_the_sensor_when_a_free_mode_ends_is_let_out(make: Make) -> None:
    place = make()
    await place.order("mode", "lobby", mode="Unlocked")
    await place.settle(lambda: place.actions() == ["release"])
    place.levels(rex=True)
    await place.order("mode_release", "lobby")
    assert place.actions() == ["release", "secure", "pulse"]


async def test_a_lost_command_to_secure_is_given_again_only_after_who_leaves(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make(lobby={"config": replace(here().doors[0].config, rex_pulse_s=60.0)})
    monkeypatch.setattr("gateway.locks.RETRY_S", 0.0)
    await place.order("mode", "lobby", mode="Unlocked")
    await place.settle(lambda: place.actions() == ["release"])
    place.driver.answer = Result.UNKNOWN
    place.levels(rex=True)
    await place.order("mode_release", "lobby")
    await place.settle()
    place.service.tick()
    assert place.actions() == ["release", "secure", "pulse"]


async def test_a_lock_is_secured_once_the_door_has_opened(make: Make) -> None:
    place = make(lobby={"config": replace(here().doors[0].config, relock=Relock.OPEN)})
    place.read(card_read(100))
    await place.settle(lambda: place.actions() == ["pulse"])
    place.levels(contact=OPEN)
    place.service.tick()
    assert place.actions() == ["pulse", "secure"]


async def test_of_two_interlocked_doors_one_is_open_at_a_time(make: Make) -> None:
    place = make(interlocks=(("lobby", "club"),))
    place.read(card_read(100))
    assert await place.order("unlock", "club") == "Refused"  # a grant is on its way to the other
    place.levels(contact=OPEN)
    assert await place.order("unlock", "club") == "Refused"
    place.levels(contact=SHUT)
    await asyncio.sleep(0.5)
    place.service.tick()
    assert await place.order("unlock", "club") == "Done"
    place.read(card_read(100))
    await place.settle(lambda: place.events("Denied"))
    assert place.events("Denied")[0]["reason"] == "Interlocked"


async def test_of_two_interlocked_doors_one_stands_free_at_a_time(make: Make) -> None:
    place = make(interlocks=(("lobby", "club"),))
    for id_, door in (("a", "lobby"), ("b", "club")):  # in one breath
        place.service.order(RemoteOrder(id_, door, "wang", "why", time.time() + 5, "mode", mode="Unlocked"))
    await place.settle(lambda: len(place.events("CommandOutcome")) >= 2)
    ended = {each["command_id"]: each for each in place.events("CommandOutcome") if each["command_id"] in "ab"}
    assert (ended["a"]["reason"], ended["b"]["reason"]) == ("Done", "Refused")
    assert ended["b"]["detail"]["why"] == "Interlocked"
    await place.order("lockdown")
    assert await place.order("mode", "club", mode="LockedOpen", id="c") == "Refused"
    await place.order("mode_release", "lobby")
    await place.order("lockdown_release")
    assert await place.order("mode", "club", mode="LockedOpen", id="d") == "Done"


async def test_an_interlock_and_anti_passback_both_hold(make: Make) -> None:
    ruled = [Zone("estate"), Zone(ZONE, "estate", rules=ZoneRules(passback=Passback.HARD))]
    place = make(interlocks=(("lobby", "club"),), more=ruled)

    async def ask(reason: str) -> None:
        before = len(place.events("Granted", "Denied"))
        await asyncio.sleep(0.21)
        place.read(card_read(100))
        await place.settle(lambda: len(place.events("Granted", "Denied")) > before)
        assert place.events("Granted", "Denied")[-1].get("reason", "") == reason

    place.levels(club=OPEN)
    await ask("Interlocked")
    place.levels(club=SHUT)
    await ask("")
    place.levels(contact=OPEN)
    place.levels(contact=SHUT)
    await ask("PassbackViolation")
    place.levels(club=OPEN)
    await ask("Interlocked")


async def test_lockdowns_ordered_in_one_breath_both_stand_and_end_by_themselves(make: Make) -> None:
    place = make(more=[Zone("estate"), Zone(ZONE, "estate"), Zone("club", "estate")])
    for n, (action, zone) in enumerate((("lockdown", ""), ("lockdown", "club"), ("lockdown_release", ""))):
        place.service.order(RemoteOrder(f"l-{n}", "", "wang", "drill", time.time() + 5, action, zone=zone))
    await place.settle(lambda: len(place.events("CommandOutcome")) == 3)
    assert place.service.passage.lockdowns == {"zone club"}
    assert (place.mode(), place.mode("club")) == ("Locked", "LockedDown")
