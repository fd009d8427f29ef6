"""The ground of a campaign: a virtual site with its own files and ports, whose processes can be killed and frozen."""

import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
import psutil

from simulators.broker import write_broker
from simulators.estate import Card, build
from simulators.processes import Child
from simulators.site import BROKER_USERS, Site, free_ports, wiring, write_site, write_yaml
from simulators.stage import Stage
from tests.faults.history import Record, read

T = TypeVar("T")
DOOR_OF = {"reader-main": "main-gate", "reader-b1": "building-1", "garage-door": "garage"}


def eventually(look: Callable[[], T], within_s: float = 60, every_s: float = 0.05) -> T:
    """The first truth that `look` gives."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not so after {within_s:g} s"
        time.sleep(every_s)
    return found


class Grounds(Stage):
    """A stage whose parts start one by one."""

    def __init__(self, site: Site) -> None:
        super().__init__(site, lambda _words: None)
        self.children: dict[str, Child] = {}
        self.begun = 0  # the journal's last number when this ground was copied

    @classmethod
    @contextmanager
    def on(cls, place: Path, seed: Path) -> Iterator[Self]:
        """A copy of the seed at `place`, with ports of its own; all that it started ends with it."""
        shutil.copytree(seed, place, dirs_exist_ok=True)
        site = Site(place, build(), free_ports())
        passwords = {user: site.secret(f"mqtt-{user}").read_text() for user in BROKER_USERS}
        write_broker(place / "broker", site.ports.broker, passwords)
        made = cls(site)
        made.begun = made.last_seq()
        made.wire()
        try:
            yield made
        finally:
            made.stop()

    def wire(self, **changes: Any) -> None:
        """Write the site file; `changes` replace its parts. Cameras are left out: most campaigns have none."""
        parts = {**wiring(self.site), "cameras": [], **changes}
        write_yaml(self.site.config, parts)

    def field(self, *devices: str) -> None:
        """Start devices: readers, scanners, garage, broker."""
        starts = {
            "readers": self._readers,
            "scanners": self._scanners,
            "broker": self._broker,
            "garage": self._garage,
        }
        for name in devices:
            starts[name]()

    def device(self, name: str, module: str, *arguments: str) -> None:
        """Start a device with arguments of the campaign's own."""
        self._device(name, *arguments, module=module)

    def start_menjin(self, name: str) -> None:
        """Start one of Menjin's processes, and keep hold of it."""
        argv = [sys.executable, "-m", "mgmt_api.cli", name, "--config", str(self.site.config)]
        log = self.crew.log(name)
        said = log.stat().st_size if log.exists() else 0
        self.children[name] = self.crew.launch(name, argv, lambda: '"ready"' in self.said(name, said))

    def said(self, name: str, since: int = 0) -> str:
        """What a process has logged."""
        return self.crew.log(name).read_bytes()[since:].decode(errors="replace")

    def pid(self, name: str) -> int:
        return self.children[name].process.pid

    def alive(self, name: str) -> bool:
        return self.children[name].process.poll() is None

    def kill(self, name: str) -> float:
        """SIGKILL, and wait until it is gone; Unix seconds of the kill."""
        os.kill(self.pid(name), signal.SIGKILL)
        killed_at = time.time()
        self.crew.stop(name)
        return killed_at

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """These processes stand still."""
        for name in names:
            os.kill(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                os.kill(self.pid(name), signal.SIGCONT)

    def rss_bytes(self, name: str) -> int:
        return int(psutil.Process(self.pid(name)).memory_info().rss)

    @property
    def journal(self) -> Path:
        return self.site.directory / "data" / "gateway" / "journal.db"

    @property
    def mirror(self) -> Path:
        return self.site.directory / "data" / "gateway" / "store.db"

    def records(self, after: int | None = None) -> list[Record]:
        """The journal's records behind a number, or all since the copy."""
        return read(self.journal, self.begun if after is None else after)

    def last_seq(self) -> int:
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT max(seq) FROM journal").fetchone()[0] or 0)

    def card(self, profile: str, number: int = 0) -> Card:
        return self.site.estate.cards_of(profile)[number]

    def secure(self, *readers: str) -> None:
        """Wait until readers talk with the gateway."""
        eventually(lambda: all(self.readers.call("state")["readers"][name]["secure"] for name in readers))

    def opens(self, reader: str, card: Card, within_s: float = 20) -> float:
        """Present a card until its strike releases; the seconds that it took."""
        started, since = time.monotonic(), self.readers.last()
        while time.monotonic() - started < within_s:
            self.readers.call("present", reader=reader, bits=f"{card.bits[0]:x}", count=card.bits[1])
            again = time.monotonic() + 0.3
            while time.monotonic() < again:
                if self.released(reader, since):
                    return time.monotonic() - started
                time.sleep(0.01)
        raise AssertionError(f"{reader} did not open within {within_s:g} s:\n{self.said('gateway')[-2000:]}")

    def released(self, device: str, since: int) -> list[float]:
        """When a strike was energised, after a number of the diary; Unix seconds."""
        remote = self.garage if device == "garage-door" else self.readers
        found = [entry for entry in remote.diary(since) if entry["what"] == "output" and entry["on"]]
        return [float(entry["at"]) for entry in found if entry["device"] == device]

    def central_http(self) -> httpx2.Client:
        """Central's connection to the management plane."""
        token = self.site.secret("central.token").read_text()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=f"{self.site.api_url}/api/v1", headers=headers, timeout=30, trust_env=False)

    def table_version(self) -> int | None:
        """What the gateway's mirror has reached."""
        if not self.mirror.exists():
            return None
        with closing(sqlite3.connect(f"file:{self.mirror}?mode=ro", uri=True)) as db:
            found = db.execute("SELECT version FROM state").fetchone()
            return None if found is None else found[0]


def seeded(place: Path) -> Path:
    """A stopped site with the whole estate in the plane and in the gateway's table."""
    if place.exists():
        return place
    made = place.with_name(place.name + ".making")
    ground = Grounds(write_site(made, build()))
    ground.wire(buses=[], scanners=[], broker={}, doors=[], fire_zones=[], access_points=[])
    try:
        ground.start_menjin("api")
        with ground.central_http() as central:
            operations = list(ground.site.estate.operations())
            batch = {"epoch": "2026-1", "base_seq": 0, "to_seq": len(operations), "ops": operations}
            version = central.post("/sync/changes", json=batch).raise_for_status().json()["version"]
        ground.wire()
        ground.start_menjin("gateway")
        in_force = f'"version": {version}, "event": "generation in force"'
        eventually(lambda: in_force in ground.said("gateway"))
    finally:
        ground.stop()
    made.rename(place)
    return place
