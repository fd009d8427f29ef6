"""Card numbers are kept only where a site wants boards to have lists, and leave sealed, to gateways alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from gateway.access.identifier import card_value, identifier_key
from gateway.board_lists import Numbers, Setup
from mgmt_api.app import create_app
from mgmt_api.plane import Estate, Plane
from mgmt_api.tables.office import Credential
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, SITE_KEY, V1, card, ground
from tests.telling import told

PATH = f"{V1}/gateways/gateway-1/card-numbers"


@contextmanager
def opened(estate: Estate, keep: bool) -> Iterator[tuple[TestClient, Plane]]:
    plane = Plane(replace(estate, card_numbers=keep), lambda: 1_800_000_000.0)
    with TestClient(create_app(plane), client=("127.0.0.1", 50000)) as client:
        yield client, plane


def key_of(number: int, format_: str = "H10301", facility: int = 1) -> bytes:
    return identifier_key(SITE_KEY, "card", format_, card_value(facility, number))


def asked(client: TestClient, *keys: bytes, format_: str = "H10301") -> dict[str, str]:
    answer = client.post(PATH, json={"format": format_, "keys": [key.hex() for key in keys]}, headers=GATEWAY)
    assert answer.status_code == 200, answer.text
    numbers: dict[str, str] = answer.json()["numbers"]
    return numbers


def sealed(plane: Plane) -> list[bytes]:
    with plane.database.read() as session:
        return list(session.scalars(select(Credential.sealed).order_by(Credential.id)))


def put(client: TestClient, number: int, **extra: Any) -> None:
    assert client.put(f"{V1}/credentials/c{number % 10}", json=card(number=number, **extra), headers=CENTRAL).is_success


def numbers() -> Numbers:
    return Numbers(Setup("", "", "gateway-1", "", SITE_KEY, 1, "UTC", (), ()))


def test_a_site_that_did_not_opt_in_keeps_no_number_and_gives_none(estate: Estate) -> None:
    with opened(estate, keep=False) as (client, plane):
        ground(client)  # type: ignore[arg-type] # a test client is one
        put(client, 4567)
        assert sealed(plane) == [b""]
        assert asked(client, key_of(4567)) == {}


def test_a_number_is_kept_sealed_and_only_the_site_key_opens_it(estate: Estate) -> None:
    with opened(estate, keep=True) as (client, plane):
        ground(client)  # type: ignore[arg-type] # a test client is one
        put(client, 4567)
        put(client, 4568)
        given = asked(client, key_of(4567), key_of(999))
        assert list(given) == [key_of(4567).hex()]
        assert all(b"4567" not in each for each in sealed(plane))
        text = bytes.fromhex(given[key_of(4567).hex()])
        assert numbers()._open("H10301", key_of(4567), text) == (1, 4567)
        assert numbers()._open("H10301", key_of(4568), text) is None, "a number cannot be moved to another card"
        damaged = text[:-1] + bytes((text[-1] ^ 1,))
        assert numbers()._open("H10301", key_of(4567), damaged) is None
        assert not told("4567", client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).text)


def test_a_number_of_another_format_is_not_given(estate: Estate) -> None:
    with opened(estate, keep=True) as (client, _):
        ground(client)  # type: ignore[arg-type] # a test client is one
        put(client, 77, format="WG34", facility=5)
        assert asked(client, key_of(77, "H10306", 5)) == {}
        assert list(asked(client, key_of(77, "H10306", 5), format_="WG34")) == [key_of(77, "H10306", 5).hex()]


def test_numbers_of_a_site_that_opts_out_are_erased_and_come_back_with_the_next_word_from_central(
    estate: Estate,
) -> None:
    with opened(estate, keep=True) as (client, plane):
        ground(client)  # type: ignore[arg-type] # a test client is one
        put(client, 4567)
        assert len(sealed(plane)[0]) > 12
    with opened(estate, keep=False) as (client, plane):
        assert sealed(plane) == [b""]
    with opened(estate, keep=True) as (client, plane):
        assert asked(client, key_of(4567)) == {}
        put(client, 4567)
        assert list(asked(client, key_of(4567))) == [key_of(4567).hex()]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"format": "H10301", "keys": []}, CENTRAL, 403),
        ({"format": "H10301", "keys": []}, {}, 401),
        ({"format": "H10301", "keys": ["zz"]}, GATEWAY, 422),
        ({"format": "H10301", "keys": ["00" * 16] * 501}, GATEWAY, 422),
        ({"keys": []}, GATEWAY, 422),
        ({"format": "nonsense", "keys": ["00" * 16]}, GATEWAY, 200),
    ],
)
def test_only_gateways_ask_and_only_so(estate: Estate, body: Any, headers: dict[str, str], status: int) -> None:
    with opened(estate, keep=True) as (client, _):
        assert client.post(PATH, json=body, headers=headers).status_code == status
