import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mgmt_api.app import prepare
from mgmt_api.keeper import compact
from mgmt_api.office import feed, singles, store
from mgmt_api.plane import Estate, Plane
from mgmt_api.problems import Problem
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, SITE_KEY, V1, card, ground

KINDS = {"zones": "zone", "schedules": "schedule", "profiles": "profile", "credentials": "credential"}
KINDS |= {"issuers": "issuer", "denied": "denied", "special_days": "special"}


class Mirror:
    """A gateway's copy: follows pages and changes as the interface says."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.version: int | None = None

    def take(self, page: dict[str, Any]) -> None:
        for name, kind in KINDS.items():
            for row in page[name]:
                self.rows[kind, str(row.get("id", row.get("kid", row.get("pass_id"))))] = row

    def follow(self, session: Any, limit: int) -> None:
        more = True
        while more:
            page = feed.changes(session, self.version or 0, limit)
            self.take(page)
            for gone in page["deleted"]:
                self.rows.pop((gone["kind"], gone["id"]), None)
            self.version, more = page["version"], page["more"]


def whole(session: Any) -> dict[tuple[str, str], dict[str, Any]]:
    mirror = Mirror()
    mirror.take(feed.page(session, None, 10_000))
    return mirror.rows


BODIES = {
    "zones": st.fixed_dictionaries({"public": st.booleans()}),
    "schedules": st.just({"windows": [{"weekday": 1, "start": "08:00", "end": "09:00"}]}),
    "residents": st.fixed_dictionaries({"name": st.just("n"), "holder_class": st.sampled_from(["resident", "staff"])}),
    "credentials": st.fixed_dictionaries({"resident": st.just("0"), "state": st.sampled_from(["enabled", "lost"])}),
}
OPS = st.lists(
    st.one_of(
        *(
            st.tuples(st.just("put"), st.just(kind), st.sampled_from("012345"), body, st.integers(1, 3))
            for kind, body in BODIES.items()
        ),
        st.tuples(
            st.just("delete"), st.sampled_from(sorted(BODIES)), st.sampled_from("012345"), st.none(), st.integers(1, 3)
        ),
    ),
    max_size=30,
)


def act(plane: Plane, verb: str, kind: Any, id_: str, body: Any) -> None:
    """What a request would do, a refused one nothing."""
    if kind == "credentials" and body is not None:
        body = {"type": "card", "format": "H10301", "card": int(id_), "profiles": [], **body}
    with suppress(Problem), plane.database.write() as session:
        if verb == "put":
            row = singles.checked(kind, id_, json.dumps(body).encode(), plane.keys, plane.now())
            singles.put(session, plane.database, kind, row, {}, plane.now())
        else:
            singles.delete(session, plane.database, kind, id_, {}, plane.now())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=OPS, during=OPS, after=OPS, pages=st.integers(1, 4), limit=st.integers(1, 7))
def test_a_mirror_that_follows_pages_and_changes_equals_the_table(
    bare: Plane, before: Any, during: Any, after: Any, pages: int, limit: int
) -> None:
    for op in before:
        act(bare, *op[:4])
    mirror, cursor, waiting = Mirror(), None, list(during)
    while True:
        with bare.database.read() as session:
            page = feed.page(session, cursor, pages)
        assert sum(len(page[name]) for name in KINDS) <= pages
        assert page["digest"] == feed.digest({name: page[name] for name in KINDS})
        mirror.version = page["version"] if mirror.version is None else mirror.version
        mirror.take(page)
        for op in [waiting.pop() for _ in range(min(2, len(waiting)))]:
            act(bare, *op[:4])
        if (cursor := page["next"]) is None:
            break
    for op in [*waiting, *after]:
        act(bare, *op[:4])
        if op[4] == 1:
            with bare.database.read() as session:
                mirror.follow(session, limit)
    with bare.database.read() as session:
        mirror.follow(session, limit)
        assert mirror.rows == whole(session)
        assert mirror.version == store.table_version(session)


def test_a_gateway_too_far_behind_is_sent_to_a_snapshot(client: TestClient, plane: Plane) -> None:
    ground(client)
    version = client.put(f"{V1}/credentials/c1", json=card(), headers=CENTRAL).json()["version"]
    client.delete(f"{V1}/credentials/c1", headers=CENTRAL)
    url = f"{V1}/gateways/gateway-1/changes"
    assert client.get(url, params={"after": version}, headers=GATEWAY).status_code == 200
    with plane.database.write() as session:
        compact(session, plane.now() + 1)
    for after in (version, 0, version + 100):
        answer = client.get(url, params={"after": after}, headers=GATEWAY)
        assert (answer.status_code, answer.json()["type"]) == (410, "cursor-gone")
    assert client.get(url, params={"after": version + 1}, headers=GATEWAY).json()["deleted"] == []


def test_a_gateway_of_an_earlier_database_takes_a_snapshot(client: TestClient, plane: Plane, tmp_path: Path) -> None:
    ground(client)
    known = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()["version"]
    later = Plane(Estate(site_id=1, site_key=SITE_KEY, data_dir=tmp_path / "new"))
    prepare(later)
    with later.database.read() as session, pytest.raises(Problem, match="cursor-gone"):
        feed.changes(session, known)
    later.close()


def test_a_made_up_cursor_is_refused(client: TestClient) -> None:
    for after in ("x", "WzEwMCwgIjEiXQ==", "WzEsIDJd", "bnVsbA==", "é", "Wzk5LCAieCJd"):
        answer = client.get(f"{V1}/gateways/gateway-1/table", params={"after": after}, headers=GATEWAY)
        assert (answer.status_code, answer.json()["type"]) == (400, "malformed"), after
