"""The recorders behind this plane: which camera is where, and requests passed on to them."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import structlog

from mgmt_api.problems import Problem

log = structlog.get_logger()
LIST_AGE_S = 2.0


@dataclass(frozen=True, slots=True)
class RecorderAddress:
    """Where a recorder listens, and the token it wants."""

    url: str
    token: str


class Recorders:
    """A client for all recorders; lists are remembered for two seconds."""

    def __init__(self, addresses: Sequence[RecorderAddress], *, timeout_s: float = 5.0) -> None:
        self._addresses = tuple(addresses)
        self._timeout_s = timeout_s
        self._client: httpx2.AsyncClient | None = None
        self._where: dict[str, RecorderAddress] = {}
        self._cameras: list[dict[str, Any]] = []
        self._listed_at = -LIST_AGE_S

    async def open(self) -> None:
        """Make the client; it belongs to the running loop."""
        self._client = httpx2.AsyncClient(timeout=self._timeout_s, trust_env=False)

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def cameras(self) -> list[dict[str, Any]]:
        """What the recorders say of their cameras; a recorder that is away is left out."""
        if time.monotonic() - self._listed_at >= LIST_AGE_S:
            self._cameras = [camera for address in self._addresses for camera in await self._list(address)]
            self._listed_at = time.monotonic()
        return self._cameras

    async def get(
        self, camera: str, path: str, *, params: dict[str, str], headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """A streamed GET of a camera's resource; the caller closes the response. Raises `Problem`."""
        address = await self.of(camera)
        return await self.stream(
            address, f"cameras/{quote(camera, safe='')}/{path}", params=params, headers=headers or {}
        )

    async def ask_all(self, path: str, *, params: Any = None) -> list[tuple[int, Any]]:
        """(number of the recorder, its answer) of each that answers."""
        found = await asyncio.gather(
            *(self.ask_json(address, "GET", path, params=params) for address in self._addresses), return_exceptions=True
        )
        for each in found:
            if isinstance(each, BaseException) and not (isinstance(each, Problem) and each.status >= 500):
                raise each
        return [(n, each) for n, each in enumerate(found) if not isinstance(each, BaseException)]

    def numbered(self, number: int) -> RecorderAddress:
        """A recorder by its number. Raises `Problem` not-found."""
        if not 0 <= number < len(self._addresses):
            raise Problem("not-found", f"There is no recorder {number}.")
        return self._addresses[number]

    async def number_of(self, camera: str) -> int:
        """The number of a camera's recorder. Raises `Problem`."""
        return self._addresses.index(await self.of(camera))

    async def stream(
        self, address: RecorderAddress, path: str, *, params: dict[str, str], headers: dict[str, str]
    ) -> httpx2.Response:
        """A streamed GET; the caller closes the response. Raises `Problem`."""
        url = f"{address.url.rstrip('/')}/{path}"
        request = self._open_client().build_request("GET", url, params=params, headers=headers | _token(address))
        try:
            answer = await self._open_client().send(request, stream=True)
            if answer.status_code >= 400:
                await answer.aread()
                await answer.aclose()
                require_success(answer.status_code, answer.content)
            return answer
        except httpx2.HTTPError as error:
            raise Problem("recorder-unreachable", type(error).__name__) from error

    @property
    def addresses(self) -> Sequence[RecorderAddress]:
        """All recorders behind this plane."""
        return self._addresses

    async def ask(
        self,
        address: RecorderAddress,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
    ) -> httpx2.Response:
        """A recorder's whole answer to a small question. Raises `Problem`."""
        headers = _token(address) | ({} if content is None else {"Content-Type": "application/json"})
        url = f"{address.url.rstrip('/')}/{path}"
        try:
            answer = await self._open_client().request(
                method, url, params=params, content=content, headers=headers, timeout=timeout_s or self._timeout_s
            )
        except httpx2.HTTPError as error:
            raise Problem("recorder-unreachable", type(error).__name__) from error
        require_success(answer.status_code, answer.content)
        return answer

    async def ask_json(
        self,
        address: RecorderAddress,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """The same with JSON in and out; None when the answer is empty. Raises `Problem`."""
        content = None if body is None else json.dumps(body).encode()
        answer = await self.ask(address, method, path, params=params, content=content)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise Problem("recorder-unreachable", "The recorder's answer is no JSON.") from error

    async def of(self, camera: str) -> RecorderAddress:
        """The recorder of a camera. Raises `Problem`: not-found or recorder-unreachable."""
        known = camera.removesuffix(".sub")
        if known not in self._where:
            await self.cameras()
        if known in self._where:
            return self._where[known]
        if len(self._addresses) == 1:
            return self._addresses[0]
        raise Problem("not-found", f"There is no camera {camera!r}.")

    async def _list(self, address: RecorderAddress) -> list[dict[str, Any]]:
        try:
            response = await self._open_client().get(f"{address.url.rstrip('/')}/cameras", headers=_token(address))
            response.raise_for_status()
            found = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            log.warning("recorder_unreachable", url=address.url, error=type(error).__name__)
            return []
        cameras = [camera for camera in found if isinstance(camera, dict) and "name" in camera]
        self._where.update({camera["name"]: address for camera in cameras})
        self._where.update({camera["sub"]: address for camera in cameras if camera.get("sub")})
        return cameras

    def _open_client(self) -> httpx2.AsyncClient:
        if self._client is None:
            raise Problem("recorder-unreachable", "The plane is not running.")
        return self._client


# What the recorder says no with, and what that is here.
_REFUSALS = {
    400: "validation", 404: "not-found", 409: "not-ready", 416: "bad-range", 422: "validation", 503: "busy",
    507: "no-room",
}  # fmt: skip


def require_success(status: int, body: bytes) -> None:
    """Pass a recorder's refusal on, in its own words. Raises `Problem`."""
    if status < 400:
        return
    try:
        said = str(json.loads(body).get("title", ""))
    except (ValueError, AttributeError):
        said = ""
    raise Problem(_REFUSALS.get(status, "recorder-unreachable"), said or f"The recorder answered {status}.")


def _token(address: RecorderAddress) -> dict[str, str]:
    return {"Authorization": f"Bearer {address.token}"}
