from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.access.checks import DAY_S
from gateway.access.decision import (
    Card,
    Denied,
    DenyReason,
    Granted,
    Leases,
    Limits,
    LiveUsed,
    Presented,
    Unreadable,
    Used,
    decide,
    minimum,
)
from gateway.access.mj1 import SOFTWARE_KEY
from gateway.access.model import AccessPoint, CredentialState, CredentialType, DeniedPass, HolderClass, IssuerKey, Mark
from tests.access.estate import (
    GATE_IN,
    GATE_OUT,
    HANDLE,
    LOBBY_IN,
    LOBBY_OUT,
    NOON,
    NOW,
    PLANT_IN,
    VAULT_IN,
    Door,
    card,
    credential,
    live,
    table,
    visit,
)
from tests.access.worlds import Memory

NIGHT = NOON + timedelta(hours=12)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_resident_is_granted_and_the_policy_is_named() -> None:
    home = credential()
    result = Door(table(home)).ask(card())
    assert isinstance(result, Granted)
    assert (result.credential, result.policy, result.changes) == (home, "home/always", ())


def test_an_unknown_card_is_not_found() -> None:
    result = decide(table(), Memory({}, {}), GATE_IN, card(), NOON)
    assert isinstance(result, Denied)
    assert (result.reason, result.credential) == (DenyReason.CREDENTIAL_NOT_FOUND, None)


def test_a_refusal_names_the_credential_it_is_about() -> None:
    lost = credential(state=CredentialState.LOST)
    result = decide(table(lost), Memory({}, {}), GATE_IN, card(), NOON)
    assert isinstance(result, Denied)
    assert (result.reason, result.credential) == (DenyReason.CREDENTIAL_NOT_ENABLED, lost)


@pytest.mark.parametrize("state", [state for state in CredentialState if state is not CredentialState.ENABLED])
def test_only_an_enabled_credential_opens(state: CredentialState) -> None:
    assert Door(table(credential(state=state))).ask(card()) == DenyReason.CREDENTIAL_NOT_ENABLED


def test_validity_begins_at_its_second_and_ends_before_its_end() -> None:
    door = Door(table(credential(valid_from=NOW, valid_to=NOW + 60)))
    assert door.ask(card(), later(-0.001)) == DenyReason.CREDENTIAL_NOT_ACTIVE
    assert isinstance(door.ask(card(), later(0)), Granted)
    assert isinstance(door.ask(card(), later(59.999)), Granted)
    assert door.ask(card(), later(60)) == DenyReason.CREDENTIAL_EXPIRED


@pytest.mark.parametrize(("holder", "days"), [("resident", 30), ("staff", 7), ("visitor", 1)])
def test_a_lease_ends_by_the_holder_s_class(holder: str, days: int) -> None:
    door = Door(table(credential(holder_class=HolderClass(holder), refreshed_at=NOW)))
    assert isinstance(door.ask(card(), later(days * DAY_S - 1)), Granted)
    assert door.ask(card(), later(days * DAY_S)) == DenyReason.LEASE_EXPIRED


def test_emergency_credentials_and_rows_without_a_refresh_have_no_lease() -> None:
    rows = credential(holder_class=HolderClass.EMERGENCY, refreshed_at=NOW), credential(2, refreshed_at=0)
    door = Door(table(*rows))
    assert isinstance(door.ask(card(1), later(9_000 * DAY_S)), Granted)
    assert isinstance(door.ask(card(2), later(9_000 * DAY_S)), Granted)


def test_a_pinned_credential_never_lapses_whatever_its_class() -> None:
    pinned = credential(holder_class=HolderClass.STAFF, refreshed_at=NOW, marks=Mark.PINNED)
    assert isinstance(Door(table(pinned)).ask(card(), later(9_000 * DAY_S)), Granted)


@pytest.mark.parametrize(
    ("days", "word"), [(0, "fresh"), (14, "fresh"), (15, "stale"), (29, "stale"), (30, "expired"), (31, "expired")]
)
def test_every_decision_says_how_fresh_its_credential_was(days: int, word: str) -> None:
    rows = table(credential(refreshed_at=NOW))
    result = decide(rows, Memory({}, {}), GATE_IN, card(), later(days * DAY_S))
    assert result.grounds
    assert result.grounds.age == (word, days * DAY_S)
    assert isinstance(result, Denied) == (word == "expired")


def test_no_age_is_told_of_what_is_not_known() -> None:
    unknown, undated = (decide(table(credential(2)), Memory({}, {}), GATE_IN, card(n), NOON) for n in (1, 2))
    assert unknown.grounds
    assert undated.grounds
    assert (unknown.grounds.age, undated.grounds.age) == (None, ("fresh", None))


def test_a_static_code_opens_nothing_until_the_site_turns_it_on() -> None:
    rows = table(credential(type=CredentialType.STATIC))
    off, on = (
        decide(rows, Memory({}, {}), GATE_IN, card(), NOON, limits) for limits in (Limits(), Limits(static_codes=True))
    )
    assert isinstance(off, Denied)
    assert off.reason == DenyReason.STATIC_CODE_OFF
    assert isinstance(on, Granted)


