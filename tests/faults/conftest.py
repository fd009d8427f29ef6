"""`--long` runs the long campaigns (`make faults`); without it each runs in the short form that `make test` takes."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.grounds import Grounds, seeded

HERE = Path(__file__).parent
SHORT_S, LONG_S = 240, 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="fault campaigns at full length")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Campaigns wait for processes to start and die: more than the suite's limit on a busy machine."""
    limit_s = LONG_S if is_long(config) else SHORT_S
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(limit_s))


def is_long(config: pytest.Config) -> bool:
    """The option is known only where this folder was named on the command line."""
    return bool(config.getoption("--long", False))


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    return is_long(request.config)


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose gateway has pulled its table; made once for all workers, and only copied from."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "faults-seed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return seeded(shared / "faults-seed")


@pytest.fixture(scope="module")
def ground(seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """A site of its own for a file's tests; nothing runs yet."""
    with Grounds.on(tmp_path_factory.mktemp("ground"), seed) as made:
        yield made


@pytest.fixture
def fresh(seed: Path, tmp_path: Path) -> Iterator[Grounds]:
    """A site of its own for one test; nothing runs yet."""
    with Grounds.on(tmp_path / "ground", seed) as made:
        yield made
