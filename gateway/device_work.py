"""What an installer does at OSDP readers while the gateway runs: keys, addresses, files, texts, tests of the line.

Each order is on the disk before it begins, with its operator, and its end is written down too. All runs in the loop's
thread; drivers answer through `hear`.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from controllers.driver import DeviceEvent, Driver, KeyChanged, LinkState, Outcome, Result
from controllers.errors import BadSetup, LinkLost
from controllers.osdp_capture import Capture
from controllers.osdp_command import AddressCommand, FileCommand, OsdpCommand, TextCommand
from controllers.osdp_discovery import LEAST_RATES, Found, plan
from controllers.osdp_driver import KEY_S, OsdpBusDriver, ReaderState
from gateway.access.event import EventKind
from gateway.commands import new_id
from gateway.control import Tell
from gateway.control_words import (
    Ask,
    AtLine,
    AtReader,
    CaptureLine,
    InstallWindow,
    ListDevices,
    NotDone,
    Quality,
    RotateKey,
    SearchLine,
    SendFile,
    SetAddress,
    ShowText,
    Why,
    written,
)
from gateway.pen import Pen

WITHIN_S = 10.0  # a text or an address: a reader that is off line for longer gets it never
ANSWER_S = 2.0  # after a deadline: the driver's own word comes first
PROOF_S = 15.0  # for a reader to open a channel with its new key
FILE_S, CHARS_A_BYTE = 120.0, 20  # time for a file: a start, and so many characters on the wire a byte, pauses included
STEP_S = 0.1  # between two words on a file's progress
OPEN_S = 10.0  # for a line to be ready for a search
WHY = {Result.REFUSED: Why.REFUSED, Result.EXPIRED: Why.EXPIRED, Result.UNKNOWN: Why.UNKNOWN}
T = TypeVar("T")


class DeviceWork:
    """Carries out orders at devices, one at a time at each."""

    def __init__(self, drivers: Sequence[Driver], pen: Pen, links: Mapping[str, LinkState], captures: Path) -> None:
        """`links`: the last word of each device; `captures`: the folder where captures go."""
        self._drivers, self._pen, self._links, self._captures = drivers, pen, links, captures
        self._lines = {each.name: each for each in drivers if isinstance(each, OsdpBusDriver)}
        self._owner = {reader: line for line in self._lines.values() for reader in line.devices()}
        self._busy: set[str] = set()
        self._outcomes: dict[str, asyncio.Future[Outcome]] = {}
        self._proofs: dict[str, asyncio.Future[KeyChanged]] = {}

    def hear(self, event: DeviceEvent) -> None:
        """What a driver says, if an order waits for it."""
        if isinstance(event, Outcome):
            _answer(self._outcomes.get(event.command_id), event)
        elif isinstance(event, KeyChanged):
            _answer(self._proofs.get(event.device), event)

    async def carry_out(self, ask: Ask, operator: str, content: bytes, tell: Tell) -> dict[str, Any]:
        """Do what is asked. Raises `NotDone`."""
        if isinstance(ask, ListDevices):
            return {"devices": self._list()}
        line = self._line(ask)
        with self._alone(ask.target):
            await self._write(ask, operator, {})
            try:
                done = await self._do(ask, line, content, tell)
            except NotDone as error:
                await self._write(ask, operator, {"result": error.why, "say": str(error)})
                raise
            except BaseException:
                await self._write(ask, operator, {"result": Why.UNKNOWN})
                raise
            await self._write(ask, operator, {"result": "done"})
            return done

    async def _do(self, ask: Ask, line: OsdpBusDriver, content: bytes, tell: Tell) -> dict[str, Any]:
        match ask:
            case RotateKey():
                return await self._rotate_key(ask, line)
            case InstallWindow():
                _set_up(partial(line.open_installation, ask.reader, ask.minutes * 60))
                return {"minutes": ask.minutes}
            case SetAddress():
                command = AddressCommand(new_id(), ask.reader, ask.address, ask.baud, _from_now(WITHIN_S))
                await self._command(line, command)
                return {"address": ask.address, "baud": ask.baud}
            case ShowText():
                shown = TextCommand(
                    new_id(), ask.reader, ask.text, _from_now(WITHIN_S), ask.seconds, ask.row, ask.column
                )
                await self._command(line, shown)
                return {}
            case SendFile():
                return await self._send_file(ask, line, content, tell)
            case Quality():
                return await self._quality(ask, line, tell)
            case CaptureLine():
                return await self._capture(ask, line)
            case SearchLine():
                return await self._search(ask, line, tell)
        raise NotDone(Why.BAD_REQUEST, "no such order")

    # --- orders -------------------------------------------------------------------------------------------------------

    async def _rotate_key(self, ask: RotateKey, line: OsdpBusDriver) -> dict[str, Any]:
        command_id = new_id()
        with self._wait(self._proofs, ask.reader) as proof:
            with self._wait(self._outcomes, command_id) as ended:
                _set_up(partial(line.rotate_key, ask.reader, command_id, KEY_S))
                _judge(await _within(ended, KEY_S + ANSWER_S, "the driver did not answer"))
            await _within(proof, PROOF_S, "the reader took the key, and has not yet proved it; both keys are kept")
        return {"proved": True}

    async def _send_file(self, ask: SendFile, line: OsdpBusDriver, content: bytes, tell: Tell) -> dict[str, Any]:
        loop, spoken_at = asyncio.get_running_loop(), 0.0

        def progress(sent: int, size: int) -> None:
            """In the line's thread."""
            nonlocal spoken_at
            if sent == size or time.monotonic() - spoken_at > STEP_S:
                spoken_at = time.monotonic()
                with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
                    loop.call_soon_threadsafe(tell, {"sent": sent, "size": size})

        baud = line.states()[ask.reader].baud
        deadline = _from_now(FILE_S + len(content) * CHARS_A_BYTE * 10 / baud)
        await self._command(line, FileCommand(new_id(), ask.reader, content, deadline, ask.kind, progress))
        return {"size": len(content)}

    async def _quality(self, ask: Quality, line: OsdpBusDriver, tell: Tell) -> dict[str, Any]:
        earlier, end = line.counters(), time.monotonic() + ask.seconds
        while (left_s := end - time.monotonic()) > 0:
            tell({"seconds": round(ask.seconds - left_s, 1), "of": ask.seconds})
            await asyncio.sleep(min(left_s, 0.5))
        counted = {name: now.since(earlier[name]) for name, now in line.counters().items()}
        return {
            "readers": [
                {"reader": name, "verdict": each.verdict, "error_rate": each.error_rate} | asdict(each)
                for name, each in counted.items()
            ]
        }

    async def _capture(self, ask: CaptureLine, line: OsdpBusDriver) -> dict[str, Any]:
        try:
            self._captures.mkdir(mode=0o700, exist_ok=True)
            capture = Capture(self._captures / f"{ask.line}-{int(time.time())}.osdpcap")
        except OSError as error:
            raise NotDone(Why.REFUSED, str(error)) from error
        try:
            line.capture(capture)
            await asyncio.sleep(ask.seconds)
        finally:
            line.capture(None)
            capture.close()
        return {"file": str(capture.path), "dropped": capture.dropped}

    async def _search(self, ask: SearchLine, line: OsdpBusDriver, tell: Tell) -> dict[str, Any]:
        loop, ended = asyncio.get_running_loop(), False

        def progress(done: int, of: int, found: Found | None) -> None:
            """In the line's thread."""
            if found or done % 8 == 0 or done == of:
                step = {"asked": done, "of": of} | ({"found": _found(found)} if found else {})
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(tell, step)

        try:
            probes = list(plan(ask.bauds or LEAST_RATES))
            looking = line.search(probes, progress, lambda: ended)
        except (ValueError, BadSetup) as error:
            raise NotDone(Why.REFUSED, str(error)) from error
        longest_s = OPEN_S + sum(probe.wait_s + 0.1 for probe in probes)
        try:
            async with asyncio.timeout(longest_s):
                found = await asyncio.wrap_future(looking)
        except LinkLost as error:
            raise NotDone(Why.LINE_LOST, str(error)) from error
        except TimeoutError as error:
            raise NotDone(Why.LINE_LOST, "the line was never open") from error
        finally:
            ended = True
        return {"found": [_found(each) for each in found]}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _list(self) -> list[dict[str, Any]]:
        states = {name: state for line in self._lines.values() for name, state in line.states().items()}
        return [self._device(driver, name, states.get(name)) for driver in self._drivers for name in driver.devices()]

    def _device(self, driver: Driver, name: str, state: ReaderState | None) -> dict[str, Any]:
        link = self._links.get(name)
        told: dict[str, Any] = {"name": name, "line": driver.name, "online": bool(link and link.up)}
        told |= {"secure": bool(link and link.secure), "reason": link.reason if link else "not seen yet"}
        if state is None:
            return told
        counters = asdict(state.counters) | {"error_rate": state.counters.error_rate}
        return told | {
            "address": state.address,
            "baud": state.baud,
            "identity": asdict(state.identity) if state.identity else None,
            "functions": {str(code): list(able) for code, able in state.functions.items()},
            "counters": counters,
            "install_window_s": round(state.window_s),
        }

    def _line(self, ask: AtReader | AtLine) -> OsdpBusDriver:
        what, known = ("line", self._lines) if isinstance(ask, AtLine) else ("reader", self._owner)
        line = known.get(ask.target)
        if line is None:
            raise NotDone(Why.NO_DEVICE, f"no OSDP {what} {ask.target!r}; there is {', '.join(known) or 'none'}")
        return line

    async def _command(self, line: OsdpBusDriver, command: OsdpCommand) -> None:
        left_s = command.deadline_mono_s - time.monotonic()
        with self._wait(self._outcomes, command.command_id) as ended:
            line.submit(command)
            _judge(await _within(ended, left_s + ANSWER_S, "the driver did not answer"))

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        if name in self._busy:
            raise NotDone(Why.BUSY, f"{name} is being worked at")
        self._busy.add(name)
        try:
            yield
        finally:
            self._busy.discard(name)

    @contextlib.contextmanager
    def _wait(self, waiting: dict[str, asyncio.Future[T]], key: str) -> Iterator[asyncio.Future[T]]:
        waiting[key] = asyncio.get_running_loop().create_future()
        try:
            yield waiting[key]
        finally:
            del waiting[key]

    async def _write(self, ask: Ask, operator: str, end: dict[str, Any]) -> None:
        detail = written(ask) | end
        fields = {"reason": ask.do, "operator": operator, "reader": getattr(ask, "reader", ""), "detail": detail}
        event = self._pen.event(EventKind.DEVICE_WORK, fields)
        try:
            await asyncio.wrap_future(self._pen.journal.append(event))
        except Exception as error:
            if not end:
                raise NotDone(Why.UNRECORDED, f"it cannot be written down: {error}") from error


def _from_now(seconds: float) -> float:
    return time.monotonic() + seconds


def _answer(waiting: "asyncio.Future[T] | None", event: T) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(event)


async def _within(waiting: "asyncio.Future[T]", seconds: float, else_say: str) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await waiting
    except TimeoutError as error:
        raise NotDone(Why.UNKNOWN, else_say) from error


def _judge(outcome: Outcome) -> None:
    if outcome.result is not Result.DONE:
        raise NotDone(WHY[outcome.result], outcome.detail)


def _set_up(order: Callable[[], None]) -> None:
    try:
        order()
    except (BadSetup, OSError) as error:
        raise NotDone(Why.REFUSED, str(error)) from error


def _found(found: Found) -> dict[str, Any]:
    identity = asdict(found.identity) if found.identity else None
    return {"address": found.address, "baud": found.baud, "identity": identity, "answer_ms": round(found.answer_ms, 1)}