def test_a_credential_with_a_count_of_uses_opens_so_often() -> None:
    door = Door(table(credential(max_uses=2, valid_to=NOW + 60)))
    for n in (1, 2):
        result = door.ask(card())
        assert isinstance(result, Granted)
        assert result.changes == (Used(bytes([1]) * 16, n, NOW + 60),)
        door.memory.used[bytes([1]) * 16] = n
    assert door.ask(card()) == DenyReason.USED_UP


def test_a_site_may_set_its_own_leases() -> None:
    limits = Limits(Leases(resident_s=60))
    result = decide(table(credential(refreshed_at=NOW)), Memory({}, {}), GATE_IN, card(), later(60), limits)
    assert isinstance(result, Denied)
    assert result.reason == DenyReason.LEASE_EXPIRED


def test_a_weak_presentation_does_not_open_a_strong_door() -> None:
    door = Door(table(credential(profiles=("work",))), PLANT_IN)
    assert door.ask(card(assurance=0)) == DenyReason.ASSURANCE_TOO_LOW
    assert isinstance(door.ask(card(assurance=1)), Granted)


def test_a_phone_without_secure_hardware_counts_less() -> None:
    door = Door(table(credential(profiles=("secure",))), VAULT_IN)
    assert isinstance(door.ask(live()), Granted)
    assert door.ask(live(flags=SOFTWARE_KEY)) == DenyReason.ASSURANCE_TOO_LOW


def test_a_zone_stands_for_the_ways_in_and_the_ways_out() -> None:
    rows = table(credential())
    assert all(isinstance(Door(rows, point).ask(card()), Granted) for point in (GATE_IN, GATE_OUT, LOBBY_IN, LOBBY_OUT))


def test_a_zone_does_not_stand_for_the_zones_inside_it() -> None:
    assert Door(table(credential()), PLANT_IN).ask(card(assurance=1)) == DenyReason.UNAUTHORIZED
    estate_only = credential(profiles=("visit",))
    assert Door(table(estate_only), VAULT_IN).ask(live()) == DenyReason.UNAUTHORIZED


def test_a_policy_can_name_one_access_point() -> None:
    assert isinstance(Door(table(credential(profiles=("work",))), PLANT_IN).ask(card(assurance=1)), Granted)


def test_a_right_outside_its_schedule_is_not_permitted_at_this_time() -> None:
    door = Door(table(credential(profiles=("work",))), LOBBY_IN)
    assert isinstance(door.ask(card()), Granted)
    assert door.ask(card(), NIGHT) == DenyReason.NOT_PERMITTED_AT_THIS_TIME


def test_one_open_policy_of_many_is_enough() -> None:
    result = Door(table(credential(profiles=("work", "home"))), LOBBY_IN).ask(card(), NIGHT)
    assert isinstance(result, Granted)
    assert result.policy == "home/always"


def test_a_policy_with_a_missing_schedule_never_opens() -> None:
    door = Door(table(credential(profiles=("secure",))), PLANT_IN)
    assert door.ask(card(assurance=1)) == DenyReason.NOT_PERMITTED_AT_THIS_TIME


def test_a_missing_profile_gives_nothing() -> None:
    assert Door(table(credential(profiles=("gone",)))).ask(card()) == DenyReason.UNAUTHORIZED


def test_a_live_code_opens_and_leaves_its_time_behind() -> None:
    result = Door(table(credential())).ask(live())
    assert isinstance(result, Granted)
    assert result.changes == (LiveUsed(HANDLE, NOW),)


def test_a_live_code_opens_only_once() -> None:
    door = Door(table(credential()), memory=Memory({HANDLE: NOW}, {}))
    assert door.ask(live(NOW)) == DenyReason.REPLAYED
    assert door.ask(live(NOW - 1)) == DenyReason.REPLAYED
    assert isinstance(door.ask(live(NOW + 1)), Granted)


def test_a_live_code_is_accepted_from_30_s_before_to_15_s_after() -> None:
    door = Door(table(credential()))
    assert isinstance(door.ask(live(), later(30)), Granted)
    assert door.ask(live(), later(30.5)) == DenyReason.CODE_EXPIRED
    assert isinstance(door.ask(live(), later(-15)), Granted)
    assert door.ask(live(), later(-15.5)) == DenyReason.CODE_FROM_FUTURE


def test_a_live_code_made_for_a_door_opens_no_other() -> None:
    rows = table(credential())
    assert isinstance(Door(rows, GATE_IN).ask(live(door=1)), Granted)
    assert Door(rows, LOBBY_IN).ask(live(door=1)) == DenyReason.WRONG_DOOR


