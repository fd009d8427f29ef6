"""Child processes that never outlive the demo: each in a group of its own, each ended and waited for."""

import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

READY_S = 30.0
STOP_S = 5.0


class StartFailed(Exception):
    """A process did not come up; the text is one plain line with what to do."""


@dataclass(frozen=True)
class Child:
    """A running process and its log."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    ready: dict[str, Any]


class Crew:
    """All children of the demo."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, Child] = {}
        self._ending = threading.Event()

    def start(self, name: str, argv: Sequence[str], **environment: str) -> Child:
        """Start a device and wait for its ready line on standard output. Raises `StartFailed`."""
        child = self._spawn(name, argv, subprocess.PIPE, environment)
        line = _first_line(child.process, READY_S)
        if not line:
            self._fail(child)
        ready = json.loads(line) if line.startswith("{") else {"line": line.strip()}
        self._children[name] = Child(name, child.process, child.log, ready)
        return self._children[name]

    def launch(self, name: str, argv: Sequence[str], is_up: Callable[[], bool], **environment: str) -> Child:
        """Start a program that says nothing, and ask `is_up` until it is. Raises `StartFailed`."""
        child = self._spawn(name, argv, None, environment)
        deadline = time.monotonic() + READY_S
        while not is_up():
            if child.process.poll() is not None or time.monotonic() > deadline or self._ending.is_set():
                self._fail(child)
            time.sleep(0.05)
        return child

    def stop(self, name: str) -> int:
        """End one process and all that it started; its exit code."""
        child = self._children.pop(name, None)
        if child is None:  # ended by another thread
            return 0
        family = _family(child.process.pid)
        _signal_group(child.process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(STOP_S)
        _end(family)
        if child.process.stdout:
            child.process.stdout.close()
        return child.process.wait(STOP_S)

    def stop_all(self) -> None:
        """End everything, newest first, and start nothing more."""
        self._ending.set()
        for child in reversed(list(self._children.values())):
            _signal_group(child.process, signal.SIGTERM)
        for name in reversed(list(self._children)):
            self.stop(name)

    def dead(self) -> list[str]:
        """Names of processes that ended by themselves."""
        return [name for name, child in self._children.items() if child.process.poll() is not None]

    def log(self, name: str) -> Path:
        """Where a process's output goes."""
        return self._logs / f"{name}.log"

    def _spawn(self, name: str, argv: Sequence[str], stdout: int | None, environment: dict[str, str]) -> Child:
        if self._ending.is_set():
            raise StartFailed(f"{name} was not started: the site is ending")
        log = self.log(name)
        with log.open("ab") as file:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=file if stdout is None else stdout,
                stderr=file,
                text=True,
                env={**os.environ, **environment},
                start_new_session=True,  # a Ctrl-C reaches the demo alone, which then ends its children in order
            )
        child = Child(name, process, log, {})
        self._children[name] = child
        return child

    def _fail(self, child: Child) -> None:
        self.stop(child.name)
        lines = child.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
        raise StartFailed(f"{child.name} did not start: {lines[-1][:300]} (log: {child.log})")


def _first_line(process: subprocess.Popen[str], wait_s: float) -> str:
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline() if selector.select(wait_s) else ""


def _signal_group(process: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _family(pid: int) -> list[psutil.Process]:
    """A process and its descendants, those included that left its group (Chromium does)."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _end(family: list[psutil.Process]) -> None:
    """Kill whoever of a family is still there."""
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=STOP_S)
