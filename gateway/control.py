"""The door to a running gateway on its own machine: a Unix socket for the installer's orders (`control_words.py`).

The socket is its owner's alone (mode 0600), and the kernel says who calls. What comes in is bounded in size, time and
number; whatever it is, the doors go on.
"""

import asyncio
import contextlib
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from gateway.control_words import LINE_BYTES, Ask, NotDone, SendFile, Why, read_ask

CALLERS = 8  # at a time
LINE_S = 5.0
FILE_S = 60.0

Tell = Callable[[dict[str, Any]], None]  # progress
CarryOut = Callable[[Ask, str, bytes, Tell], Awaitable[dict[str, Any]]]  # order, operator, its file, progress

log = structlog.get_logger()


class Control:
    """Serves the socket. `carry_out` does what is asked, or raises `NotDone`."""

    def __init__(self, path: Path, carry_out: CarryOut) -> None:
        self._path, self._carry_out = path, carry_out
        self._callers = 0

    async def run(self) -> None:
        """Listen until cancelled. Without a socket the doors work all the same."""
        try:
            listening = listen(self._path)
        except OSError as error:
            log.error("no control socket", path=str(self._path), error=str(error))
            return
        server = await asyncio.start_unix_server(self._call, sock=listening, limit=LINE_BYTES)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(line: dict[str, Any]) -> None:
            writer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

        self._callers += 1
        try:
            if self._callers > CALLERS:
                raise NotDone(Why.BUSY, "too many callers")
            done = await self._serve(reader, writer, tell)
            tell({"done": done})
        except NotDone as error:
            tell({"error": error.why, "say": str(error)})
        except (ConnectionError, EOFError):
            log.info("control caller left")
        except Exception:  # a mistake of ours must not end the doors
            log.exception("control order failed")
            tell({"error": Why.UNKNOWN, "say": "the gateway failed at it; see its log"})
        finally:
            self._callers -= 1
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tell: Tell) -> dict[str, Any]:
        user = caller(writer.get_extra_info("socket"))
        try:
            async with asyncio.timeout(LINE_S):
                ask = read_ask(await reader.readline())
            async with asyncio.timeout(FILE_S):
                content = await reader.readexactly(ask.size if isinstance(ask, SendFile) else 0)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"][1:])
            raise NotDone(Why.BAD_REQUEST, f"{where}: {first['msg']}" if where else first["msg"]) from error
        except ValueError as error:
            raise NotDone(Why.BAD_REQUEST, f"a request has {LINE_BYTES} bytes at most") from error
        except TimeoutError as error:
            raise NotDone(Why.BAD_REQUEST, "the request did not come whole") from error
        operator = f"{ask.by} ({user})" if ask.by and ask.by != user else user
        return await self._carry_out(ask, operator, content, lambda step: tell({"progress": step}))


def listen(path: Path) -> socket.socket:
    """A listening socket that its owner alone may use. What an earlier life left at `path` is taken away."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(listening.fileno(), 0o600)  # before it has a name: nobody slips in between
        with short(path) as name:
            listening.bind(name)
        listening.listen(CALLERS)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """A name of this path that fits into a socket's address, which has room for 107 bytes."""
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def caller(connected: socket.socket) -> str:
    """The name of the user at the other end, as the kernel knows it. Raises `NotDone` for one who has no right."""
    _pid, uid, _gid = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in (0, os.getuid()):
        raise NotDone(Why.NOT_ALLOWED, "this gateway belongs to another user")
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
