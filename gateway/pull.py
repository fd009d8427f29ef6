"""Fetch the permission table from the management plane into the mirror.

A page of changes is taken over by the door process itself. More than that is bulk work, and belongs in a child:
`python -m gateway.pull URL GATEWAY STORE`, which reads its token from standard input.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx2

from gateway import wire
from gateway.store import Store

PAGE_ROWS = 500
PAGES_MAX = 100_000  # a plane that gives more is broken
TIMEOUT = httpx2.Timeout(10.0, connect=5.0)


class PullFailed(Exception):
    """The plane's answer cannot be used; nothing of it was taken over."""


class CursorGone(PullFailed):
    """The plane no longer knows what changed since our version: only a snapshot helps."""


def open_client(url: str, token: str) -> httpx2.AsyncClient:
    """A client of the plane at `url`. The environment's proxies are not asked: the plane is on the site."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=TIMEOUT, trust_env=False)


async def changes(client: httpx2.AsyncClient, gateway: str, store: Store) -> bool:
    """Take over one page of changes; True when more wait.

    Raises:
        CursorGone: a snapshot is needed.
        PullFailed: the answer is not what it should be.
        httpx2.HTTPError: no answer, or an error.
    """
    stand = await asyncio.to_thread(store.stand)
    version = stand.version
    if version is None or stand.form < wire.FORM:
        # Ask whether there is a plane at all, and one that tells more, before a child is started for it.
        page = _page(await client.get(f"/gateways/{gateway}/table", params={"limit": 1, "form": wire.FORM}))
        if version is None or _form(page) > stand.form:
            raise CursorGone("no snapshot yet, or one that lacks what this plane tells")
    parameters = {"after": version, "limit": PAGE_ROWS, "form": wire.FORM}
    response = await client.get(f"/gateways/{gateway}/changes", params=parameters)
    if response.status_code == httpx2.codes.GONE:
        raise CursorGone(f"after {version}")
    page = _page(response)
    if int(page["version"]) < version:
        raise CursorGone(f"the plane stands at {page['version']}, before our {version}")
    if int(page["version"]) > version:
        await asyncio.to_thread(_take, store.apply, page)
    elif page.get("more"):
        raise PullFailed(f"more changes are said to follow, but the version stays {version}")
    return bool(page.get("more"))


async def snapshot(client: httpx2.AsyncClient, gateway: str, store: Store) -> None:
    """Fetch the whole table; it replaces the mirror when the last page is there. Raises as `changes` does."""
    store.begin_snapshot()
    version: int | None = None
    after: str | None = None
    for _ in range(PAGES_MAX):
        parameters: dict[str, int | str] = {"limit": PAGE_ROWS, "form": wire.FORM} | ({"after": after} if after else {})
        page = _page(await client.get(f"/gateways/{gateway}/table", params=parameters))
        if wire.digest(page) != page.get("digest"):
            raise PullFailed("a page of the table does not match its digest")
        _take(store.stage, page)
        version = int(page["version"]) if version is None else version
        after = page.get("next")
        if after is None:
            store.commit_snapshot(version, _form(page))
            return
    raise PullFailed("the table never ends")


def _page(response: httpx2.Response) -> dict[str, Any]:
    response.raise_for_status()
    try:
        page = response.json()
        int(page["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise PullFailed(f"no page of the table: {error}") from error
    if not isinstance(page, dict) or any(not isinstance(page.get(name), list) for name in wire.REQUIRED):
        raise PullFailed("a page of the table lacks some of its lists")
    return page


def _form(page: dict[str, Any]) -> int:
    """Which form a page is of; planes before form 2 do not say."""
    form = page.get("form", 1)
    return form if isinstance(form, int) else 1


def _take(take: Any, page: dict[str, Any]) -> None:
    try:
        take(page)
    except (wire.BadRow, KeyError, TypeError, ValueError) as error:
        raise PullFailed(f"a row cannot be used: {error}") from error


async def catch_up(url: str, token: str, gateway: str, store_path: Path) -> None:
    """Bring the mirror level with the plane, by a snapshot if need be."""
    store = Store(store_path)
    try:
        async with open_client(url, token) as client:
            try:
                while await changes(client, gateway, store):
                    pass
            except CursorGone:
                await snapshot(client, gateway, store)
                while await changes(client, gateway, store):
                    pass
    finally:
        store.close()


def main(arguments: list[str]) -> int:
    """Run as a child process."""
    url, gateway, store = arguments
    token = sys.stdin.readline().strip()
    try:
        asyncio.run(catch_up(url, token, gateway, Path(store)))
    except (httpx2.HTTPError, PullFailed) as error:
        sys.stderr.write(f"{type(error).__name__} {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
