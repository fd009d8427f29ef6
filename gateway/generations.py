"""The permission table in force, and the generation files that it stands on.

A file is built by a child process (builder.py) and mapped, never parsed. What changed since is laid over it. The last
files stay: a corrupt one is set aside and the one before it serves, never an empty table while any good file is left.
"""

import asyncio
import contextlib
import mmap
import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.access.generation import build
from gateway.access.table import CorruptTable, PermissionTable
from gateway.child import child
from gateway.keeper import Keeper
from gateway.site import Site
from gateway.store import Stand, Store

SUFFIX = ".table"

log = structlog.get_logger()


class BuildFailed(Exception):
    """The child built no generation; the table in force stays."""


class Generations:
    """The files in `folder` and the table that they give.

    Args:
        folder: where generation files stand, named `<serial>-<snapshot>.table`.
        store_path: the mirror that they are built from.
        site: the wiring.
        on_adopt: called with the version when a new file came into force.
        keep: files that stay.
        overlay_limit: changed rows above which a new generation is built.
    """

    def __init__(
        self,
        folder: Path,
        store_path: Path,
        site: Site,
        *,
        on_adopt: Callable[[int], None] = lambda _version: None,
        keep: int = 3,
        overlay_limit: int = 2000,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._store_path, self._site = folder, store_path, site
        self._on_adopt, self._keep, self._overlay_limit = on_adopt, keep, overlay_limit
        self._base_version, self._snapshot = -1, -1  # of the file in force
        self._noted = (-1, -1, -1)
        self._turn = asyncio.Lock()  # one table after another: a late overlay must not cover a newer file
        self._building: asyncio.Task[None] | None = None
        self.table = self._load(build((), 0))
        for path in sorted(self._files(), reverse=True):
            if (table := self._open(path)) is not None:
                self._put_in_force(path, table)
                break

    async def refresh(self, store: Store) -> None:
        """Put the mirror's changes in force: light rows now, others by a new generation, built in the background."""
        async with self._turn:
            stand = await self._overlay(store)
        await self._note(store)
        if self._outgrown(stand) and (self._building is None or self._building.done()):
            keeper = Keeper("build")
            self._building = asyncio.create_task(keeper.until_done(lambda: self._rebuild(store)), name="build")

    async def settled(self) -> None:
        """Wait for a running build."""
        if self._building is not None:
            await asyncio.shield(self._building)

    async def close(self) -> None:
        """Give up a running build."""
        if self._building is not None:
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)

    async def _overlay(self, store: Store) -> Stand:
        """Lay what changed since over the table in force; versions of another snapshot mean nothing to it."""
        stand = await asyncio.to_thread(store.stand)
        if stand.version is not None and stand.snapshot == self._snapshot and stand.version > self.table.version:
            delta = await asyncio.to_thread(store.since, self.table.version)
            self.table = self.table.with_changes(delta.upserts, delta.deleted_keys, delta.version)
        return stand

    async def _note(self, store: Store) -> None:
        """Tell the mirror what is in force: `explain` asks it about past moments. It is no reason to stop."""
        shown = (self._snapshot, self.table.version, self._base_version)
        if shown != self._noted and self._base_version >= 0:
            try:
                await asyncio.to_thread(store.in_force, *shown)
            except sqlite3.Error as error:
                log.warning("what is in force cannot be noted", error=str(error))
            else:
                self._noted = shown

    async def _rebuild(self, store: Store) -> None:
        """Build until the table shows all of the mirror."""
        stand = await asyncio.to_thread(store.stand)
        while self._outgrown(stand):
            path = await self._build(stand)
            async with self._turn:
                table = await asyncio.to_thread(self._open, path)
                if table is None:
                    raise BuildFailed(f"{path.name} is corrupt")
                self._put_in_force(path, table)
                stand = await self._overlay(store)
            self._on_adopt(table.version)
            await self._note(store)
            self._prune()

    def _outgrown(self, stand: Stand) -> bool:
        """Whether the table in force can no longer show the mirror."""
        if stand.version is None:
            return False
        structural = stand.structural > self._base_version
        return stand.snapshot != self._snapshot or structural or self.table.overlay_size > self._overlay_limit

    async def _build(self, stand: Stand) -> Path:
        serial = 1 + max((int(path.name.split("-")[0]) for path in self._files()), default=0)
        out = self._folder / f"{serial:08d}-{stand.snapshot}{SUFFIX}"
        arguments = (str(self._store_path), str(out), str(stand.version))
        async with child("gateway.builder", *arguments, stderr=asyncio.subprocess.PIPE) as builder:
            _, said = await builder.communicate()
        if builder.returncode:
            raise BuildFailed(said.decode(errors="replace").strip()[-500:])
        return out

    def _open(self, path: Path) -> PermissionTable | None:
        """Map a file and check it; a corrupt one is set aside."""
        try:
            with path.open("rb") as file:
                return self._load(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (CorruptTable, ValueError, OSError) as error:
            log.error("generation is corrupt, an older one serves", file=path.name, error=str(error))
            with contextlib.suppress(OSError):
                path.rename(path.with_suffix(".corrupt"))
            return None

    def _put_in_force(self, path: Path, table: PermissionTable) -> None:
        self.table, self._base_version = table, table.version
        self._snapshot = int(path.stem.split("-")[1])
        log.info("generation in force", file=path.name, version=table.version)

    def _load(self, buffer: bytes | mmap.mmap) -> PermissionTable:
        return PermissionTable.load(buffer, self._site.access_points, self._site.tz, site=self._site.number)

    def _files(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{SUFFIX}") if path.stem.replace("-", "").isdigit()]

    def _prune(self) -> None:
        for path in sorted(self._files(), reverse=True)[self._keep :]:
            path.unlink(missing_ok=True)
        for path in self._folder.glob("*.new"):
            path.unlink(missing_ok=True)
