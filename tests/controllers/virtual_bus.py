"""The tests' grip on a bus in virtual time, and what may happen to an answer."""

import random
from collections.abc import Callable
from typing import TypeVar, cast

from controllers.driver import (
    DeviceEvent,
    LockAction,
    LockCommand,
    Outcome,
    Result,
)
from controllers.osdp_limits import Limits
from controllers.osdp_message import Code, Reply
from tests.controllers.virtual import VirtualLine, VirtualReader, forged, with_code

CARD = (Reply.RAW, bytes.fromhex("00011a00bd88eb80"))
Event = TypeVar("Event", bound=DeviceEvent)


def made(*addresses: int, baud: int = 115200, limits: Limits | None = None) -> VirtualLine:
    line = VirtualLine([VirtualReader(address) for address in addresses or (1,)], baud, limits)
    line.run(1.0)
    return line


def events(line: VirtualLine, kind: type[Event]) -> list[Event]:
    return cast("list[Event]", line.all(kind))


def pulse(line: VirtualLine, name: str = "c", within_s: float = 2.0, device: str = "r1") -> LockCommand:
    command = LockCommand(name, device, 0, LockAction.PULSE, line.now + within_s, 3000)
    line.bus.submit(command, line.now)
    return command


def results(line: VirtualLine) -> dict[str, Result]:
    outcomes = events(line, Outcome)
    assert len({outcome.command_id for outcome in outcomes}) == len(outcomes)
    return {outcome.command_id: outcome.result for outcome in outcomes}


def outputs(reader: VirtualReader) -> list[float]:
    return [at for at, code, _ in reader.heard if code == Code.OUT]


def _flip(chance: random.Random, answer: bytes) -> list[bytes]:
    damaged = bytearray(answer)
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return [bytes(damaged)]


def _cut(chance: random.Random, answer: bytes) -> list[bytes]:
    at = chance.randrange(len(answer))
    return [answer[:at], answer[at + chance.randint(1, 3) :]]


def _double(_chance: random.Random, answer: bytes) -> list[bytes]:
    return [answer[:-1], answer]


def _forge(chance: random.Random, answer: bytes) -> list[bytes]:
    code = chance.choice([Reply.RAW, Reply.FMT, Reply.KEYPAD, Reply.ACK, Reply.ISTATR])
    return [forged(answer, with_code(code, chance.choice([CARD[1], b"\0\0\1a", b""])))]


def _noise(chance: random.Random, answer: bytes) -> list[bytes]:
    return [chance.randbytes(chance.randrange(30)), answer, chance.randbytes(chance.randrange(30))]


def _swap(chance: random.Random, answer: bytes) -> list[bytes]:
    """The right frame with another code under its MAC."""
    damaged = bytearray(answer)
    if len(damaged) > 8:
        damaged[7] = chance.choice([Reply.RAW, Reply.FMT])
    return [forged(bytes(damaged[:-2]) + answer[-2:], lambda frame: frame)]


DAMAGE: tuple[Callable[[random.Random, bytes], list[bytes]], ...] = (_flip, _cut, _double, _forge, _noise, _swap)
