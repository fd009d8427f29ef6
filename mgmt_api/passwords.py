"""Argon2id in a small pool of threads: a storm of sign-ins must not take the machine from the doors."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from mgmt_api.problems import Fault, Problem

T = TypeVar("T")
MEMORY_KIB = 19 * 1024  # OWASP's floor for Argon2id with t=2, p=1
MIN_LENGTH, MAX_LENGTH = 8, 128  # NIST SP 800-63B, 5.1.1.2: no rules of composition
_GUESSED_FIRST = """
password password1 passw0rd 12345678 123456789 1234567890 87654321 11111111 88888888 66666666 00000000 qwertyui
qwerty123 1qaz2wsx abcd1234 abc12345 a1234567 woaini1314 5201314a iloveyou admin123 admin888 administrator menjin123
hik12345 admin12345 baseball sunshine princess football
"""
_COMMON = frozenset(_GUESSED_FIRST.split())


class Passwords:
    """Hashes and verifies; more than `most_waiting` at once are turned away."""

    def __init__(self, *, threads: int = 2, most_waiting: int = 32) -> None:
        self._hasher = Argon2Hasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, "argon2")
        self._room = most_waiting
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """The encoded hash."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Whether it fits; an unknown user (None) takes as long as a known one."""
        fits = await self._run(lambda: self._hasher.verify(password, encoded or self._nobody))
        return fits and encoded is not None

    def hash_now(self, password: str) -> str:
        """The encoded hash, in this thread: for the first start."""
        return self._hasher.hash(password)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room == 0:
            raise Problem("busy", headers={"Retry-After": "1"})
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1


def require_strong(password: str, user: str) -> None:
    """Refuse what is guessed first. Raises `Problem` weak-password."""
    lowered = password.casefold()
    if len(password) < MIN_LENGTH:
        raise _weak(f"at least {MIN_LENGTH} characters")
    if lowered in _COMMON or len(set(password)) < 4 or lowered in (user.casefold(), user.casefold()[::-1]):
        raise _weak("this one is among the first to be guessed")


def _weak(detail: str) -> Problem:
    return Problem("weak-password", detail, errors=[Fault("/new", "weak-password", detail)])