def test_a_code_of_another_site_or_with_a_bad_signature_is_refused() -> None:
    door = Door(table(credential()))
    assert door.ask(live(site=8)) == DenyReason.WRONG_SITE
    assert door.ask(live(signature_ok=False)) == DenyReason.BAD_SIGNATURE
    assert door.ask(visit(site=8)) == DenyReason.WRONG_SITE


def test_a_forged_code_does_not_tell_what_state_a_credential_is_in() -> None:
    door = Door(table(credential(state=CredentialState.LOST)))
    assert door.ask(live(signature_ok=False)) == DenyReason.BAD_SIGNATURE


def test_a_visitor_pass_opens_although_nobody_announced_it() -> None:
    result = Door(table()).ask(visit())
    assert isinstance(result, Granted)
    assert (result.credential, result.policy) == (None, "visit/office")
    assert result.changes == (Used(b"pass-001", 1, NOW + 60),)


def test_a_visitor_pass_is_used_up() -> None:
    memory = Memory({}, {b"pass-001": 1})
    result = Door(table(), memory=memory).ask(visit())
    assert isinstance(result, Granted)
    assert result.changes == (Used(b"pass-001", 2, NOW + 60),)
    assert Door(table(), memory=Memory({}, {b"pass-001": 2})).ask(visit()) == DenyReason.USED_UP


def test_a_visitor_pass_has_a_window() -> None:
    door = Door(table())
    assert isinstance(door.ask(visit(), later(-60)), Granted)
    assert door.ask(visit(), later(-61)) == DenyReason.CODE_FROM_FUTURE
    assert door.ask(visit(), later(60)) == DenyReason.CODE_EXPIRED


def test_a_pass_called_back_or_of_an_unknown_issuer_is_refused() -> None:
    assert Door(table(DeniedPass(b"pass-001", NOW + 60))).ask(visit()) == DenyReason.PASS_DENIED
    assert Door(table()).ask(visit(kid=2)) == DenyReason.UNKNOWN_ISSUER


def test_a_visitor_enters_public_zones_alone() -> None:
    assert Door(table(), LOBBY_IN).ask(visit()) == DenyReason.NOT_PUBLIC


@pytest.mark.parametrize("point", [GATE_OUT, LOBBY_OUT])
def test_a_visitor_may_leave(point: AccessPoint) -> None:
    assert isinstance(Door(table(), point).ask(visit()), Granted)


def test_a_pass_for_an_unknown_profile_has_no_right() -> None:
    assert Door(table()).ask(visit(profile=999)) == DenyReason.UNAUTHORIZED


@pytest.mark.parametrize("reason", [DenyReason.MALFORMED, DenyReason.UNKNOWN_FORMAT])
def test_what_cannot_be_read_is_refused_with_its_own_reason(reason: DenyReason) -> None:
    assert Door(table(credential())).ask(Unreadable(reason)) == reason


def test_a_point_that_the_table_was_not_loaded_for_opens_to_nobody() -> None:
    stranger = AccessPoint("new", "new", 9, "street", "estate")
    assert Door(table(credential()), stranger).ask(card()) == DenyReason.UNAUTHORIZED


@pytest.mark.parametrize("presented", [card(), live(), visit(), Unreadable(DenyReason.MALFORMED)])
def test_a_decision_needs_an_aware_time(presented: Presented) -> None:
    with pytest.raises(ValueError, match="aware"):
        decide(table(), Memory({}, {}), GATE_IN, presented, NOON.replace(tzinfo=None))


def test_a_change_is_in_force_at_once_and_the_old_table_still_stands() -> None:
    before = table(credential())
    after = before.with_changes([credential(2)], [card(1).key], 2)
    assert Door(after).ask(card(1)) == DenyReason.CREDENTIAL_NOT_FOUND
    assert isinstance(Door(after).ask(card(2)), Granted)
    assert isinstance(Door(before).ask(card(1)), Granted)
    assert Door(before).ask(Card(card(2).key)) == DenyReason.CREDENTIAL_NOT_FOUND


def test_a_new_issuer_s_key_stands_beside_the_old_until_that_is_retired() -> None:
    old, new = (IssuerKey(kid, bytes(33)) for kid in (2, 3))
    both = Door(table(old, new))
    assert all(isinstance(both.ask(visit(kid=kid)), Granted) for kid in (2, 3))
    retired = Door(both.table.with_changes([IssuerKey(2, b"")], [], 2))
    assert retired.ask(visit(kid=2)) == DenyReason.UNKNOWN_ISSUER
    assert isinstance(retired.ask(visit(kid=3)), Granted)


@pytest.mark.parametrize(
    ("by", "asked"), [((("nigth", 3),), 3), ((("nigth", 0),), 1), ((("nigth", 2), ("always", 3)), 3), ((), 1)]
)
def test_a_minimum_whose_schedule_is_missing_never_makes_a_door_weaker(
    by: tuple[tuple[str, int], ...], asked: int
) -> None:
    point = replace(GATE_IN, min_assurance=1, assurance_by=by)
    assert minimum(table(), point, NOON) == asked
