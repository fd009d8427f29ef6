"""What holds for every test."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_of_one_test() -> Iterator[None]:
    """A test that sets up logs (as a process's root does) leaves nothing of it to the next one."""
    yield
    structlog.reset_defaults()
