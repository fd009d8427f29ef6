"""What holds for every test."""

from collections.abc import Iterator

import pytest
import structlog


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: packed ones carry the clock's second, and two workers would collect two names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _logs_of_one_test() -> Iterator[None]:
    """A test that sets up logs (as a process's root does) leaves nothing of it to the next one."""
    yield
    structlog.reset_defaults()
