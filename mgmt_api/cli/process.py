"""`menjin run`, `gateway`, `recorder`, `api`: the three processes, alone or together."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
import typer

from config import logs
from config.secret import BadSecret
from config.settings import Settings
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, settings_of, stop

PROCESSES = ("api", "gateway", "recorder")
MAX_PAUSE_S = 8.0
STEADY_S = 30.0  # a process that lived this long starts again without a pause
STOP_S = 5.0

log = structlog.get_logger()


def gateway(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Serve the doors until told to stop."""
    from gateway.__main__ import run as serve

    _serve("gateway", config, serve)


def recorder(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Record the cameras until told to stop."""
    from camera.__main__ import run as serve

    _serve("recorder", config, serve)


def api(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Serve the management API and the console until told to stop."""
    from mgmt_api.__main__ import run as serve

    _serve("api", config, serve)


def _serve(name: str, config: Path, serve: Callable[[Settings], int]) -> None:
    logs.configure(name)
    settings = settings_of(config)
    if getattr(settings, name) is None:
        stop(f"{config}: has no {name!r} section, so there is nothing to run", Exit.BAD_CONFIG)
    try:
        raise typer.Exit(serve(settings))
    except BadSecret as error:
        stop(str(error), Exit.BAD_CONFIG)


def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the processes that the site file names, each restarted when it falls."""
    logs.configure("run")
    settings = settings_of(config)
    stopped = threading.Event()
    _on_stop_signals(stopped)
    wanted = [name for name in PROCESSES if getattr(settings, name) is not None]
    keepers = [threading.Thread(target=_keep, args=(name, config, stopped), name=name) for name in wanted]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join()


def _on_stop_signals(stopped: threading.Event) -> None:
    def stop_all(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_all)


def _keep(name: str, config: Path, stopped: threading.Event) -> None:
    """Start a process again whenever it ends, with a bounded, growing pause."""
    pause_s = 0.0
    while not stopped.wait(pause_s):
        born_s = time.monotonic()
        code = _live(name, config, stopped)
        if stopped.is_set():
            return
        steady = time.monotonic() - born_s > STEADY_S
        pause_s = 0.5 if steady else min(MAX_PAUSE_S, max(0.5, pause_s * 2))
        log.error("process fell", name=name, code=code, again_in_s=pause_s)


def _live(name: str, config: Path, stopped: threading.Event) -> int:
    """One life of a process, in a session of its own so that Ctrl-C reaches it through us alone."""
    command = [sys.executable, "-m", "mgmt_api.cli", name, "--config", str(config)]
    child = subprocess.Popen(command, start_new_session=True)
    while not stopped.wait(0.2):
        if child.poll() is not None:
            return child.returncode
    child.terminate()
    try:
        return child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
