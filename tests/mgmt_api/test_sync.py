import gzip
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, card, ground

NONE = {"zones": 0, "units": 0, "special_days": 0, "schedules": 0, "profiles": 0, "residents": 0, "credentials": 0}


def batch(base: int, to: int, *ops: dict[str, Any], epoch: int | str = 1) -> dict[str, Any]:
    return {"epoch": epoch, "base_seq": base, "to_seq": to, "ops": list(ops)}


def put(kind: str, id_: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"op": "put", "kind": kind, "id": id_, "body": body}


def gone(kind: str, id_: str) -> dict[str, Any]:
    return {"op": "delete", "kind": kind, "id": id_}


def send(client: TestClient, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"{V1}/sync/changes", json=body, headers=CENTRAL | headers)


def state(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{V1}/sync/state", headers=CENTRAL).json()
    return found


def whole_table(client: TestClient) -> dict[str, Any]:
    page: dict[str, Any] = client.get(f"{V1}/gateways/gateway-1/table", headers=GATEWAY).json()
    return page


BASE = (
    put("residents", "r1", {"name": "王小明"}),
    put("zones", "z1", {"public": True}),
    put("schedules", "s1", {"windows": [{"weekday": 1, "start": "00:00", "end": "24:00"}]}),
    put("profiles", "p1", {"number": 1, "policies": [{"schedule": "s1", "zone": "z1"}]}),
)


def test_a_batch_moves_this_site_to_its_end(client: TestClient) -> None:
    answer = send(client, batch(0, 4, *BASE, put("credentials", "c1", card())))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["seq"], answer.json()["added"]) == (4, 5)
    assert state(client) == {
        "epoch": 1,
        "seq": 4,
        "confirmed_at": "2027-01-15T08:00:00.000Z",
        "version": answer.json()["version"],
        "counts": NONE | {"zones": 1, "schedules": 1, "profiles": 1, "residents": 1, "credentials": 1},
    }
    assert send(client, batch(4, 5, gone("credentials", "c1"), gone("residents", "r1"))).json()["removed"] == 2
    assert whole_table(client)["credentials"] == []


def test_one_wrong_record_undoes_the_whole_batch(client: TestClient) -> None:
    before = whole_table(client)
    ops: tuple[dict[str, Any], ...]
    ops = (*BASE, put("credentials", "c1", card()), put("credentials", "c2", card("nobody")))
    wrong = send(client, batch(0, 4, *ops))
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/ops/5/body/resident"]
    ops = (
        *BASE,
        put("zones", "z9", {"public": 1}),
        put("residents", "r2", {"name": ""}),
        {"op": "put", "kind": "zones", "id": "x"},
    )
    wrong = send(client, batch(0, 4, *ops))
    assert [each["pointer"] for each in wrong.json()["errors"]] == [
        "/ops/4/body/public",
        "/ops/5/body/name",
        "/ops/6/body",
    ]
    assert whole_table(client) == before
    assert state(client)["epoch"] is None


def test_a_batch_from_elsewhere_is_told_where_this_site_stands(client: TestClient) -> None:
    assert send(client, batch(3, 4)).json()["current"] == {"epoch": None, "seq": 0}
    send(client, batch(0, 4, epoch="a"))
    for wrong in (batch(0, 5, epoch="a"), batch(3, 5, epoch="a"), batch(5, 6, epoch="a"), batch(4, 5, epoch="b")):
        answer = send(client, wrong)
        assert answer.status_code == 409
        assert answer.json()["type"] == "base-mismatch"
        assert answer.json()["current"] == {"epoch": "a", "seq": 4}
    assert send(client, batch(4, 4, epoch="a")).status_code == 200
    assert send(client, batch(4, 3, epoch="a")).status_code == 422


def test_the_same_request_again_is_done_once(client: TestClient) -> None:
    key = {"Idempotency-Key": "batch-1"}
    first = send(client, batch(0, 4, *BASE), **key)
    assert send(client, batch(0, 4, *BASE), **key).json() == first.json()
    assert send(client, batch(0, 4, *BASE)).status_code == 409
    assert send(client, batch(4, 5), **key).json()["type"] == "idempotency-key-reused"


