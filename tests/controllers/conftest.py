"""The OSDP driver at a line of libosdp's peripherals."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.osdp_driver import OsdpBusDriver, OsdpReader
from tests.controllers.line import KEY, Ear, peripherals, running
from tests.controllers.osdp_site import BAUD, Site
from tests.faults.wire import Wire


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def make(ear: Ear, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    open_ones: list[contextlib.AbstractContextManager[Any]] = []

    def build(key: bytes = KEY, baud: int = BAUD, paced: bool = True, wired: bool = False, **pd: Any) -> Site:
        line = peripherals({"address": 1, "scbk": KEY.hex()} | pd, baud=baud, paced=paced)
        peer, port = line.__enter__()
        open_ones.append(line)
        wire = Wire(tmp_path / "port", Path(port)) if wired else None
        port = str(wire.near) if wire else port
        driver = OsdpBusDriver("bus", port, baud, [OsdpReader("r1", 1, key)], ear)
        thread = running(driver)
        thread.__enter__()
        open_ones.append(thread)
        site = Site(peer, driver, ear, wire)
        open_ones.append(contextlib.closing(site))
        return site

    yield build
    for opened in reversed(open_ones):
        opened.__exit__(None, None, None)


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    made = make()
    made.fresh()
    return made
