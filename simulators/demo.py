"""`menjin demo`: the whole of Menjin against the virtual site, until Ctrl-C."""

import fcntl
import json as jsonlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from simulators import broker
from simulators.check import nothing_ran, walk
from simulators.control import DeviceError
from simulators.estate import build
from simulators.life import Life
from simulators.processes import StartFailed
from simulators.site import write_site
from simulators.stage import SYSTEM_PYTHON, Stage

CONSOLE_PORT = 8090
PORT_VARIABLE = "MENJIN_DEMO_PORT"
TOOLS = {"mosquitto": "mosquitto", "mosquitto_passwd": "mosquitto", "ffmpeg": "ffmpeg", "ffprobe": "ffmpeg"}
BROWSER = {"chromium": "chromium"}  # the check alone looks through it
GI = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"

Say = Callable[[str], None]
terminal = Console(stderr=True, highlight=False)


class CannotStart(Exception):
    """The demo cannot start; one plain line says what to do."""


class LegsFailed(CannotStart):
    """The report is printed already."""


def main(check: bool = False, directory: Path | None = None, json: bool = False) -> int:
    """Start the site; walk the legs (`check`), or live until Ctrl-C. The exit code: 0 or 1.

    `json` is what `check` prints anyway; it is taken so that every command has it.
    """
    del json
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        _look_for_tools(check)
        with _run_directory(directory) as place:
            return _check(place) if check else _live(place)
    except (CannotStart, StartFailed, DeviceError) as error:
        if check and not isinstance(error, LegsFailed):
            _print({**nothing_ran(), "error": str(error)})
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 1 if check else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check(place: Path) -> int:
    with _staged(place, None) as stage:
        result = walk(stage, _say)
    _print(result)
    if not result["ok"]:
        raise LegsFailed(f"not all legs passed; logs: {place / 'logs'}")
    return 0


def _print(result: dict[str, Any]) -> None:
    sys.stdout.write(jsonlib.dumps(result, ensure_ascii=False) + "\n")


def _live(place: Path) -> int:
    with _staged(place, _console_port()) as stage:
        pushed = stage.central.call("push")
        _say(f"central pushed {pushed['sent']} objects")
        _invite(stage)
        stop = threading.Event()
        life = threading.Thread(target=Life(stage, _say).run, args=(stop,), daemon=True)
        life.start()
        try:
            _wait(stage)
        finally:
            stop.set()
    return 0


def _wait(stage: Stage) -> None:
    """Until Ctrl-C; a process that ends by itself is named once."""
    named: set[str] = set()
    while True:
        for name in set(stage.crew.dead()) - named:
            named.add(name)
            _say(f"{name} ended by itself; its log: {stage.crew.log(name)}")
        threading.Event().wait(1)


def _invite(stage: Stage) -> None:
    lines = (
        "",
        f"  console / 控制台   {stage.site.api_url}",
        f"  user / 用户        admin      one-time password / 一次性密码   {stage.first_password}",
        f"  files / 文件       {stage.site.directory}",
        "  Ctrl-C ends everything / 按 Ctrl-C 结束",
        "",
    )
    for line in lines:
        terminal.print(line, style="bold", markup=False, soft_wrap=True)


@contextmanager
def _staged(place: Path, port: int | None) -> Iterator[Stage]:
    """A running site that is ended whatever happens."""
    stage = Stage(write_site(place, build(), port), _say)
    try:
        stage.start()
        yield stage
    finally:
        with _undisturbed():
            stage.stop()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave processes behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _run_directory(wanted: Path | None) -> Iterator[Path]:
    """An empty directory: the one that was asked for, or a temporary one that stays only when something failed."""
    if wanted is not None:
        with _taken(wanted.absolute()) as place:
            yield place
        return
    place = Path(tempfile.mkdtemp(prefix="menjin-demo-"))
    try:
        yield place
    except KeyboardInterrupt:
        shutil.rmtree(place, ignore_errors=True)
        raise
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _taken(place: Path) -> Iterator[Path]:
    """The directory, for this demo alone, without what an earlier one left; nothing else is ever deleted."""
    place.mkdir(parents=True, exist_ok=True)
    folder = os.open(place, os.O_RDONLY)
    try:
        _lock(folder, place)
        _empty(place)
        yield place
    finally:
        os.close(folder)


def _lock(folder: int, place: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"another demo runs in {place}: end it, or choose another --dir") from None


def _empty(place: Path) -> None:
    left = list(place.iterdir())
    if left and not (place / "central.json").is_file():
        raise CannotStart(f"{place} is not empty and not an earlier demo's: choose another --dir")
    for each in left:
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def _look_for_tools(check: bool) -> None:
    for name, package in {**TOOLS, **(BROWSER if check else {})}.items():
        try:
            broker.tool(name)
        except FileNotFoundError:
            raise CannotStart(f"{name} is missing: run `make setup`, or: apt-get install {package}") from None
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run([SYSTEM_PYTHON, "-c", GI], capture_output=True).returncode:
        raise CannotStart(
            f"{SYSTEM_PYTHON} has no RTSP server: run `make setup`, or: "
            "apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-ugly"
        )


def _console_port() -> int:
    text = os.environ.get(PORT_VARIABLE, str(CONSOLE_PORT))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"{PORT_VARIABLE}={text} is not a port: use a number from 1 to 65535")
    try:
        socket.create_server(("127.0.0.1", int(text))).close()
    except PermissionError:
        raise CannotStart(f"port {text} needs root: set {PORT_VARIABLE} to one above 1023") from None
    except OSError:
        raise CannotStart(f"port {text} is in use: stop what listens there, or set {PORT_VARIABLE}=8100") from None
    return int(text)


def _say(words: str) -> None:
    terminal.print(words, style="dim", markup=False, soft_wrap=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