def test_order_within_a_batch_is_central_s(client: TestClient) -> None:
    send(client, batch(0, 1, *BASE, put("credentials", "c1", card(number=7))))
    moved = send(client, batch(1, 2, put("credentials", "c2", card(number=7)), gone("credentials", "c1")))
    assert moved.status_code == 200, moved.text
    twice = (
        put("zones", "z2", {"public": True}),
        gone("zones", "z2"),
        put("zones", "z2", {}),
        put("zones", "z2", {"parent": "z1"}),
    )
    assert send(client, batch(2, 3, *twice)).status_code == 200
    assert whole_table(client)["zones"] == [
        {"id": "z1", "parent": None, "public": True},
        {"id": "z2", "parent": "z1", "public": False},
    ]


def test_a_batch_has_at_most_five_thousand_changes(client: TestClient) -> None:
    answer = send(client, batch(0, 1, *[gone("zones", f"z{i}") for i in range(5001)]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/ops"


def line(kind: str, id_: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"kind": kind, "id": id_, "body": body}, ensure_ascii=False).encode() + b"\n"


def lines(residents: int) -> bytes:
    text = b"".join(line(op["kind"], op["id"], op["body"]) for op in BASE[1:])
    for i in range(residents):
        text += line("residents", f"r{i}", {"name": f"住户{i}"})
        text += line("credentials", f"c{i}", card(f"r{i}", number=i))
    return text


class Push:
    """A snapshot on its way, as central sends it."""

    def __init__(self, client: TestClient, seq: int, epoch: int = 1) -> None:
        self.client = client
        opened = client.post(f"{V1}/sync/snapshots", json={"epoch": epoch, "seq": seq}, headers=CENTRAL)
        assert opened.status_code == 201, opened.text
        self.url = f"{V1}/sync/snapshots/{opened.json()['id']}"

    def part(self, number: int, text: bytes, **headers: str) -> Any:
        return self.client.put(f"{self.url}/parts/{number}", content=text, headers=CENTRAL | headers)

    def preview(self) -> Any:
        return self.client.get(f"{self.url}/preview", headers=CENTRAL).json()

    def commit(self, **body: str) -> Any:
        return self.client.post(f"{self.url}/commit", json=body, headers=CENTRAL)


def test_a_snapshot_in_parts_is_previewed_and_put_in_place(client: TestClient) -> None:
    ground(client)
    push, text = Push(client, 10), lines(3)
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    cut = head.rindex(b"\n") + 1
    assert push.part(0, head[:cut]).status_code == 200
    packed = gzip.compress(head[cut:] + tail)
    assert push.part(1, packed, **{"Content-Encoding": "gzip"}).status_code == 200
    assert push.part(1, packed, **{"Content-Encoding": "gzip"}).status_code == 200
    counts = push.preview()
    assert counts["added"] == NONE | {"residents": 2, "credentials": 3}
    assert counts["changed"]["residents"] == 1
    assert counts["removed"]["residents"] == 0
    answer = push.commit()
    assert answer.status_code == 200, answer.text
    assert state(client)["counts"]["credentials"] == 3
    assert push.commit().status_code == 404


def test_the_same_snapshot_again_changes_nothing(client: TestClient) -> None:
    for seq in (10, 11):
        push = Push(client, seq)
        push.part(0, lines(5))
        answer = push.commit().json()
    assert (answer["added"], answer["changed"], answer["removed"]) == (0, 0, 0)


def test_what_a_snapshot_lacks_goes(client: TestClient) -> None:
    ground(client)
    client.put(f"{V1}/credentials/old", json=card(number=9), headers=CENTRAL)
    version = state(client)["version"]
    push = Push(client, 10)
    push.part(0, lines(2).replace(b'"r1"', b'"r9"'))
    assert push.preview()["removed"] == NONE | {"residents": 1, "credentials": 1}
    assert push.commit().status_code == 200
    told = client.get(f"{V1}/gateways/gateway-1/changes", params={"after": version}, headers=GATEWAY).json()
    assert [each["id"] for each in told["deleted"]] == ["old"]


def test_a_snapshot_that_does_not_hold_together_changes_nothing(client: TestClient) -> None:
    push = Push(client, 10)
    push.part(0, lines(3))
    assert push.commit().status_code == 200
    before, push = whole_table(client), Push(client, 11)
    push.part(0, lines(3).replace(b'"kind": "residents", "id": "r2"', b'"kind": "residents", "id": "r7"'))
    wrong = push.commit()
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/credentials/c2/resident"]
    assert whole_table(client) == before


def test_each_wrong_line_is_named(client: TestClient) -> None:
    push = Push(client, 10)
    text = (
        b'{"kind":"zones"\n' + line("zones", "z1", {}) + b"\n" + line("zones", "z1", {}) + line("zones", "z2", {"x": 1})
    )
    answer = push.part(0, text + b'{"kind":"doors","id":"d","body":{}}\n')
    pointers = [each["pointer"] for each in answer.json()["errors"]]
    assert pointers == ["/lines/0", "/lines/4/body/x", "/lines/5/kind"]


def test_a_record_that_comes_twice_is_named(client: TestClient) -> None:
    push = Push(client, 10)
    push.part(3, line("zones", "z1", {}) + line("zones", "z2", {}) + b"\n" + line("zones", "z2", {}))
    push.part(7, line("zones", "z1", {}) + line("residents", "z1", {"name": "n"}))
    for answer in (push.preview(), push.commit().json()):
        assert [each["pointer"] for each in answer["errors"]] == ["/parts/3/lines/3/id", "/parts/7/lines/0/id"]
        assert {each["code"] for each in answer["errors"]} == {"duplicate"}


def test_an_old_snapshot_is_refused(client: TestClient) -> None:
    push = Push(client, 10, epoch=2)
    assert push.commit().status_code == 200
    for epoch, seq in ((2, 9), (1, 99)):
        body = {"epoch": epoch, "seq": seq}
        assert client.post(f"{V1}/sync/snapshots", json=body, headers=CENTRAL).json()["type"] == "stale-seq"
    late, later = Push(client, 11, epoch=2), Push(client, 12, epoch=2)
    assert later.commit().status_code == 200
    assert late.commit().json()["type"] == "stale-seq"


def test_a_mass_removal_must_be_meant(client: TestClient) -> None:
    push = Push(client, 1)
    push.part(0, lines(300))
    push.commit()
    push = Push(client, 2)
    push.part(0, lines(240))
    assert push.commit().status_code == 200  # 20 % go: not more than that
    push = Push(client, 3)
    push.part(0, lines(150))
    refused = push.commit()
    assert (refused.status_code, refused.json()["type"]) == (422, "mass-removal")
    assert (refused.json()["removed"], refused.json()["standing"]) == (90, 240)
    assert push.commit(confirm="0" * 32).status_code == 422
    assert state(client)["counts"]["credentials"] == 240
    assert push.commit(confirm=refused.json()["confirm"]).status_code == 200
    assert state(client)["counts"]["credentials"] == 150


def test_an_empty_export_locks_nobody_out(client: TestClient) -> None:
    push = Push(client, 1)
    push.part(0, lines(60))
    push.commit()
    assert Push(client, 2).commit().json()["type"] == "mass-removal"


@pytest.mark.parametrize(
    ("text", "headers", "type_"),
    [
        (b"not gzip", {"Content-Encoding": "gzip"}, "malformed"),
        (gzip.compress(b"x" * 1000)[:-9], {"Content-Encoding": "gzip"}, "malformed"),
        (gzip.compress(b"\n" * (40 << 20)), {"Content-Encoding": "gzip"}, "too-large"),
        (b"", {"Content-Encoding": "br"}, "unsupported-media"),
    ],
    ids=["no gzip", "torn gzip", "a gzip bomb", "unknown coding"],
)
def test_a_part_that_cannot_be_unpacked_is_refused(
    client: TestClient, text: bytes, headers: dict[str, str], type_: str
) -> None:
    assert Push(client, 1).part(0, text, **headers).json()["type"] == type_
