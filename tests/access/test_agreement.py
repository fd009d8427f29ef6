import os
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access import base45, decision, mj1
from gateway.access.case import NOBODY
from gateway.access.decision import Denied, DenyReason, Granted, Live, Pass, Unreadable, decide
from gateway.access.generation import build
from gateway.access.identifier import identifier_key
from gateway.access.lease import DAY_S
from gateway.access.model import AccessPoint, Credential, CredentialState, CredentialType, IssuerKey, Mark, Zone
from gateway.access.presence import Moved
from gateway.access.table import PermissionTable
from gateway.access.walk import walk
from tests.access import naive
from tests.access.asking import asked_anew
from tests.access.estate import GATE_IN, NOON, NOW, PLANT_IN, ROWS, SHANGHAI, card, credential, table
from tests.access.worlds import SITE, Memory, World, worlds

SITE_KEY = bytes(range(32))
PHONE = ec.derive_private_key(1234567, ec.SECP256R1())


LONG = os.environ.get("MENJIN_LONG") == "1"


@given(worlds(), st.integers(0, 2**32 - 1))
@settings(max_examples=1_000 if LONG else 100, deadline=None)
@pytest.mark.timeout(14_400 if LONG else 300)
def test_a_decision_agrees_with_the_rules_written_plainly(first: World, seed: int) -> None:
    decided = PermissionTable.load(build(first.rows, 1), first.points, SHANGHAI, site=SITE)
    for world in asked_anew(first, Random(seed), 99 if LONG else 19):  # 100,000 worlds in the long form
        assert_agrees(decided, world)


def assert_agrees(decided: PermissionTable, world: World) -> None:
    result = decide(decided, world.memory, world.point, world.presented, world.at, world.limits, world.scene)
    expected = naive.answer(world, SHANGHAI)
    who = result.credential or NOBODY
    assert (result.grounds and result.grounds.age) == naive.age(world, result.credential)
    assert result.duress == naive.duress(world, who)
    if isinstance(result, Denied):
        assert result.reason == expected
        assert bool(result.moves) == (expected == "SecondPersonNeeded")
        assert set(result.changes) == (naive.spent(world, who) if expected == "SecondPersonNeeded" else set())
    else:
        assert result.policy in expected
        assert set(result.changes) == naive.spent(world, who)
        assert {(move.entering, move.leaving) for move in result.moves if isinstance(move, Moved)} == naive.moved(world)
        assert {note.value for note in result.notes} == naive.noted(world, who)
        assert result.extended == naive.takes_long(world, who)


@given(worlds())
@settings(max_examples=20_000 if LONG else 300)
@pytest.mark.timeout(3_600 if LONG else 300)
def test_the_short_way_gives_the_answer_of_the_checks(world: World) -> None:
    shown, now = world.presented, world.at.timestamp()
    decided = PermissionTable.load(build(world.rows, 1), world.points, SHANGHAI, site=SITE)
    asked = decided, world.memory, world.point, shown, now, world.limits, world.scene
    short, walked = decide(*asked), walk(*asked)
    assert (type(short), short.credential, _told(short)) == (type(walked), walked.credential, _told(walked))
    assert (short.grounds and short.grounds.age) == (walked.grounds and walked.grounds.age)


def _told(decision: Granted | Denied) -> tuple[object, ...]:
    return decision._replace(basis=None)


@pytest.mark.parametrize(
    ("row", "point", "answer"),
    [
        (credential(), GATE_IN, "home/always"),
        (credential(valid_from=NOW, valid_to=NOW + 1), GATE_IN, "home/always"),
        (credential(2), GATE_IN, DenyReason.CREDENTIAL_NOT_FOUND),
        (credential(), PLANT_IN, DenyReason.UNAUTHORIZED),
        (credential(profiles=("secure",)), PLANT_IN, DenyReason.NOT_PERMITTED_AT_THIS_TIME),
        (credential(valid_from=NOW + 1), GATE_IN, DenyReason.CREDENTIAL_NOT_ACTIVE),
        (credential(valid_to=NOW), GATE_IN, DenyReason.CREDENTIAL_EXPIRED),
        (credential(refreshed_at=NOW - 30 * DAY_S), GATE_IN, DenyReason.LEASE_EXPIRED),
        (credential(refreshed_at=NOW - 30 * DAY_S + 1), GATE_IN, "home/always"),
        (credential(state=CredentialState.LOST), GATE_IN, DenyReason.CREDENTIAL_NOT_ENABLED),
        (credential(state=CredentialState.LOST, marks=Mark.DURESS), GATE_IN, None),
        (credential(state=CredentialState.LOST, type=CredentialType.STATIC), GATE_IN, None),
        (credential(refreshed_at=NOW - 30 * DAY_S, marks=Mark.PINNED), GATE_IN, None),
        (credential(), replace(GATE_IN, min_assurance=2), DenyReason.ASSURANCE_TOO_LOW),
        (credential(marks=Mark.LEAD), GATE_IN, None),
    ],
)
def test_the_short_way_answers_the_usual_read_and_no_other(
    row: Credential, point: AccessPoint, answer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision, "walk", lambda *_: None)
    short = decide(table(row), Memory({}, {}), point, card(assurance=1), float(NOW))
    assert answer == (short and (short.policy if isinstance(short, Granted) else short.reason))


