"""Every answer of the doors can be explained: for now, for a past moment with what stood then, and for a plan."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.access.case import DEFAULT_LIMITS, Limits
from gateway.access.decision import LiveUsed, Used
from gateway.access.event import AccessEvent, EventKind
from gateway.access.identifier import identifier_key
from gateway.access.mj1 import LiveCode
from gateway.access.model import CredentialType
from gateway.access.presence import Moved
from gateway.access.presented import Card, Live
from gateway.child import child
from gateway.clock import Clock
from gateway.generations import Generations
from gateway.journal import Journal
from gateway.place import of_site, wired
from gateway.plan import LATEST, BadPlan
from gateway.shown import facts
from gateway.site import CARDS, CODES, KEYS, Reader
from gateway.store import Store
from gateway.why import NoAnswer, answer
from tests.gateway.test_generations import page
from tests.gateway.world import HANDLE, SITE, SITE_KEY, ZONE, card_key, credential, rows, site

T0 = 1_800_000_000.0  # a Friday, 16:00 in Shanghai
DAY_S = 86_400


class Past:
    """A gateway whose table changes at times that the test sets, and whose journal is written by hand."""

    def __init__(self, folder: Path) -> None:
        self.now, self.folder = T0, folder
        self.place = of_site(folder, site())
        self.store = Store(folder / "store.db", lambda: self.now)
        self.generations = Generations(folder / "generations", folder / "store.db", site())
        self.journal = Journal(folder / "journal.db", lambda: self.now, reserve_bytes=4096)
        self.journal.start()

    async def at(self, seconds: float) -> None:
        self.now = T0 + seconds

    async def snapshot(self, version: int, lists: dict[str, list[dict[str, Any]]]) -> None:
        self.store.begin_snapshot()
        self.store.stage(lists)
        self.store.commit_snapshot(version)
        await self._in_force()

    async def change(self, version: int, **lists: Any) -> None:
        self.store.apply(page(version, **lists))
        await self._in_force()

    async def _in_force(self) -> None:
        await self.generations.refresh(self.store)
        await self.generations.settled()

    async def event(self, kind: EventKind, *changes: Any, **fields: Any) -> int:
        version = self.generations.table.version
        made = AccessEvent(kind, self.now, table_version=version, **fields)
        return await asyncio.wrap_future(self.journal.append(made, changes))

    def ask(self, limits: Limits = DEFAULT_LIMITS, **question: Any) -> dict[str, Any]:
        return answer(self.place._replace(limits=limits), {"ask": "explain", "at": self.now, **question})

    def why(self, **question: Any) -> tuple[str, str]:
        [found] = self.ask(**({"door": "lobby", "credential": "c-100"} | question))["answers"]
        return found["decision"], found["reason"]


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    made = Past(tmp_path)
    await made.snapshot(1, rows(held(100), held(101, profiles=[])))
    await made.at(10)
    yield made
    await made.generations.close()
    await asyncio.to_thread(made.journal.close)
    made.store.close()


def held(card: int, **changes: Any) -> dict[str, Any]:
    return credential(card, refreshed_at=int(T0), **changes)


async def test_an_answer_has_its_steps_and_a_sentence_in_both_languages(past: Past) -> None:
    [granted] = past.ask(door="lobby", credential="c-100")["answers"]
    assert (granted["decision"], granted["policy"]) == ("Granted", "residents/always")
    assert {step["outcome"] for step in granted["steps"]} == {"passed"}
    [denied] = past.ask(door="lobby", credential="c-101")["answers"]
    assert (denied["reason"], denied["zh"]) == ("Unauthorized", "此凭证无权通过此门。")
    assert [step["reason"] for step in denied["steps"] if step["outcome"] == "refused"] == ["Unauthorized"]
    assert all(step["zh"] and step["en"] for step in denied["steps"])


async def test_a_static_code_is_explained_by_the_site_s_own_rules(past: Past) -> None:
    await past.change(2, credentials=[held(100, type="static"), held(101, state="stolen")])
    asked = {"door": "lobby", "credential": "c-100"}
    [off], [on] = (past.ask(Limits(static_codes=on), **asked)["answers"] for on in (False, True))
    assert (off["reason"], on["decision"]) == ("StaticCodeOff", "Granted")
    rights = past.ask(Limits(static_codes=True), ask="who-can", door="lobby")["rights"]
    assert {right["credential"] for right in rights} == {"c-100"}
    [stolen] = past.ask(door="lobby", credential="c-101")["answers"]
    assert stolen["en"] == "This credential was reported stolen."


async def test_a_card_is_worth_no_more_than_the_door_s_best_reader(past: Past) -> None:
    lobby = replace(site().access_points[0], min_assurance=1)

    def with_readers(*readers: Reader) -> None:
        past.place = of_site(
            past.folder, replace(site(), points={each.name: lobby for each in readers}, readers=readers)
        )

    def entitled() -> list[str]:
        return [right["credential"] for right in past.ask(ask="who-can", door="lobby")["rights"]]

    plain, secure = Reader("mqtt-1", "mqtt", takes=CARDS | CODES), Reader("osdp-1", "osdp", assurance=1, takes=CARDS)
    with_readers(plain)
    assert (past.why(), entitled()) == (("Denied", "AssuranceTooLow"), [])
    with_readers(plain, secure)
    assert (past.why(), entitled()) == (("Granted", ""), ["c-100"])
    assert past.ask(ask="where-can", resident="r-100")["rights"]


async def test_a_pin_needs_keys_at_the_door_and_a_code_a_scanner(past: Past) -> None:
    pin = bytes(range(16))
    await past.change(2, credentials=[held(100, pin=pin.hex()), held(102, type="live", public_key="02" + "11" * 32)])
    lobby = replace(site().access_points[0], min_assurance=3)

    def told(takes: frozenset[CredentialType], least: int) -> list[str]:
        point = replace(lobby, min_assurance=least)
        reader = Reader("r", "any", assurance=1, takes=takes)
        past.place = of_site(past.folder, replace(site(), points={"r": point}, readers=(reader,)))
        return sorted(right["credential"] for right in past.ask(ask="who-can", door="lobby")["rights"])

    assert told(CARDS, 3) == []
    assert past.why() == ("Denied", "AssuranceTooLow")
    assert told(CARDS | KEYS, 3) == ["c-100"]
    assert past.why() == ("Granted", "")
    assert told(CARDS, 0) == ["c-100"]
    with pytest.raises(NoAnswer, match="no reader at 'lobby' takes a credential of type live"):
        past.why(credential="c-102")
    assert told(CARDS | CODES, 0) == ["c-100", "c-102"]


async def test_a_past_moment_is_explained_by_the_table_of_then(past: Past) -> None:
    await past.change(2, credentials=[held(100, state="lost")])
    await past.at(20)
    assert past.why() == ("Denied", "CredentialNotEnabled")
    assert past.why(at=T0 + 5) == ("Granted", "")
    assert past.ask(door="lobby", credential="c-100", at=T0 + 5)["table_version"] == 1
    await past.change(3, credentials=[held(100)])
    await past.at(30)
    assert [past.why(at=T0 + second)[0] for second in (5, 15, 25)] == ["Granted", "Denied", "Granted"]


async def test_the_last_table_is_told_after_the_clock_was_set_back(past: Past) -> None:
    await past.at(100)
    await past.change(2, credentials=[held(102)])
    await past.at(50)  # the clock is set back
    await past.change(3, credentials=[held(100, state="lost")])
    await past.at(200)
    assert past.why() == ("Denied", "CredentialNotEnabled")
    assert past.ask(ask="who-can", door="lobby")["table_version"] == 3
    assert past.why(at=T0 + 20) == ("Granted", "")
    await past.at(200 * DAY_S)
    await past.change(4, credentials=[held(103)])
    assert past.why(at=T0 + 100 * DAY_S) == ("Denied", "CredentialNotEnabled"), "the older ones are what is forgotten"


async def test_the_last_table_is_told_after_the_clock_ran_ahead(past: Past) -> None:
    await past.at(400 * DAY_S)
    await past.change(2, credentials=[held(102)])
    await past.at(50)  # the clock is right again
    await past.change(3, credentials=[held(100, state="lost")])
    await past.at(60)
    assert past.why() == ("Denied", "CredentialNotEnabled")


async def test_now_is_what_the_door_calls_now(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_back() -> Clock:
        return Clock(lambda: T0 - DAY_S, lambda: 7.0, lambda: False)

    monkeypatch.setattr("gateway.moment.Clock", set_back)
    await past.at(400 * DAY_S)
    await past.change(2, credentials=[credential(100, refreshed_at=int(past.now), max_uses=1)])
    assert past.why(at=None) == ("Granted", "")
    await past.event(EventKind.GRANTED, Used(card_key(100), 1, int(past.now) + DAY_S), credential="c-100")
    told = past.ask(door="lobby", credential="c-100", at=None)
    assert (told["answers"][0]["reason"], told["table_version"]) == ("UsedUp", 2)
    assert told["at"].startswith("2028-02-19"), "not below the highest time in the journal"


async def test_what_the_plane_knows_of_other_gateways_counts(past: Past) -> None:
    await past.change(2, credentials=[held(100, max_uses=3)])
    assert past.why(used=2) == ("Granted", "")
    assert past.why(used=3) == ("Denied", "UsedUp")


async def test_a_step_that_no_record_tells_of_is_called_unknown(past: Past) -> None:
    def step(**question: Any) -> str:
        [found] = past.ask(**({"door": "lobby", "credential": "c-100"} | question))["answers"]
        return str(next(each["outcome"] for each in found["steps"] if each["reason"] == "Interlocked"))

    assert step() == "passed", "the door is in no interlock"
    past.place = past.place._replace(interlocks=[("lobby", "club")])
    assert step() == "not known"
    fields: dict[str, Any] = {"door": "lobby", "access_point": "lobby-in", "credential": "c-100"}
    shown = {"shown": facts(Card(card_key(100), 1)) | {"interlocked": True}}
    seq = await past.event(EventKind.DENIED, **fields, credential_type="card", reason="Interlocked", detail=shown)
    assert step(event=seq) == "refused"


async def test_a_profile_that_was_shut_is_open_in_the_past(past: Past) -> None:
    await past.change(2, profiles=[{"id": "residents", "number": 1, "policies": []}])
    await past.at(20)
    assert past.why() == ("Denied", "Unauthorized")
    assert past.why(at=T0 + 9) == ("Granted", "")


async def test_who_was_deleted_was_there_before(past: Past) -> None:
    past.store.apply(page(2) | {"deleted": [{"kind": "credential", "id": "c-100"}]})
    await past.generations.refresh(past.store)
    await past.at(20)
    with pytest.raises(NoAnswer, match="c-100"):
        past.why()
    assert past.why(at=T0 + 9) == ("Granted", "")


async def test_a_snapshot_does_not_take_the_past_with_it(past: Past) -> None:
    await past.snapshot(2, rows(held(100, state="stolen")))
    await past.at(20)
    assert past.why() == ("Denied", "CredentialNotEnabled")
    assert past.why(at=T0 + 9) == ("Granted", "")
    assert past.why(at=T0 + 9, credential="c-101") == ("Denied", "Unauthorized")


async def test_a_transfer_that_breaks_off_at_its_end_changes_neither_now_nor_the_past(past: Past) -> None:
    late = Store(past.folder / "store.db", lambda: 1 / 0)  # falls when all but the exchange of the tables is done
    late.begin_snapshot()
    late.stage(rows(held(100, state="stolen")))
    with pytest.raises(ZeroDivisionError):
        late.commit_snapshot(2)
    late.close()
    await past.change(2, credentials=[held(102)])
    await past.at(20)
    for at, who in ((T0 + 5, ["c-100"]), (T0 + 20, ["c-100", "c-102"])):
        rights = past.ask(ask="who-can", door="lobby", at=at)["rights"]
        assert [right["credential"] for right in rights] == who
    await past.at(30)
    await past.snapshot(3, rows(held(100, state="stolen")))
    await past.at(40)
    assert past.why() == ("Denied", "CredentialNotEnabled")
    assert past.why(at=T0 + 9) == ("Granted", "")
    assert past.why(at=T0 + 25, credential="c-102") == ("Granted", "")


async def test_renewed_leases_are_kept_as_times_alone_and_explain_still(past: Past) -> None:
    await past.at(40 * DAY_S)
    renewed = [credential(100, refreshed_at=int(past.now)), held(101, profiles=[])]
    await past.change(2, credentials=renewed[:1])
    await past.snapshot(3, rows(credential(100, refreshed_at=int(past.now) + 5), *renewed[1:]))
    await past.change(4, credentials=[credential(100, refreshed_at=int(past.now) + 9, state="lost")])
    await past.at(40 * DAY_S + 60)
    assert past.why(at=T0 + 31 * DAY_S) == ("Denied", "LeaseExpired")
    assert past.why(at=T0 + 29 * DAY_S) == ("Granted", "")
    kept = past.store._db.execute("SELECT key, body FROM past WHERE kind = 'credential' ORDER BY since").fetchall()
    assert [each[0] is None for each in kept] == [True, True, False]
    assert [each[1] for each in kept[:2]] == [str(int(T0)), str(int(T0) + 40 * DAY_S)]


async def test_what_is_older_than_the_journal_is_forgotten_step_by_step(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.STEP_ROWS", 2)
    for version, day in ((2, 1), (3, 100), (4, 290)):
        await past.at(day * DAY_S)
        await past.snapshot(version, rows(*(held(card, holder=f"v{version}") for card in range(100, 105))))
    since = past.store._db.execute("SELECT since, count(*) FROM past GROUP BY since").fetchall()
    assert since == [(3, 5)], "of what stood on day 100 and later all is there, of the time before nothing"
    await past.at(290 * DAY_S + 9)
    assert past.ask(door="lobby", credential="c-104", at=T0 + 115 * DAY_S)["table_version"] == 3


async def test_before_all_history_nothing_is_made_up(past: Past) -> None:
    with pytest.raises(NoAnswer, match="begins at"):
        past.why(at=T0 - 60)


async def test_a_replayed_code_is_explained_by_what_earlier_passages_left(past: Past) -> None:
    key = identifier_key(SITE_KEY, "live", "MJ1", HANDLE.hex())
    await past.change(2, credentials=[held(0, id="live-1", key=key.hex(), type="live", public_key="02" + "11" * 32)])
    code = LiveCode(0, HANDLE, SITE, int(T0) + 10, 0, 0, b"", b"")
    told = {"shown": facts(Live(key, code, True))}
    common: dict[str, Any] = {"door": "lobby", "access_point": "lobby-in", "credential": "live-1", "raw": HANDLE.hex()}
    common |= {"credential_type": "live", "detail": told}
    granted = await past.event(EventKind.GRANTED, LiveUsed(HANDLE, code.iat), **common, policy="residents/always")
    denied = await past.event(EventKind.DENIED, **common, reason="Replayed")
    await past.at(400 * DAY_S)
    for seq, expected in ((granted, ("Granted", "")), (denied, ("Denied", "Replayed"))):
        [found] = past.ask(event=seq)["answers"]
        assert (found["decision"], found["reason"]) == expected
        assert found["agrees"]


async def test_who_was_inside_already_is_explained(past: Past) -> None:
    ruled = {"id": ZONE, "parent": None, "public": False, "rules": {"passback": "hard"}}
    await past.change(2, zones=[ruled])
    common: dict[str, Any] = {"door": "lobby", "access_point": "lobby-in", "credential": "c-100"}
    shown = {"credential_type": "card", "detail": {"shown": facts(Card(card_key(100), 1))}}
    moved = Moved("r-100", "lobby-in", (ZONE,), (), past.now)
    await past.event(EventKind.TAKEN, moved, door="lobby", access_point="lobby-in")
    denied = await past.event(EventKind.DENIED, **common, **shown, reason="PassbackViolation")
    [found] = past.ask(event=denied)["answers"]
    assert (found["reason"], found["agrees"]) == ("PassbackViolation", True)
    assert past.why(at=T0 + 9) == ("Granted", ""), "before he went in"


async def test_a_wrong_pin_alone_is_explained_as_it_was_refused(past: Past) -> None:
    place = {"door": "lobby", "access_point": "lobby-in", "credential_type": "pin"}
    told = {"shown": facts(Card(bytes(16)))}
    denied = await past.event(EventKind.DENIED, **place, reason="InvalidPIN", detail=told)
    [found] = past.ask(event=denied)["answers"]
    assert (found["reason"], found["agrees"]) == ("InvalidPIN", True)


@pytest.mark.parametrize("kind", [EventKind.TAKEN, EventKind.STALE_READ, EventKind.DOOR_CLOSED])
async def test_what_is_no_decision_has_no_why(past: Past, kind: EventKind) -> None:
    seq = await past.event(kind, door="lobby", access_point="lobby-in", credential="c-101", credential_type="card")
    with pytest.raises(NoAnswer, match=f"event {seq} is {kind}: only Granted and Denied"):
        past.ask(event=seq)


async def test_a_lockdown_of_then_is_seen(past: Past) -> None:
    await past.event(EventKind.DOOR_MODE, door="lobby", reason="LockedDown")
    await past.at(20)
    await past.event(EventKind.DOOR_MODE, door="lobby", reason="Locked")
    await past.at(30)
    assert [past.why(at=T0 + second)[1] for second in (9, 15, 25)] == ["", "DoorBlocked", ""]


async def test_a_plan_changes_the_answer_and_nothing_else(past: Past) -> None:
    plan: dict[str, Any] = {"credentials": {"c-100": {"valid_to": "2027-01-15T00:00:00+08:00"}}}
    assert past.why(what_if=plan) == ("Denied", "CredentialExpired")
    night = {"night": {"windows": [{"weekday": 5, "start": "22:00", "end": "06:00"}]}}
    visit = {"profiles": {"residents": {"policies": [{"schedule": "night", "zone": ZONE}]}}, "schedules": night}
    assert past.why(what_if=visit) == ("Denied", "NotPermittedAtThisTime")
    assert past.why(what_if=visit, at=T0 + 7 * 3600) == ("Granted", "")  # 23:00
    assert past.why(what_if={"zones": {ZONE: None}}) == ("Granted", "")
    assert past.why() == ("Granted", "")


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        ({"cards": {}}, "cards"),
        ({"credentials": {"c-100": {"state": "king"}}}, "credentials.c-100"),
        ({"credentials": {"c-100": {"valid_to": "2027-01-15"}}}, "credentials.c-100: valid_to"),
        ({"schedules": {"s": {"windows": [{"weekday": 9, "start": "08:00", "end": "09:00"}]}}}, "schedules.s"),
        ({"credentials": {"new": {}}}, "credentials.new"),
        ({"credentials": {"c-100": {"statee": "lost"}}}, "credentials.c-100.statee: not one of key"),
        ({"zones": {ZONE: {"rules": {"person": 2}}}}, f"zones.{ZONE}.rules.person: not one of"),
        ({"zones": {ZONE: {"rules": {"persons": "two"}}}}, f"zones.{ZONE}.rules.persons: 'two' is no int"),
        ({"profiles": {"residents": {"policies": [{"zones": ZONE}]}}}, "profiles.residents.policies.0.zones"),
        ({"special_days": {"s": {"days": [{"date": "2027-01-15", "windows": [["x"]]}]}}}, "special_days.s.days.0"),
        ({"credentials": {"c-100": {"valid_to": 1e300}}}, "credentials.c-100: valid_to"),
        ({"credentials": {"c-100": {"key": "00" * 16}, "c-101": {"key": "00" * 16}}}, "two credentials"),
        ({"credentials": {"c-100": ["lost"]}}, "credentials.c-100"),
        ({"credentials": ["c-100"]}, "credentials"),
        ({"issuers": {"3": {"kid": 4, "public_key": "02" + "11" * 32}}}, "issuers.3: is not 4"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused_with_its_place(past: Past, plan: dict[str, Any], where: str) -> None:
    with pytest.raises(BadPlan, match=where):
        past.why(what_if=plan)


async def test_a_plan_names_several_credentials(past: Past) -> None:
    plan = {"credentials": {"c-100": {"state": "lost"}, "c-101": {"profiles": ["residents"]}}}
    assert past.why(what_if=plan) == ("Denied", "CredentialNotEnabled")
    assert past.why(what_if=plan, credential="c-101") == ("Granted", "")
    rights = past.ask(ask="where-can", resident="r-101", what_if=plan)["rights"]
    assert [(each["credential"], each["door"]) for each in rights] == [("c-101", "lobby")]
    given = {"credentials": {"c-101": {"profiles": ["residents"], "holder": "r-100"}}}
    rights = past.ask(ask="where-can", resident="r-100", what_if=given)["rights"]
    assert sorted(each["credential"] for each in rights) == ["c-100", "c-101"]


async def test_who_can_and_where_can_are_the_rights_of_the_time(past: Past) -> None:
    def who(**question: Any) -> list[str]:
        return [each["credential"] for each in past.ask(ask="who-can", door="lobby", **question)["rights"]]

    await past.change(2, credentials=[held(102)])
    await past.at(20)
    assert (sorted(who()), who(at=T0 + 5)) == (["c-100", "c-102"], ["c-100"])
    where = past.ask(ask="where-can", resident="r-100")["rights"]
    assert [(each["door"], each["to"], each["policy"]) for each in where] == [("lobby", ZONE, "residents/always")]
    both = {"profiles": {"residents": {"policies": [{"schedule": "always", "zone": z} for z in (ZONE, "club")]}}}
    assert {each["door"] for each in past.ask(ask="where-can", resident="r-100", what_if=both)["rights"]} == {
        "lobby",
        "club",
    }


@pytest.mark.parametrize(
    ("wrong", "type_"),
    [
        ({"door": "cellar"}, "not-found"),
        ({"credential": "c-999"}, "not-found"),
        ({"event": 77}, "not-found"),
        ({"at": T0 - 1}, "no-history"),
        ({"at": 253_402_300_799}, "no-history"),
        ({"ask": "whence"}, "no-answer"),
    ],
)
async def test_what_is_not_there_is_said_plainly(past: Past, wrong: dict[str, Any], type_: str) -> None:
    with pytest.raises(NoAnswer) as said:
        past.why(**wrong)
    assert said.value.type == type_


async def test_a_moment_at_the_end_of_the_calendar_has_an_answer(past: Past) -> None:
    assert past.why(at=LATEST) == ("Denied", "LeaseExpired")


async def test_history_is_forgotten_with_the_journal(past: Past) -> None:
    await past.change(2, credentials=[held(100, state="lost")])
    await past.at(200 * DAY_S)
    await past.change(3, credentials=[held(101)])
    with pytest.raises(NoAnswer):
        past.why(at=T0 + 9)
    assert past.why(at=T0 + 100 * DAY_S) == ("Denied", "CredentialNotEnabled")


async def test_the_door_process_asks_a_child(past: Past) -> None:
    asked = {
        "gateway": wired(past.folder, site()),
        "question": {"ask": "explain", "door": "lobby", "credential": "c-100"},
    }
    asked["question"]["at"] = past.now
    async with child("gateway.why", stdin=-1, stdout=-1) as answerer:
        said, _ = await answerer.communicate(json.dumps(asked).encode())
    assert json.loads(said)["answers"][0]["decision"] == "Granted"
