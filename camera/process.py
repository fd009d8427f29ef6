"""A child ffmpeg: started from an argument list, its last words kept, stopped for certain."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

# Nothing of the recorder's environment is the child's business.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}


class Ffmpeg:
    """A running ffmpeg. `stdout` is the caller's to read."""

    def __init__(self, process: asyncio.subprocess.Process, scrub: Callable[[str], str], kept_lines: int) -> None:
        if process.stdout is None or process.stderr is None:
            raise ValueError("the process has no pipes")
        self.stdout = process.stdout
        self.stopping = False
        self._stderr = process.stderr
        self._process = process
        self._scrub = scrub
        self._lines: deque[str] = deque(maxlen=kept_lines)
        self._drain = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        script: bytes,
        scrub: Callable[[str], str] = str,
        keep_open: Sequence[int] = (),
        kept_lines: int = 20,
    ) -> "Ffmpeg":
        """Start a command and feed it its standard input.

        Args:
            command: Its argument list.
            script: All of its standard input, at most what a pipe holds (64 KiB) or it is written in the background.
            scrub: Removes credentials from what ffmpeg says.
            keep_open: File descriptors that it inherits.
            kept_lines: How many of its last words are kept; earlier ones are dropped.
        """
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=ENVIRONMENT, pass_fds=keep_open, start_new_session=True
        )
        self = cls(process, scrub, kept_lines)
        if process.stdin is not None:
            process.stdin.write(script)
            process.stdin.close()
        return self

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether it still runs."""
        return self._process.returncode is None

    @property
    def said(self) -> str:
        """Return its last words, without credentials."""
        return "\n".join(self._lines)

    async def wait(self) -> int:
        """Wait for its end; return its code."""
        code = await self._process.wait()
        await asyncio.wait([self._drain], timeout=1)
        return code

    async def stop(self, patience_s: float = 1.5) -> None:
        """End it: SIGINT, so that it closes its file; SIGKILL when that takes longer than `patience_s`."""
        self.stopping = True
        if self.stdout.at_eof():  # it ends by itself: a signal would take its code from who waits for it
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._process.wait()
        for number, wait_s in ((signal.SIGINT, patience_s), (signal.SIGKILL, 5.0)):
            if not self.running:
                break
            self._process.send_signal(number)
            try:
                async with asyncio.timeout(wait_s):
                    await self._process.wait()
            except TimeoutError:
                continue
        self._drain.cancel()

    async def _listen(self) -> None:
        """Keep the last words; a pipe that nobody reads would stop ffmpeg."""
        rest = ""
        while chunk := await self._stderr.read(4096):
            *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
            rest = rest[-4096:]
            self._lines.extend(self._scrub(line)[:500] for line in lines if line.strip())
        if rest.strip():
            self._lines.append(self._scrub(rest)[:500])
