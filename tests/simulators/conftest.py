import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.estate import Estate, build
from simulators.processes import Crew
from simulators.site import Site, write_site


@pytest.fixture(scope="session")
def estate() -> Estate:
    return build()


@pytest.fixture
def site(tmp_path: Path, estate: Estate) -> Site:
    return write_site(tmp_path, estate)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    (tmp_path / "logs").mkdir(exist_ok=True)
    crew = Crew(tmp_path / "logs")
    yield crew
    crew.stop_all()


def truth(site: Site) -> dict[str, object]:
    return dict(json.loads((site.directory / "central.json").read_text()))
