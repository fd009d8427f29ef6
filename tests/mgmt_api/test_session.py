import stat
import time

from starlette.testclient import TestClient

from mgmt_api.app import create_app
from mgmt_api.plane import Plane
from tests.mgmt_api.conftest import ADMIN_PASSWORD, V1, Clock, sign_in, staff


def test_the_first_password_opens_nothing_but_its_own_change(client: TestClient, plane: Plane) -> None:
    file = plane.estate.data_dir / "first-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text().strip()
    assert sign_in(client, "admin", first) == {"username": "admin", "role": "admin", "must_change": True}
    refused = client.get(f"{V1}/doors")
    assert refused.status_code == 403
    assert refused.json()["type"] == "password-change-required"
    assert client.get(f"{V1}/session").status_code == 200
    assert client.post(f"{V1}/session/password", json={"old": first, "new": ADMIN_PASSWORD}).status_code == 204
    assert client.get(f"{V1}/doors").status_code == 200
    assert not file.exists()


def test_the_first_user_is_made_once(plane: Plane, clock: Clock) -> None:
    with TestClient(create_app(plane)):
        first = (plane.estate.data_dir / "first-password").read_text()
    again = Plane(plane.estate, clock)
    with TestClient(create_app(again)):
        assert (plane.estate.data_dir / "first-password").read_text() == first


def test_the_cookie_is_for_this_site_and_no_script(client: TestClient, plane: Plane) -> None:
    first = (plane.estate.data_dir / "first-password").read_text().strip()
    answer = client.post(f"{V1}/session", json={"username": "admin", "password": first})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    token = answer.cookies["menjin"]
    assert token.encode() not in b"".join(f.read_bytes() for f in plane.estate.data_dir.glob("api.db*"))


def test_a_weak_password_is_refused(admin: TestClient) -> None:
    for new in ("short", "12345678", "password1", "aaaaaaaaaaaa", ADMIN_PASSWORD):
        answer = admin.post(f"{V1}/session/password", json={"old": ADMIN_PASSWORD, "new": new})
        assert answer.json()["type"] == "weak-password", new


def test_sessions_end_by_idleness_and_by_age(admin: TestClient, clock: Clock) -> None:
    cookie = staff(admin, "guard", "guard")
    for _ in range(24):
        clock.now += 29 * 60
        assert admin.get(f"{V1}/doors", headers=cookie).status_code == 200
    clock.now += 30 * 60
    assert admin.get(f"{V1}/doors", headers=cookie).status_code == 401
    assert admin.get(f"{V1}/session").status_code == 401


def test_signing_out_ends_the_session_itself(admin: TestClient) -> None:
    cookie = {"Cookie": f"menjin={admin.cookies['menjin']}"}
    assert admin.delete(f"{V1}/session").status_code == 204
    admin.cookies.clear()
    assert admin.get(f"{V1}/session", headers=cookie).status_code == 401


def test_guessing_is_slowed_and_then_stopped(client: TestClient, clock: Clock) -> None:
    wrong = {"username": "admin", "password": "not this one"}
    assert [client.post(f"{V1}/session", json=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    for pause_s in (1, 2, 4, 8, 16):
        clock.now += pause_s
        assert client.post(f"{V1}/session", json=wrong).status_code == 401
    refused = client.post(f"{V1}/session", json=wrong)
    assert refused.status_code == 429
    assert 800 < int(refused.headers["retry-after"]) <= 901


def test_an_unknown_user_is_told_the_same_and_takes_as_long(client: TestClient) -> None:
    def timed(user: str) -> tuple[str, float]:
        start = time.perf_counter()
        answer = client.post(f"{V1}/session", json={"username": user, "password": "whatever it is"})
        return answer.json()["detail"], time.perf_counter() - start

    known, unknown = ([timed(user) for _ in range(3)] for user in ("admin", "nobody"))
    assert known[0][0] == unknown[0][0]
    assert min(t for _, t in unknown) > min(t for _, t in known) / 3


def test_deleting_a_user_ends_his_session(admin: TestClient) -> None:
    cookie = staff(admin, "guard", "guard")
    assert admin.delete(f"{V1}/users/guard").status_code == 204
    assert TestClient(admin.app).get(f"{V1}/doors", headers=cookie).status_code == 401
    assert admin.delete(f"{V1}/users/admin").json()["type"] == "in-use"
    assert [user["username"] for user in admin.get(f"{V1}/users").json()] == ["admin"]


def test_a_user_is_made_once(admin: TestClient) -> None:
    body = {"username": "guard", "role": "guard", "password": "the first password"}
    assert admin.post(f"{V1}/users", json=body).status_code == 201
    assert admin.post(f"{V1}/users", json=body).json()["type"] == "exists"
    assert admin.post(f"{V1}/users", json=body | {"role": "central"}).status_code == 422
