"""Campaign 3c: foreign requests to each route of the recorder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.camera.site import RecorderProcess, wired
from tests.faults.bodies import FOREIGN

ROUTES = (
    "GET /cameras",
    "GET /cameras/{name}/timeline",
    "GET /cameras/{name}/playlist.m3u8",
    "GET /cameras/{name}/media/{id}",
    "GET /cameras/{name}/still.jpg",
    "POST /holds",
    "GET /holds",
    "DELETE /holds/{id}",
    "GET /status",
)
NAMES = ("gate", "..", "..%2f..", "%00", "%ff", "a" * 3000, "'", "no-such")
IDS = ("1", "-1", "0", "9" * 40, "..%2findex.db", "%2e%2e%2f%2e%2e%2ftoken", "%00", "' OR 1=1 --", "a.mp4", "x" * 3000)
TIMES = (
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "-1",
    "now",
    "\x00",
)
RANGES = (
    "bytes=0-",
    "bytes=-1",
    "bytes=9-1",
    "bytes=99999999999999999999-",
    "bytes=0-1,2-3",
    "lines=1",
    "bytes=a-b",
    "=",
)
SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
HOLD: dict[str, Any] = {"camera": "gate", **SPAN, "reason": "x", "by": "y", "until": "2096-02-01T00:00:00Z"}
WRONG = (None, {}, [], -1, 10**30, "\x00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x" * 5000)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    made = RecorderProcess(tmp_path_factory.mktemp("recorder"), [wired("gate", "rtsp://127.0.0.1:1/gate")])
    yield made
    made.close()


def holds(recorder: RecorderProcess) -> list[Any]:
    with closing(sqlite3.connect(f"file:{recorder.dir / 'index.db'}?mode=ro", uri=True)) as db:
        return db.execute("SELECT * FROM hold").fetchall()


def assert_refused_or_empty(answer: httpx2.Response, what: object) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert b"recorder-token" not in answer.content
    assert b"SQLite format" not in answer.content


@pytest.mark.parametrize("route", ROUTES)
def test_strangers_get_nothing(recorder: RecorderProcess, route: str) -> None:
    method, _, path = route.partition(" ")
    here = path.replace("{name}", "gate").replace("{id}", "1")
    for token in ("", "Bearer", "Bearer wrong", "Bearer \u00ff", "Basic cmVjb3JkZXI=", "Bearer " + "a" * 30_000):
        answer = recorder.http.request(method, here, headers={"Authorization": token.encode("latin-1")})
        assert answer.status_code == 401, token


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith("GET")])
def test_junk_in_paths_and_queries_is_refused(recorder: RecorderProcess, route: str) -> None:
    path = route.partition(" ")[2]
    for name, id_ in [*product(NAMES, IDS[:1]), *product(NAMES[:1], IDS)]:
        answer = recorder.http.get(path.replace("{name}", name).replace("{id}", id_), params=SPAN)
        assert_refused_or_empty(answer, (name, id_))
    here = path.replace("{name}", "gate").replace("{id}", "1")
    for one, other in [*product(TIMES, TIMES[:1]), *product(TIMES[:1], TIMES), *zip(TIMES, TIMES, strict=True)]:
        assert_refused_or_empty(recorder.http.get(here, params={"from": one, "to": other, "at": one}), (one, other))
    for wanted in RANGES:
        assert_refused_or_empty(recorder.http.get(here, params=SPAN, headers={"Range": wanted}), wanted)


def test_foreign_holds_are_refused_and_none_is_made_or_lifted(recorder: RecorderProcess) -> None:
    recorder.http.post("/holds", json=HOLD).raise_for_status()
    before = holds(recorder)
    for name, body in FOREIGN.items():
        answer = recorder.http.post("/holds", content=body.data, headers=body.headers())
        assert 400 <= answer.status_code < 500, f"{name}: {answer.status_code} {answer.text[:300]}"
    for field, wrong in product(HOLD, WRONG):
        if (field, wrong) == ("until", None) or (
            field in ("reason", "by") and isinstance(wrong, str) and len(wrong) < 101
        ):
            continue  # a hold without an end, and people's own words, are right
        answer = recorder.http.post("/holds", json=HOLD | {field: wrong})
        taken = answer.status_code == 201 and field in ("from", "to", "until")  # a far time is a time
        assert taken or 400 <= answer.status_code < 500, (
            f"{field} {wrong!r:.60}: {answer.status_code} {answer.text[:300]}"
        )
        if taken:
            recorder.http.delete(f"/holds/{answer.json()['id']}").raise_for_status()
    for id_ in IDS[1:]:
        assert_refused_or_empty(recorder.http.delete(f"/holds/{id_}"), id_)
    assert [each for each in holds(recorder) if each in before] == before
    assert recorder.get("/status")["cameras"]


def test_after_all_of_it_nothing_broke(recorder: RecorderProcess) -> None:
    assert recorder.process.poll() is None
    assert "Traceback" not in Path(recorder.log_path).read_text(encoding="utf-8")