def public_bytes() -> bytes:
    return PHONE.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def signed_text(signed: bytes) -> str:
    r, s = decode_dss_signature(PHONE.sign(signed, ec.ECDSA(SHA256())))
    return mj1.encode(signed, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def verifies(public_key: bytes, code: mj1.LiveCode | mj1.VisitorPass) -> bool:
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    r, s = int.from_bytes(code.signature[:32], "big"), int.from_bytes(code.signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), code.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def scan(text: str, permissions: PermissionTable) -> Granted | Denied:
    """What the door process does with a text."""
    try:
        code = mj1.parse(text)
    except mj1.Malformed:
        return decide(permissions, Memory({}, {}), GATE_IN, Unreadable(DenyReason.MALFORMED), NOON)
    if isinstance(code, mj1.VisitorPass):
        issuer = permissions.issuer(code.kid)
        shown: Live | Pass = Pass(code, issuer is not None and verifies(issuer.public_key, code))
    else:
        key = identifier_key(SITE_KEY, "live", "MJ1", code.handle.hex())
        found = permissions.find(key)
        shown = Live(key, code, found is not None and verifies(found.public_key, code))
    return decide(permissions, Memory({}, {}), GATE_IN, shown, NOON)


LIVE_TEXT = signed_text(mj1.live_signed(0, b"handle-1", SITE, NOW))
PASS_TEXT = signed_text(mj1.pass_signed(0, b"pass-001", SITE, NOW, NOW + 60, profile=1, max_uses=1))


@pytest.fixture(name="permissions")
def _permissions() -> PermissionTable:
    phone = credential(key=identifier_key(SITE_KEY, "live", "MJ1", b"handle-1".hex()), public_key=public_bytes())
    return table(phone, IssuerKey(0, public_bytes()))


@pytest.mark.parametrize("text", [LIVE_TEXT, PASS_TEXT], ids=["live", "pass"])
def test_a_code_opens_and_no_code_with_a_changed_bit_does(text: str, permissions: PermissionTable) -> None:
    assert isinstance(scan(text, permissions), Granted)
    data = base45.decode(text.removeprefix("MJ1:"))
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert isinstance(scan("MJ1:" + base45.encode(bytes(changed)), permissions), Denied)


@pytest.mark.parametrize("text", [LIVE_TEXT, PASS_TEXT], ids=["live", "pass"])
def test_no_text_with_a_changed_bit_opens(text: str, permissions: PermissionTable) -> None:
    for bit in range(len(text) * 7):
        changed = bytearray(text.encode())
        changed[bit // 7] ^= 1 << bit % 7
        assert isinstance(scan(changed.decode(), permissions), Denied)


def test_a_signature_under_another_type_s_body_does_not_verify(permissions: PermissionTable) -> None:
    live, visit = mj1.parse(LIVE_TEXT), mj1.parse(PASS_TEXT)
    assert isinstance(scan(mj1.encode(live.signed, visit.signature), permissions), Denied)
    assert isinstance(scan(mj1.encode(visit.signed, live.signature), permissions), Denied)


def test_zones_that_contain_each_other_do_not_stop_a_decision() -> None:
    knot = [row for row in ROWS if not isinstance(row, Zone)] + [Zone("estate", "block"), Zone("block", "estate")]
    tied = AccessPoint("tied", "tied", 1, "estate", "block")
    decided = PermissionTable.load(build([*knot, credential()], 1), [tied], UTC, site=SITE)
    at = datetime(2026, 3, 4, tzinfo=UTC)
    assert isinstance(decide(decided, Memory({}, {}), tied, card(), at), Granted)
