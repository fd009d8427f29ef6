"""The asking side of a running gateway's control socket."""

import json
import os
import pwd
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.control import short
from gateway.control_words import Ask, NotDone, Why

LONGEST_LINE_BYTES = 1 << 20  # a list of all devices
QUIET_S = 60.0  # beyond what an order may take by itself


def ask_gateway(
    path: Path,
    ask: Ask,
    content: bytes = b"",
    progress: Callable[[dict[str, Any]], None] = lambda _step: None,
    quiet_s: float = QUIET_S,
) -> dict[str, Any]:
    """Have an order carried out; gives what it brought. Raises `NotDone`, `no_gateway` where none listens.

    `quiet_s`: how long the gateway may say nothing.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(quiet_s)
        try:
            with short(path) as name:
                link.connect(name)
        except PermissionError as error:
            owner = _owner(path)
            raise NotDone(Why.NOT_ALLOWED, f"the gateway belongs to {owner}: sudo -u {owner} menjin ...") from error
        except OSError as error:
            raise NotDone(Why.NO_GATEWAY, f"nobody listens at {path}") from error
        try:
            link.sendall(ask.model_dump_json().encode() + b"\n" + content)
            with link.makefile("rb") as lines:
                return _hear(lines, progress)
        except OSError as error:
            raise NotDone(Why.UNKNOWN, f"the gateway said no more: {error}") from error


def person() -> str:
    """Who sits there: the user behind sudo, if that is known."""
    return os.environ.get("SUDO_USER", "")[:64]


def _hear(lines: Any, progress: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    while line := lines.readline(LONGEST_LINE_BYTES):
        said = json.loads(line)
        if "progress" in said:
            progress(said["progress"])
        elif "done" in said:
            return dict(said["done"])
        else:
            raise NotDone(Why(said["error"]), said["say"])
    raise NotDone(Why.UNKNOWN, "the gateway ended before it answered")


def _owner(path: Path) -> str:
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "its own user"
