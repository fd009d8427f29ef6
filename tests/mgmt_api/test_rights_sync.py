"""Everything that the core can decide by comes from central, is checked record by record, and reaches the gateway."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from starlette.testclient import TestClient

from gateway import wire
from gateway.access.decision import Card, Denied, decide
from gateway.access.generation import build
from gateway.access.identifier import identifier_key, pin_key
from gateway.access.mj1 import key_of
from gateway.access.model import AccessPoint, Credential, Mark, Passback, SpecialDay, SpecialDays, Zone, ZoneRules
from gateway.access.table import PermissionTable
from gateway.passage import Passage
from mgmt_api.calendars import china
from mgmt_api.keeper import _sweep
from mgmt_api.office.wire_people import MarkWord
from mgmt_api.pass_keys import public_of
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, SITE_KEY, V1, Clock, card, ground

RULES = {"passback": "hard", "passback_s": 60, "limit": 40, "persons": 2, "supervised": True, "escort": True}
RULES |= {"first_in_s": 90, "hold_s": 20, "least": 2}
POINT = public_of(generate_private_key(SECP256R1())).hex()
PHONE = {"type": "live", "resident": "r1", "profiles": ["p1"], "handle": "01" * 8, "public_key": POINT}
NATIONAL = {
    "priority": 10,
    "days": [
        {"date": "2026-10-01"},
        {"date": "2026-10-10", "follows": 5},
        {"date": "2026-12-31", "windows": [{"start": "08:00", "end": "12:00"}]},
    ],
}


def put(client: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
    assert answer.status_code in (200, 201), answer.text


def table(client: TestClient, form: int = wire.FORM) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{V1}/gateways/gateway-1/table?form={form}", headers=GATEWAY).json()
    assert found["digest"] == wire.digest(found)
    return found


def rows(client: TestClient) -> dict[str, Any]:
    return {wire.row_id(kind, body): wire.row(kind, body) for kind, body in wire.rows_of(table(client))}


def test_what_central_sends_is_what_the_core_decides_by(client: TestClient) -> None:
    ground(client)
    put(client, "special_days/national", NATIONAL)
    put(client, "schedules/s1", {"windows": [], "special": ["national"]})
    put(client, "zones/vault", {"parent": "z1", "rules": RULES})
    policies = [{"schedule": "s1", "zone": "z1", "within": True}]
    put(client, "profiles/fire", {"number": 9, "policies": policies, "responder": True})
    put(
        client,
        "credentials/c1",
        card(number=1337, pin="2468", duress_pin="8642", marks=["lead", "extended"], max_uses=3),
    )
    found = rows(client)
    days = (SpecialDay("2026-10-01"), SpecialDay("2026-10-10", (), 5), SpecialDay("2026-12-31", ((480, 720),)))
    assert found["national"] == SpecialDays("national", days, 10)
    assert found["s1"].special == ("national",)
    assert found["vault"] == Zone("vault", "z1", False, ZoneRules(Passback.HARD, 60, 40, 2, True, True, 90, 20, 2))
    assert (found["fire"].responder, found["fire"].policies[0].within) == (True, True)
    credential: Credential = found["c1"]
    key = identifier_key(SITE_KEY, "card", "H10301", "1-1337")
    assert credential.key == key
    assert (credential.pin, credential.duress_pin) == (pin_key(SITE_KEY, key, "2468"), pin_key(SITE_KEY, key, "8642"))
    assert (credential.marks, credential.max_uses) == (Mark.LEAD | Mark.EXTENDED, 3)
    put(client, "credentials/car", {"resident": "r1", "profiles": ["p1"], "type": "plate", "plate": "京A·12345"})
    assert rows(client)["car"].key == identifier_key(SITE_KEY, "plate", "GA36", "京A12345")


def test_a_zone_that_never_holds_one_alone_is_decided_so(client: TestClient) -> None:
    ground(client)
    put(client, "zones/vault", {"parent": "z1", "rules": {"least": 2}})
    put(
        client, "schedules/s1", {"windows": [{"weekday": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]}
    )
    put(client, "profiles/p1", {"number": 1, "policies": [{"schedule": "s1", "zone": "vault"}]})
    put(client, "credentials/c1", card(number=1337))
    point = AccessPoint("vault-in", "vault", 1, "z1", "vault")
    pushed = [wire.row(kind, body) for kind, body in wire.rows_of(table(client))]
    made = PermissionTable.load(build(pushed, 1), [point], UTC, site=7)
    shown = Card(identifier_key(SITE_KEY, "card", "H10301", "1-1337"))
    answer = decide(made, Passage(), point, shown, 1_800_000_000.0)
    assert isinstance(answer, Denied)
    assert answer.reason == "SecondPersonNeeded"


def test_a_phone_changes_its_key_by_having_two_for_a_while(client: TestClient) -> None:
    ground(client)
    old, new = (public_of(generate_private_key(SECP256R1())) for _ in range(2))
    phone = {"resident": "r1", "profiles": ["p1"], "type": "live", "handle": "0102030405060708"}
    following = {"kid": 1, "public_key": new.hex()}
    for body, found in (
        ({"public_key": old.hex()}, {0: old}),
        ({"public_key": old.hex(), "next": following}, {0: old, 1: new}),
        (following, {1: new}),
    ):
        put(client, "credentials/phone", phone | body)
        keys = rows(client)["phone"].public_key
        assert {kid: key for kid in range(16) if (key := key_of(keys, kid))} == found


def test_a_record_without_the_new_words_is_what_it_was(client: TestClient) -> None:
    ground(client)
    put(client, "credentials/c1", card(number=1337))
    found = rows(client)
    assert (found["c1"].pin, found["c1"].duress_pin, found["c1"].marks) == (b"", b"", 0)
    assert (found["z1"].rules, found["s1"].special, found["p1"].responder) == (None, (), False)


def test_no_pin_stands_in_the_database(client: TestClient, plane: Any) -> None:
    ground(client)
    ops = [{"op": "put", "kind": "credentials", "id": "c1", "body": card(pin="97531864", duress_pin="86421357")}]
    batch = {"epoch": 1, "base_seq": 0, "to_seq": 1, "ops": ops}
    answer = client.post(f"{V1}/sync/changes", json=batch, headers=CENTRAL | {"Idempotency-Key": "k"})
    assert answer.status_code == 200, answer.text
    stored = b"".join(path.read_bytes() for path in plane.estate.data_dir.rglob("*") if path.is_file())
    assert b"97531864" not in stored
    assert b"86421357" not in stored


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("zones/z2", {"rules": {"persons": 3}}, "/rules/persons"),
        ("zones/z2", {"rules": {"supervised": True}}, "/rules"),
        ("zones/z2", {"rules": {"limit": 1, "least": 2}}, "/rules"),
        ("zones/z2", {"rules": {"passback": "maybe"}}, "/rules/passback"),
        ("zones/z2", {"standing": True}, ""),
        ("special_days/d", {"days": [{"date": "2026-02-30"}]}, "/days/0"),
        ("special_days/d", {"days": [{"date": "2026-02-01"}, {"date": "2026-02-01"}]}, ""),
        ("special_days/d", {"days": [{"date": "2026-02-01", "follows": 8}]}, "/days/0/follows"),
        ("special_days/d", {"days": [{"date": "2026-02-01", "windows": [{"start": "22:00", "end": "22:00"}]}]},
         "/days/0/windows/0"),
        ("schedules/s2", {"windows": [], "special": ["none"]}, "/special/0"),
        ("profiles/p2", {"number": 2, "policies": [{"schedule": "s1", "access_point": "a", "within": True}]},
         "/policies/0"),
        ("credentials/c1", card(pin="12"), "/pin"),
        ("credentials/c1", card(pin="2468", duress_pin="2468"), ""),
        ("credentials/c1", card(duress_pin="2468"), ""),
        ("credentials/c1", card(marks=["king"]), "/marks/0"),
        ("credentials/c1", PHONE | {"next": {"kid": 0, "public_key": POINT}}, ""),
        ("credentials/c1", PHONE | {"next": {"kid": 1, "public_key": "02" + "ff" * 32}}, "/next/public_key"),
        ("credentials/c1", PHONE | {"kid": 16}, "/kid"),
        ("units/u1", {"zone": "nowhere"}, "/zone"),
        ("units/u1", {"zone": "z1", "state": "haunted"}, "/state"),
        ("residents/r2", {"name": "李雷", "homes": ["u9"]}, "/homes/0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(
    client: TestClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    ground(client)
    answer = client.put(f"{V1}/{path}", json=body, headers=CENTRAL)
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert "2468" not in answer.text


def test_dates_that_the_office_left_out_are_filled_from_packages_when_it_says_so(
    admin: TestClient, plane: Plane, clock: Clock
) -> None:
    own = {"date": "2025-10-01", "windows": [{"start": "08:00", "end": "12:00"}]}

    clock.now = datetime(2024, 12, 31, 12, tzinfo=UTC).timestamp()
    put(admin, "special_days/china", {"days": [own], "seed": "china"})
    found = rows(admin)["china"].days
    known = {day.date: day for day in (*china.year_days(2024), *china.year_days(2025))}
    assert {day.date: day for day in found} == known | {"2025-10-01": SpecialDay("2025-10-01", ((480, 720),))}
    put(admin, "special_days/other", {"days": [own]})
    assert rows(admin)["other"].days == (SpecialDay("2025-10-01", ((480, 720),)),)
    version = table(admin)["version"]
    put(admin, "special_days/china", {"days": [own], "seed": "china"})
    assert (_sweep(plane), table(admin)["version"]) == (False, version)  # what is equal stays


def test_the_next_year_is_filled_as_soon_as_packages_know_it_and_that_is_audited(
    admin: TestClient, plane: Plane, clock: Clock
) -> None:
    clock.now = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    put(admin, "special_days/china", {"days": [{"date": "2025-01-01"}], "seed": "china"})
    clock.now = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    version = table(admin)["version"]
    assert _sweep(plane)
    changed = admin.get(f"{V1}/gateways/gateway-1/changes?after={version}&form=2", headers=GATEWAY).json()
    [row] = changed["special_days"]
    assert {day["date"][:4] for day in row["days"]} == {"2024", "2025", "2026"}
    [entry] = [each for each in admin.get(f"{V1}/audit").json()["entries"] if each["action"] == "special-days.seed"]
    assert (entry["role"], entry["target"], entry["detail"]["years"]) == ("system", "china", [2026])


def test_an_opening_of_a_special_day_may_run_across_midnight(client: TestClient) -> None:
    night = {"date": "2026-10-10", "windows": [{"start": "22:00", "end": "06:00"}]}
    put(client, "special_days/china", {"days": [night]})
    assert rows(client)["china"].days == (SpecialDay("2026-10-10", ((1320, 360),)),)


def test_special_days_that_a_schedule_heeds_stay(client: TestClient) -> None:
    ground(client)
    put(client, "special_days/national", NATIONAL)
    put(client, "schedules/s1", {"windows": [], "special": ["national"]})
    assert client.delete(f"{V1}/special_days/national", headers=CENTRAL).json()["type"] == "in-use"


def test_a_gateway_of_an_earlier_form_reads_its_pages_still(client: TestClient) -> None:
    ground(client)
    put(client, "special_days/national", NATIONAL)
    put(client, "credentials/c1", card())
    put(client, "credentials/v1", {"resident": "r1", "profiles": ["p1"], "type": "static", "text": "gate-0001"})
    old, new = table(client, 1), table(client, 2)
    assert "special_days" not in old
    assert [each["id"] for each in old["credentials"]] == ["c1"]
    assert {each["id"] for each in new["credentials"]} == {"c1", "v1"}
    assert [each["id"] for each in new["special_days"]] == ["national"]
    changed = client.get(f"{V1}/gateways/gateway-1/changes?after={new['version'] - 3}", headers=GATEWAY).json()
    assert "special_days" not in changed
    assert changed["version"] == new["version"]


def test_marks_are_those_of_the_core() -> None:
    assert set(MarkWord.__args__) == {mark.name.lower() for mark in Mark if mark.name}  # type: ignore[attr-defined] # a Literal's members


def test_equal_records_keep_their_version_whatever_defaults_they_spell_out(client: TestClient) -> None:
    ground(client)
    before = table(client)["version"]
    put(client, "zones/z1", {"parent": None, "public": True, "name": {"zh": "大堂", "en": "Lobby"}, "rules": None})
    assert table(client)["version"] == before
