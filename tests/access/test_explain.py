from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.checks import CHECKS
from gateway.access.decision import Denied, DenyReason, Granted, Unreadable, decide
from gateway.access.explain import FACTS, Outcome, explain
from gateway.access.generation import build
from gateway.access.holders import where_can, who_can
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    Zone,
    ZoneRules,
)
from gateway.access.reasons import PASSED, REASONS
from gateway.access.table import PermissionTable
from tests.access.estate import (
    GATE_IN,
    LOBBY_IN,
    NOON,
    NOW,
    PLANT_IN,
    POINTS,
    ROWS,
    SHANGHAI,
    card,
    credential,
    live,
    table,
)
from tests.access.worlds import SITE, Memory, World, key_of, worlds

NOTHING = Memory({}, {})


@given(worlds())
@settings(max_examples=150, deadline=None)
@pytest.mark.timeout(300)
def test_an_explanation_agrees_with_the_decision(world: World) -> None:
    loaded = PermissionTable.load(build(world.rows, 1), world.points, SHANGHAI, site=SITE)
    asked = (loaded, world.memory, world.point, world.presented, world.at, world.limits, world.scene)
    told, decision = explain(*asked), decide(*asked)
    assert told.decision == decision
    refused = [step.reason for step in told.steps if step.outcome is Outcome.REFUSED]
    assert refused == ([decision.reason] if isinstance(decision, Denied) else [])
    kind = type(world.presented)
    scenic = len(told.steps) > sum(kind in check.of and not check.scenic for check in CHECKS)
    assert [step.reason for step in told.steps] == [
        check.reason for check in CHECKS if kind in check.of and (scenic or not check.scenic)
    ]


def test_each_check_has_its_facts_and_a_sentence_for_passing() -> None:
    reasons = {check.reason for check in CHECKS}
    assert set(FACTS) == set(PASSED) == reasons
    assert all(zh.endswith("。") and en.endswith(".") and en.isascii() for zh, en in PASSED.values())


def test_an_explanation_says_what_else_stands_in_the_way() -> None:
    lost = credential(state=CredentialState.LOST, profiles=("work",), valid_to=NOW)
    told = explain(table(lost), NOTHING, GATE_IN, card(), NOON)
    outcomes = {step.reason: step.outcome for step in told.steps}
    assert outcomes[DenyReason.CREDENTIAL_NOT_ENABLED] is Outcome.REFUSED
    assert outcomes[DenyReason.CREDENTIAL_EXPIRED] is Outcome.ALSO
    assert outcomes[DenyReason.UNAUTHORIZED] is Outcome.ALSO
    assert outcomes[DenyReason.CREDENTIAL_NOT_ACTIVE] is Outcome.PASSED


def test_nothing_is_said_on_the_word_of_an_unproven_code() -> None:
    told = explain(table(credential(state=CredentialState.LOST)), NOTHING, GATE_IN, live(signature_ok=False), NOON)
    after = told.steps[[step.reason for step in told.steps].index(DenyReason.BAD_SIGNATURE) + 1 :]
    assert {step.outcome for step in after} == {Outcome.NOT_ASKED}
    assert not any(step.facts for step in after)


def test_an_explanation_shows_the_facts_and_a_sentence_in_both_languages() -> None:
    told = explain(table(credential(profiles=("work",))), NOTHING, LOBBY_IN, card(), NOON + timedelta(hours=12))
    last = told.steps[-1]
    assert last.reason is DenyReason.NOT_PERMITTED_AT_THIS_TIME
    assert last.facts == {"local": "2026-03-05T00:00+08:00", "open": None}
    assert (last.zh, last.en) == ("当前时段无权通行。", "Passage is not permitted at this time.")
    assert told.table_version == 1


def test_what_could_not_be_read_is_one_step() -> None:
    told = explain(table(), NOTHING, GATE_IN, Unreadable(DenyReason.MALFORMED), NOON)
    assert [(step.reason, step.outcome) for step in told.steps] == [(DenyReason.MALFORMED, Outcome.REFUSED)]


def test_a_planned_change_is_explained_before_it_is_made() -> None:
    before = table(credential())
    after = before.with_changes([credential(state=CredentialState.LOST)], [], 2)
    assert isinstance(explain(before, NOTHING, GATE_IN, card(), NOON).decision, Granted)
    planned = explain(after, NOTHING, GATE_IN, card(), NOON)
    assert isinstance(planned.decision, Denied)
    assert planned.table_version == 2


