"""A board's own list never grants more than the table would."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.uhppote_profiles import ALWAYS, FIRST, LAST, NEVER
from gateway.access.decision import Card, Granted, decide
from gateway.access.generation import build
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    HolderClass,
    Mark,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)
from gateway.access.table import PermissionTable
from gateway.board_rights import listed

TZ = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=TZ)  # a Wednesday
IN, OUT = AccessPoint("in", "gate", 1, "street", "yard"), AccessPoint("out", "gate", 1, "yard", "street")
CLUB = AccessPoint("club", "club", 2, "yard", "club")
OFFICE_DAY = tuple(Window(day, 480, 1080) for day in range(1, 6))
WHOLE = tuple(Window(day, 0, 1440) for day in range(1, 8))
KEY = bytes(range(16))


def table(
    *points: AccessPoint, rules: ZoneRules | None = None, special: tuple[SpecialDay, ...] = ()
) -> PermissionTable:
    rows = [
        Zone("street", public=True),
        Zone("yard", "street", rules=rules),
        Zone("club", "yard"),
        Schedule("always", WHOLE),
        Schedule("office", OFFICE_DAY, ("holidays",)),
        SpecialDays("holidays", special),
        AccessProfile("all", 1, (AccessPolicy("always", zone="yard"),)),
        AccessProfile("office", 2, (AccessPolicy("office", zone="yard"),)),
        AccessProfile("entry", 3, (AccessPolicy("always", access_point="in"),)),
    ]
    return PermissionTable.load(build(rows, 1), points or (IN, OUT, CLUB), TZ, site=1)


def card(**changes: Any) -> Credential:
    made = Credential("c", KEY, CredentialType.CARD, "r", HolderClass.RESIDENT, CredentialState.ENABLED, ("all",))
    return made._replace(**changes)


def one(
    table: PermissionTable, doors: tuple[tuple[str, ...], ...] = (("in", "out"), (), (), ()), **changes: Any
) -> Any:
    return listed(table, doors, [card(**changes)], NOW).get(KEY)


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=TZ).timestamp())


def test_a_residents_card_stands_on_the_door_that_it_may_pass_and_no_other() -> None:
    found = one(table(), (("in", "out"), ("club",), (), ()))
    assert (found.start, found.end, found.weeks) == (FIRST, LAST, (ALWAYS, NEVER, NEVER, NEVER))


def test_a_schedule_becomes_a_week() -> None:
    assert one(table(), profiles=("office",)).weeks[0] == (((480, 1080),),) * 5 + ((),) * 2
    assert one(table(), profiles=("office", "all")).weeks[0] == ALWAYS


def test_the_special_days_of_the_coming_week_are_in_it() -> None:
    special = (SpecialDay("2026-11-26"), SpecialDay("2026-11-28", follows=1), SpecialDay("2026-12-02", ((60, 120),)))
    week = one(table(special=special), profiles=("office",)).weeks[0]
    assert week == (((480, 1080),),) * 3 + ((), ((480, 1080),), ((480, 1080),), ())


def test_a_right_in_one_direction_opens_no_door_that_has_two() -> None:
    assert one(table(), profiles=("entry",)) is None
    assert one(table(), (("in",), (), (), ()), profiles=("entry",)).weeks[0] == ALWAYS


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({"valid_from": at(2026, 11, 25, 9), "valid_to": at(2026, 12, 1)}, (date(2026, 11, 25), date(2026, 11, 30))),
        ({"valid_from": at(2026, 11, 25, 13)}, (date(2026, 11, 26), LAST)),
        ({"valid_from": at(2026, 12, 1)}, (date(2026, 12, 1), LAST)),
        ({"valid_to": at(2026, 11, 27, 18)}, (FIRST, date(2026, 11, 26))),
        ({"valid_to": at(2026, 11, 25, 18)}, None),
        ({"valid_to": at(2026, 11, 25)}, None),
        ({"refreshed_at": at(2026, 11, 1)}, (FIRST, date(2026, 11, 30))),
        ({"refreshed_at": at(2026, 11, 1), "holder_class": HolderClass.STAFF}, None),
        ({"refreshed_at": at(2026, 11, 1), "holder_class": HolderClass.EMERGENCY}, (FIRST, LAST)),
    ],
)
def test_validity_is_the_whole_days_within_it(changes: dict[str, Any], days: tuple[date, date] | None) -> None:
    found = one(table(), **changes)
    assert (found and (found.start, found.end)) == days


@pytest.mark.parametrize("state", [each for each in CredentialState if each is not CredentialState.ENABLED])
def test_a_card_that_is_not_enabled_stands_on_no_board(state: CredentialState) -> None:
    assert one(table(), state=state) is None


def test_codes_and_pins_stand_on_no_board() -> None:
    for type_ in set(CredentialType) - {CredentialType.CARD}:
        assert one(table(), type=type_) is None


@pytest.mark.parametrize(
    "rules",
    [ZoneRules(persons=2), ZoneRules(supervised=True), ZoneRules(first_in_s=60)],
    ids=["two persons", "supervised", "first person"],
)
def test_a_rule_that_a_board_cannot_check_keeps_everybody_off(rules: ZoneRules) -> None:
    assert one(table(rules=rules)) is None


def test_who_needs_an_escort_stands_on_no_board() -> None:
    ruled = table(rules=ZoneRules(escort=True))
    assert one(ruled).weeks[0] == ALWAYS
    assert one(ruled, marks=Mark.ESCORTED) is None
    assert one(ruled, holder_class=HolderClass.VISITOR, refreshed_at=0) is None


def test_a_door_that_asks_for_more_than_a_number_opens_to_no_number() -> None:
    strong = AccessPoint("in", "gate", 1, "street", "yard", min_assurance=1)
    assert one(table(strong, OUT)) is None
    at_night = AccessPoint("in", "gate", 1, "street", "yard", 0, (("office", 3),))
    assert one(table(at_night, OUT)) is None


class Nothing:
    """No passage before."""

    def last_iat(self, handle: bytes) -> int | None:
        return None

    def uses(self, pass_id: bytes) -> int:
        return 0


moments = st.integers(-40 * 24, 40 * 24).map(lambda hours: int((NOW + timedelta(hours=hours)).timestamp()))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([("all",), ("office",), ("entry",), (), ("entry", "office")]),
    st.sampled_from(list(HolderClass)),
    st.sampled_from(list(CredentialState)),
    st.none() | moments,
    st.none() | moments,
    st.just(0) | moments,
    st.integers(0, 7 * 24 * 60 - 1),
)
def test_whatever_a_board_opens_to_the_table_would_have_granted(
    profiles: tuple[str, ...],
    holder: HolderClass,
    state: CredentialState,
    valid_from: int | None,
    valid_to: int | None,
    refreshed_at: int,
    minutes: int,
) -> None:
    """In the seven days that the list is made for."""
    made = card(
        profiles=profiles, holder_class=holder, state=state, valid_from=valid_from, valid_to=valid_to,
        refreshed_at=refreshed_at,
    )  # fmt: skip
    base = table(special=(SpecialDay("2026-11-27"), SpecialDay("2026-11-29", follows=2)))
    both = base.with_changes([made], [], 2)
    found = listed(both, (("in", "out"), (), (), ()), [made], NOW).get(KEY)
    then = NOW.replace(hour=0) + timedelta(minutes=minutes)
    minute = then.hour * 60 + then.minute
    opens = (
        found is not None
        and found.start <= then.date() <= found.end
        and any(start <= minute < end for start, end in found.weeks[0][then.weekday()])
    )
    if opens and then >= NOW:
        for point in (IN, OUT):
            assert isinstance(decide(both, Nothing(), point, Card(KEY), then.astimezone(UTC)), Granted)
