"""A guard at the console, by HTTP alone: the same interface that the console's pages use."""

import time
import uuid
from typing import Any

import httpx2

from simulators.control import DeviceError


class Guard:
    """One session. Raises `DeviceError` with the problem's own words."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx2.Client(base_url=url, headers={"Origin": url}, timeout=15)

    def log_in(self, username: str, password: str) -> dict[str, Any]:
        """Start a session."""
        session: dict[str, Any] = self.ask("POST", "session", {"username": username, "password": password})
        return session

    def change_password(self, old: str, new: str) -> None:
        """Replace the one-time password."""
        self.ask("POST", "session/password", {"old": old, "new": new})

    def unlock(self, door: str, reason: str) -> str:
        """Order a door open; the command's id."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return str(self.ask("POST", f"doors/{door}/unlock", {"reason": reason}, key)["command_id"])

    def order(self, action: str, reason: str, **what: str) -> str:
        """Order something of doors of one gateway; the command's id."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        [given] = self.ask("POST", "orders", {"action": action, "reason": reason, **what}, key)["commands"]
        return str(given["command_id"])

    def outcome(self, command_id: str, wait_s: float = 10) -> str:
        """What became of an order, once it is known."""
        deadline = time.monotonic() + wait_s
        while True:
            state = str(self.ask("GET", f"commands/{command_id}")["state"])
            if state not in ("queued", "sent") or time.monotonic() > deadline:
                return state
            time.sleep(0.1)

    def door(self, name: str) -> dict[str, Any]:
        """A door as the console shows it."""
        doors: list[dict[str, Any]] = self.ask("GET", "doors")
        return next(door for door in doors if door["name"] == name)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One request under /api/v1; its JSON answer."""
        answer = self.get(f"{self.url}/api/v1/{path}", method, body, headers)
        return answer.json() if answer.content else {}

    def get(
        self, url: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """One request with this session's cookie."""
        try:
            answer = self._http.request(method, url, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise DeviceError(f"{method} {url}: {type(error).__name__}") from error
        if answer.is_error:
            raise DeviceError(f"{method} {url}: {answer.status_code} {answer.text[:300]}")
        return answer

    @property
    def cookie(self) -> str:
        """The session cookie, for a player that is not this client."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._http.cookies.jar)