def test_who_can_pass_a_door_is_told_by_the_live_function() -> None:
    rows = table(
        credential(1),
        credential(2, state=CredentialState.LOST),
        credential(3, profiles=("work",)),
        credential(4, profiles=("work",), type=CredentialType.STATIC),
    )
    assert {(found.credential.id, found.policy) for found in who_can(rows, GATE_IN, NOON)} == {("c1", "home/always")}
    assert [found.credential.id for found in who_can(rows, PLANT_IN, NOON)] == ["c3"]
    assert not list(who_can(rows, PLANT_IN, NOON + timedelta(hours=12)))


def test_the_rights_of_a_door_do_not_hang_on_who_is_where() -> None:
    ruled = [
        Zone("two", "estate", rules=ZoneRules(persons=2, first_in_s=60)),
        AccessProfile("p", 9, (AccessPolicy("always", "two"),)),
    ]
    point = AccessPoint("two-in", "two", 9, "estate", "two", min_assurance=3)
    rows = [*ROWS, *ruled, credential(1, profiles=("p",), pin=bytes(15) + b"1"), credential(2, profiles=("p",))]
    loaded = PermissionTable.load(build(rows, 1), [point], SHANGHAI, site=SITE)
    assert [found.credential.id for found in who_can(loaded, point, NOON)] == ["c1"]


def test_who_can_pass_a_door_hangs_on_its_readers() -> None:
    rows = table(credential(1), credential(2, type=CredentialType.IDCARD), credential(3, type=CredentialType.LIVE))
    point = replace(GATE_IN, min_assurance=1)

    def told(best: dict[CredentialType, int]) -> list[str]:
        return sorted(found.credential.id for found in who_can(rows, point, NOON, best={"gate-in": best}))

    assert sorted(found.credential.id for found in who_can(rows, point, NOON)) == ["c1", "c3"], "an ID card is plain"
    assert told({CredentialType.CARD: 1, CredentialType.IDCARD: 0}) == ["c1"]
    assert told({CredentialType.CARD: 0, CredentialType.LIVE: 2}) == ["c3"]
    assert told({}) == []


def test_where_a_holder_can_go_is_told_credential_by_credential() -> None:
    rows = table(credential(1), credential(2, profiles=("work",)), credential(3, holder="r2", profiles=("secure",)))
    found = {(each.credential.id, each.point.name) for each in where_can(rows, "r1", NOON)}
    home = {("c1", name) for name in ("gate-in", "gate-out", "lobby-in", "lobby-out")}
    assert found == home | {("c2", "lobby-in"), ("c2", "lobby-out"), ("c2", "plant-in")}


@given(worlds())
@settings(max_examples=50, deadline=None)
@pytest.mark.timeout(300)
def test_who_can_and_where_can_agree(world: World) -> None:
    loaded = PermissionTable.load(build(world.rows, 1), world.points, SHANGHAI, site=SITE)
    holders = {row.holder for row in world.rows if isinstance(row, Credential)}
    who = {(e.credential.id, e.point.name) for point in world.points for e in who_can(loaded, point, world.at)}
    where = {(e.credential.id, e.point.name) for holder in holders for e in where_can(loaded, holder, world.at)}
    assert who == where
    assert len(POINTS) > len(world.points)


@given(worlds(), st.sets(st.integers(0, 5)))
@settings(max_examples=60, deadline=None)
@pytest.mark.timeout(300)
def test_what_is_skipped_has_no_right_and_another_holder(world: World, changed: set[int]) -> None:
    loaded = PermissionTable.load(build(world.rows, 1), world.points, SHANGHAI, site=SITE)
    loaded = loaded.with_changes([credential(n, key=key_of(n), profiles=("home",)) for n in changed], [key_of(3)], 2)
    every = [row for row in loaded.rows() if isinstance(row, Credential)]
    for point in world.points:
        entitled = [row for row in every if loaded.rights(point.name, row.profiles)]
        assert sorted(loaded.entitled(point.name)) == sorted(entitled)
    for holder in {row.holder for row in every} | {"nobody", ""}:
        assert sorted(loaded.held_by(holder)) == sorted(row for row in every if row.holder == holder)


def test_every_check_can_say_what_it_looked_at_in_both_languages() -> None:
    reasons = {check.reason for check in CHECKS}
    assert reasons <= FACTS.keys()
    assert reasons <= PASSED.keys()
    assert reasons <= REASONS.keys()
