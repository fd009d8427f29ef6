from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import CENTRAL, GATEWAY, V1, Clock, sign_in


@pytest.fixture
def built(plane: Plane) -> Path:
    folder = plane.estate.console_dir
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>console")
    (folder / "assets" / "index-BxY3k9Qa.js").write_text("js")
    (folder / "icon.svg").write_text("<svg/>")
    (folder.parent / "secret.txt").write_text("the inside")
    return folder


def test_without_a_build_the_page_says_how_to_make_one(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "make console" in page.text


def test_the_console_is_served_and_only_hashed_files_are_kept(client: TestClient, built: Path) -> None:
    for path in ("/", "/doors", "/residents/3"):
        page = client.get(path)
        assert (page.text, page.headers["cache-control"]) == ("<!doctype html>console", "no-store")
    script = client.get("/assets/index-BxY3k9Qa.js")
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/icon.svg").headers["cache-control"] == "no-store"
    assert client.get("/assets/gone-BxY3k9Qa.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "//etc/passwd",
        "/%00",
    ],
)
def test_nothing_beside_the_console_is_served(client: TestClient, built: Path, path: str) -> None:
    answer = client.get(path)
    assert "the inside" not in answer.text
    assert "root:" not in answer.text


def test_the_site_says_its_name_to_those_who_are_known(client: TestClient, plane: Plane) -> None:
    assert client.get(f"{V1}/site").status_code == 401
    sign_in(client, "admin", (plane.estate.data_dir / "first-password").read_text().strip())
    expected = {"name": {"zh": "Menjin 门禁", "en": "Menjin"}, "timezone": "Asia/Shanghai"}
    assert client.get(f"{V1}/site").json() == expected | {"zones": {}, "missing_special_days": []}
    lobby = {"name": {"zh": "大堂", "en": "Lobby"}, "parent": None, "public": False}
    for zone in ("lobby", "cellar"):
        client.put(f"{V1}/zones/{zone}", json=lobby, headers=CENTRAL).raise_for_status()
    door = {"name": "front", "number": 1, "label": {"zh": "门", "en": "Door"}, "mode": "Locked", "alarm": "Normal"}
    inventory = {"doors": [door | {"open": False, "zones": ["lobby", "elsewhere"]}]}
    client.put(f"{V1}/gateways/gateway-1/inventory", json=inventory, headers=GATEWAY).raise_for_status()
    assert client.get(f"{V1}/site").json()["zones"] == {"lobby": lobby["name"]}  # of those at doors


def test_the_site_and_the_metrics_say_which_special_days_are_missing(
    client: TestClient, plane: Plane, clock: Clock
) -> None:
    clock.now = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    for path, body in (
        ("special_days/china", {"days": [{"date": "2026-10-01"}]}),
        ("schedules/s1", {"windows": [], "special": ["china"]}),
    ):
        assert client.put(f"{V1}/{path}", json=body, headers=CENTRAL).status_code == 201
    sign_in(client, "admin", (plane.estate.data_dir / "first-password").read_text().strip())
    assert client.get(f"{V1}/site").json()["missing_special_days"] == [{"id": "china", "year": 2027}]
    assert 'menjin_special_days_missing{id="china",year="2027"} 1.0' in client.get("/metrics").text


def test_metrics_are_for_this_machine_and_for_machines(client: TestClient) -> None:
    assert "menjin_table_version" in client.get("/metrics").text
    far = TestClient(client.app, client=("192.0.2.7", 50000))
    assert far.get("/metrics").status_code == 401
    assert far.get("/metrics", headers=GATEWAY).status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
